"""Where in both pictures the board was seen."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..rig import CameraPair, Rig
from .figures import GREY, IR_COLOR, VIS_COLOR, new_figure, show_picture_area

if TYPE_CHECKING:
    from ..solve import Solution

_CELLS = 4


def draw_coverage(solution: Solution) -> Any:
    """Both pictures with all points that the solve used, and how many views have some in a cell."""
    whole = new_figure(10, 4.4)
    cameras = (
        ("infrared", solution.pair.ir.size_wh, IR_COLOR, "ir"),
        ("visible", solution.pair.vis.size_wh, VIS_COLOR, "vis"),
    )
    for axes, (title, size_wh, color, key) in zip(whole.subplots(1, 2), cameras, strict=True):
        seen = [
            px[used]
            for px, used in (
                (getattr(view, f"{key}_px"), getattr(view, f"{key}_used"))
                for view in solution.views
            )
            if used.any()
        ]
        show_picture_area(axes, size_wh)
        axes.set_title(f"{title}: {len(seen)} views, {sum(map(len, seen))} points", fontsize=10)
        for px in seen:
            axes.plot(px[:, 0], px[:, 1], ".", markersize=2.5, color=color)
        _count_cells(axes, size_wh, seen)
        if key == "vis":
            outline = infrared_outline(solution.pair)
            axes.plot(*outline.T, "--", color=IR_COLOR, linewidth=1.2)
    return whole


def infrared_outline(pair: CameraPair) -> np.ndarray:
    """The edge of the infrared picture as it lies on the visible one, far away.

    Returns:
        (n, 2) float64, visible px, closed; NaN where the visible camera does not look.
    """
    width, height = (side - 1 for side in pair.ir.size_wh)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height), (0, 0)], np.float64)
    steps = np.linspace(0, 1, 40, endpoint=False)[:, None]
    sides = [one + steps * (other - one) for one, other in pairwise(corners)]
    edge = np.vstack([*sides, corners[:1]])
    return Rig(pair.ir.size_wh, pair.vis.size_wh, None, pair).to_vis(edge)


def views_in_cells(size_wh: tuple[int, int], seen: list[np.ndarray]) -> np.ndarray:
    """How many views have points in each cell of a picture.

    Args:
        size_wh: of the picture, px.
        seen: points (n, 2) of each view, px.

    Returns:
        (4, 4) int64, rows from the top.
    """
    counts = np.zeros((_CELLS, _CELLS), np.int64)
    for px in seen:
        cells = np.clip((px + 0.5) * _CELLS / size_wh, 0, _CELLS - 1).astype(int)
        counts[tuple(np.unique(cells[:, ::-1], axis=0).T)] += 1
    return counts


def _count_cells(axes: Any, size_wh: tuple[int, int], seen: list[np.ndarray]) -> None:
    side = np.array(size_wh) / _CELLS
    for edge in range(1, _CELLS):
        axes.axvline(edge * side[0] - 0.5, color=GREY, linewidth=0.5)
        axes.axhline(edge * side[1] - 0.5, color=GREY, linewidth=0.5)
    for (row, column), count in np.ndenumerate(views_in_cells(size_wh, seen)):
        axes.annotate(
            str(count) if count else "none",
            ((column + 0.5) * side[0], (row + 0.5) * side[1]),
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold",
            color="black" if count else "#B00000",
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "alpha": 0.8, "linewidth": 0},
        )
