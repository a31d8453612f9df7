"""Predicts how well the pictures will lie on each other, over the picture and over distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..rig import CameraPair
from .model import COUNT, LENS, NAMES, ROTATION, SHIFT, cross, lens_numbers, project
from .regions import empty_regions
from .solution import Solution

DISTANCES_M = (1.0, 2.0, 5.0, 20.0, 200.0, float("inf"))
# Places with no point of a board nearer than this part of the picture's width have no data: there
# the lens model alone speaks, and it is too sure of itself.
_NEARBY = 0.08


@dataclass(frozen=True)
class Prediction:
    """Expected registration error in visible px.

    Attributes:
        grid_px: (gh, gw, 2) visible px.
        distances_m: (D,), along the visible camera's axis, infinity for far away.
        sigma_px: (D, gh, gw) RMS length of the error to be expected; NaN outside the infrared view.
        rms_px: (D,) RMS over the common view.
        p95_px: (D,) what 95 % of the common view stay within.
        supported: (gh, gw) bool, where boards were seen nearby in both pictures.
        no_data: parts of the common view without data, such as ``top left corner``.
    """

    grid_px: np.ndarray
    distances_m: tuple[float, ...]
    sigma_px: np.ndarray
    rms_px: np.ndarray
    p95_px: np.ndarray
    supported: np.ndarray
    no_data: tuple[str, ...]


@dataclass(frozen=True)
class Laid:
    """How visible places find their infrared pixel, and how errors of the geometry move it.

    Attributes:
        ir_px: (M, 2), NaN outside the infrared picture.
        by_vis: (M, 2, 2), infrared px by visible px.
        moves: (M, 2, COUNT), visible px by each shared parameter.
    """

    ir_px: np.ndarray
    by_vis: np.ndarray
    moves: np.ndarray


def predict(
    solution: Solution, distances_m: Sequence[float] = DISTANCES_M, columns: int = 25
) -> Prediction:
    """Carry the solution's covariance through the mapping of one picture onto the other.

    Args:
        solution: solved.
        distances_m: of the things that are looked at; infinity for far away.
        columns: of the grid over the visible picture; rows to match.

    Returns:
        The error that the noise of the points lets expect. What the model cannot express, such as
        a lens of another kind, is not in it: that is what `cross_check` is for.
    """
    pair = solution.pair
    grid = picture_grid(pair.vis.size_wh, columns)
    flat = grid.reshape(-1, 2)
    at = [NAMES.index(name) for name in solution.names]
    sigma = []
    for distance in distances_m:
        laid = lay(pair, flat, 1 / distance)
        moves = laid.moves[..., at]
        variance = np.einsum("mip,pq,miq->m", moves, solution.covariance, moves)
        sigma.append(np.sqrt(variance).reshape(grid.shape[:2]))
    maps = np.stack(sigma)
    middle = float(np.median([view.T_ir_board[2, 3] for view in solution.views]))
    common = lay(pair, flat, 1 / middle).ir_px
    supported = _supported(solution, flat, common).reshape(grid.shape[:2])
    seen = np.isfinite(common).all(1).reshape(grid.shape[:2])
    return Prediction(
        grid_px=grid,
        distances_m=tuple(float(distance) for distance in distances_m),
        sigma_px=maps,
        rms_px=rms_over(maps),
        p95_px=np.array([_percentile(one) for one in maps]),
        supported=supported,
        no_data=empty_regions(grid, pair.vis.size_wh, seen, supported),
    )


def picture_grid(size_wh: tuple[int, int], columns: int) -> np.ndarray:
    """(gh, gw, 2) px, evenly over a picture, borders included."""
    width, height = size_wh
    rows = max(2, round(columns * height / width))
    x, y = np.meshgrid(np.linspace(0, width - 1, columns), np.linspace(0, height - 1, rows))
    return np.stack([x, y], axis=-1)


def rms_over(maps: np.ndarray) -> np.ndarray:
    """(D,) RMS of maps (D, gh, gw) over what is not NaN; NaN where nothing is."""
    finite = [one[np.isfinite(one)] for one in maps]
    return np.array([np.sqrt((one**2).mean()) if len(one) else np.nan for one in finite])


def lay(pair: CameraPair, vis_px: np.ndarray, inverse_distance: float) -> Laid:
    """Follow visible pixels (M, 2) into the infrared picture, with derivatives."""
    R, t = pair.T_vis_ir[:3, :3], pair.T_vis_ir[:3, 3]
    rays = pair.vis.rays(vis_px)
    unseen = ~np.isfinite(rays).all(1)
    rays[unseen] = 0
    v = np.column_stack([rays, np.ones(len(rays))])
    _, vis_by_ray, vis_by_lens = project(lens_numbers(pair.vis), v)
    moved = v - inverse_distance * t
    P = moved @ R
    ir_px, by_point, ir_by_lens = project(lens_numbers(pair.ir), P)
    beyond = ~np.isfinite(pair.ir.project(P)).all(1)
    outside = unseen | beyond | ((ir_px < -0.5) | (ir_px > np.array(pair.ir.size_wh) - 0.5)).any(1)
    by_moved = by_point @ R.T
    by_vis = by_moved[..., :2] @ np.linalg.inv(vis_by_ray[..., :2])
    back = np.linalg.inv(by_vis)
    moves = np.zeros((len(vis_px), 2, COUNT))
    moves[..., LENS["ir"]] = back @ ir_by_lens
    moves[..., LENS["vis"]] = -vis_by_lens
    moves[..., ROTATION] = back @ by_moved @ cross(moved)
    moves[..., SHIFT] = -inverse_distance * back @ by_moved
    moves[outside] = np.nan
    return Laid(np.where(outside[:, None], np.nan, ir_px), by_vis, moves)


def _supported(solution: Solution, vis_px: np.ndarray, ir_px: np.ndarray) -> np.ndarray:
    pair = solution.pair
    seen_ir = np.concatenate([view.ir_px[view.ir_used] for view in solution.views])
    seen_vis = np.concatenate([view.vis_px[view.vis_used] for view in solution.views])
    return _near(ir_px, seen_ir, _NEARBY * pair.ir.size_wh[0]) & _near(
        vis_px, seen_vis, _NEARBY * pair.vis.size_wh[0]
    )


def _near(places: np.ndarray, points: np.ndarray, radius: float) -> np.ndarray:
    squared = [((points - place) ** 2).sum(1).min() for place in places]
    return np.array(squared) < radius**2


def _percentile(one: np.ndarray) -> float:
    finite = one[np.isfinite(one)]
    return float(np.percentile(finite, 95)) if len(finite) else float("nan")
