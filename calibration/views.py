"""What a calibration is solved from: points of the board in both pictures, view by view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PairView:
    """The board in one pose, as both cameras saw it at the same time.

    Attributes:
        name: what the user knows the view by, such as a file's stem.
        ir: (N, 2) float64, px of the board's points in `Board.points`' order, NaN where one was not
            found; None where the infrared camera did not see the board.
        vis: the same for the visible camera.
    """

    name: str
    ir: np.ndarray | None
    vis: np.ndarray | None
