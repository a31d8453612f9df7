"""Least squares over all views at once: Levenberg and Marquardt's steps on the normal equations.

Every view's pose touches only its own points. So the poses are eliminated view by view (the Schur
complement), and what remains to be solved has as many unknowns as the views share: about twenty,
however many views there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .model import CAMERAS, COUNT, Seen, Shape, State, Which, see

_ROUNDS = 60
# A step that gains less than this part of the cost ends the search; with a loss that bad points
# hardly move the steps get small slowly, and only a start for what follows is wanted.
_SMALL_GAIN, _SMALL_GAIN_CAUCHY = 1e-10, 1e-6
_MOST_DAMPING = 1e10


@dataclass(frozen=True)
class Data:
    """What was measured.

    Attributes:
        shape: the board.
        px: by camera (V, N, 2), NaN where a point was not seen.
        used: by camera (V, N) bool, which of them count.
    """

    shape: Shape
    px: Mapping[Which, np.ndarray]
    used: Mapping[Which, np.ndarray]

    def of_views(self, chosen: np.ndarray) -> Data:
        """Some views only."""
        return Data(
            self.shape,
            {which: px[chosen] for which, px in self.px.items()},
            {which: used[chosen] for which, used in self.used.items()},
        )

    def using(self, used: Mapping[Which, np.ndarray]) -> Data:
        """With other points that count."""
        return Data(self.shape, self.px, used)


@dataclass(frozen=True)
class Adjusted:
    """Where the steps ended.

    Attributes:
        state: the best one found.
        cost: half the sum of squares in units of the noise, or of the loss that was asked for.
        rounds: steps tried.
    """

    state: State
    cost: float
    rounds: int


@dataclass(frozen=True)
class Spread:
    """How well the data determine the parameters.

    Attributes:
        covariance: (F, F) of the free shared parameters, for the noise that was given.
        freedom: by camera, numbers of measurements that the parameters used up.
    """

    covariance: np.ndarray
    freedom: dict[Which, float]


@dataclass
class _Normal:
    """Normal equations: shared by shared, shared by pose, pose by pose, and the right sides."""

    ss: np.ndarray
    sp: np.ndarray
    pp: np.ndarray
    s: np.ndarray
    p: np.ndarray

    def __add__(self, other: _Normal) -> _Normal:
        return _Normal(
            self.ss + other.ss,
            self.sp + other.sp,
            self.pp + other.pp,
            self.s + other.s,
            self.p + other.p,
        )


def residuals(state: State, data: Data, which: Which) -> np.ndarray:
    """Measured less modelled, (V, N, 2) px, NaN where a point was not seen."""
    return data.px[which] - see(state, data.shape, which).px


def adjust(
    state: State,
    data: Data,
    free: np.ndarray,
    sigma: Mapping[Which, float],
    cauchy: float | None = None,
    cameras: tuple[Which, ...] = CAMERAS,
    most_rounds: int = _ROUNDS,
    prior: np.ndarray | None = None,
) -> Adjusted:
    """Find the parameters at which the model fits best.

    Args:
        state: where to begin.
        data: what was measured.
        free: (F,) which of the shared parameters may change; the poses always may.
        sigma: noise per axis in px, by camera.
        cauchy: None for plain squares; else a distance in units of the noise from which a point
            counts less and less (Cauchy's loss on the distance in the picture).
        cameras: which of them take part.
        most_rounds: steps to try.
        prior: (F,) what is known of the free parameters beforehand, as 1 over the variance about
            0; 0 for nothing. None where nothing is known of any. Not for the rotation.

    Returns:
        The best state. Steps that put a point behind a camera are not taken.
    """
    known = np.zeros(len(free)) if prior is None else prior
    equations, cost = _equations(state, data, free, sigma, cauchy, cameras, known)
    damping, rounds = 1e-3, 0
    small = _SMALL_GAIN if cauchy is None else _SMALL_GAIN_CAUCHY
    while rounds < most_rounds and damping < _MOST_DAMPING:
        rounds += 1
        trial = state.moved(*_step(_sum(equations, known, state.shared[free]), free, damping))
        new_equations, new_cost = _equations(trial, data, free, sigma, cauchy, cameras, known)
        if not new_cost < cost:
            # At the minimum a step gains less than rounding: no need to try smaller ones.
            if abs(new_cost - cost) <= small * (1 + cost):
                break
            damping *= 8
            continue
        gained = cost - new_cost
        state, cost, equations = trial, new_cost, new_equations
        damping = max(damping / 8, 1e-9)
        if gained <= small * (1 + cost):
            break
    return Adjusted(state, cost, rounds)


def spread(
    state: State,
    data: Data,
    free: np.ndarray,
    sigma: Mapping[Which, float],
    prior: np.ndarray | None = None,
) -> Spread:
    """Covariance of the shared parameters, and where the freedom went; arguments as of `adjust`.

    What the prior determines uses up no measurements.

    Raises:
        numpy.linalg.LinAlgError: the data leave a parameter undetermined.
    """
    known = np.zeros(len(free)) if prior is None else prior
    equations, _ = _equations(state, data, free, sigma, None, CAMERAS, known)
    total = _sum(equations, known, state.shared[free])
    inverse_pp = np.linalg.inv(total.pp)
    through = total.sp @ inverse_pp
    reduced = total.ss - np.einsum("vfp,vgp->fg", through, total.sp)
    scale = 1 / np.sqrt(np.diag(total.ss))
    scaled = reduced * scale[:, None] * scale
    if np.linalg.eigvalsh(scaled).min(initial=1) < 1e-13:
        raise np.linalg.LinAlgError("singular")
    cov = np.linalg.inv(scaled) * scale[:, None] * scale
    cov_sp = -cov @ through
    cov_pp = inverse_pp - np.swapaxes(through, 1, 2) @ cov_sp
    freedom = {
        which: float((cov * n.ss).sum() + 2 * (cov_sp * n.sp).sum() + (cov_pp * n.pp).sum())
        for which, n in equations.items()
    }
    return Spread(cov, freedom)


def _equations(
    state: State,
    data: Data,
    free: np.ndarray,
    sigma: Mapping[Which, float],
    cauchy: float | None,
    cameras: tuple[Which, ...],
    known: np.ndarray,
) -> tuple[dict[Which, _Normal], float]:
    cost, equations = (known * state.shared[free] ** 2).sum() / 2, dict[Which, _Normal]()
    for which in cameras:
        seen = see(state, data.shape, which)
        if not seen.in_front:
            return equations, np.inf
        used = data.used[which]
        error = np.where(used[..., None], data.px[which] - seen.px, 0) / sigma[which]
        weight = used.astype(np.float64)
        squared = (error * error).sum(-1)
        if cauchy is None:
            cost += squared.sum() / 2
        else:
            cost += cauchy**2 * np.log1p(squared / cauchy**2).sum() / 2
            weight = weight / (1 + squared / cauchy**2)
        equations[which] = _normal(seen, error, weight, free, sigma[which])
    return equations, float(cost)


def _normal(
    seen: Seen, error: np.ndarray, weight: np.ndarray, free: np.ndarray, sigma: float
) -> _Normal:
    views, rows_each = len(error), 2 * error.shape[1]
    root = (np.sqrt(weight) / sigma)[..., None, None]
    shared = (seen.by_shared[..., free] * root).reshape(views, rows_each, len(free))
    pose = (seen.by_pose * root).reshape(views, -1, 6)
    right = (error * np.sqrt(weight)[..., None]).reshape(views, -1, 1)
    pose_T = np.swapaxes(pose, 1, 2)
    rows = shared.reshape(views * rows_each, len(free))
    return _Normal(
        rows.T @ rows,
        np.swapaxes(shared, 1, 2) @ pose,
        pose_T @ pose,
        rows.T @ right.reshape(-1),
        (pose_T @ right)[..., 0],
    )


def _sum(equations: Mapping[Which, _Normal], known: np.ndarray, values: np.ndarray) -> _Normal:
    """Of all cameras, and of what is known beforehand of the parameters that have ``values``."""
    first, *others = equations.values()
    total = sum(others, start=first)
    return replace(total, ss=total.ss + np.diag(known), s=total.s - known * values)


def _step(n: _Normal, free: np.ndarray, damping: float) -> tuple[np.ndarray, np.ndarray]:
    ss = n.ss + damping * np.diag(np.diag(n.ss))
    pp = n.pp + damping * np.eye(6) * np.einsum("vii->vi", n.pp)[:, None]
    through = np.swapaxes(np.linalg.solve(pp, np.swapaxes(n.sp, 1, 2)), 1, 2)
    reduced = ss - np.einsum("vfp,vgp->fg", through, n.sp)
    right = n.s - np.einsum("vfp,vp->f", through, n.p)
    scale = 1 / np.sqrt(np.diag(ss))
    shared = (
        scale * np.linalg.lstsq(reduced * scale[:, None] * scale, scale * right, rcond=1e-14)[0]
    )
    poses = np.linalg.solve(pp, (n.p - np.einsum("vfp,f->vp", n.sp, shared))[..., None])[..., 0]
    step = np.zeros(COUNT)
    step[free] = shared
    return step, poses
