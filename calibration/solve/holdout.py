"""Registration error on pairs that had no part in the solve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..board import Board
from ..errors import CalibrationError
from ..rig import CameraPair
from ..views import PairView
from .adjust import Data
from .intake import LEAST_POINTS, checked_points, lies_on_board, misfit_words
from .model import CAMERAS, FLAT, Bow, Shape, State, Which, shared_of
from .solution import LeftOut
from .start import best_poses


@dataclass(frozen=True)
class HeldView:
    """One pair.

    Attributes:
        name: as given.
        error_px: (N, 2) visible px: where the rig lays an infrared point less where the visible
            camera saw it; NaN where one was not seen.
        rms_px: RMS length.
        distance_m: middle distance of the board's points from the visible camera.
    """

    name: str
    error_px: np.ndarray
    rms_px: float
    distance_m: float


@dataclass(frozen=True)
class HoldOut:
    """Many pairs.

    Attributes:
        views: one by one.
        rms_px: RMS length over all points; the noise of both detections is in it.
        p95_px: what 95 % of the points stay within.
        noise_px: what the noise of the detections alone gives; None where it is not known.
        skipped: pairs that could not be used.
    """

    views: tuple[HeldView, ...]
    rms_px: float
    p95_px: float
    noise_px: float | None
    skipped: tuple[LeftOut, ...]


def hold_out(
    pair: CameraPair,
    views: Sequence[PairView],
    board: Board,
    bow_m: Bow = FLAT,
    noise_px: tuple[float, float] | None = None,
) -> HoldOut:
    """Lay the infrared points of each pair on the visible ones.

    The distance of each point comes from the board's pose, which is found from both pictures.

    Args:
        pair: the geometry to be checked.
        views: pairs that it was not made from.
        board: what was looked at.
        bow_m: how the board is bowed, see `Solution.bow_m`.
        noise_px: noise per axis of infrared and visible points, where known.

    Raises:
        CalibrationError: no pair can be used; points outside the picture, or in another number
            than the board's.
    """
    held, skipped = [], []
    sizes: dict[Which, tuple[int, int]] = {"ir": pair.ir.size_wh, "vis": pair.vis.size_wh}
    for view in views:
        px = {
            which: checked_points(view.name, which, getattr(view, which), board, sizes[which])
            for which in CAMERAS
        }
        both = np.isfinite(px["ir"]).all(1) & np.isfinite(px["vis"]).all(1)
        odd = [which for which in CAMERAS if not lies_on_board(px[which], board)]
        if both.sum() < LEAST_POINTS:
            skipped.append(LeftOut(view.name, "both", "the board was not seen in both pictures"))
        elif odd:
            skipped.append(LeftOut(view.name, odd[0], misfit_words(board)))
        else:
            held.append(_one(pair, view.name, px, both, board, bow_m, noise_px))
    if not held:
        why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise CalibrationError(
            f"none of {len(views)} pairs can be used{why}",
            hint="take pairs in which the whole board is in both pictures",
        )
    return _together(tuple(held), _expected(pair, noise_px), tuple(skipped))


def merged(first: HoldOut, second: HoldOut) -> HoldOut:
    """Both as one."""
    return _together(first.views + second.views, first.noise_px, first.skipped + second.skipped)


def _together(
    views: tuple[HeldView, ...], noise_px: float | None, skipped: tuple[LeftOut, ...]
) -> HoldOut:
    lengths = np.concatenate([np.hypot(*view.error_px.T) for view in views])
    lengths = lengths[np.isfinite(lengths)]
    rms, p95 = float(np.sqrt((lengths**2).mean())), float(np.percentile(lengths, 95))
    return HoldOut(views, rms, p95, noise_px, skipped)


def _one(
    pair: CameraPair,
    name: str,
    px: Mapping[Which, np.ndarray],
    both: np.ndarray,
    board: Board,
    bow_m: Bow,
    noise_px: tuple[float, float] | None,
) -> HeldView:
    shape = Shape(board)
    R, t = pair.T_vis_ir[:3, :3], pair.T_vis_ir[:3, 3]
    state = State(shared_of(pair, bow_m), R, np.eye(3)[None], np.zeros((1, 3)))
    data = Data(
        shape, {which: px[which][None] for which in CAMERAS}, dict.fromkeys(CAMERAS, both[None])
    )
    weights = dict(zip(CAMERAS, noise_px or (1.0, 1.0), strict=True))
    state = best_poses(state, data, weights)
    depth = (shape.points(state.shared) @ state.poses_R[0].T + state.poses_t[0])[both, 2:]
    rays = pair.ir.rays(px["ir"][both])
    points = np.column_stack([rays, np.ones(len(rays))]) * depth @ R.T + t
    error = np.full((board.count, 2), np.nan)
    error[both] = pair.vis.project(points) - px["vis"][both]
    rms = float(np.sqrt(np.nanmean((error**2).sum(1))))
    return HeldView(name, error, rms, float(np.median(points[:, 2])))


def _expected(pair: CameraPair, noise_px: tuple[float, float] | None) -> float | None:
    if noise_px is None:
        return None
    larger = np.sqrt(np.linalg.det(pair.vis.K[:2, :2]) / np.linalg.det(pair.ir.K[:2, :2]))
    return float(np.sqrt(2) * np.hypot(noise_px[0] * larger, noise_px[1]))
