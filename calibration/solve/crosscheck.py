"""Solves each half of the views by itself: do the halves agree as well as they should?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..camera import Camera
from ..errors import CalibrationError
from ..views import PairView
from .holdout import HoldOut, hold_out, merged
from .predict import DISTANCES_M, lay, picture_grid, predict, rms_over
from .solution import Distortion, Solution
from .solver import solve_rig

LEAST_PAIRS = 12
_COLUMNS = 25


@dataclass(frozen=True)
class CrossCheck:
    """How two solves of half the views each differ.

    Attributes:
        distances_m: (D,).
        difference_px: (D,) RMS over the common view, in visible px.
        expected_px: (D,) what the halves' covariances let expect.
        map_px: (D, gh, gw), NaN outside the common view.
        grid_px: (gh, gw, 2) visible px.
        ratio: difference over what was expected, all distances together. About 1 if the model is
            right; it varies by half from one set of views to the next.
        hold_out: each half's views through the other half's geometry.
    """

    distances_m: tuple[float, ...]
    difference_px: np.ndarray
    expected_px: np.ndarray
    map_px: np.ndarray
    grid_px: np.ndarray
    ratio: float
    hold_out: HoldOut


def cross_check(
    solution: Solution,
    views: Sequence[PairView],
    distances_m: Sequence[float] = DISTANCES_M,
    progress: Callable[[str, float], None] | None = None,
) -> CrossCheck | None:
    """Solve both halves.

    Args:
        solution: of all views.
        views: as given to `solve_rig`.
        distances_m: at which to compare.
        progress: called with the step in words and how much is done, 0 to 1.

    Returns:
        None with fewer than 12 pairs, or where a half by itself gives no geometry; `judge` says
        so.
    """
    halves = _halves(solution, views)
    if halves is None:
        return None
    options = replace(
        solution.options,
        distortion_ir=_lens(solution.options.distortion_ir, solution.pair.ir),
        distortion_vis=_lens(solution.options.distortion_vis, solution.pair.vis),
    )
    solved = []
    for done, half in zip((0.0, 0.5), halves, strict=True):
        if progress is not None:
            progress("each half of the views", done)
        try:
            solved.append(
                solve_rig(
                    half,
                    solution.board,
                    solution.pair.ir.size_wh,
                    solution.pair.vis.size_wh,
                    options,
                )
            )
        except CalibrationError:
            return None
    first, second = solved
    grid = picture_grid(solution.pair.vis.size_wh, _COLUMNS)
    maps = np.stack([_difference(first, second, grid, 1 / distance) for distance in distances_m])
    expected = np.hypot(*(_by_chance(half, distances_m) for half in solved))
    difference = rms_over(maps)
    noise = (solution.noise_ir_px, solution.noise_vis_px)
    held = [
        hold_out(one.pair, other, solution.board, one.bow_m, noise)
        for one, other in ((first, halves[1]), (second, halves[0]))
    ]
    return CrossCheck(
        distances_m=tuple(float(distance) for distance in distances_m),
        difference_px=difference,
        expected_px=expected,
        map_px=maps,
        grid_px=grid,
        ratio=float(np.sqrt(np.nansum(difference**2) / np.nansum(expected**2))),
        hold_out=merged(*held),
    )


def _by_chance(half: Solution, distances_m: Sequence[float]) -> np.ndarray:
    """(D,) RMS in visible px by which the noise of its points moves a half.

    What both halves take for granted makes neither differ from the other.
    """
    scatter = half.covariance - half.covariance * half.prior @ half.covariance
    return predict(replace(half, covariance=scatter), distances_m, _COLUMNS).rms_px


def _halves(
    solution: Solution, views: Sequence[PairView]
) -> tuple[list[PairView], list[PairView]] | None:
    """Alternate ones in the order of their tilt, so that both halves have all tilts."""
    if solution.pairs < LEAST_PAIRS:
        return None
    by_name = {view.name: view for view in views}
    both = [one for one in solution.views if one.ir_used.any() and one.vis_used.any()]
    both.sort(key=lambda one: (one.T_ir_board[0, 2] > 0, one.T_ir_board[1, 2]))
    ordered = [by_name[one.name] for one in both]
    return ordered[::2], ordered[1::2]


def _lens(asked: Distortion, camera: Camera) -> Distortion:
    """As asked for the whole, so that the halves know as much of k3; rational where it was."""
    return 8 if len(camera.dist) == 8 else asked


def _difference(
    first: Solution, second: Solution, grid: np.ndarray, inverse_distance: float
) -> np.ndarray:
    flat = grid.reshape(-1, 2)
    one, other = (lay(half.pair, flat, inverse_distance) for half in (first, second))
    apart = np.linalg.solve(one.by_vis, (other.ir_px - one.ir_px)[..., None])[..., 0]
    return np.hypot(*apart.T).reshape(grid.shape[:2])
