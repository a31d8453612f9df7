"""Road and pavements: stones, paint, puddles, and what they mirror."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .geometry import CENTER_U, EYE_M, FOCAL, HORIZON_V
from .layout import END_Z, LEFT_X, RIGHT_X, ROAD_LEFT, ROAD_RIGHT, ZEBRA_Z, Layout
from .street import Canvas, shine
from .surfaces import Patch
from .textures import Textures, band

ROW_END_Z = 61.0  # behind the last houses a street crosses


@dataclass(frozen=True)
class Ground:
    """Ground as one view sees it; (H, W) or (H, W, 3) float32 arrays of the rows below ``rows``.

    Attributes:
        rows: rows of the picture that can show ground.
        x, z: place in m.
        cover: how much of a pixel is ground.
        albedo: BGR.
        puddle: 0 for damp, 1 for standing water.
        mirror: share of light that is mirrored.
    """

    rows: slice
    x: np.ndarray
    z: np.ndarray
    cover: np.ndarray
    albedo: np.ndarray
    puddle: np.ndarray
    mirror: np.ndarray


def paint_ground(canvas: Canvas, layout: Layout, tex: Textures) -> Ground:
    """Paint road and pavements over the canvas, and return what the mirroring needs."""
    first = int(np.searchsorted(canvas.v[:, 0], HORIZON_V + 6.0))
    rows = slice(first, len(canvas.v))
    v = canvas.v[rows]
    z = (FOCAL * EYE_M / (v - HORIZON_V)).astype(np.float32)
    x = (canvas.u - CENTER_U) * z / FOCAL
    z = np.broadcast_to(z, x.shape)
    px_x = z / FOCAL * canvas.px
    px_z = z * z / (FOCAL * EYE_M) * canvas.px
    cover = np.clip((v - _contact_row(canvas.u)) / canvas.px + 0.5, 0, 1).astype(np.float32)

    albedo, kelvin, puddle = _road(x, z, px_x, px_z, tex)
    _paint_marks(x, z, px_x, px_z, tex, albedo, kelvin)
    _pavements(x, z, px_x, px_z, tex, albedo, kelvin, puddle)
    for mx, mz, warm in layout.manholes:
        _manhole(x, z, px_x, mx, mz, warm, albedo, kelvin)
    cosine = EYE_M / np.sqrt(EYE_M**2 + z * z)
    mirror = (0.03 + 0.80 * (1 - cosine) ** 5) * (0.30 + 0.70 * puddle)
    kelvin -= 1.3 * puddle + 2.2 * (1 - cosine) ** 8  # water mirrors the cold sky
    patch = Patch(albedo * (1 - 0.35 * puddle[..., None]), np.zeros_like(albedo), kelvin)
    light = shine(canvas, layout, patch, x, np.zeros_like(x), z, (0, 1, 0))
    canvas.put(rows, slice(None), light, kelvin, z, cover)
    return Ground(rows, x, z, cover, albedo, puddle, mirror.astype(np.float32))


def wall_depth(u: np.ndarray) -> np.ndarray:
    """Distance Z in m of the houses seen in world picture columns ``u``."""
    offset = np.asarray(u, np.float32) - CENTER_U
    wall = np.where(offset < 0, LEFT_X, RIGHT_X)
    z = FOCAL * wall / np.where(np.abs(offset) < 1, np.sign(wall), offset)
    return np.where(z < ROW_END_Z, z, END_Z).astype(np.float32)


def mirror_street(canvas: Canvas, ground: Ground, tex: Textures) -> np.ndarray:
    """What the ground mirrors of all that stands, (h, W, 3): a look up from below.

    A point at height Y and distance Z appears mirrored where one at height -Y would be, so the
    houses' picture is read at the row that belongs to the same house and height.
    """
    u, v = canvas.u, canvas.v[ground.rows]
    shift = 2 * FOCAL * EYE_M / wall_depth(u)
    source_v = 2 * HORIZON_V - v + shift
    ripple = tex.noise(ground.x * 2.0, ground.z * 0.7, 0.35, 2)
    slope = 5.0 * (1 - 0.75 * ground.puddle)
    (scale, _, left), (_, _, top) = canvas.view.matrix[0], canvas.view.matrix[1]
    map_x = ((u + ripple * slope * 0.5) * scale + left).astype(np.float32)
    map_y = ((source_v + ripple * slope * 3) * scale + top).astype(np.float32)
    tall = max(3, int(34 * scale) | 1)
    rough = cv2.blur(canvas.light, (max(1, int(5 * scale) | 1), tall))
    rough = cv2.blur(rough, (1, tall))
    near = cv2.remap(canvas.light, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    far = cv2.remap(rough, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return far + (0.85 * ground.puddle[..., None]) * (near - far)


def _contact_row(u: np.ndarray) -> np.ndarray:
    return HORIZON_V + FOCAL * EYE_M / wall_depth(u)


def _road(
    x: np.ndarray, z: np.ndarray, px_x: np.ndarray, px_z: np.ndarray, tex: Textures
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    grain = tex.noise(x, z, 0.05, 1) * np.clip(0.06 / px_x - 0.5, 0, 1)
    broad = tex.noise(x, z * 0.7, 1.9)
    mended = (tex.cell(np.floor((x + 9) / 2.3), np.floor(z / 4.7), 1) > 0.86).astype(np.float32)
    tracks = np.exp(-(((np.abs(np.abs(x) - 2.1) - 0.75) / 0.28) ** 2))
    tone = 0.062 * (1 + 0.28 * broad + 0.35 * grain - 0.30 * mended - 0.12 * tracks)
    albedo = np.maximum(tone, 0.01)[..., None] * np.array([1.05, 1.0, 0.96], np.float32)
    hollow = tex.noise(x + 40, z * 0.45, 2.6) + 0.28 * np.exp(-((np.abs(x) - 4.3) ** 2) / 0.2)
    puddle = np.clip((hollow - 0.16) * 5.5, 0, 1)
    kelvin = 284.2 + 0.5 * broad + 0.7 * tracks - 0.5 * mended + 0.08 * grain
    return albedo.astype(np.float32), kelvin.astype(np.float32), puddle.astype(np.float32)


def _paint_marks(
    x: np.ndarray,
    z: np.ndarray,
    px_x: np.ndarray,
    px_z: np.ndarray,
    tex: Textures,
    albedo: np.ndarray,
    kelvin: np.ndarray,
) -> None:
    dash = np.abs((z / 5.0) % 1 - 0.5) * 5.0
    marks = band(x, 0.10, 0.26, px_x) * np.clip((1.35 - dash) / px_z + 0.5, 0, 1)
    marks = marks * (1 - band(z, ZEBRA_Z[0] - 2.2, ZEBRA_Z[1] + 2.2, 0.1)) * (z < ROW_END_Z)
    stripe = np.abs((x + 0.08) % 1.15 - 0.575)
    zebra = np.clip((0.29 - stripe) / px_x + 0.5, 0, 1) * band(z, *ZEBRA_Z, px_z)
    zebra = zebra * band(x, ROAD_LEFT + 0.2, ROAD_RIGHT - 0.2, px_x)
    stop = band(z, ZEBRA_Z[0] - 1.7, ZEBRA_Z[0] - 1.3, px_z) * band(x, 0.26, ROAD_RIGHT - 0.3, px_x)
    side = band(np.abs(x - 0.2), 4.18, 4.30, px_x) * (z < ROW_END_Z - 2)
    worn = np.clip(0.92 + 0.55 * tex.noise(x, z, 0.22, 3), 0.25, 1)
    paint = np.clip(marks + zebra + stop + 0.6 * side, 0, 1) * worn
    albedo += paint[..., None] * (np.array([0.50, 0.54, 0.55], np.float32) - albedo)
    kelvin -= 0.35 * paint


def _pavements(
    x: np.ndarray,
    z: np.ndarray,
    px_x: np.ndarray,
    px_z: np.ndarray,
    tex: Textures,
    albedo: np.ndarray,
    kelvin: np.ndarray,
    puddle: np.ndarray,
) -> None:
    street = z < ROW_END_Z
    tone, joint = tex.bricks(x + 31, z, (0.62, 0.62), (px_x, px_z))
    broad = tex.noise(x + 11, z, 1.3)
    slab = 0.135 * (1 + 0.22 * tone + 0.16 * broad) * (1 - 0.62 * joint)
    left, right = (
        np.clip((ROAD_LEFT - x) / px_x + 0.5, 0, 1),
        np.clip((x - ROAD_RIGHT) / px_x + 0.5, 0, 1),
    )
    walk = ((left + right) * street).astype(np.float32)
    tint = np.array([0.95, 1.0, 1.05], np.float32)
    albedo += walk[..., None] * (slab[..., None] * tint - albedo)
    kelvin += walk * (282.2 + 0.35 * tone + 0.45 * broad - 0.5 * joint - kelvin)
    puddle *= 1 - 0.72 * walk
    kerb = (
        band(x, ROAD_LEFT - 0.24, ROAD_LEFT, px_x) + band(x, ROAD_RIGHT, ROAD_RIGHT + 0.24, px_x)
    ) * street
    seam = np.clip((0.02 - np.abs((z % 1.2) - 0.6)) / px_z + 0.5, 0, 1) * np.clip(0.3 / px_z, 0, 1)
    stone = (0.30 * (1 - 0.5 * seam) * (1 + 0.12 * broad)).astype(np.float32)
    albedo += kerb[..., None] * (stone[..., None] - albedo)
    kelvin += kerb * (281.5 - kelvin)
    gutter = (
        band(x, ROAD_LEFT, ROAD_LEFT + 0.14, px_x) + band(x, ROAD_RIGHT - 0.14, ROAD_RIGHT, px_x)
    ) * street
    albedo *= (1 - 0.6 * gutter)[..., None]
    kelvin -= 0.8 * gutter


def _manhole(
    x: np.ndarray,
    z: np.ndarray,
    px_x: np.ndarray,
    at_x: float,
    at_z: float,
    warm: bool,
    albedo: np.ndarray,
    kelvin: np.ndarray,
) -> None:
    rows = np.flatnonzero(np.abs(z[:, 0] - at_z) < 1.0)
    if not len(rows):
        return
    near = slice(int(rows[0]), int(rows[-1]) + 1)
    x, z, px_x, albedo, kelvin = (part[near] for part in (x, z, px_x, albedo, kelvin))
    reach = np.sqrt((x - at_x) ** 2 + (z - at_z) ** 2)
    lid = np.clip((0.36 - reach) / px_x + 0.5, 0, 1)
    ring = band(reach, 0.30, 0.36, px_x)
    studs = 0.5 + 0.5 * np.sin(x * 52) * np.sin(z * 52)
    iron = 0.05 + 0.05 * studs * np.clip(0.03 / px_x, 0, 1) + 0.09 * ring
    albedo += lid[..., None] * (iron[..., None] - albedo)
    kelvin += (5.5 if warm else -0.4) * np.exp(-((reach / 0.42) ** 4))
