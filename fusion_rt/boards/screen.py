"""What a guided capture shows: both pictures with the board's points, and what is still missing."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from calibration.board import Board
from calibration.targets.attitude import Side
from calibration.targets.coverage import Coverage
from calibration.targets.overlay import draw_points, for_display

from .watch import Judgement, Mood

_HEIGHT, _PANEL = 480, 150
_CELLS_WH = (120, 90)
_MARGIN = 18
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _GREY, _DARK, _GREEN = (240, 240, 240), (120, 120, 120), (40, 40, 40), (90, 200, 90)


_COLORS = {  # BGR
    Mood.WAITING: (150, 150, 150),
    Mood.STILL: (0, 200, 255),
    Mood.REFUSED: (80, 80, 240),
    Mood.TAKEN: (90, 220, 90),
}


def guide_size(ir_wh: tuple[int, int], vis_wh: tuple[int, int]) -> tuple[int, int]:
    """Width and height in px of what `guide_picture` draws."""
    widths = [round(width * _HEIGHT / height) for width, height in (ir_wh, vis_wh)]
    return sum(widths), _HEIGHT + _PANEL


def guide_picture(
    ir: np.ndarray, vis: np.ndarray, judgement: Judgement, coverage: Coverage, board: Board
) -> np.ndarray:
    """Draw one moment of a guided capture.

    Args:
        ir: (H, W) uint8 or uint16.
        vis: (H, W, 3) uint8 BGR.
        judgement: of this moment.
        coverage: of the pairs kept so far.
        board: what is looked for.

    Returns:
        (H, W, 3) uint8 BGR of `guide_size`.
    """
    parts = []
    for picture, px in ((ir, judgement.view.ir), (vis, judgement.view.vis)):
        scale = _HEIGHT / picture.shape[0]
        size = (round(picture.shape[1] * scale), _HEIGHT)
        small = cv2.resize(for_display(picture), size, interpolation=cv2.INTER_AREA)
        if px is not None:  # pixel centres lie at whole numbers in both sizes
            draw_points(small, (px + 0.5) * scale - 0.5, board)
        cv2.rectangle(small, (0, 0), (size[0] - 1, _HEIGHT - 1), _COLORS[judgement.mood], 4)
        parts.append(small)
    above = np.hstack(parts)
    return np.vstack([above, _panel(above.shape[1], judgement, coverage)])


def _panel(width: int, judgement: Judgement, coverage: Coverage) -> np.ndarray:
    panel = np.full((_PANEL, width, 3), _DARK, np.uint8)
    x = _MARGIN
    for camera in ("infrared", "visible"):
        _text(panel, camera, (x, 18), _GREY)
        _cells(panel, coverage.cells(camera), x)
        x += _CELLS_WH[0] + _MARGIN
    _text(panel, "tilts", (x, 18), _GREY)
    _tilts(panel, coverage.tilted, x)
    x += _CELLS_WH[0] + _MARGIN
    _text(panel, f"{coverage.pairs} of {coverage.wanted.pairs} pairs", (x, 50), _WHITE, 0.7)
    _text(panel, judgement.words, (x, 82), _COLORS[judgement.mood], 0.5)
    _text(panel, f"next: {coverage.advice()}", (x, 108), _WHITE)
    _text(panel, "q: end", (x, 134), _GREY)
    return panel


def _cells(panel: np.ndarray, counts: np.ndarray, x: int) -> None:
    """The parts of a picture, filled where points were seen."""
    rows, columns = counts.shape
    width, height = _CELLS_WH[0] // columns, _CELLS_WH[1] // rows
    for (row, column), count in np.ndenumerate(counts):
        left, top = x + column * width, 26 + row * height
        corner = (left + width - 2, top + height - 2)
        cv2.rectangle(panel, (left, top), corner, _GREEN if count else _GREY, -1 if count else 1)


def _tilts(panel: np.ndarray, tilted: Mapping[Side, int], x: int) -> None:
    """A board seen from the front; each side says how often it was tilted nearer."""
    width, height = _CELLS_WH
    corners = np.array([(x, 26), (x + width, 26), (x + width, 26 + height), (x, 26 + height)])
    middle = corners.mean(0)
    sides: tuple[tuple[Side, int, int], ...] = (
        ("top", 0, 1),
        ("right", 1, 2),
        ("bottom", 2, 3),
        ("left", 3, 0),
    )
    for side, one, other in sides:
        count = tilted.get(side, 0)
        triangle = np.rint([corners[one], corners[other], middle]).astype(np.int32)
        if count:
            cv2.fillConvexPoly(panel, triangle, _GREEN, cv2.LINE_AA)
        cv2.polylines(panel, [triangle], True, _GREY, 1, cv2.LINE_AA)
        at = triangle.mean(0)
        _text(panel, str(count), (round(at[0]) - 5, round(at[1]) + 5), _DARK if count else _GREY)


def _text(
    panel: np.ndarray,
    words: str,
    at: tuple[int, int],
    color: tuple[int, int, int],
    size: float = 0.45,
) -> None:
    cv2.putText(panel, words, at, _FONT, size, color, 1, cv2.LINE_AA)
