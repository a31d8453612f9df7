"""A first guess from nothing: each camera by itself, then how they stand to each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..errors import CalibrationError
from .adjust import Data, adjust, residuals
from .intake import WORDS
from .model import ASPECT, CENTRE, COUNT, FOCAL, LENS, SHIFT, State, Which, rotation

# Focal lengths to try, in picture widths: fields of view from 90 to 6 degrees.
_WIDTHS = 0.5 * 1.4 ** np.arange(10)
_MOST_VIEWS = 30
_PARALLEL_DEG = 6.0
_RAYLEIGH_MEDIAN = 1.1774  # of the length of a vector with unit noise per axis
LEAST_NOISE_PX, _HOPELESS_PX = 0.02, 4.0
# Relations of the cameras that differ by less, in rad, are one; so many views must tell the same.
_SAME, _AGREE = 0.3, 0.6
_FAR = 5.0  # units of noise, from which on points hardly pull


@dataclass(frozen=True)
class OneCamera:
    """One camera by itself.

    Attributes:
        lens: (12,), see `project`.
        R: (V, 3, 3) board to camera; NaN where it did not see the board.
        t: (V, 3).
        noise_px: robust estimate per axis.
    """

    lens: np.ndarray
    R: np.ndarray
    t: np.ndarray
    noise_px: float


def one_camera(data: Data, which: Which, size_wh: tuple[int, int]) -> OneCamera:
    """Calibrate one camera, in a way that bad points and views do not upset.

    Raises:
        CalibrationError: all views show the board at one tilt, or no pose was found.
    """
    usable = np.flatnonzero(data.used[which].any(1))
    few = usable[np.linspace(0, len(usable) - 1, min(len(usable), _MOST_VIEWS)).astype(int)]
    lens = np.zeros(12)
    lens[CENTRE] = (np.array(size_wh) - 1) / 2
    best_cost = np.inf
    for widths in _WIDTHS:
        trial = lens.copy()
        trial[FOCAL] = widths * size_wh[0]
        errors = [_pose(data, which, view, trial)[2] for view in few[::3].tolist()]
        if np.median(errors) < best_cost:
            best_cost, best = float(np.median(errors)), trial
    if not np.isfinite(best_cost):
        raise CalibrationError(
            f"no pose of the board fits the {WORDS[which]} points",
            hint="check columns, rows and the order in which the points were found",
        )
    poses = [_pose(data, which, view, best) for view in few.tolist()]
    _refuse_parallel(np.array([R[:, 2] for R, _, _ in poses]), which, len(usable))
    state = _alone(best, which, np.array([R for R, _, _ in poses]), [t for _, t, _ in poses])
    some = data.of_views(few)
    at = LENS[which].start
    for numbers, cauchy in (((0, 1, 4), 5.0), (range(8), 3.0), (range(8), 3.0)):
        noise = robust_noise(residuals(state, some, which), some.used[which])
        free = at + np.array(numbers)
        state = adjust(state, some, free, {which: noise}, cauchy, (which,)).state
    lens = state.shared[LENS[which]]
    noise = robust_noise(residuals(state, some, which), some.used[which])
    if noise > _HOPELESS_PX:
        raise CalibrationError(
            f"in the best fit the {WORDS[which]} points still lie {noise:.1f} px off the board",
            hint="check kind, columns and rows of the board, and that its squares are square",
        )
    R, t = np.full((len(data.px[which]), 3, 3), np.nan), np.full((len(data.px[which]), 3), np.nan)
    found = [_pose(data, which, view, lens) for view in usable.tolist()]
    state = _alone(lens, which, np.array([R for R, _, _ in found]), [t for _, t, _ in found])
    nothing = np.empty(0, int)
    rest = data.of_views(usable)
    state = adjust(state, rest, nothing, {which: noise}, 3.0, (which,)).state
    R[usable], t[usable] = state.poses_R, state.poses_t
    return OneCamera(lens, R, t, noise)


def together(data: Data, ir: OneCamera, vis: OneCamera) -> State:
    """Both cameras in one state, by the relation on which most views agree.

    Raises:
        CalibrationError: many views tell of another relation.
    """
    both = np.flatnonzero(np.isfinite(ir.t).all(1) & np.isfinite(vis.t).all(1))
    R, t, agree = _relation(ir.R[both], ir.t[both], vis.R[both], vis.t[both])
    if agree < _AGREE * len(both):
        low, high = data.shape.flat.min(0), data.shape.flat.max(0)
        half_turn = np.diag([-1.0, -1.0, 1.0])
        turned_t = ir.t[both] + ir.R[both] @ (low + high)
        *_, turned = _relation(ir.R[both] @ half_turn, turned_t, vis.R[both], vis.t[both])
        if turned > agree:
            raise CalibrationError(
                f"in {turned} of {len(both)} pairs the points run from opposite corners of the "
                "board in the two pictures",
                hint="find the points of both pictures together, in one order",
            )
        raise CalibrationError(
            f"in {len(both) - agree} of {len(both)} pairs the two pictures tell of another "
            "position of the cameras than in the others",
            hint="take both pictures of a pair at the same moment, with board and cameras at rest; "
            "the points must run from the same corner in both",
        )
    shared = np.zeros(COUNT)
    shared[LENS["ir"]], shared[LENS["vis"]] = ir.lens, vis.lens
    shared[SHIFT], shared[ASPECT] = t, 1
    return best_poses(State(shared, R, ir.R, ir.t), data, {"ir": ir.noise_px, "vis": vis.noise_px})


def _relation(
    ir_R: np.ndarray, ir_t: np.ndarray, vis_R: np.ndarray, vis_t: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Infrared to visible frame, by the view nearest to all others; and how many are near it."""
    R = vis_R @ np.swapaxes(ir_R, 1, 2)
    t = vis_t - np.einsum("vij,vj->vi", R, ir_t)
    scale = np.median(np.linalg.norm(ir_t, axis=1))
    turned = np.linalg.norm(R[:, None] - R, axis=(2, 3)) / np.sqrt(2)  # rad, where it is small
    apart = turned + np.linalg.norm(t[:, None] - t, axis=2) / scale
    middle = int(np.argmin(np.median(apart, axis=1)))
    return R[middle], t[middle], int((apart[middle] < _SAME).sum())


