"""People, a cyclist and a cat, whose pose follows the way they have gone."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, pi, sin, sqrt

from .body import Body, Point, shade
from .layout import Color

STEP_M = 0.72  # length of a step of a grown person
SKIN: Color = (0.20, 0.28, 0.42)
SHOES: Color = (0.03, 0.03, 0.035)
SKIN_K, HAND_K, HAIR_K, SHOE_K = 305.5, 302.0, 297.5, 287.5


@dataclass(frozen=True)
class Person:
    """How somebody looks.

    Attributes:
        height: in m.
        coat, trousers, hair: albedo.
        long_coat: reaches the knees.
        bag: carries one.
        umbrella: albedo of an open umbrella, or None.
        coat_k: temperature of the coat's outside in K.
    """

    height: float
    coat: Color
    trousers: Color
    hair: Color
    long_coat: bool
    bag: bool
    umbrella: Color | None
    coat_k: float


def walker(look: Person, walked_m: float, pace: float, coming: bool) -> Body:
    """Somebody on foot.

    Args:
        look: how they look.
        walked_m: way gone, sets where in a step they are.
        pace: 0 stands still, 1 walks.
        coming: shows the face to the camera.
    """
    body = Body()
    k = look.height / 1.75
    phase = pi * walked_m / (STEP_M * k)
    hip = _legs(body, look, phase, pace, k)
    chest, lean = hip + 0.46 * k, 0.03 * pace
    _trunk(body, look, phase, pace, k, hip)
    for side in (-1, 1):
        _arm(body, look, phase, pace, k, (side * 0.185 * k, chest - 0.02 * k, lean), side)
    _head(body, look, k, chest, lean, coming)
    return body


def _legs(body: Body, look: Person, phase: float, pace: float, k: float) -> float:
    """Add the legs, the lower foot on the ground; returns the height of the hips in m."""
    thigh, shin = 0.44 * k, 0.45 * k
    angles = []
    for turn in (0.0, pi):
        bend = 0.06 + 0.95 * pace * max(0.0, cos(phase + turn)) ** 1.5
        angles.append((0.44 * pace * sin(phase + turn) + 0.35 * (bend - 0.06), bend))
    hip = max(thigh * cos(a) + shin * cos(a - b) for a, b in angles) + 0.075 * k
    for side, (a, b) in zip((-0.09 * k, 0.09 * k), angles, strict=True):
        top = (side, hip, 0.0)
        knee = (side, hip - thigh * cos(a), thigh * sin(a))
        ankle = (side, knee[1] - shin * cos(a - b), knee[2] + shin * sin(a - b))
        toe = (side, ankle[1] - 0.035 * k, ankle[2] + 0.16 * k)
        body.add((top, knee), (0.095 * k, 0.066 * k), look.trousers, 292.0)
        body.add((knee, ankle), (0.066 * k, 0.046 * k), look.trousers, 291.0)
        body.add((ankle, toe), (0.052 * k, 0.040 * k), SHOES, SHOE_K)
    return hip


def _trunk(body: Body, look: Person, phase: float, pace: float, k: float, hip: float) -> None:
    chest, lean = hip + 0.45 * k, 0.03 * pace
    hips = [(s * 0.085 * k, hip + 0.03, 0.0) for s in (-1, 1)]
    waist = [(s * 0.085 * k, hip + 0.18 * k, 0.01) for s in (-1, 1)]
    shoulders = [(s * 0.135 * k, chest, lean) for s in (-1, 1)]
    body.add(
        (*shoulders, *waist, *hips),
        (0.08 * k,) * 4 + (0.088 * k,) * 2,
        look.coat,
        look.coat_k,
        nearer=0.02,
    )
    if look.long_coat:
        sway = 0.10 * pace * sin(phase)
        hem = [(s * 0.13 * k, hip - 0.36 * k, sway * s) for s in (-1, 1)]
        radii = (0.088 * k,) * 2 + (0.05 * k,) * 2
        body.add((*hips, *hem), radii, look.coat, look.coat_k - 2.0, nearer=0.03)


def _arm(
    body: Body, look: Person, phase: float, pace: float, k: float, shoulder: Point, side: int
) -> None:
    x, y, z = shoulder
    swing = 0.50 * pace * sin(phase) * side * -1
    elbow = (x + side * 0.015, y - 0.29 * k * cos(swing), z + 0.29 * k * sin(swing))
    bend = swing + 0.30 + 0.25 * max(0.0, swing)
    hand = (
        elbow[0] - side * 0.01,
        elbow[1] - 0.25 * k * cos(bend),
        elbow[2] + 0.25 * k * sin(bend),
    )
    raised = look.umbrella is not None and side > 0
    if raised:
        elbow = (x, y - 0.26 * k, z + 0.05)
        hand = (x - 0.06, elbow[1] + 0.20 * k, elbow[2] + 0.16)
    sleeve = shade(look.coat, 0.9)
    body.add((shoulder, elbow), (0.054 * k, 0.046 * k), sleeve, look.coat_k - 0.8)
    body.add((elbow, hand), (0.046 * k, 0.035 * k), sleeve, look.coat_k - 1.0)
    body.add(
        (hand, (hand[0], hand[1] - 0.05 * k, hand[2])),
        (0.040 * k, 0.034 * k),
        SKIN,
        HAND_K,
        nearer=0.01,
    )
    if look.bag and side < 0:
        bag = ((hand[0], hand[1] - 0.14, hand[2]), (hand[0], hand[1] - 0.36, hand[2]))
        body.add(bag, (0.06, 0.13), (0.07, 0.10, 0.16), 284.5)
    if raised and look.umbrella is not None:
        top = (hand[0], hand[1] + 0.80 * k, hand[2])
        body.add((hand, top), (0.012, 0.012), (0.10, 0.10, 0.10), 283.5, flat=True)
        rim = [
            (top[0] + 0.52 * cos(i * pi / 4), top[1] - 0.20, top[2] + 0.52 * sin(i * pi / 4))
            for i in range(8)
        ]
        body.add((top, *rim), (0.03, *(0.02,) * 8), look.umbrella, 281.8, nearer=0.4)


def _head(body: Body, look: Person, k: float, chest: float, lean: float, coming: bool) -> None:
    up, z = chest + 0.235 * k, lean + 0.02
    body.add(
        ((0.0, chest + 0.02, lean), (0.0, chest + 0.10 * k, lean)),
        (0.06 * k, 0.052 * k),
        SKIN,
        SKIN_K - 1.5,
    )
    body.add(
        ((0.0, up + 0.05 * k, z), (0.0, up - 0.045 * k, z)),
        (0.092 * k, 0.074 * k),
        look.hair,
        HAIR_K,
    )
    face = ((0.0, up + 0.010 * k, z + 0.035), (0.0, up - 0.065 * k, z + 0.035))
    body.add(face, (0.070 * k, 0.057 * k), SKIN, SKIN_K, nearer=0.04 if coming else -0.06)


def cyclist(look: Person, ridden_m: float, coming: bool) -> Body:
    """Somebody riding a bicycle; arguments as for a walker."""
    body = Body()
    _bicycle(body)
    turn = ridden_m / 0.85
    for side, angle in ((-1, turn), (1, turn + pi)):
        foot = (side * 0.10, 0.30 + 0.17 * sin(angle), 0.02 + 0.17 * cos(angle))
        hip = (side * 0.09, 0.98, -0.22)
        knee = _joint(hip, foot, 0.44, 0.46, 1.0)
        body.add((hip, knee), (0.095, 0.065), look.trousers, 293.5)
        body.add((knee, foot), (0.062, 0.045), look.trousers, 292.5)
        body.add((foot, (foot[0], foot[1], foot[2] + 0.15)), (0.045, 0.04), SHOES, SHOE_K)
        shoulder, hand = (side * 0.17, 1.45, 0.10), (side * 0.22, 1.05, 0.40)
        elbow = _joint(shoulder, hand, 0.28, 0.26, -1.0)
        body.add((shoulder, elbow), (0.055, 0.048), look.coat, look.coat_k)
        body.add((elbow, hand), (0.046, 0.036), look.coat, look.coat_k - 0.5)
        body.add((hand, (hand[0], hand[1], hand[2] + 0.03)), (0.04, 0.04), SKIN, HAND_K)
    trunk = [
        (s * a, up, z) for s in (-1, 1) for a, up, z in ((0.12, 1.46, 0.10), (0.09, 0.98, -0.22))
    ]
    body.add(trunk, (0.082, 0.10) * 2, look.coat, look.coat_k + 1.0, nearer=0.02)
    body.add(((0.0, 1.74, 0.18), (0.0, 1.65, 0.18)), (0.105, 0.08), (0.5, 0.5, 0.5), 288.5)
    face = ((0.0, 1.66, 0.22), (0.0, 1.60, 0.22))
    body.add(face, (0.066, 0.055), SKIN, SKIN_K, nearer=0.04 if coming else -0.06)
    return body


def _bicycle(body: Body) -> None:
    for hub in (-0.52, 0.54):
        ring = [
            (0.0, 0.34 + 0.33 * sin(i * pi / 6), hub + 0.33 * cos(i * pi / 6)) for i in range(12)
        ]
        for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
            body.add((a, b), (0.022, 0.022), (0.03, 0.03, 0.03), 284.5, nearer=-0.05, flat=True)
    crank, saddle, head, seat, bar = (
        (0.30, 0.02),
        (0.92, -0.24),
        (0.85, 0.36),
        (0.80, -0.2),
        (1.02, 0.4),
    )
    rear, front = (0.34, -0.52), (0.34, 0.54)
    for start, end in (
        (crank, saddle),
        (crank, head),
        (head, seat),
        (rear, crank),
        (front, bar),
        (rear, seat),
    ):
        body.add(((0.0, *start), (0.0, *end)), (0.024, 0.024), (0.10, 0.16, 0.5), 282.0, flat=True)
    body.add(
        ((-0.24, 1.02, 0.40), (0.24, 1.02, 0.40)), (0.02, 0.02), (0.1, 0.1, 0.1), 282.5, flat=True
    )


def cat(walked_m: float) -> Body:
    """A trotting cat."""
    body = Body()
    fur: Color = (0.03, 0.035, 0.045)
    phase = 2 * pi * walked_m / 0.42
    for i, (x, z) in enumerate(((-0.05, 0.15), (0.05, 0.15), (-0.05, -0.17), (0.05, -0.17))):
        swing = 0.5 * sin(phase + pi * (i in (1, 2)))
        body.add(
            ((x, 0.22, z), (x, 0.22 - 0.20 * cos(swing), z + 0.20 * sin(swing))),
            (0.035, 0.020),
            fur,
            296.0,
        )
    body.add(((0.0, 0.25, 0.16), (0.0, 0.25, -0.18)), (0.075, 0.085), fur, 298.0, nearer=0.02)
    body.add(
        ((0.0, 0.28, -0.24), (0.0, 0.42, -0.42 + 0.03 * sin(phase / 2))), (0.025, 0.015), fur, 293.0
    )
    for x in (-0.04, 0.04):
        body.add(((x, 0.35, 0.27), (x, 0.435, 0.27)), (0.03, 0.008), fur, 300.0)
    body.add(((0.0, 0.35, 0.27), (0.0, 0.35, 0.31)), (0.062, 0.04), fur, 302.5, nearer=0.03)
    return body


def _joint(a: Point, b: Point, first: float, second: float, bow: float) -> Point:
    """Knee (``bow`` 1, forward) or elbow (-1, down and back) between two points."""
    rise, run = b[1] - a[1], b[2] - a[2]
    span = max(hypot(rise, run), 1e-6)
    length = min(span, first + second - 1e-3)
    along = (first**2 - second**2 + length**2) / (2 * length)
    off = bow * sqrt(max(first**2 - along**2, 0.0)) / span
    share = along / span
    # At right angles to the line from a to b, to the front for a line that goes down.
    return (
        a[0] + (b[0] - a[0]) * share,
        a[1] + rise * share + run * off,
        a[2] + run * share - rise * off,
    )
