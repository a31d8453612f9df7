"""Chessboards sought in small pictures by OpenCV's sector-based detector."""

from __future__ import annotations

import cv2
import numpy as np

from ..board import Board
from .picture import levelled, shrunk, spread_out, stretched, to_full

# A saddle of brightness of this blur, in px of the small picture; see `could_hold_board`.
_SADDLE_BLUR = 1.5
# The saddle of a perfect corner in a picture of spread 1 is 0.64 / blur^2 strong. Noise as large
# as half a board's contrast, or blur as large as this one, leaves half of it.
_PERFECT = 2 / np.pi / _SADDLE_BLUR**2
_LEAST_SADDLE = 0.35 * _PERFECT
_LEAST_SHARE = 0.5
_SECOND = np.array([[1, -2, 1]], np.float32)
_CROSSED = np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1]], np.float32) / 4


def could_hold_board(counts: np.ndarray, board: Board, side: int) -> bool:
    """Whether there are enough saddles of brightness for the board's corners.

    A quick look that spares seeking where there is little to see: a wall, a warm scene without
    detail. A picture full of detail passes.
    """
    picture = np.clip(spread_out(shrunk(counts, side)), -2, 2)
    smooth = cv2.GaussianBlur(picture, (0, 0), _SADDLE_BLUR)
    xx, yy = (cv2.filter2D(smooth, -1, kernel) for kernel in (_SECOND, _SECOND.T))
    xy = cv2.filter2D(smooth, -1, _CROSSED)
    saddle = xy * xy - xx * yy
    peaks = saddle >= cv2.dilate(saddle, np.ones((5, 5), np.uint8))
    found = np.count_nonzero(peaks & (saddle > _LEAST_SADDLE**2))
    return bool(found >= _LEAST_SHARE * board.count)


def find_chessboard(counts: np.ndarray, board: Board, side: int, level: bool) -> np.ndarray | None:
    """Seek the inner corners.

    Args:
        counts: (H, W) float32.
        board: a chessboard.
        side: the picture is shrunk to at most so many px.
        level: even out the picture, so that a board shows whose contrast is small beside other
            things in view; otherwise it is stretched linearly.

    Returns:
        (N, 2) float64, px, row by row with the rows turning as in `Board.points`, from either end;
        None where there is no board.
    """
    small = shrunk(counts, side)
    picture = levelled(small) if level else stretched(small)
    found, px = cv2.findChessboardCornersSB(picture, (board.columns, board.rows), flags=0)
    if not found:
        return None
    grid = px.reshape(board.rows, board.columns, 2).astype(np.float64)
    (ax, ay), (bx, by) = grid[0, -1] - grid[0, 0], grid[-1, 0] - grid[0, 0]
    if ax * by - ay * bx < 0:
        grid = grid[:, ::-1]
    return to_full(grid.reshape(-1, 2), small, counts)
