"""Face of a house: wall, windows, shop, seen by both kinds of light."""

from __future__ import annotations

import numpy as np

from .layout import House
from .surfaces import Patch
from .textures import Textures, band

GLASS = np.array([0.035, 0.028, 0.022], np.float32)
TRIM = np.array([0.20, 0.23, 0.25], np.float32)
SHOP_TOP = 2.85  # m


def paint_facade(
    house: House,
    along: np.ndarray,
    up: np.ndarray,
    px_m: tuple[np.ndarray, np.ndarray],
    tex: Textures,
) -> Patch:
    """Look of a house's face.

    Args:
        house: which.
        along: place along the wall in m, (1, W).
        up: height above the ground in m, (H, W).
        px_m: width (1, W) and height (1, W) in m that a pixel covers.
        tex: patterns of the scene.

    Returns:
        Albedo, own light and temperature, each (H, W[, 3]).
    """
    along = np.broadcast_to(along, up.shape).astype(np.float32)
    albedo, kelvin = paint_wall(house, along, up, px_m, tex)
    emit = np.zeros_like(albedo)
    if house.height < 4:  # a garden wall: coping stones, nothing else
        coping = band(up, house.height - 0.16, house.height + 1, px_m[1])
        albedo += coping[..., None] * (TRIM * 0.8 - albedo)
        return Patch(albedo, emit, kelvin - 0.8 * coping)
    _cornices(house, up, px_m, albedo, kelvin)
    _windows(house, along, up, px_m, tex, albedo, emit, kelvin)
    if house.shop is not None:
        _shop(house, along, up, px_m, tex, albedo, emit, kelvin)
    return Patch(albedo, emit, kelvin)


def paint_wall(
    house: House,
    along: np.ndarray,
    up: np.ndarray,
    px_m: tuple[np.ndarray, np.ndarray],
    tex: Textures,
) -> tuple[np.ndarray, np.ndarray]:
    """Albedo (H, W, 3) and temperature (H, W) of the bare wall; arguments as for a facade."""
    offset = 17.3 * house.number
    stains = tex.noise(along + offset, up * 0.6, 1.7)
    base = np.asarray(house.color, np.float32)
    kelvin = house.kelvin + 0.75 * stains - 0.10 * up
    if house.material == "plaster":
        fine = tex.noise(along + offset, up, 0.16, 2)
        tone = 1 + 0.20 * stains + 0.10 * fine
        joint = np.zeros_like(tone)
    else:
        size = (0.34, 0.125) if house.material == "brick" else (0.95, 0.46)
        bricks, joint = tex.bricks(along + offset, up, size, px_m)
        tone = 1 + 0.36 * bricks + 0.16 * stains
        kelvin = kelvin + 0.22 * bricks - 0.5 * joint
    albedo = tone[..., None] * base
    mortar = base * 0.35 if house.material == "stone" else base * 0.4 + 0.055
    albedo += (0.9 * joint)[..., None] * (mortar - albedo)
    damp = np.clip(1 - up / 0.9, 0, 1) ** 2
    albedo *= (1 - 0.5 * damp)[..., None]
    return albedo.astype(np.float32), (kelvin - 0.8 * damp).astype(np.float32)


def _cornices(
    house: House,
    up: np.ndarray,
    px_m: tuple[np.ndarray, np.ndarray],
    albedo: np.ndarray,
    kelvin: np.ndarray,
) -> None:
    for low, high in ((3.0, 3.14), (house.height - 0.55, house.height - 0.1)):
        trim = band(up, low, high, px_m[1])
        albedo += trim[..., None] * (TRIM * 1.1 - albedo)
        shadow = band(up, low - 0.22, low, px_m[1])
        albedo *= (1 - 0.5 * shadow)[..., None]
        kelvin += 0.5 * shadow - 0.7 * trim


