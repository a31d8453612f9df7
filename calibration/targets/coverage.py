"""What the views taken so far cover, and what to take next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np

from ..board import Board
from ..views import PairView
from .attitude import Attitude, Side, attitude

GRID = 4  # cells a side
_ROWS = ("top", "upper middle", "lower middle", "bottom")
_COLUMNS = ("left", "centre left", "centre right", "right")
_CORNERS = {(0, 0), (0, GRID - 1), (GRID - 1, 0), (GRID - 1, GRID - 1)}
_SIDES: tuple[Side, ...] = ("left", "right", "top", "bottom")
# A view that is nearer than this to one taken before, in the picture's width and in degrees of
# tilt, tells nothing new.
_SAME_SHARE = 0.04
_SAME_TILT_DEG = 8.0

# From so many pairs on it is known well enough which part of a picture the other camera sees too.
_KNOWN_PAIRS = 3


@dataclass(frozen=True)
class Wanted:
    """How much is enough.

    Attributes:
        pairs: views with the board in both pictures.
        cells: share of each picture's cells in which points were seen, of those that the other
            camera sees too.
        tilted: share of the views that are tilted ...
        tilt_deg: ... by at least this.
        per_side: tilted views in which the left, right, top and bottom was the nearer side.
    """

    pairs: int = 20
    cells: float = 0.8
    tilted: float = 1 / 3
    tilt_deg: float = 30.0
    per_side: int = 1


class Coverage:
    """Views taken so far. Not thread-safe: one thread owns it."""

    def __init__(
        self,
        board: Board,
        ir_wh: tuple[int, int],
        vis_wh: tuple[int, int],
        wanted: Wanted | None = None,
    ) -> None:
        self.wanted = wanted or Wanted()
        self._board = board
        self._sizes = {"infrared": ir_wh, "visible": vis_wh}
        self._counts = {name: np.zeros((GRID, GRID), int) for name in self._sizes}
        self._lies: list[Attitude] = []  # of the visible picture, which is the sharper one
        self._taken: list[np.ndarray] = []
        self._taken_ir: list[np.ndarray] = []

    @property
    def pairs(self) -> int:
        """Views with the board in both pictures."""
        return len(self._taken)

    def cells(self, camera: str) -> np.ndarray:
        """Points seen in each cell.

        Args:
            camera: infrared or visible.

        Returns:
            (4, 4) int, top row first.
        """
        return self._counts[camera].copy()

    def covered(self, camera: str) -> float:
        """Share of a camera's cells in which points were seen, 0 to 1.

        Cells that the other camera does not see count only where they have points.
        """
        seen = self._counts[camera] > 0
        return float(seen[seen | self.shared(camera)].mean())

    def shared(self, camera: str) -> np.ndarray:
        """Which cells of a camera's picture the other camera sees too, as far as is known by now.

        Told by one homography through all pairs, which is right to some tens of px: boards at
        different distances do not lie on one plane, but this is about whole cells.

        Returns:
            (4, 4) bool; all True before there are three pairs.
        """
        if self.pairs < _KNOWN_PAIRS:
            return np.ones((GRID, GRID), bool)
        own, others = np.concatenate(self._taken_ir), np.concatenate(self._taken)
        other = "visible"
        if camera == "visible":
            own, others, other = others, own, "infrared"
        known = np.isfinite(own).all(1) & np.isfinite(others).all(1)
        H, _ = cv2.findHomography(own[known], others[known])
        if H is None:
            return np.ones((GRID, GRID), bool)
        row, column = np.mgrid[:GRID, :GRID]
        width, height = self._sizes[camera]
        centres = np.stack([(column + 0.5) / GRID * width, (row + 0.5) / GRID * height], -1) - 0.5
        there = cv2.perspectiveTransform(centres.reshape(1, -1, 2), H).reshape(GRID, GRID, 2)
        width, height = self._sizes[other]
        x, y = np.moveaxis(there, -1, 0)
        return (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)

    @property
    def tilted(self) -> Counter[Side]:
        """Views tilted far enough, by the side that was nearer."""
        enough = [lie.nearer for lie in self._lies if lie.tilt_deg >= self.wanted.tilt_deg]
        return Counter(side for side in enough if side is not None)

    def add(self, view: PairView) -> None:
        """Count a view; points of one picture alone count for that picture's cells."""
        for camera, px in (("infrared", view.ir), ("visible", view.vis)):
            if px is not None:
                self._counts[camera] += self._per_cell(px, camera)
        if view.ir is None or view.vis is None:
            return
        lie = attitude(view.vis, self._board, self._sizes["visible"])
        if lie is not None:
            self._lies.append(lie)
            self._taken.append(view.vis)
            self._taken_ir.append(view.ir)

    def is_new(self, vis_px: np.ndarray) -> bool:
        """Whether the board lies otherwise than in all views taken.

        Args:
            vis_px: (N, 2), visible px.
        """
        lie = attitude(vis_px, self._board, self._sizes["visible"])
        if lie is None:
            return False
        same_px = _SAME_SHARE * self._sizes["visible"][0]
        for before, lay in zip(self._taken, self._lies, strict=True):
            moved = np.nanmean(np.linalg.norm(vis_px - before, axis=1))
            tilted = abs(lie.tilt_deg - lay.tilt_deg) >= _SAME_TILT_DEG
            if moved < same_px and not tilted:
                return False
        return True

    def advice(self) -> str:
        """What to take next, one plain line; or that it is enough."""
        empty = self._emptiest()
        if self.pairs and empty:
            return empty
        tilted = self.tilted
        lacking = [side for side in _SIDES if tilted[side] < self.wanted.per_side]
        if self.pairs and lacking:
            return (
                f"tilt the board by about {self.wanted.tilt_deg + 5:.0f} degrees, its "
                f"{lacking[0]} side nearer to the cameras"
            )
        few = int(np.ceil(self.wanted.tilted * self.wanted.pairs)) - sum(tilted.values())
        if self.pairs and few > 0:
            return f"tilt the board by {self.wanted.tilt_deg:.0f} degrees or more, {few} more times"
        rest = self.wanted.pairs - self.pairs
        if rest > 0:
            where = "near and far, tilted, all over the picture"
            return f"{rest} more views: {where}"
        return f"enough: {self.pairs} views cover both pictures; more make it better still"

    @property
    def is_enough(self) -> bool:
        """Whether nothing that is wanted lacks."""
        return self.advice().startswith("enough")

    def _per_cell(self, px: np.ndarray, camera: str) -> np.ndarray:
        width, height = self._sizes[camera]
        known = px[np.isfinite(px).all(1)]
        cell = np.floor((known + 0.5) / (width, height) * GRID).astype(int)
        column, row = np.clip(cell, 0, GRID - 1).T
        counts = np.zeros((GRID, GRID), int)
        np.add.at(counts, (row, column), 1)
        return counts

    def _emptiest(self) -> str:
        """Where points lack, if too many cells are empty: corners first, as lenses bend there."""
        for camera, counts in self._counts.items():
            if self.covered(camera) >= self.wanted.cells:
                continue
            lacking = (counts == 0) & self.shared(camera)
            empty = [(int(row), int(column)) for row, column in np.argwhere(lacking)]
            row, column = min(empty, key=lambda cell: (cell not in _CORNERS, cell))
            return (
                f"move the board to the {_ROWS[row]} {_COLUMNS[column]} of the {camera} picture: "
                f"{len(empty)} of its {GRID * GRID} parts have no points yet"
            )
        return ""
