"""Which end of a board comes first, and that two cameras agree on it."""

from __future__ import annotations

import numpy as np

from ..board import Board
from ..errors import CalibrationError

# Cameras of one rig stand upright to each other to within this; from 180 degrees less it on, they
# are taken to see the board from opposite ends.
_UPRIGHT_DEG = 60.0


def is_told_apart(board: Board) -> bool:
    """Whether the places of the points alone tell one end of the board from the other.

    Half a turn brings a chessboard's corners onto each other; only colours tell its ends apart. An
    asymmetric grid of an odd number of rows has its long rows shifted to one side.
    """
    return board.kind == "circles" and board.rows % 2 == 1


def is_upside_down(px: np.ndarray, board: Board) -> bool:
    """Whether the rows run to the left in the picture.

    Args:
        px: (N, 2), places of the points, NaN where unknown.
        board: the board.
    """
    return bool(_lie(px, board)[0, 0] < 0)


def pair_order(ir_px: np.ndarray, vis_px: np.ndarray, board: Board) -> np.ndarray:
    """The infrared points in the order of the visible ones.

    Half a turn of a chessboard brings its corners onto each other. Where the two cameras see its
    colours in opposite polarity, each may begin at another end, and a calibration from such lists
    is wrong without being noticed. Cameras that look the same way, both upright, settle it.

    Args:
        ir_px: (N, 2), infrared px, NaN where unknown.
        vis_px: (N, 2), visible px, NaN where unknown.
        board: what they are points of.

    Returns:
        ``ir_px`` or its reverse.

    Raises:
        CalibrationError: one camera is turned by about a quarter against the other, so that
            neither end fits better; or mirrored pictures.
    """
    if is_told_apart(board):
        return ir_px
    turn = _lie(vis_px, board) @ np.linalg.inv(_lie(ir_px, board))
    if np.linalg.det(turn) < 0:
        raise CalibrationError(
            "one picture shows the board mirrored, the other does not",
            hint="switch off the mirror or flip setting of that camera",
        )
    angle = abs(float(np.degrees(np.arctan2(turn[1, 0] - turn[0, 1], turn[0, 0] + turn[1, 1]))))
    if angle <= _UPRIGHT_DEG:
        return ir_px
    if angle >= 180 - _UPRIGHT_DEG:
        return ir_px[::-1]
    raise CalibrationError(
        f"the cameras are turned by about {angle:.0f} degrees against each other, so the board's "
        "two ends cannot be told apart",
        hint="state the polarity of each camera, normal or inverted, or use a circle grid",
    )


def _lie(px: np.ndarray, board: Board) -> np.ndarray:
    """Linear part (2, 2) of the best affine map from the board, in spacings, to the picture."""
    known = np.isfinite(px).all(1)
    places = board.points()[:, :2] / board.spacing_m
    terms = np.column_stack([places, np.ones(len(places))])[known]
    return np.linalg.lstsq(terms, px[known], rcond=None)[0][:2].T
