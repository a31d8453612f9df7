"""Solves both cameras, how they stand to each other, all poses and the board's bow at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from ..board import Board
from ..errors import CalibrationError
from ..rig import CameraPair
from ..views import PairView
from .adjust import Data, residuals
from .fitting import Fit, Model, aspect_of, first_model, richer_lenses, robust_fit, settle
from .intake import WORDS, Intake, take_in
from .model import BOW, CAMERAS, FOCAL, LENS, NAMES, ROTATION, Bow, Which, transform
from .solution import LeftOut, Options, Outlier, Solution, SolvedView
from .start import OneCamera, one_camera, together
from .suspects import sort_out

Progress = Callable[[str, float], None]

# Views that do not fit the leanest lens may only need a richer one: be patient at first.
_PATIENT = 10.0
_LOOSE_FOCAL = 0.05
_LOST = "too few of its points fit the others"


def solve_rig(
    views: Sequence[PairView],
    board: Board,
    ir_wh: tuple[int, int],
    vis_wh: tuple[int, int],
    options: Options | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Find the geometry that explains all views best.

    OpenCV's pose of a plane gives the start, each camera by itself. Then everything is refined
    together: calibrating the cameras first and holding them fixed gives several times the
    registration error at the same residuals.

    Args:
        views: points of the board; at least four views in which both cameras saw it.
        board: what they looked at.
        ir_wh: width and height of the infrared picture.
        vis_wh: width and height of the visible picture.
        options: how to solve.
        progress: called with the step in words and how much is done, 0 to 1.

    Raises:
        CalibrationError: too few views, all at one tilt, points outside the picture or in a wrong
            number, a board that they do not fit, views that do not go together.
    """
    begun = time.perf_counter()
    options = options or Options()
    tell = progress or _silent
    sizes: dict[Which, tuple[int, int]] = {"ir": ir_wh, "vis": vis_wh}
    tell("checking the views", 0.0)
    intake = take_in(views, board, ir_wh, vis_wh)
    alone = {}
    for done, which in zip((0.05, 0.2), CAMERAS, strict=True):
        tell(f"{WORDS[which]} camera by itself", done)
        alone[which] = one_camera(intake.data, which, sizes[which])
    tell("both cameras together", 0.35)
    state = together(intake.data, alone["ir"], alone["vis"])
    names, data, left_out = intake.names, intake.data, tuple(intake.left_out)
    model = first_model(options)
    for patience in (_PATIENT, None):
        state, noise, _ = robust_fit(state, data, model)
        chosen = sort_out(state, data, noise, names, **({"odd": patience} if patience else {}))
        state, data = state.of_views(chosen.kept), chosen.data
        names, left_out = tuple(names[at] for at in chosen.kept), left_out + chosen.left_out
        if patience:
            tell("choosing the lens models", 0.55)
            state, _, _ = robust_fit(state, data, model)
            state, model = richer_lenses(state, data, model, options, sizes)
    tell("refining everything", 0.75)
    fit = settle(state, data, model)
    lost = set(range(len(names))) - set(fit.kept.tolist())
    left_out += tuple(LeftOut(names[at], "both", _LOST) for at in sorted(lost))
    names = tuple(names[at] for at in fit.kept)
    _refuse_loose(fit, model, intake)
    tell("checking the board's shape", 0.95)
    solution = _solution(
        fit, model, alone, board, options, sizes, names, left_out, intake.hash, begun
    )
    tell("solved", 1.0)
    return solution


def _solution(
    fit: Fit,
    model: Model,
    alone: Mapping[Which, OneCamera],
    board: Board,
    options: Options,
    sizes: Mapping[Which, tuple[int, int]],
    names: tuple[str, ...],
    left_out: tuple[LeftOut, ...],
    digest: str,
    begun: float,
) -> Solution:
    errors = {which: residuals(fit.state, fit.data, which) for which in CAMERAS}
    solved = tuple(_view(name, at, fit, errors) for at, name in enumerate(names))
    cameras = {w: fit.state.camera(w, sizes[w], model.numbers[w]) for w in CAMERAS}
    values = fit.state.shared.copy()
    bow: Bow = (float(values[BOW][0]), float(values[BOW][1]), float(values[BOW][2]))
    values[ROTATION] = cv2.Rodrigues(fit.state.R)[0].ravel()
    neighbours = {
        which: _neighbours(errors[which], fit.data.used[which], board) for which in CAMERAS
    }
    return Solution(
        pair=CameraPair(cameras["ir"], cameras["vis"], fit.state.T_vis_ir),
        board=board,
        options=options,
        views=solved,
        left_out=left_out,
        outliers=tuple(_outliers(names, errors, fit.data)),
        bow_m=bow,
        noise_ir_px=fit.noise["ir"],
        noise_vis_px=fit.noise["vis"],
        alone_ir_px=alone["ir"].noise_px,
        alone_vis_px=alone["vis"].noise_px,
        neighbours_ir=neighbours["ir"],
        neighbours_vis=neighbours["vis"],
        aspect=aspect_of(fit, model),
        names=tuple(NAMES[at] for at in model.free),
        values=values[model.free],
        covariance=fit.spread.covariance,
        prior=model.prior(fit.state),
        data_hash=digest,
        rounds=fit.rounds,
        seconds=time.perf_counter() - begun,
    )


def _view(name: str, at: int, fit: Fit, errors: Mapping[Which, np.ndarray]) -> SolvedView:
    data = fit.data
    return SolvedView(
        name,
        transform(fit.state.poses_R[at], fit.state.poses_t[at]),
        data.px["ir"][at],
        data.px["vis"][at],
        errors["ir"][at],
        errors["vis"][at],
        data.used["ir"][at],
        data.used["vis"][at],
    )


def _outliers(
    names: Sequence[str], errors: Mapping[Which, np.ndarray], data: Data
) -> list[Outlier]:
    found = []
    for which in CAMERAS:
        odd = np.isfinite(errors[which]).all(-1) & ~data.used[which]
        for view, point in np.argwhere(odd):
            error = float(np.hypot(*errors[which][view, point]))
            found.append(Outlier(names[view], which, int(point), error))
    return sorted(found, key=lambda one: -one.error_px)


def _neighbours(error: np.ndarray, used: np.ndarray, board: Board) -> float:
    """Correlation of the residuals of points that are neighbours in a row or a column."""
    grid = np.where(used[..., None], error, np.nan).reshape(-1, board.rows, board.columns, 2)
    products = [grid[:, 1:] * grid[:, :-1], grid[:, :, 1:] * grid[:, :, :-1]]
    together = np.concatenate([product.ravel() for product in products])
    return float(np.nanmean(together) / np.nanmean(grid**2))


def _refuse_loose(fit: Fit, model: Model, intake: Intake) -> None:
    free = list(model.free)
    for which in CAMERAS:
        for at in range(LENS[which].start, LENS[which].start + FOCAL.stop):
            sigma = np.sqrt(fit.spread.covariance[free.index(at), free.index(at)])
            loose = float(sigma / fit.state.shared[at])
            if loose > _LOOSE_FOCAL:
                raise CalibrationError(
                    f"the {len(intake.names)} views leave the {WORDS[which]} focal length open "
                    f"to {loose:.0%}",
                    hint="tilt the board by 30 degrees and more, to all four sides, in every other "
                    "view",
                )


def _silent(step: str, done: float) -> None:
    pass
