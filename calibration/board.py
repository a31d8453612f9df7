"""Calibration boards: what both cameras look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .errors import BoardError

_LEAST, _MOST = 3, 60
# Smaller squares no thermal camera sees; it is rather a length in metres that stands for mm.
_LEAST_M, _MOST_M = 1e-3, 10.0


@dataclass(frozen=True)
class Board:
    """A flat board with points in a regular grid.

    Attributes:
        kind: chessboard, whose points are the inner corners; or circles, an asymmetric grid, whose
            points are the centres and where every other row is shifted by half a step.
        columns: points in a row.
        rows: rows of points.
        spacing_m: side of a square; of circles half the distance of two centres in a row, which is
            the distance of two rows. Metres.
    """

    kind: Literal["chessboard", "circles"]
    columns: int
    rows: int
    spacing_m: float

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            BoardError: sizes that cannot be, or a chessboard whose two ends look alike.
        """
        if not (_LEAST <= self.columns <= _MOST and _LEAST <= self.rows <= _MOST):
            raise BoardError(
                f"a board of {self.columns}x{self.rows} points cannot be used",
                hint=f"count the inner corners, {_LEAST} to {_MOST} each way; a board of 10x7 "
                "squares has 9x6",
            )
        if not _LEAST_M <= self.spacing_m <= _MOST_M:
            raise BoardError(
                f"a spacing of {self.spacing_m * 1e3:g} mm cannot be",
                hint="give the side of a square in mm, not in metres: 60 for 6 cm",
            )
        if self.kind == "chessboard" and (self.columns - self.rows) % 2 == 0:
            alike = "even" if self.columns % 2 == 0 else "odd"
            raise BoardError(
                f"a chessboard of {self.columns}x{self.rows} inner corners looks the same turned "
                "by half a turn, or in the other polarity: its corners cannot be told apart",
                hint=f"both numbers are {alike}: cover one row of squares, or take a board with "
                "one even and one odd number, such as 9x6",
            )

    @property
    def count(self) -> int:
        """Number of points."""
        return self.columns * self.rows

    def points(self) -> np.ndarray:
        """Places of the points on the board, row by row.

        Returns:
            (N, 3) float64, metres, z = 0; the first point is the origin.
        """
        rows, columns = np.mgrid[: self.rows, : self.columns].astype(np.float64)
        x = columns if self.kind == "chessboard" else 2 * columns + rows % 2
        flat = np.stack([x.ravel(), rows.ravel(), np.zeros(self.count)], axis=1)
        return flat * self.spacing_m
