"""The street itself: sky, houses, ground, each a plane on which every pixel's place is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from .facade import paint_facade, paint_wall
from .geometry import CENTER_U, EYE_M, FOCAL, HORIZON_V, View
from .layout import END_Z, LEFT_X, RIGHT_X, House, Layout
from .lighting import light_at
from .surfaces import Patch
from .textures import Textures, band

TOWER_Z = 190.0
LIGHT_STEP = 8  # light is smooth: computed for every eighth px


@dataclass
class Canvas:
    """Pictures in the making; see `Still` for shapes and units.

    Attributes:
        view: upright view that is painted.
        heat_only: temperatures alone are asked for, the light stays black.
        u: (1, W) world picture column of each pixel column.
        v: (H, 1) world picture row of each pixel row.
    """

    view: View
    heat_only: bool = False
    light: np.ndarray = field(init=False)
    kelvin: np.ndarray = field(init=False)
    depth: np.ndarray = field(init=False)
    u: np.ndarray = field(init=False)
    v: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        width, height = self.view.size_wh
        (scale, _, left), (_, _, top) = self.view.matrix[0], self.view.matrix[1]
        self.u = ((np.arange(width, dtype=np.float32) - left) / scale)[None]
        self.v = ((np.arange(height, dtype=np.float32) - top) / scale)[:, None]
        self.light = np.zeros((height, width, 3), np.float32)
        self.kelvin = np.zeros((height, width), np.float32)
        self.depth = np.full((height, width), np.inf, np.float32)

    @property
    def px(self) -> float:
        """Size of a pixel in world px."""
        return 1 / self.view.scale

    def put(
        self,
        rows: slice,
        cols: slice,
        light: np.ndarray,
        kelvin: np.ndarray,
        depth: np.ndarray | float,
        cover: np.ndarray,
    ) -> None:
        """Paint over a window; ``cover`` (h, w) 0 to 1 says how much of each pixel."""
        if not self.heat_only:
            self.light[rows, cols] += cover[..., None] * (light - self.light[rows, cols])
        self.kelvin[rows, cols] += cover * (kelvin - self.kelvin[rows, cols])
        window = self.depth[rows, cols]
        np.copyto(window, depth, where=cover > 0.5)


def paint_sky(canvas: Canvas, tex: Textures, rng: np.random.Generator) -> None:
    """Night sky with the town's glow on low clouds, stars, and towers far away."""
    width, height = canvas.view.size_wh
    u, v = np.broadcast_arrays(canvas.u[:, ::4], canvas.v[::4])
    coarse = np.clip(tex.noise(u, v * 2.4, 300.0, 4) + 0.15, 0, 1)
    clouds = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    rise = np.clip((HORIZON_V - canvas.v) / 420, 0, 1)
    glow = (1 - rise) ** 2.2
    tint = np.array([0.030, 0.021, 0.020], np.float32)
    canvas.light[:] = np.array([0.026, 0.013, 0.008], np.float32) * (1 - 0.4 * rise[..., None])
    canvas.light += (glow * 0.9 + clouds * (0.75 + 1.2 * glow))[..., None] * tint
    canvas.kelvin[:] = 262 + 15.0 * (1 - rise) ** 2.2 + 9.0 * clouds
    for star_u, star_v, size in rng.random((90, 3)):
        at = canvas.view.to_px(np.array([[star_u * 1328 - 24, star_v * 330 - 112]]))[0]
        x, y = np.rint(at).astype(int)
        if 0 <= x < width and 0 <= y < height:
            canvas.light[y, x] += (0.02 + 0.22 * size**4) * (1 - clouds[y, x])


def paint_towers(canvas: Canvas, layout: Layout, tex: Textures) -> None:
    """Silhouettes of far high houses with a few lit windows."""
    per_px = TOWER_Z / FOCAL
    x = (canvas.u - CENTER_U) * per_px
    y = EYE_M - (canvas.v - HORIZON_V) * per_px
    size = per_px * canvas.px
    for number, (start, end, height) in enumerate(layout.towers):
        cols = _span(x[0], start - size, end + size)
        rows = _span(-y[:, 0], -height - size, 1.0)
        if cols.stop <= cols.start or rows.stop <= rows.start:
            continue
        xs, ys = np.broadcast_arrays(x[:, cols], y[rows])
        column, floor = np.floor(xs / 1.9), np.floor(ys / 3.1)
        inside = ((xs / 1.9 - column) > 0.38) & ((ys / 3.1 - floor) > 0.5)
        inside &= ys < height - 2.2
        lit = inside & (tex.cell(column + 57 * number, floor, 2) > 0.68)
        tone = 0.014 + 0.004 * (number % 3)
        light = np.full((*xs.shape, 3), tone, np.float32) * np.array([1.35, 1.0, 0.95], np.float32)
        warm = np.array([0.11, 0.19, 0.26], np.float32) * tex.cell(column, floor, 3)[..., None] ** 2
        light *= np.where(inside, 0.75, 1.0)[..., None]
        light += lit[..., None] * warm
        kelvin = (277.5 + 0.8 * (number % 3) + 0.9 * lit).astype(np.float32)
        cover = band(xs, start, end, size) * np.clip((height - ys) / size + 0.5, 0, 1)
        canvas.put(rows, cols, light, kelvin, TOWER_Z, cover.astype(np.float32))


