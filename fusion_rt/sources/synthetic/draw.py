"""Smooth-edged drawing of small bodies made of convex pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .geometry import FOCAL, View
from .layout import Color

OVERSAMPLE = 2
SHIFT = 5  # fractional bits of the coordinates given to OpenCV
KELVIN_BASE, KELVIN_STEP = 253.0, 0.25  # temperatures as bytes while drawing, up to 316.75 K
_TURN = np.linspace(0, 2 * np.pi, 14, endpoint=False)
_HALF = np.linspace(-np.pi / 2, np.pi / 2, 6)
_CAP_ALONG, _CAP_ACROSS = np.cos(_HALF)[:, None], np.sin(_HALF)[:, None]
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)


@dataclass(frozen=True)
class Part:
    """A convex piece: corners (N, 2) in px of a view, albedo BGR 0 to 1, temperature in K."""

    corners: np.ndarray
    albedo: Color
    kelvin: float


@dataclass(frozen=True)
class Sprite:
    """A drawn body.

    Attributes:
        left, top: px of its first column and row in the picture.
        tone: (h, w, 3) albedo or (h, w) temperature above ``KELVIN_BASE``; float32, already
            multiplied with the coverage.
        cover: (h, w) float32, 0 to 1.
    """

    left: int
    top: int
    tone: np.ndarray
    cover: np.ndarray

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the picture that it touches."""
        height, width = self.cover.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def hull(view: View, centers: np.ndarray, radii_m: Sequence[float]) -> np.ndarray:
    """Outline in px of balls at ``centers`` (N, 3) in m with a skin stretched over them."""
    middle = view.project(centers)
    radii = np.asarray(radii_m) * (FOCAL * view.scale) / centers[:, 2]
    return stretch(middle, radii)


def stretch(middle: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Outline in px of circles at ``middle`` (N, 2) with ``radii`` (N,) and a skin over them."""
    points = (middle[:, None] + _CIRCLE * radii[:, None, None]).reshape(-1, 2)
    return points if len(middle) == 1 else cv2.convexHull(points.astype(np.float32))[:, 0]


def capsules(a: np.ndarray, b: np.ndarray, ra: np.ndarray, rb: np.ndarray) -> np.ndarray:
    """Outlines (N, 12, 2) of many circles ``a`` (N, 2) joined to circles ``b``; radii (N,), px."""
    along = b - a
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)
    along /= length[:, None]
    turned = np.empty_like(along)
    turned[:, 0], turned[:, 1] = -along[:, 1], along[:, 0]
    cap = along[:, None] * _CAP_ALONG + turned[:, None] * _CAP_ACROSS
    return np.concatenate(
        [b[:, None] + cap * rb[:, None, None], a[:, None] - cap * ra[:, None, None]], axis=1
    )


def draw(parts: Sequence[Part], size_wh: tuple[int, int], *, heat: bool) -> Sprite | None:
    """Paint parts one over the other.

    Args:
        parts: from back to front.
        size_wh: size of the picture in px; what is outside is cut off.
        heat: paint temperatures instead of albedo.

    Returns:
        The body, or None where nothing of it is inside the picture.
    """
    if not parts:
        return None
    everything = np.concatenate([part.corners for part in parts])
    left, top = np.maximum(np.floor(everything.min(axis=0)).astype(int) - 2, 0)
    right, bottom = np.minimum(np.ceil(everything.max(axis=0)).astype(int) + 3, size_wh)
    if right <= left or bottom <= top:
        return None
    channels = 3 if heat else 4  # OpenCV smooths edges of 1, 3 or 4 planes only
    canvas = np.zeros(
        ((bottom - top) * OVERSAMPLE, (right - left) * OVERSAMPLE, channels), np.uint8
    )
    origin = np.array([left, top])
    fine = ((everything - (origin - 0.5)) * OVERSAMPLE - 0.5) * (1 << SHIFT)
    fine = np.rint(fine).astype(np.int32)
    first = 0
    for part in parts:
        corners = fine[first : first + len(part.corners)]
        first += len(part.corners)
        color = (
            ((part.kelvin - KELVIN_BASE) / KELVIN_STEP, 0.0, 255.0)
            if heat
            else (255 * part.albedo[0], 255 * part.albedo[1], 255 * part.albedo[2], 255.0)
        )
        cv2.fillConvexPoly(canvas, corners, color, cv2.LINE_AA, SHIFT)
    small = cv2.resize(canvas, (right - left, bottom - top), interpolation=cv2.INTER_AREA).astype(
        np.float32
    )
    cover = small[..., -1] * (1 / 255)
    tone = small[..., 0] * KELVIN_STEP if heat else small[..., :3] * (1 / 255)
    return Sprite(int(left), int(top), tone, cover)
