"""Fixed pairs of pictures on which an engine is compared with the reference.

Drawn, not photographed, so that they exist in every size and need no files: a night street with
people and lamps, a day with fine texture under a bright sky, fog with sensor noise, and glare
that saturates both cameras next to black. Between them lie the full range of levels, flat areas,
gradients, single-pixel texture and hard edges, which is where low precision shows.
"""

from __future__ import annotations

import cv2
import numpy as np

from .base import check_size

VERSION = 2  # goes up with every change of a picture, so that verdicts on the old ones are not used
_MOST_PIXELS = 1280 * 720

Pair = tuple[np.ndarray, np.ndarray]


def parity_pairs(size_wh: tuple[int, int]) -> list[Pair]:
    """The pairs in one size; the same pictures each time.

    Args:
        size_wh: width and height in px, as engines take them.

    Returns:
        ``(ir, vis)`` with ir (H, W) uint8 and vis (H, W, 3) uint8 BGR, lying on each other. Four
        up to 1280x720 pixels; beyond, where the reference takes long on a processor, one
        that shows all four scenes side by side in its quarters.

    Raises:
        EngineError: a size that no model takes.
    """
    check_size(size_wh)
    if size_wh[0] * size_wh[1] <= _MOST_PIXELS:
        return [_pair(index, size_wh) for index in range(len(_SCENES))]
    quarter_wh = ((size_wh[0] + 1) // 2, (size_wh[1] + 1) // 2)
    quarters = [_pair(index, quarter_wh) for index in range(len(_SCENES))]
    whole = [
        np.vstack([np.hstack(planes[:2]), np.hstack(planes[2:])])
        for planes in zip(*quarters, strict=True)
    ]
    ir, vis = (np.ascontiguousarray(plane[: size_wh[1], : size_wh[0]]) for plane in whole)
    return [(ir, vis)]


def warp_pairs(
    size_wh: tuple[int, int], ir_size_wh: tuple[int, int]
) -> tuple[list[Pair], np.ndarray]:
    """The pairs for engines that warp, and a grid that warps them.

    Args:
        size_wh: width and height in px of the visible picture.
        ir_size_wh: of the infrared camera's own picture.

    Returns:
        The pairs of `parity_pairs`, ir in its own size (Hi, Wi); and a grid (H, W, 2) float32 as
        `engines.contract` defines it. It turns by 2 degrees and shrinks by a tenth, so that most
        pixels lie between others and the corners lie beyond the infrared's border. Places are
        quarters of a pixel and levels multiples of 16, so that the infrared warped by hand, see
        `warped`, has whole levels: an engine that does not round between its steps agrees.

    Raises:
        EngineError: a size that no model takes.
    """
    check_size(ir_size_wh)
    pairs = [
        (cv2.resize(ir, ir_size_wh, interpolation=cv2.INTER_AREA) // 16 * 16, vis)
        for ir, vis in parity_pairs(size_wh)
    ]
    x, y = ((2 * np.arange(count, dtype=np.float32) + 1) / count - 1 for count in size_wh)
    turn = np.deg2rad(2.0)
    shape = size_wh[1] / size_wh[0]
    across = 1.1 * (np.cos(turn) * x[None, :] - np.sin(turn) * y[:, None] * shape)
    down = 1.1 * (np.sin(turn) * x[None, :] / shape + np.cos(turn) * y[:, None])
    sides = np.array(ir_size_wh)
    places = np.rint(_places(np.dstack([across, down]), sides) * 4) / 4
    return pairs, ((2 * places + 1) / sides - 1).astype(np.float32)


def warped(ir: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """An infrared picture as the grid variant sees it, warped on the host.

    Args:
        ir: (Hi, Wi) uint8.
        grid: (H, W, 2) float32 as `engines.contract` defines it.

    Returns:
        (H, W) uint8, rounded; exact for the pictures and the grid of `warp_pairs`.
    """
    places = _places(grid.astype(np.float64), np.array(ir.shape[::-1])).astype(np.float32)
    x, y = places[..., 0], places[..., 1]
    return cv2.remap(ir, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _places(grid: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Where a grid points to, in px from the middle of the first pixel; corners not aligned."""
    return ((grid + 1) * sides - 1) / 2


def _pair(index: int, size_wh: tuple[int, int]) -> Pair:
    canvas = _Canvas(size_wh, seed=index)
    ir, vis = _SCENES[index](canvas)
    return _levels(ir), _levels(vis)


def _levels(plane: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(plane), 0, 255).astype(np.uint8)


class _Canvas:
    """Places and patterns of one picture; ``x`` and ``y`` are shares of its height."""

    def __init__(self, size_wh: tuple[int, int], seed: int) -> None:
        self.width, self.height = size_wh
        self.right = self.width / self.height
        scale = np.float32(1 / self.height)
        self.x = (np.arange(self.width, dtype=np.float32) * scale)[None, :]
        self.y = (np.arange(self.height, dtype=np.float32) * scale)[:, None]
        self._rng = np.random.default_rng([seed, 20])

    def noise(self, sigma: float, planes: int = 1) -> np.ndarray:
        """Noise of single pixels about 0, float32, (H, W) or (H, W, planes).

        The sum of two even ones: bell-shaped enough, and the same numbers everywhere.
        """
        shape = (self.height, self.width, planes)
        total = self._rng.random(shape, np.float32) + self._rng.random(shape, np.float32) - 1
        total *= np.float32(sigma * 6**0.5)
        return total if planes > 1 else total[..., 0]

    def clouds(self, cell: float, octaves: int = 4) -> np.ndarray:
        """Cloudy pattern in 0..1, (H, W) float32; ``cell`` is the size of its largest parts."""
        total, weights = np.zeros((self.height, self.width), np.float32), 0.0
        for octave in range(octaves):
            side = cell / 2**octave
            total += 0.6**octave * self._lattice(side)
            weights += 0.6**octave
        return total / np.float32(weights)

    def _lattice(self, side: float) -> np.ndarray:
        """Random numbers at the corners of squares, linear between them."""
        rows, columns = self.y[:, 0] / side, self.x[0] / side
        table = self._rng.random((int(rows[-1]) + 2, int(columns[-1]) + 2), np.float32)
        row, column = rows.astype(int), columns.astype(int)
        low, part = (columns - column)[None, :], (rows - row)[:, None]
        wide = table[:, column] * (1 - low) + table[:, column + 1] * low
        return wide[row] * (1 - part) + wide[row + 1] * part

    def box(self, left: float, top: float, right: float, bottom: float) -> np.ndarray:
        """Mask of a rectangle, (H, W) bool; hard edges."""
        return (self.x >= left) & (self.x < right) & (self.y >= top) & (self.y < bottom)

    def spot(self, x: float, y: float, radius: float) -> np.ndarray:
        """Glow that falls off from 1 around a place, (H, W) float32."""
        square = (self.x - x) ** 2 + (self.y - y) ** 2
        return np.float32(radius**2) / (square + np.float32(radius**2))

    def person(self, x: float, feet: float, tall: float) -> np.ndarray:
        """Mask of somebody who stands there, 0..1 with soft edges, (H, W) float32."""
        mask = np.zeros((self.height, self.width), np.float32)
        parts = (
            (0, -0.92, 0.065, 0.08),  # head
            (0, -0.66, 0.13, 0.2),
            (-0.06, -0.25, 0.055, 0.26),
            (0.07, -0.25, 0.055, 0.26),
        )
        for dx, dy, half_w, half_h in parts:
            away_x = (self.x - (x + dx * tall)) / (half_w * tall)
            away_y = (self.y - (feet + dy * tall)) / (half_h * tall)
            soft = (1.25 - away_x**2 - away_y**2) * np.float32(2)
            np.maximum(mask, np.clip(soft, 0, 1), out=mask)
        return mask


def _bgr(grey: np.ndarray, blue: float, green: float, red: float) -> np.ndarray:
    """A grey plane tinted; (H, W, 3) float32."""
    return grey[..., None] * np.array([blue, green, red], np.float32)


def _night_street(on: _Canvas) -> Pair:
    """People stand in the dark between lamps; the facades are warm, windows are lit."""
    wall_end = 0.5 + 0.015 * np.sin(on.x * 3)
    wall = on.y < wall_end
    vis = _bgr(6 + 10 * on.clouds(0.5), 1.2, 1.0, 0.9)
    vis[wall] += _bgr(14 + 16 * on.clouds(0.08), 0.9, 1.0, 1.1)[wall]
    ir = np.where(wall, 70 + 30 * on.clouds(0.3), 95 - 25 * on.y + 12 * on.clouds(0.1))
    row, column = np.floor(on.y / 0.11), np.floor(on.x / 0.08)
    inside = (on.y / 0.11 - row > 0.3) & (on.x / 0.08 - column > 0.35) & (on.y < 0.42)
    lit = inside & ((row * 7 + column * 5) % 4 < 1)
    vis[lit] = (90, 170, 215)
    ir[inside] -= 18
    road = (on.y - wall_end) * (1 - wall)
    dash = (np.abs(on.x - 0.5 * on.right) < 0.012 + 0.03 * on.y) & (np.sin(40 * on.y) > 0) & ~wall
    vis += _bgr(18 * road, 1, 1, 1)
    vis[dash] += 60
    for place in (0.12, 0.62, 1.1, 1.6):
        vis += _bgr(230 * on.spot(place, 0.2, 0.03), 0.65, 0.85, 1.0)
        ir = ir + 110 * on.spot(place, 0.2, 0.008)
        mast = on.box(place - 0.004, 0.2, place + 0.004, 0.75)
        vis[mast] *= 0.4
        ir[mast] = 85
    for place, feet, tall in (
        (0.3, 0.8, 0.3),
        (0.42, 0.83, 0.31),
        (0.9, 0.95, 0.45),
        (1.4, 0.7, 0.2),
    ):
        body = on.person(place, feet, tall)
        ir = ir * (1 - body) + (205 + 30 * on.clouds(0.05)) * body
        vis = vis * (1 - 0.6 * body[..., None])
    return ir + on.noise(2.0), vis + on.noise(3.0, 3)


def _day(on: _Canvas) -> Pair:
    """Trees, meadow and a house in the sun; the sky is almost white and cold."""
    skyline = 0.42 + 0.1 * (on.clouds(0.35, 3)[:1] - 0.5) * 2
    sky = on.y < skyline
    cloud = on.clouds(0.6)
    vis = _bgr(205 + 60 * cloud, 1.05, 0.98, 0.94)
    ir = 18 + 40 * cloud
    leaves = on.clouds(0.03, 3)
    ground = _bgr(50 + 90 * leaves + on.noise(26), 0.45, 1.0, 0.75)
    meadow = on.y > 0.66 + 0.02 * np.sin(on.x * 5)
    grass = _bgr(95 + 70 * on.clouds(0.015, 2) + on.noise(30), 0.5, 1.0, 0.85)
    ground = np.where(meadow[..., None], grass, ground)
    vis = np.where(sky[..., None], vis, ground)
    ir = np.where(sky, ir, 105 + 45 * leaves + 20 * meadow)
    house = on.box(0.55, 0.36, 0.95, 0.7)
    bricks = (np.floor(on.y / 0.018) % 2) * 0.02 + on.x
    joint = (on.y % 0.018 < 0.003) | (bricks % 0.04 < 0.004)
    wall = 150 - 45 * joint + 0 * on.y
    vis[house] = _bgr(wall, 0.6, 0.75, 1.1)[house]
    ir[house] = 165
    roof = (on.y < 0.38) & (on.y > 0.22 + np.abs(on.x - 0.75) * 0.6)
    vis[roof] = (60, 55, 110)
    ir[roof] = (225 + 20 * on.clouds(0.02, 2))[roof]
    for left in (0.6, 0.72, 0.84):
        pane = on.box(left, 0.46, left + 0.06, 0.55)
        vis[pane] = (235, 225, 215)
        ir[pane] = 60
    fence = (on.y > 0.74) & (on.y < 0.84) & (np.sin(on.x * 170) > 0.3)
    vis[fence] = 235
    walker = on.person(0.25, 0.93, 0.34)
    ir = ir * (1 - walker) + 190 * walker
    vis = vis * (1 - walker[..., None]) + _bgr(60 + 60 * leaves, 1.3, 0.8, 0.6) * walker[..., None]
    return ir + on.noise(1.5), vis + on.noise(2.0, 3)


def _fog(on: _Canvas) -> Pair:
    """Hardly any contrast in the visible; the infrared sees through, with stripes of its sensor."""
    depth = np.clip(1.4 * on.y, 0, 1)
    veil = 150 + 12 * on.clouds(0.7, 3)
    things = 60 + 120 * on.clouds(0.12)
    clear = 0.02 + 0.22 * depth**2
    ir = 88 + 22 * depth + 14 * on.clouds(0.2)
    for place, wide, top in ((0.15, 0.09, 0.25), (0.55, 0.14, 0.35), (1.05, 0.1, 0.15)):
        block = on.box(place, top, place + wide, 0.75)
        things = np.where(block, 25, things)
        ir = np.where(block, 112, ir)
    car = on.box(0.35, 0.72, 0.6, 0.82) | on.box(0.4, 0.66, 0.55, 0.72)
    things = np.where(car, 210, things)
    ir = np.where(car, 135, ir)
    for place, feet, tall in ((0.28, 0.86, 0.26), (0.75, 0.8, 0.2), (1.3, 0.92, 0.36)):
        body = on.person(place, feet, tall)
        ir = ir * (1 - body) + 172 * body
        things = things * (1 - body) + 70 * body
    stripes = on.noise(2.5)[:1]
    vis = _bgr(veil * (1 - clear) + things * clear, 1.02, 1.0, 0.98)
    return cv2.blur(ir, (3, 3)) + stripes + on.noise(4.0), vis + on.noise(5.0, 3)


def _glare(on: _Canvas) -> Pair:
    """Both cameras at their ends: headlamps and a fire at 255 beside black, with hard edges."""
    vis = _bgr(3 * on.clouds(0.4) + 26 * on.y - 4, 1.1, 1.0, 0.9)
    ir = 30 * on.clouds(0.5) * on.y
    for place in (0.3, 0.52):
        vis += _bgr(900 * on.spot(place, 0.6, 0.025) ** 1.5, 1.0, 1.0, 0.95)
        vis += _bgr(
            60 * np.exp(-(((on.y - 0.6) / 0.01) ** 2)) * on.spot(place, 0.6, 0.3), 1.3, 1, 0.8
        )
    engine = on.box(0.27, 0.5, 0.55, 0.58)
    ir[engine] = 255
    flame = on.clouds(0.07) * np.clip(1.6 - 5 * np.hypot(on.x - 0.95, (on.y - 0.65) * 0.7), 0, 1)
    vis += _bgr(700 * flame, 0.15, 0.6, 1.0)
    ir = ir + 800 * flame
    cold = on.box(0.02, 0.05, 0.22, 0.3)
    ir[cold] = 0
    vis[cold] = 255
    sign = on.box(0.66, 0.12, 0.9, 0.3)
    vis[sign] = np.where((np.floor(on.x / 0.02) + np.floor(on.y / 0.02)) % 2, 255, 0)[sign][:, None]
    ir[sign] = 128
    ramp = on.box(0.0, 0.88, on.right, 0.94)
    vis[ramp] = np.broadcast_to(255 * on.x / on.right, ir.shape)[ramp][:, None]
    ir[ramp] = np.broadcast_to(255 - 255 * on.x / on.right, ir.shape)[ramp]
    for place in (1.2, 1.35):
        body = on.person(place, 0.9, 0.4)
        ir = ir * (1 - body) + 255 * body
    return ir, vis


_SCENES = (_night_street, _day, _fog, _glare)