def paint_end(canvas: Canvas, layout: Layout, tex: Textures) -> None:
    """Houses across the far end, facing the camera."""
    per_px = np.float32(END_Z / FOCAL)
    x = (canvas.u - CENTER_U) * per_px
    y = EYE_M - (canvas.v - HORIZON_V) * per_px
    size = np.full((1, 1), per_px * canvas.px, np.float32)
    for house in layout.end:
        # Smooth on the left, and on the right a little under the next house.
        cols = _span(x[0], house.start - size[0, 0], house.end + 2 * size[0, 0])
        rows = _span(-y[:, 0], -house.height - 1, 0.5)
        if cols.stop <= cols.start or rows.stop <= rows.start:
            continue
        xs, ys = (
            x[:, cols],
            np.broadcast_to(y[rows], (rows.stop - rows.start, cols.stop - cols.start)),
        )
        patch = paint_facade(house, xs, ys, (size, size), tex)
        cover = np.clip((house.height - ys) / size + 0.5, 0, 1)
        cover = cover * np.clip((xs - house.start) / size + 0.5, 0, 1)
        light = shine(canvas, layout, patch, xs, ys, np.full_like(xs, END_Z), (0, 0, -1))
        canvas.put(rows, cols, light, patch.kelvin, END_Z, cover)


def paint_row(canvas: Canvas, layout: Layout, tex: Textures, left: bool) -> None:
    """Houses along one side, far ones first, with the gables that overtop lower neighbours."""
    wall_x = LEFT_X if left else RIGHT_X
    houses = layout.left if left else layout.right
    offset = canvas.u - CENTER_U
    ahead = offset < -1 if left else offset > 1
    z = np.where(ahead, FOCAL * wall_x / np.where(ahead, offset, wall_x), np.inf).astype(np.float32)
    for house, nearer in zip(houses[::-1], (*houses[-2::-1], None), strict=True):
        if nearer is not None and nearer.height < house.height:
            _paint_gable(canvas, layout, tex, house, wall_x)
        # Smooth at the far end, and at the near end a little under the nearer house.
        px_all = z[0] * z[0] / (FOCAL * abs(wall_x)) * canvas.px
        cols = _span_mask((z[0] >= house.start - 2 * px_all) & (z[0] < house.end + px_all))
        if cols.stop <= cols.start:
            continue
        zs = z[:, cols]
        near = float(zs.min())
        rows = _span(
            canvas.v[:, 0],
            HORIZON_V + FOCAL * (EYE_M - house.height) / near - 2,
            HORIZON_V + FOCAL * EYE_M / near + 2,
        )
        if rows.stop <= rows.start:
            continue
        ys = EYE_M - (canvas.v[rows] - HORIZON_V) * zs / FOCAL
        px_z = zs * zs / (FOCAL * abs(wall_x)) * canvas.px
        px_y = zs / FOCAL * canvas.px
        patch = paint_facade(house, zs, ys, (px_z, px_y), tex)
        cover = np.clip((house.height - ys) / px_y + 0.5, 0, 1)
        cover = cover * np.clip((house.end - zs) / px_z + 0.5, 0, 1)
        light = shine(
            canvas, layout, patch, np.full_like(zs, wall_x), ys, zs, (1.0 if left else -1.0, 0, 0)
        )
        canvas.put(rows, cols, light, patch.kelvin, zs, cover)


def _paint_gable(
    canvas: Canvas, layout: Layout, tex: Textures, house: House, wall_x: float
) -> None:
    per_px = np.float32(house.start / FOCAL)
    x = (canvas.u - CENTER_U) * per_px
    y = EYE_M - (canvas.v - HORIZON_V) * per_px
    low, high = sorted((wall_x, wall_x * 2.6))
    cols, rows = _span(x[0], low, high), _span(-y[:, 0], -house.height - 0.5, 0.0)
    if cols.stop <= cols.start or rows.stop <= rows.start:
        return
    xs, ys = x[:, cols], np.broadcast_to(y[rows], (rows.stop - rows.start, cols.stop - cols.start))
    size = np.full((1, 1), per_px * canvas.px, np.float32)
    albedo, kelvin = paint_wall(house, np.broadcast_to(xs, ys.shape), ys, (size, size), tex)
    patch = Patch(albedo * 0.8, np.zeros_like(albedo), kelvin - 0.6)
    light = shine(canvas, layout, patch, xs, ys, np.full_like(xs, house.start), (0, 0, -1))
    cover = np.clip((house.height - ys) / size + 0.5, 0, 1)
    canvas.put(rows, cols, light, patch.kelvin, house.start, cover)


def shine(
    canvas: Canvas,
    layout: Layout,
    patch: Patch,
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    normal: tuple[float, float, float],
) -> np.ndarray:
    """Light that leaves a surface at places broadcastable to (H, W); (H, W, 3) float32."""
    if canvas.heat_only:
        return patch.emit
    height, width = patch.kelvin.shape
    rows = np.linspace(0, height - 1, max(2, height // LIGHT_STEP)).astype(int)
    cols = np.linspace(0, width - 1, max(2, width // LIGHT_STEP)).astype(int)
    places = [np.broadcast_to(p, (height, width))[np.ix_(rows, cols)] for p in (x, y, z)]
    coarse = light_at(layout.lights, places[0], places[1], places[2], normal)
    return patch.albedo * cv2.resize(coarse, (width, height)) + patch.emit


def _span(values: np.ndarray, low: float, high: float) -> slice:
    """Where growing values lie from ``low`` to ``high``."""
    return slice(int(np.searchsorted(values, low)), int(np.searchsorted(values, high)))


def _span_mask(inside: np.ndarray) -> slice:
    found = np.flatnonzero(inside)
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)
