"""A dense map from few nodes: exact geometry every few pixels, straight lines between."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

# Carries px (N, 2) of one picture to px (N, 2) of the other; NaN where there is no place.
Projection = Callable[[np.ndarray], np.ndarray]

# Half of the 0.02 px that the map may be off: the error is looked for at samples.
LIMIT_PX = 0.01

_STEPS = (32, 16, 8, 4, 2, 1)
_SAMPLES = 16  # cells each way at which a step is tried
_FAR_PX = 1e4


class NodeGrid:
    """Nodes that cover one picture.

    They lie in the middle of cells of ``step`` px, as `cv2.resize` places the pixels of a small
    picture in a large one, with one cell more on each side: so each pixel lies between four nodes.

    Attributes:
        nodes: (N, 2) float64, px.
        size_wh: of the picture, in px.
    """

    def __init__(self, size_wh: tuple[int, int], step: int) -> None:
        self.size_wh = size_wh
        self._step = step
        x, y = (_axis(length, step) for length in size_wh)
        self._shape = (len(y), len(x))
        self.nodes = np.column_stack([grid.ravel() for grid in np.meshgrid(x, y)])

    def dense(self, places: np.ndarray) -> np.ndarray:
        """The map of every pixel.

        Args:
            places: (N, 2), where the nodes lie in the other picture; NaN where nowhere.

        Returns:
            (H, W, 2) float32, contiguous; x, then y, in px of the other picture. Far outside of it
            in every cell that has a node which lies nowhere.
        """
        width, height = self.size_wh
        rows, columns = self._shape
        few: np.ndarray = (
            places.clip(-_FAR_PX, _FAR_PX).astype(np.float32).reshape(rows, columns, 2)
        )
        step = self._step
        whole = few
        if step > 1:
            whole = cv2.resize(few, (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)
        full = np.ascontiguousarray(whole[step : step + height, step : step + width])
        cv2.patchNaNs(full, -_FAR_PX)
        return full


def node_step(
    project: Projection, size_wh: tuple[int, int], other_wh: tuple[int, int]
) -> tuple[int, float]:
    """The widest step between nodes that keeps the map right.

    Args:
        project: exact.
        size_wh: of the picture that the map is for, in px.
        other_wh: of the picture that it leads to; what lies outside of it need not be right.

    Returns:
        The step in px, and the largest error in px that was found with it.
    """
    for step in _STEPS[:-1]:
        error = _worst(project, size_wh, other_wh, step)
        if error <= LIMIT_PX:
            return step, error
    return 1, 0.0


def _worst(
    project: Projection, size_wh: tuple[int, int], other_wh: tuple[int, int], step: int
) -> float:
    """Largest error in the middle of cells and of their sides, where it is largest."""
    x, y = (_some(_axis(length, step)[:-1]) for length in size_wh)
    corner = np.column_stack([grid.ravel() for grid in np.meshgrid(x, y)])
    at = {(i, j): project(corner + np.array([i, j]) * step / 2) for i in range(3) for j in range(3)}
    worst = 0.0
    for i, j in ((1, 0), (0, 1), (1, 1), (2, 1), (1, 2)):
        ends = [
            at[a, b] for a in {i // 2 * 2, (i + 1) // 2 * 2} for b in {j // 2 * 2, (j + 1) // 2 * 2}
        ]
        exact = at[i, j]
        in_view = ((exact > -1) & (exact < other_wh)).all(1)
        miss = np.hypot(*(np.mean(ends, axis=0) - exact).T)[in_view]
        miss = miss[np.isfinite(miss)]
        worst = max(worst, float(miss.max(initial=0.0)))
    return worst


def _axis(length: int, step: int) -> np.ndarray:
    """Places of the nodes along one side, the cells beyond both ends included."""
    return (np.arange(-1, math.ceil(length / step) + 1) + 0.5) * step - 0.5


def _some(places: np.ndarray) -> np.ndarray:
    """Some of them, both ends included."""
    return places[np.unique(np.linspace(0, len(places) - 1, _SAMPLES).round().astype(int))]
