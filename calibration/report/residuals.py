"""What is left between the points as measured and as the solved rig says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .figures import GREY, IR_COLOR, VIS_COLOR, new_figure, show_picture_area

if TYPE_CHECKING:
    from ..solve import Solution

_CELLS_ACROSS = 12
_NAMED_VIEWS = 40  # more names do not fit under the bars


def draw_residuals(solution: Solution) -> Any:
    """Two rows: the cloud of all residuals of a camera, and its mean over the picture."""
    whole = new_figure(10, 8.2)
    for row, (title, size_wh, color, key) in zip(
        whole.subplots(2, 2, width_ratios=(1, 1.4)), _cameras(solution), strict=True
    ):
        px, off, used = _joined(solution, key)
        _cloud(row[0], title, off, used, color)
        _mean_field(row[1], size_wh, px[used], off[used], color)
    return whole


def draw_views(solution: Solution) -> Any:
    """RMS of each view in both cameras."""
    whole = new_figure(10, 2.8)
    axes = whole.subplots()
    at = np.arange(len(solution.views))
    for shift, key, title, color in (
        (-0.2, "ir_rms_px", "infrared", IR_COLOR),
        (0.2, "vis_rms_px", "visible", VIS_COLOR),
    ):
        heights = np.nan_to_num([getattr(view, key) for view in solution.views])
        axes.bar(at + shift, heights, width=0.4, color=color, label=title)
    axes.set_ylabel("RMS in px", fontsize=9)
    axes.margins(x=0.01)
    axes.tick_params(labelsize=8)
    names = [view.name for view in solution.views] if len(at) <= _NAMED_VIEWS else []
    axes.set_xticks(at if names else [], names, rotation=90, fontsize=7)
    axes.legend(frameon=False, ncols=2, fontsize=9, loc="upper right")
    axes.spines[["top", "right"]].set_visible(False)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * 1.2)
    return whole


def _cameras(solution: Solution) -> tuple[tuple[str, tuple[int, int], str, str], ...]:
    return (
        ("infrared", solution.pair.ir.size_wh, IR_COLOR, "ir"),
        ("visible", solution.pair.vis.size_wh, VIS_COLOR, "vis"),
    )


def _joined(solution: Solution, key: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, residuals and which were used, of all views of a camera, as far as seen."""
    px, off, used = (
        np.concatenate([getattr(view, f"{key}_{what}") for view in solution.views])
        for what in ("px", "residuals", "used")
    )
    seen = np.isfinite(px).all(axis=1)
    return px[seen], off[seen], used[seen]


def _cloud(axes: Any, title: str, off: np.ndarray, used: np.ndarray, color: str) -> None:
    rms = np.sqrt(np.mean(np.sum(off[used] ** 2, axis=1)))
    reach = max(4 * rms, 1e-3)
    axes.plot(*off[used].T, ".", markersize=2, color=color, alpha=0.5, label="used")
    far = np.clip(off[~used], -reach, reach)
    if len(far):
        axes.plot(*far.T, "x", markersize=5, color="black", label=f"{len(far)} left out")
        axes.legend(frameon=False, fontsize=8, loc="upper right")
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.axvline(0, color=GREY, linewidth=0.5)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(reach, -reach)
    axes.set_aspect("equal")
    axes.tick_params(labelsize=8)
    axes.set_title(f"{title}: RMS {rms:.3f} px", fontsize=10)
    axes.set_xlabel("right, px", fontsize=8)
    axes.set_ylabel("down, px", fontsize=8)


def _mean_field(
    axes: Any, size_wh: tuple[int, int], px: np.ndarray, off: np.ndarray, color: str
) -> None:
    """Arrows of the mean residual of each cell; a pattern in them tells of a wrong lens model."""
    side = size_wh[0] / _CELLS_ACROSS
    cells = np.floor((px + 0.5) / side).astype(int)
    places, which = np.unique(cells, axis=0, return_inverse=True)
    counts = np.bincount(which.ravel())
    means = np.column_stack([np.bincount(which.ravel(), off[:, k]) / counts for k in (0, 1)])
    show_picture_area(axes, size_wh)
    longest = max(float(np.hypot(*means.T).max(initial=0)), 1e-6)
    shown = axes.quiver(
        *((places + 0.5) * side).T,
        *means.T,
        color=color,
        angles="xy",
        scale_units="xy",
        scale=longest / (0.9 * side),
        width=0.004,
    )
    key_px = float(f"{longest:.1g}")
    axes.quiverkey(
        shown, 0.86, 1.04, key_px, f"{key_px:g} px", labelpos="E", fontproperties={"size": 8}
    )
    axes.set_title("mean residual by place", fontsize=10)
