"""The board's points in both pictures of a pair, in one order."""

from __future__ import annotations

import numpy as np

from calibration.board import Board
from calibration.targets.detection import Detection, detect_board
from calibration.targets.order import pair_order


def find_pair(
    ir: np.ndarray, vis: np.ndarray, board: Board, polarity: str
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Look for the board in both pictures.

    Args:
        ir: (H, W) uint8 or uint16.
        vis: (H, W, 3) uint8 BGR.
        board: what to look for.
        polarity: of the infrared picture: auto, normal or inverted.

    Returns:
        (N, 2) float64 each, px; None where the board was not found.

    Raises:
        RigError: one picture is mirrored, or the cameras are turned against each other.
    """
    found = [
        detect_board(picture, board, each)
        for picture, each in zip((ir, vis), polarities(polarity), strict=True)
    ]
    return in_one_order(found[0], found[1], board, polarity)


def polarities(polarity: str) -> tuple[str, str]:
    """What to look for in the infrared and in the visible picture.

    Once the infrared one is stated, colours tell the order in both: dark is dark to an eye.
    """
    return (polarity, "auto" if polarity == "auto" else "normal")


def in_one_order(
    ir: Detection | None, vis: Detection | None, board: Board, polarity: str
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """What was found with `polarities`, the infrared points in the order of the visible ones.

    Raises:
        RigError: see `find_pair`.
    """
    ir_px, vis_px = (None if one is None else one.px for one in (ir, vis))
    if polarity == "auto" and ir_px is not None and vis_px is not None:
        ir_px = pair_order(ir_px, vis_px, board)
    return ir_px, vis_px