def best_poses(state: State, data: Data, noise: dict[Which, float]) -> State:
    """Each view's pose anew, from the camera and the one of a plane's two poses that fit best."""
    candidates = []
    for view in range(len(data.px["ir"])):
        for which in ("ir", "vis"):
            if data.used[which][view].any():
                for R, t in _two_poses(data, which, view, state.shared[LENS[which]]):
                    if which == "vis":
                        R, t = state.R.T @ R, state.R.T @ (t - state.shared[SHIFT])
                    candidates.append((view, R, t))
    of = np.array([view for view, _, _ in candidates])
    many = replace(
        state,
        poses_R=np.array([R for _, R, _ in candidates]),
        poses_t=np.array([t for _, _, t in candidates]),
    )
    repeated = data.of_views(of)
    cost = np.zeros(len(of))
    for which, sigma in noise.items():
        error = residuals(many, repeated, which)
        squared = np.where(repeated.used[which], (error**2).sum(-1), 0) / sigma**2
        cost += np.log1p(squared / _FAR**2).sum(1)
    best = [min(np.flatnonzero(of == view), key=lambda at: cost[at]) for view in np.unique(of)]
    nothing = np.empty(0, int)
    return adjust(many.of_views(np.array(best)), data, nothing, noise, _FAR).state


def robust_noise(error: np.ndarray, used: np.ndarray) -> float:
    """Noise per axis in px, from the median length of the residuals (V, N, 2) in use."""
    length = np.hypot(*error[used].T)
    return max(float(np.median(length)) / _RAYLEIGH_MEDIAN, LEAST_NOISE_PX)


def _alone(lens: np.ndarray, which: Which, R: np.ndarray, t: list[np.ndarray]) -> State:
    shared = np.zeros(COUNT)
    shared[LENS[which]], shared[ASPECT] = lens, 1
    return State(shared, np.eye(3), R, np.array(t))


def _pose(
    data: Data, which: Which, view: int, lens: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Board to camera, and the RMS error in px; infinite where there is none."""
    poses = _two_poses(data, which, view, lens)
    used = data.used[which][view]
    X, px = data.shape.flat[used], data.px[which][view][used]
    K, dist = _opencv(lens)
    best = (np.eye(3), np.array([0, 0, 1.0]), np.inf)
    for R, t in poses:
        modelled = cv2.projectPoints(X, cv2.Rodrigues(R)[0], t, K, dist)[0].reshape(-1, 2)
        error = float(np.sqrt(((modelled - px) ** 2).sum(1).mean()))
        if error < best[2]:
            best = (R, t, error)
    return best


def _two_poses(
    data: Data, which: Which, view: int, lens: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    used = data.used[which][view]
    K, dist = _opencv(lens)
    _, turns, shifts, _ = cv2.solvePnPGeneric(
        data.shape.flat[used], data.px[which][view][used], K, dist, flags=cv2.SOLVEPNP_IPPE
    )
    poses = [
        (rotation(turn.ravel()), shift.ravel()) for turn, shift in zip(turns, shifts, strict=True)
    ]
    return [(R, t) for R, t in poses if (R[2] @ data.shape.flat.T + t[2] > 0).all()]


def _opencv(lens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.array([[lens[0], 0, lens[2]], [0, lens[1], lens[3]], [0, 0, 1]]), lens[4:12]


def _refuse_parallel(normals: np.ndarray, which: Which, views: int) -> None:
    spread = tilt_spread_deg(normals)
    if spread < _PARALLEL_DEG:
        raise CalibrationError(
            f"all {views} {WORDS[which]} views show the board at the same tilt (they differ by "
            f"{spread:.0f} degrees)",
            hint="tilt the board by 30 degrees and more, to all four sides, in every other view",
        )


def tilt_spread_deg(normals: np.ndarray) -> float:
    """How far boards are tilted against each other: 0 for parallel ones.

    The angle from the mean direction of the normals (V, 3) that nine in ten stay within.
    """
    mean = normals.mean(0)
    mean = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return float(np.percentile(np.degrees(np.arccos(np.clip(normals @ mean, -1, 1))), 90))
