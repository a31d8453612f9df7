"""Lamps, neon writing and the halo that bright things get in a lens."""

from __future__ import annotations

import cv2
import numpy as np

from .draw import Part, draw
from .geometry import View
from .layout import LEFT_X, SODIUM, Color, Layout, Sign
from .lettering import segments_across, segments_down
from .props import POST_M
from .street import Canvas

TUBE_M = 0.085  # of a letter's height


def paint_glow(canvas: Canvas, layout: Layout, *, mirrored: bool) -> np.ndarray:
    """Light of lamps and neon writing, (H, W, 3) float32; ``mirrored``: as seen in wet ground."""
    height, width = canvas.depth.shape
    light = np.zeros((height, width, 3), np.float32)
    flip = -1.0 if mirrored else 1.0
    for sign in layout.signs:
        thick = TUBE_M * sign.letter_m * (1.2 if sign.down else 0.8)
        for radius, color in (
            (thick, _core(sign.color, 0.12)),
            (thick * 0.4, _core(sign.color, 0.6)),
        ):
            _add(canvas, light, _writing(canvas.view, sign, radius, flip), color, sign.z, mirrored)
    for x, z in layout.lamps:
        inward = 1.3 if x < 0 else -1.3
        a, b = (np.array([[x + inward * k, flip * (POST_M - 0.22), z]]) for k in (0.82, 1.13))
        bulb = _tubes(canvas.view, a, b, 0.10)
        _add(canvas, light, bulb, _core(SODIUM, 0.35), z, mirrored)
    return light


def paint_cones(canvas: Canvas, layout: Layout) -> None:
    """Add the damp air that lights up under street lamps."""
    height, width = canvas.depth.shape
    for x, z in layout.lamps:
        middle = x + (1.3 if x < 0 else -1.3)
        cone = np.array(
            [
                [middle - 0.15, POST_M - 0.25, z],
                [middle + 0.15, POST_M - 0.25, z],
                [middle + 2.3, 0.3, z],
                [middle - 2.3, 0.3, z],
            ]
        )
        corners = canvas.view.project(cone)
        sigma = max(0.6, canvas.view.radius_px(0.35, z))
        low = np.maximum(np.floor(corners.min(axis=0) - 3 * sigma), 0).astype(int)
        high = np.minimum(np.ceil(corners.max(axis=0) + 3 * sigma), (width, height)).astype(int)
        if np.any(high - low < 2):
            continue
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        cv2.fillConvexPoly(mask, np.rint(corners - low).astype(np.int32), 255, cv2.LINE_AA)
        top, bottom = corners[0, 1], corners[2, 1]
        rows = np.arange(low[1], high[1], dtype=np.float32)
        fall = np.clip(1 - (rows - top) / (bottom - top), 0, 1) ** 1.6
        soft = cv2.GaussianBlur(mask, (0, 0), sigma) * (fall[:, None] * np.float32(0.10 / 255))
        window = canvas.light[low[1] : high[1], low[0] : high[0]]
        window += soft[..., None] * np.asarray(SODIUM, np.float32)


def halo(light: np.ndarray, scale: float) -> np.ndarray:
    """Light spread around bright places by the lens, (H, W, 3), to be added."""
    height, width = light.shape[:2]
    small = cv2.resize(
        np.maximum(light - 0.8, 0),
        (max(1, width // 4), max(1, height // 4)),
        interpolation=cv2.INTER_AREA,
    )
    spread = sum(
        gain * cv2.GaussianBlur(small, (0, 0), max(0.5, sigma * scale / 4))
        for gain, sigma in ((0.40, 5.0), (0.30, 16.0), (0.22, 55.0))
    )
    return cv2.resize(np.asarray(spread), (width, height), interpolation=cv2.INTER_LINEAR)


def _writing(view: View, sign: Sign, radius_m: float, flip: float) -> list[Part]:
    pieces = np.array(segments_down(sign.text) if sign.down else segments_across(sign.text))
    pieces = pieces * sign.letter_m
    ends = []
    for i in (0, 2):
        if sign.down:
            x, y, z = (
                LEFT_X + 0.75 + pieces[:, i],
                sign.y + 2.0 + pieces[:, i + 1],
                np.full(len(pieces), sign.z),
            )
        else:
            x, y, z = (
                np.full(len(pieces), LEFT_X + 0.12),
                sign.y + pieces[:, i + 1],
                sign.z + pieces[:, i],
            )
        ends.append(np.stack([x, flip * y, z], 1))
    return _tubes(view, ends[0], ends[1], radius_m)


def _tubes(view: View, start: np.ndarray, end: np.ndarray, radius_m: float) -> list[Part]:
    """Straight tubes from (N, 3) to (N, 3) as bars with pointed ends."""
    a, b = view.project(start), view.project(end)
    along = b - a
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    ra = np.array([view.radius_px(radius_m, z) for z in start[:, 2]])[:, None]
    rb = np.array([view.radius_px(radius_m, z) for z in end[:, 2]])[:, None]
    side = np.stack([-along[:, 1], along[:, 0]], 1)
    bars = np.stack(
        [
            a - along * ra,
            a + side * ra,
            b + side * rb,
            b + along * rb,
            b - side * rb,
            a - side * ra,
        ],
        1,
    )
    return [Part(bar, (1.0, 1.0, 1.0), 280.0) for bar in bars]


def _core(color: Color, white: float) -> np.ndarray:
    pure = np.asarray(color, np.float32)
    return 2.2 * (pure + white * (1 - np.minimum(pure, 1)))


def _add(
    canvas: Canvas,
    light: np.ndarray,
    parts: list[Part],
    color: np.ndarray,
    depth: float,
    mirrored: bool,
) -> None:
    sprite = draw(parts, canvas.view.size_wh, heat=False)
    if sprite is None:
        return
    rows, cols = sprite.window
    free = 1.0 if mirrored else (canvas.depth[rows, cols] > depth - 0.6).astype(np.float32)
    cover = (sprite.cover * free)[..., None]
    light[rows, cols] += cover * (color - light[rows, cols])
