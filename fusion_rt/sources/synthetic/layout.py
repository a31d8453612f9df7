"""What stands where in one street: chosen from the seed, the same for both cameras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .lighting import Light

Color = tuple[float, float, float]  # blue, green, red; linear

LEFT_X, RIGHT_X, END_Z = -7.6, 9.4, 72.0  # faces of the houses
ROAD_LEFT, ROAD_RIGHT = -4.4, 4.8  # kerbs
ZEBRA_Z = (18.0, 21.4)

WALLS: tuple[tuple[str, Color], ...] = (
    ("brick", (0.075, 0.105, 0.24)),
    ("brick", (0.10, 0.13, 0.21)),
    ("plaster", (0.20, 0.27, 0.31)),
    ("plaster", (0.26, 0.25, 0.22)),
    ("stone", (0.21, 0.23, 0.24)),
    ("plaster", (0.16, 0.21, 0.33)),
)
NEON: tuple[Color, ...] = (
    (0.95, 0.12, 1.0), (1.0, 0.75, 0.05), (0.10, 0.35, 1.0), (0.25, 1.0, 0.20), (1.0, 0.30, 0.55),
    (0.05, 0.72, 1.0),
)  # fmt: skip
WORDS_ACROSS = ("CAFE LUNA", "BOOKS", "NOODLES 24", "PHARMACY", "JAZZ CLUB", "FLOWERS", "VINYL")
WORDS_DOWN = ("HOTEL", "CINEMA", "BAR", "RAMEN", "TAXI", "SUSHI")
CAR_PAINT: tuple[Color, ...] = (
    (0.30, 0.30, 0.30), (0.05, 0.05, 0.35), (0.30, 0.12, 0.04), (0.11, 0.105, 0.10),
    (0.50, 0.50, 0.50),
)  # fmt: skip
SODIUM: Color = (0.30, 0.74, 1.25)


@dataclass(frozen=True)
class House:
    """A length of wall with windows; ``start`` and ``end`` are along the wall in m."""

    start: float
    end: float
    height: float
    material: str
    color: Color
    window_m: tuple[float, float]  # spacing along and up
    lit: float  # share of lit windows
    shop: Color | None  # light of the shop on the ground floor
    kelvin: float
    number: int


@dataclass(frozen=True)
class Sign:
    """Neon writing. Across: on the left wall, from ``z`` on. Down: on a board facing the camera."""

    text: str
    color: Color
    z: float
    y: float
    letter_m: float
    down: bool


@dataclass(frozen=True)
class Tree:
    """A tree with its foot at (x, z)."""

    x: float
    z: float
    height: float
    crown: float
    number: int


@dataclass(frozen=True)
class ParkedCar:
    """A car standing at the kerb with its middle at (x, z); ``warm`` ones have just arrived."""

    x: float
    z: float
    paint: Color
    warm: bool
    ahead: int


@dataclass(frozen=True)
class Layout:
    """All that stands still."""

    left: tuple[House, ...]
    right: tuple[House, ...]
    end: tuple[House, ...]
    towers: tuple[tuple[float, float, float], ...]  # from X, to X, height at Z = 190 m
    signs: tuple[Sign, ...]
    trees: tuple[Tree, ...]
    cars: tuple[ParkedCar, ...]
    lamps: tuple[tuple[float, float], ...]  # X, Z of posts
    lights: tuple[Light, ...]
    vents: tuple[tuple[float, float, float], ...]  # Z, Y, size on the left wall, blowing warm air
    manholes: tuple[tuple[float, float, bool], ...]  # X, Z, warm


def make_layout(seed: int) -> Layout:
    """The street that belongs to a seed."""
    rng = np.random.default_rng([seed, 7])
    left = _row(rng, 5.0, 61.0, (7.0, 14.0), (9.5, 15.5), shops=True, number=0)
    right = (
        House(4.0, 33.0, 2.7, "brick", (0.07, 0.085, 0.13), (3.0, 3.0), 0.0, None, 282.0, 40),
        *_row(rng, 33.0, 61.0, (8.0, 13.0), (9.0, 15.0), shops=False, number=41),
    )
    end = _row(rng, -34.0, 40.0, (9.0, 15.0), (8.0, 13.0), shops=False, number=80)
    towers, x = [], -95.0
    while x < 120:
        width = float(rng.uniform(9, 20))
        towers.append((x, x + width, float(rng.uniform(18, 58))))
        x += width + float(rng.uniform(0, 9))
    signs = _signs(rng, left)
    lamps = ((-5.0, 15.5), (5.5, 30.0), (-5.0, 44.0), (5.5, 57.0))
    lights = [
        Light((x + (1.3 if x < 0 else -1.3), 5.6, z), _scaled(SODIUM, 26.0), downward=True)
        for x, z in lamps
    ]
    lights += [
        Light(
            (LEFT_X + 0.7, sign.y, sign.z), _scaled(sign.color, 1.5 + 1.3 * sign.down), reach_m=8.5
        )
        for sign in signs
    ]
    for house in left:
        if house.shop is not None:
            middle = 0.5 * (house.start + house.end)
            lights.append(Light((LEFT_X + 0.5, 1.9, middle), _scaled(house.shop, 3.4), reach_m=9.0))
    trees = (
        Tree(11.2, 16.5, 7.4, 2.3, 1),
        Tree(12.0, 21.5, 8.6, 2.9, 2),
        Tree(11.4, 27.5, 8.0, 2.7, 3),
        Tree(6.3, 36.0, 6.2, 1.9, 4),
        Tree(-4.95, 32.0, 5.4, 1.6, 5),
        Tree(6.4, 47.0, 6.0, 1.8, 6),
    )
    places = (
        (3.75, 12.6, 1),
        (3.75, 27.5, 1),
        (-3.45, 27.0, -1),
        (-3.45, 36.0, -1),
        (3.75, 40.0, 1),
    )
    paints = rng.permutation(len(CAR_PAINT))
    cars = tuple(
        ParkedCar(x, z + float(rng.uniform(-0.5, 0.5)), CAR_PAINT[paints[i]], i in (0, 3), ahead)
        for i, (x, z, ahead) in enumerate(places)
    )
    vents = tuple(
        (float(rng.uniform(h.start + 0.8, h.end - 0.8)), float(rng.choice([3.9, 6.6])), 0.35)
        for h in left[:4]
    )
    manholes = ((-1.3, 10.4, True), (1.9, 15.2, False), (0.4, 25.5, True), (-6.3, 12.4, False))
    return Layout(
        left, right, end, tuple(towers), signs, trees, cars, lamps, tuple(lights), vents, manholes
    )


def _row(
    rng: np.random.Generator,
    start: float,
    stop: float,
    length: tuple[float, float],
    height: tuple[float, float],
    *,
    shops: bool,
    number: int,
) -> tuple[House, ...]:
    houses: list[House] = []
    last = -1
    while start < stop - 4:
        end = min(start + float(rng.uniform(*length)), stop)
        if stop - end < 5:
            end = stop
        kind = int(rng.integers(len(WALLS)))
        kind = (kind + 1) % len(WALLS) if kind == last else kind
        material, color = WALLS[kind]
        shop: Color | None = None
        if shops and rng.random() < 0.72:
            shop = ((0.42, 0.78, 1.0), (0.85, 0.95, 1.0), (0.30, 0.62, 1.0))[int(rng.integers(3))]
        houses.append(
            House(
                start,
                end,
                float(rng.uniform(*height)),
                material,
                color,
                (float(rng.uniform(1.9, 2.6)), 3.05),
                float(rng.uniform(0.16, 0.42)),
                shop,
                float(rng.uniform(280.2, 284.6)),
                number + len(houses),
            )
        )
        last, start = kind, end
    return tuple(houses)


def _signs(rng: np.random.Generator, houses: tuple[House, ...]) -> tuple[Sign, ...]:
    across, down = rng.permutation(len(WORDS_ACROSS)), rng.permutation(len(WORDS_DOWN))
    tints = rng.permutation(len(NEON))
    signs = []
    for i, house in enumerate(h for h in houses if h.end > 12.8):
        start = max(house.start, 12.6)
        text = WORDS_ACROSS[across[i % len(across)]]
        letter = min(0.56, (house.end - start - 1.2) / (len(text) * 0.86))
        if letter > 0.3:
            signs.append(Sign(text, NEON[tints[i % len(NEON)]], start + 0.6, 3.33, letter, False))
        if i < 4 and house.end > 13.4:
            z = house.end - 0.4
            y = min(4.6, 0.45 + 0.285 * z)  # so that its top is in the picture
            word = WORDS_DOWN[down[i % len(down)]]
            tint = NEON[tints[(i + 3) % len(NEON)]]
            signs.append(Sign(word, tint, z, y, 0.5, True))
    return tuple(signs)


def _scaled(color: Color, factor: float) -> Color:
    return (color[0] * factor, color[1] * factor, color[2] * factor)
