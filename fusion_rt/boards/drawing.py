"""Pictures of the board with what was found in them."""

from __future__ import annotations

import cv2
import numpy as np

from calibration.board import Board
from calibration.targets.overlay import draw_points, for_display
from calibration.views import PairView

_THUMB_HEIGHT = 240
_ACROSS = 3
_GAP = 6
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def pair_picture(
    ir: np.ndarray, vis: np.ndarray, view: PairView, board: Board, height: int = _THUMB_HEIGHT
) -> np.ndarray:
    """Both pictures of a pair side by side with their points.

    Args:
        ir: (H, W) uint8 or uint16.
        vis: (H, W, 3) uint8 BGR.
        view: what was found.
        board: what was looked for.
        height: of the result, px.

    Returns:
        (height, W, 3) uint8 BGR; the widths of two results agree where the sizes of their
        pictures do.
    """
    parts = []
    for picture, px in ((ir, view.ir), (vis, view.vis)):
        scale = height / picture.shape[0]
        small = cv2.resize(
            for_display(picture),
            (round(picture.shape[1] * scale), height),
            interpolation=cv2.INTER_AREA,
        )
        if px is not None:  # pixel centres lie at whole numbers in both sizes
            draw_points(small, (px + 0.5) * scale - 0.5, board)
        parts.append(small)
    both = np.hstack(parts)
    missing = [name for name, px in (("ir", view.ir), ("vis", view.vis)) if px is None]
    words = view.name if not missing else f"{view.name}: not found in {' and '.join(missing)}"
    for color, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(both, words, (6, 16), _FONT, 0.45, color, width, cv2.LINE_AA)
    return both


def sheet(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures of one size, at least one, in rows of three; (H, W, 3) uint8 BGR."""
    height, width = pictures[0].shape[:2]
    across = min(_ACROSS, len(pictures))
    rows = -(-len(pictures) // across)
    page = np.full(
        (rows * (height + _GAP) - _GAP, across * (width + _GAP) - _GAP, 3), 255, np.uint8
    )
    for index, picture in enumerate(pictures):
        y, x = (index // across) * (height + _GAP), (index % across) * (width + _GAP)
        page[y : y + height, x : x + width] = picture
    return page
