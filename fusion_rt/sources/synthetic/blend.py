"""Small steps of mixing light into a picture."""

from __future__ import annotations

import cv2
import numpy as np

from .lighting import AMBIENT_BGR

EXPOSURE = 2.9
Window = tuple[slice, slice]  # rows, columns
_AXIS = np.linspace(-1, 1, 65, dtype=np.float32)
BLOB = np.clip(np.exp(-4.5 * (_AXIS[:, None] ** 2 + _AXIS[None] ** 2)) - 0.011, 0, 1)


def encode(light: np.ndarray) -> np.ndarray:
    """Linear light (H, W, 3) to uint8: exposure, soft shoulder, and a square root for the eye."""
    dim = cv2.exp(light * -EXPOSURE)
    return cv2.convertScaleAbs(cv2.sqrt(np.maximum(1 - dim, 0)), alpha=255)


def planes(plane: np.ndarray, color: np.ndarray | None = None) -> np.ndarray:
    """A plane (h, w) as three equal ones or in a color, (h, w, 3); faster than broadcasting."""
    plane = plane.astype(np.float32, copy=False)
    return cv2.merge([plane] * 3 if color is None else [plane * level for level in color])


def gradient(light: np.ndarray, height: int) -> np.ndarray:
    """Light at foot, middle, head (3, 3) spread over rows, (H, 1, 3), the head on top."""
    tall = cv2.resize(light[::-1].reshape(3, 1, 3), (1, height), interpolation=cv2.INTER_LINEAR)
    return np.maximum(tall, AMBIENT_BGR)


def around(windows: list[Window]) -> Window:
    """The smallest window that holds all of them."""
    rows, cols = ([window[i] for window in windows] for i in (0, 1))
    return (
        slice(min(part.start for part in rows), max(part.stop for part in rows)),
        slice(min(part.start for part in cols), max(part.stop for part in cols)),
    )


def splash(
    center: np.ndarray, radius: float, tall: float, size_wh: tuple[int, int]
) -> tuple[Window, np.ndarray] | None:
    """A soft round spot, cut to the picture: its window and (h, w) values from 0 to 1."""
    reach = np.maximum(np.array([radius, radius * tall]), 1.0)
    low, high = np.floor(center - reach).astype(int), np.ceil(center + reach).astype(int) + 1
    first, last = np.maximum(low, 0), np.minimum(high, size_wh)
    if np.any(first >= last):
        return None
    size = high - low
    if max(size) > 4 * max(size_wh):
        return None
    blob = cv2.resize(BLOB, (int(size[0]), int(size[1])), interpolation=cv2.INTER_LINEAR)
    cut = blob[first[1] - low[1] : last[1] - low[1], first[0] - low[0] : last[0] - low[0]]
    return (slice(int(first[1]), int(last[1])), slice(int(first[0]), int(last[0]))), cut
