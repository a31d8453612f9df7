"""Found boards drawn into pictures, for people to see."""

from __future__ import annotations

import cv2
import numpy as np

from ..board import Board
from .picture import grey, stretched

_FIRST = (80, 80, 255)  # BGR
_LAST = (255, 160, 60)


def for_display(image: np.ndarray) -> np.ndarray:
    """A picture to draw into: BGR uint8; raw 16-bit ones are stretched.

    Args:
        image: (H, W) uint8 or uint16, or (H, W, 3) uint8 BGR.

    Returns:
        (H, W, 3) uint8, a copy.
    """
    if image.ndim == 3:
        return image.copy()
    flat = image if image.dtype == np.uint8 else stretched(grey(image))
    return cv2.cvtColor(flat, cv2.COLOR_GRAY2BGR)


def draw_points(picture: np.ndarray, px: np.ndarray, board: Board) -> None:
    """Draw a board's points in their order, from red to blue; a ring marks the first.

    Args:
        picture: (H, W, 3) uint8 BGR; drawn into.
        px: (N, 2), NaN where unknown.
        board: the board.
    """
    size = max(2, round(max(picture.shape) / 250))
    # Sixteenths of a pixel, so that the drawing is as exact as the points.
    at = np.where(np.isfinite(px), np.rint(px * 16), -1).astype(int)
    known = np.isfinite(px).all(1)
    for index in range(board.count):
        share = index / (board.count - 1)
        colour = tuple((1 - share) * a + share * b for a, b in zip(_FIRST, _LAST, strict=True))
        here = tuple(at[index].tolist())
        if index and known[index] and known[index - 1]:
            before = tuple(at[index - 1].tolist())
            cv2.line(picture, before, here, colour, 1, cv2.LINE_AA, 4)
        if known[index]:
            cv2.circle(picture, here, size * 16, colour, 1, cv2.LINE_AA, 4)
    if known[0]:
        cv2.circle(picture, tuple(at[0].tolist()), 3 * size * 16, _FIRST, 2, cv2.LINE_AA, 4)
