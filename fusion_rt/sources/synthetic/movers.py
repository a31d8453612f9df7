"""Everything that moves: who goes which way, and where everyone is at a time."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from math import hypot

import numpy as np

from .draw import Part
from .figures import Person, cat, cyclist, walker
from .geometry import View
from .layout import CAR_PAINT, Color
from .vehicles import car_parts

Path = tuple[tuple[float, float], ...]
# Ways through the street as corners (X, Z). They begin and end out of sight: behind the last
# houses or beside the picture's edge.
WAYS: dict[str, Path] = {
    "left pavement, coming": ((-24, 64), (-6, 63), (-5.7, 40), (-5.7, 8), (-9.5, 6)),
    "left pavement, going": ((-12, 8.5), (-6.9, 10.5), (-6.9, 45), (-7, 64), (-24, 65)),
    "zebra, from the left": (
        (-11, 9), (-5.3, 16), (-4.6, 19.6), (5.2, 19.9), (6.8, 24), (7.0, 63), (24, 65),
    ),
    "zebra, from the right": (
        (16, 10), (7.6, 14), (5.2, 18.8), (-4.8, 19.3), (-6.3, 23), (-6.3, 63), (-24, 66),
    ),
    "right pavement, coming": ((24, 66), (7.8, 63), (7.9, 30), (7.3, 11), (16, 8)),
    "right pavement, going": ((16, 9), (8.5, 12.5), (8.5, 40), (8.6, 63), (24, 66)),
    "far crossing": ((26, 58.5), (5, 56), (-5, 55), (-26, 65)),
    "lane, coming": ((-1.35, 100), (-1.35, -25)),
    "lane, going": ((1.25, -20), (1.25, 130)),
    "gutter, going": ((2.5, 2), (2.45, 16), (2.45, 62), (30, 68)),
    "cat": ((9, 21), (8.3, 17.4), (4, 16.4), (-4.8, 15.9), (-7.4, 16.2)),
}  # fmt: skip
# Nearer than this they would fill the picture: they are left out.
NEAREST_M = {"car": 7.5, "person": 5.0, "cyclist": 6.0, "cat": 5.0}
DARK: tuple[Color, ...] = (
    (0.030, 0.028, 0.028), (0.045, 0.032, 0.024), (0.024, 0.030, 0.034), (0.028, 0.026, 0.040),
)  # fmt: skip
HAIR: tuple[Color, ...] = ((0.02, 0.02, 0.025), (0.03, 0.06, 0.10), (0.08, 0.16, 0.24))
BRIGHT: tuple[Color, ...] = (
    (0.10, 0.12, 0.50), (0.42, 0.30, 0.12), (0.16, 0.38, 0.55), (0.40, 0.44, 0.48),
    (0.16, 0.32, 0.12),
)  # fmt: skip


@dataclass(frozen=True)
class Traveller:
    """One who goes along a way again and again.

    Attributes:
        name: for people who read the truth, for instance "walker 3".
        kind: "person", "cyclist", "cat" or "car".
        way: key of `WAYS`.
        start_m: where on the way at time 0.
        speed: m/s.
        pause_m: way added out of sight before it comes again.
        person: look of a person or cyclist.
        paint: albedo of a car.
    """

    name: str
    kind: str
    way: str
    start_m: float
    speed: float
    pause_m: float = 0.0
    person: Person | None = None
    paint: Color = (0.2, 0.2, 0.2)


@dataclass(frozen=True)
class Pose:
    """Where a traveller is: place in m, unit heading (X, Z), way gone in m."""

    who: Traveller
    x: float
    z: float
    heading: tuple[float, float]
    gone_m: float

    def parts(self, view: View) -> list[Part]:
        """Its parts in px of a view, from back to front."""
        who = self.who
        if who.kind == "car":
            ahead = 1 if self.heading[1] > 0 else -1
            return car_parts(view, self.x, self.z, ahead, who.paint, running=True, warm=True)
        coming = self.heading[1] < 0.3
        if who.person is None:
            body = cat(self.gone_m)
        elif who.kind == "cyclist":
            body = cyclist(who.person, self.gone_m, coming)
        else:
            body = walker(who.person, self.gone_m, min(1.0, who.speed / 1.1), coming)
        return body.parts(view, self.x, self.z, self.heading)

    @property
    def reach_m(self) -> float:
        """How far it reaches towards the camera from its middle."""
        return 2.4 if self.who.kind == "car" else 0.4

    @property
    def height_m(self) -> float:
        """How tall it is, roughly."""
        return {"car": 1.5, "cat": 0.5, "cyclist": 1.85}.get(self.who.kind, 1.8)


def make_travellers(seed: int) -> tuple[Traveller, ...]:
    """Who is about in the street of a seed."""
    rng = np.random.default_rng([seed, 23])

    def someone(dark: bool, umbrella: bool = False) -> Person:
        coats = DARK if dark else BRIGHT
        return Person(
            height=float(rng.uniform(1.62, 1.88)),
            coat=_pick(rng, coats),
            trousers=_pick(rng, DARK),
            hair=_pick(rng, HAIR),
            long_coat=bool(rng.random() < 0.4),
            bag=bool(rng.random() < 0.35),
            umbrella=_pick(rng, BRIGHT) if umbrella else None,
            coat_k=float(rng.uniform(293.5, 297.0)),
        )

    plan = (  # way, metres gone at time 0, m/s, dark clothes, umbrella
        ("left pavement, coming", 53.5, 1.25, False, True),
        ("left pavement, going", 16.0, 1.35, False, False),
        ("zebra, from the left", 13.5, 1.15, True, False),
        ("zebra, from the right", 17.5, 1.30, False, False),
        ("right pavement, coming", 63.0, 0.95, True, False),
        ("right pavement, going", 10.0, 1.10, True, False),
        ("right pavement, going", 24.5, 0.90, True, False),
        ("far crossing", 14.0, 1.30, True, False),
        ("left pavement, going", 31.0, 1.20, True, False),
    )
    travellers = [
        Traveller(
            f"walker {i + 1}",
            "person",
            way,
            start + float(rng.uniform(-0.8, 0.8)),
            speed * float(rng.uniform(0.94, 1.06)),
            6.0,
            someone(dark, umbrella),
        )
        for i, (way, start, speed, dark, umbrella) in enumerate(plan)
    ]
    for name, way, start, speed, pause_m in (
        ("car 1", "lane, coming", 42.0, 7.5, 40.0),
        ("car 2", "lane, going", 38.0, 8.5, 30.0),
    ):
        start += float(rng.uniform(-2.5, 2.5))
        paint = _pick(rng, CAR_PAINT)
        travellers.append(Traveller(name, "car", way, start, speed, pause_m, None, paint))
    start = 7.0 + float(rng.uniform(-1, 1))
    rider = someone(dark=False)
    travellers.append(Traveller("cyclist", "cyclist", "gutter, going", start, 4.2, 20.0, rider))
    start = 1.0 + float(rng.uniform(0, 1.5))
    travellers.append(Traveller("cat", "cat", "cat", start, 1.5, 9.0))
    return tuple(travellers)


def _pick(rng: np.random.Generator, colors: tuple[Color, ...]) -> Color:
    return colors[int(rng.integers(len(colors)))]


def poses_at(travellers: tuple[Traveller, ...], t_s: float) -> list[Pose]:
    """Everyone who is on their way at a time in s, the farthest first."""
    poses = []
    for who in travellers:
        length = _marks(who.way)[-1]
        gone = (who.start_m + who.speed * t_s) % (length + who.pause_m)
        if gone > length:
            continue
        x, z = _place(who.way, gone)
        if z < NEAREST_M[who.kind]:
            continue
        (ax, az), (bx, bz) = _place(who.way, gone - 0.45), _place(who.way, gone + 0.45)
        turn = hypot(bx - ax, bz - az)
        poses.append(Pose(who, x, z, ((bx - ax) / turn, (bz - az) / turn), gone))
    return sorted(poses, key=lambda pose: -pose.z)


@cache
def _marks(way: str) -> tuple[float, ...]:
    """Way gone in m at each corner."""
    path = WAYS[way]
    legs = (hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(path))
    return tuple(accumulate(legs, initial=0.0))


def _place(way: str, gone: float) -> tuple[float, float]:
    """(X, Z) after ``gone`` m, straight on beyond the ends."""
    marks, path = _marks(way), WAYS[way]
    i = min(max(bisect(marks, gone) - 1, 0), len(path) - 2)
    share = (gone - marks[i]) / (marks[i + 1] - marks[i])
    (ax, az), (bx, bz) = path[i], path[i + 1]
    return ax + share * (bx - ax), az + share * (bz - az)