def _windows(
    house: House,
    along: np.ndarray,
    up: np.ndarray,
    px_m: tuple[np.ndarray, np.ndarray],
    tex: Textures,
    albedo: np.ndarray,
    emit: np.ndarray,
    kelvin: np.ndarray,
) -> None:
    count = max(1, round((house.end - house.start) / house.window_m[0]))
    pitch = (house.end - house.start) / count
    place = (along - house.start) / pitch
    column = np.floor(place)
    x = (place - column - 0.5) * pitch
    floor = np.floor((up - 3.15) / house.window_m[1])
    y = up - 3.15 - floor * house.window_m[1]
    top = np.floor((house.height - 0.7 - 3.15) / house.window_m[1])
    here = (floor >= 0) & (floor < top)
    if house.shop is None:
        ground = up < 3
        floor, y, here = np.where(ground, -1, floor), np.where(ground, up - 0.25, y), here | ground
    half = 0.27 * pitch
    low, high = 0.85, 2.45
    number = column + 31 * house.number
    random = [tex.cell(number, floor + 5, layer) for layer in range(1, 6)]

    lintel = band(x, -half - 0.14, half + 0.14, px_m[0]) * (
        band(y, high, high + 0.2, px_m[1]) + band(y, low - 0.14, low, px_m[1])
    )
    lintel = np.clip(lintel, 0, 1) * here
    albedo += lintel[..., None] * (TRIM - albedo)
    opening = band(x, -half, half, px_m[0]) * band(y, low, high, px_m[1]) * here
    albedo += opening[..., None] * (TRIM * 0.7 - albedo)  # frames, covered by the panes
    pane = (
        (band(x, -half + 0.07, -0.035, px_m[0]) + band(x, 0.035, half - 0.07, px_m[0]))
        * (band(y, low + 0.07, 1.85, px_m[1]) + band(y, 1.91, high - 0.07, px_m[1]))
        * here
    )
    albedo += pane[..., None] * (GLASS - albedo)

    lit = (random[0] < house.lit) * pane
    warm = np.stack([0.18 + 0.4 * random[1], 0.52 + 0.22 * random[1], np.ones_like(x)], -1)
    folds = 0.72 + 0.28 * np.sin(x * 34 + 9 * random[2])
    curtain = np.where(np.abs(x) > half * (0.25 + 0.7 * random[2]), 0.55 * folds, 1.0)
    blind = np.where(y > high - 1.7 * random[3] * (random[4] > 0.4), 0.42, 1.0)
    ceiling = 0.62 + 0.30 * (y - low)
    glow = lit * curtain * blind * ceiling * (0.35 + 0.55 * random[4])
    emit += glow[..., None] * warm
    # The glass mirrors the cold sky, more so high up; lit rooms are heated; radiators below.
    kelvin += pane * (-1.6 - 0.12 * floor + 2.6 * (random[0] < house.lit) - kelvin + house.kelvin)
    heated = here * (random[1] > 0.45) * band(x, -half * 0.8, half * 0.8, 0.35)
    kelvin += 1.5 * heated * band(y, low - 0.75, low - 0.1, 0.3)


def _shop(
    house: House,
    along: np.ndarray,
    up: np.ndarray,
    px_m: tuple[np.ndarray, np.ndarray],
    tex: Textures,
    albedo: np.ndarray,
    emit: np.ndarray,
    kelvin: np.ndarray,
) -> None:
    inside = band(along, house.start + 0.35, house.end - 0.35, px_m[0]) * band(
        up, 0.0, SHOP_TOP, px_m[1]
    )
    dark = np.asarray(house.color, np.float32) * 0.3
    albedo += inside[..., None] * (dark - albedo)
    count = max(2, round((house.end - house.start) / 2.1))
    pitch = (house.end - house.start) / count
    place = (along - house.start) / pitch
    column = np.floor(place)
    x = (place - column) * pitch
    door = (column == house.number % count).astype(np.float32)
    low = 0.55 * (1 - door) + 0.06
    pane = (
        inside
        * band(x, 0.09, pitch - 0.09, px_m[0])
        * np.clip((up - low) / px_m[1] + 0.5, 0, 1)
        * band(up, 0, 2.68, px_m[1])
    )
    shelf = np.floor(up / 0.42)
    goods = tex.cell(np.floor(along / 0.17) + 3 * house.number, shelf, 6)
    tint = np.stack([tex.cell(np.floor(along / 0.17), shelf, layer) for layer in (2, 3, 4)], -1)
    grey = tint.mean(axis=-1, keepdims=True)
    goods_tone = (0.62 * grey + 0.38 * tint) ** 1.2
    level = up / 0.42 - shelf
    stocked = np.clip((0.25 + 0.6 * goods - level) * 0.42 / px_m[1] + 0.5, 0, 1)
    stocked = stocked * (up < 1.9) * (1 - door)
    board = band(level, -1, 0.07, 0.1) * (up < 2.0) * (1 - door)
    room = (0.22 + 0.55 * np.clip((up - 0.3) / 2.4, 0, 1) ** 1.5) * (1 - 0.6 * board)
    room = room * (1 - 0.45 * door * band(x, 0.3, pitch - 0.3, 0.5))
    lamp_x = np.abs(along / 0.95 - np.floor(along / 0.95) - 0.5) * 0.95
    lamps = 1.1 * np.exp(-((lamp_x / 0.10) ** 2 + ((up - 2.32) / 0.08) ** 2))
    color = np.asarray(house.shop, np.float32) * (1 - 0.85 * stocked[..., None] * (1 - goods_tone))
    emit += (pane * (room + lamps))[..., None] * color
    albedo += pane[..., None] * (GLASS - albedo)
    kelvin += pane * (house.kelvin + 1.9 - 0.9 * door - kelvin)
    kelvin += 0.9 * band(up, 2.7, 3.0, 0.15) * inside
