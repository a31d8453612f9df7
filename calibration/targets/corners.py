"""Places of chessboard corners to a small fraction of a pixel.

A corner is where two edges cross: edge(n1 . (p - c)) * edge(n2 . (p - c)), with an edge that runs
from -1 to 1. All pixels of the four squares' inner parts take part, so the corner is found more
exactly than from a small window. The figure is the same after half a turn about the corner, so
blur and noise do not shift it.
"""

from __future__ import annotations

import numpy as np

from .fitting import RISE, Measured, PatchFit, smooth_terms

# Share of the way to the neighbouring corner that is looked at: beyond, their edges come in.
_REACH = 0.45
# Squares may be larger; more pixels than these would cost time and help little.
_MOST_PX = 14
_LEAST_PX = 2.0
# A corner that went further than this share of the way to its neighbour is another one.
_ASTRAY = 0.3


def measure_corners(picture: np.ndarray, rough: np.ndarray, columns: int) -> Measured | None:
    """Measure corners whose places are roughly known.

    Args:
        picture: (H, W) float32, counts.
        rough: (N, 2), known to about a quarter of a square, row by row.
        columns: corners in a row.

    Returns:
        The corners; the sign is that of the square diagonally outside the first corner, negative
        where it is dark. None where the squares are too small.
    """
    rough = rough.astype(np.float64)
    grid = rough.reshape(-1, columns, 2)
    along, down = (np.gradient(grid, axis=axis).reshape(-1, 2) for axis in (1, 0))
    shorter = np.minimum(np.linalg.norm(along, axis=1), np.linalg.norm(down, axis=1))
    if _REACH * shorter.min() < _LEAST_PX:
        return None
    row, column = np.divmod(np.arange(len(rough)), columns)
    return _CornerFit(picture, rough, along, down).measure(
        order=np.where((row + column) % 2, -1.0, 1.0),
        terms=smooth_terms(column / columns, row * columns / len(rough)),
        astray_px=_ASTRAY * shorter,
    )


def edge_width(corners: Measured) -> float:
    """Width of the edges from 10 % to 90 %, px, of those that are blurred more.

    A board that moves blurs the edges across its way.
    """
    return float(corners.shape.max() * RISE)


class _CornerFit(PatchFit):
    """The shape values are the widths of both edges, in px.

    The edges' directions are those of the grid: an error there does not shift c, and fitting them
    too would only let noise in.
    """

    first_shape = (1.5, 1.5)
    shape_limits = ((0.4, 0.4), (8.0, 8.0))

    def __init__(
        self, picture: np.ndarray, rough: np.ndarray, along: np.ndarray, down: np.ndarray
    ) -> None:
        self._steps = np.stack([along, down], axis=2)  # (N, 2, 2), columns are the steps
        # The edge between left and right runs down, and its normal is square to that.
        self._normals = [_square_to(down), -_square_to(along)]
        reach = _REACH * np.abs(self._steps).sum(2).max()
        super().__init__(picture, rough, int(np.clip(np.ceil(reach), 2, _MOST_PX)))

    def belongs(self) -> np.ndarray:
        in_steps = np.linalg.inv(self._steps) @ (self.at - self.rough[:, :, None])
        return (np.abs(in_steps) < _REACH).all(1)

    def figure(self) -> tuple[np.ndarray, np.ndarray]:
        v = self.values.astype(np.float32)[:, :, None]
        dx, dy = self.p[0] - v[:, 0], self.p[1] - v[:, 1]
        edges, rises, offs = [], [], []
        for normal, width in zip(self._normals, (v[:, 2], v[:, 3]), strict=True):
            off = (normal[:, :1] * dx + normal[:, 1:] * dy) / width
            edge = np.tanh(off)
            edges.append(edge)
            rises.append((1 - edge * edge) / width)
            offs.append(off)
        rise_one, rise_two = rises[0] * edges[1], rises[1] * edges[0]
        by_place = [
            -(rise_one * self._normals[0][:, [axis]] + rise_two * self._normals[1][:, [axis]])
            for axis in (0, 1)
        ]
        by_shape = [-rise_one * offs[0], -rise_two * offs[1]]
        return edges[0] * edges[1], np.stack(by_place + by_shape)


def _square_to(direction: np.ndarray) -> np.ndarray:
    """Unit vectors (N, 2) float32 that ``direction`` (N, 2) becomes by a quarter turn."""
    turned = np.column_stack([direction[:, 1], -direction[:, 0]])
    return (turned / np.linalg.norm(turned, axis=1, keepdims=True)).astype(np.float32)
