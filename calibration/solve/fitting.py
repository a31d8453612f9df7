"""Brings the joint fit to rest: which points count, how noisy they are, what the lenses need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..errors import CalibrationError
from .adjust import Data, Spread, adjust, residuals, spread
from .intake import LEAST_POINTS
from .model import ASPECT, BOW, CAMERAS, K3, LENS, ROTATION, SHIFT, State, Which
from .solution import Distortion, Options
from .start import LEAST_NOISE_PX, robust_noise

# A point further off than this is none of the board's: with normal noise one in 270,000. The noise
# counts as at least `LEAST_NOISE_PX`: below it, what a detector does not model shows.
_OUTLIER = 5.0
_SETTLING = 8
_CAUCHY = 3.0
_NOISE_ROUNDS, _SAME_NOISE = 4, 0.02
# Standard deviation of k3 about 0 that is taken for granted where the lens model is left to us:
# real lenses have some tenths at most. Where the views determine k3 this says nothing. Where they
# do not, the covariance tells how much k3 may be; left out, it would be an error nobody foretells.
# The few lenses with more are not held back: the tails are those of Cauchy's distribution.
_K3_SIGMA = 0.2
# Steps after which a richer model has shown most of its gain.
_TASTE = 3
# Standard deviation of k1 above which the rational model's numbers only cancel each other.
_LOOSE_K1 = 1.0
# A lens model may not fold back within the picture: the tangent it reaches over the corner's.
_ROOM = 1.1


@dataclass(frozen=True)
class Model:
    """Which parameters are solved for.

    Attributes:
        numbers: distortion numbers by camera.
        weak_k3: cameras whose k3 has the weak prior.
        bow: whether the board may be bowed.
        aspect: whether its rows may stand at another spacing than its columns.
    """

    numbers: Mapping[Which, int]
    weak_k3: frozenset[Which]
    bow: bool
    aspect: bool = False

    @property
    def free(self) -> np.ndarray:
        """(F,) places in the shared vector."""
        lenses = [np.arange(LENS[w].start, LENS[w].start + 4 + self.numbers[w]) for w in CAMERAS]
        rig = np.arange(ROTATION.start, SHIFT.stop)
        bow = np.arange(BOW.start, BOW.stop) if self.bow else np.empty(0, int)
        return np.concatenate([*lenses, rig, bow, [ASPECT] if self.aspect else []]).astype(int)

    def prior(self, state: State) -> np.ndarray:
        """(F,) as `adjust` takes it, weighted anew by where k3 stands: call it before each fit."""
        weak = np.isin(self.free, [LENS[which].start + K3 for which in self.weak_k3])
        return np.where(weak, 1 / (_K3_SIGMA**2 + state.shared[self.free] ** 2 / 2), 0.0)

    def rational(self, which: Which) -> Model:
        """With 8 distortion numbers of a camera: in a fraction k3 may be anything."""
        return replace(self, numbers={**self.numbers, which: 8}, weak_k3=self.weak_k3 - {which})


@dataclass(frozen=True)
class Fit:
    """A joint fit at rest.

    Attributes:
        state: parameters and poses.
        data: with the points that count.
        kept: (K,) numbers of the views that still have any.
        noise: per axis in px, by camera.
        spread: how well the shared parameters are determined.
        rounds: steps that the last fits took.
    """

    state: State
    data: Data
    kept: np.ndarray
    noise: dict[Which, float]
    spread: Spread
    rounds: int


def first_model(options: Options) -> Model:
    """The leanest lenses that the options allow."""
    asked = _asked(options)
    numbers = {w: 5 if n == "auto" else n for w, n in asked.items()}
    return Model(numbers, frozenset(w for w, n in asked.items() if n == "auto"), options.bow)


def robust_fit(state: State, data: Data, model: Model) -> tuple[State, dict[Which, float], float]:
    """Fit with a loss that bad points hardly move; also the noise by camera, and the cost."""
    noise = _noise(state, data)
    for _ in range(_NOISE_ROUNDS):
        done = adjust(state, data, model.free, noise, _CAUCHY, prior=model.prior(state))
        state, before, noise = done.state, noise, _noise(done.state, data)
        if all(abs(noise[which] / before[which] - 1) < _SAME_NOISE for which in CAMERAS):
            break
    done = adjust(state, data, model.free, noise, _CAUCHY, prior=model.prior(state))
    return done.state, noise, done.cost


def richer_lenses(
    state: State, data: Data, model: Model, options: Options, sizes: Mapping[Which, tuple[int, int]]
) -> tuple[State, Model]:
    """The rational lens model where the data ask for it (Schwarz) and the options let it."""
    measured = 2 * sum(int(used.sum()) for used in data.used.values())
    state, noise, _ = robust_fit(state, data, model)
    for which, asked in _asked(options).items():
        if asked != "auto":
            continue
        rich = model.rational(which)
        # Without its prior on both sides, or a large k3 would speak for k4 to k6.
        free_k3 = replace(model, weak_k3=rich.weak_k3)
        before, after = (
            adjust(
                state, data, one.free, noise, _CAUCHY, most_rounds=_TASTE, prior=one.prior(state)
            )
            for one in (free_k3, rich)
        )
        more = len(rich.free) - len(free_k3.free)
        if 2 * (before.cost - after.cost) > more * np.log(measured) and _unfolded(
            after.state, which, sizes[which]
        ):
            model = rich
            state, noise, _ = robust_fit(after.state, data, model)
    return state, model


def settle(state: State, data: Data, model: Model) -> Fit:
    """Plain least squares over all points that belong, with their measured noise.

    Raises:
        CalibrationError: the data leave something undetermined.
    """
    noise, rounds = _noise(state, data), 0
    kept = np.arange(len(data.px["ir"]))
    for _ in range(_SETTLING):
        used = {which: _belong(state, data, which, noise[which]) for which in CAMERAS}
        same = all((used[which] == data.used[which]).all() for which in CAMERAS)
        data = data.using(used)
        # A pose without points would be undetermined.
        posed = np.flatnonzero(np.any([used[which].any(1) for which in CAMERAS], axis=0))
        state, data, kept = state.of_views(posed), data.of_views(posed), kept[posed]
        done = adjust(state, data, model.free, noise, prior=model.prior(state))
        state, rounds = done.state, rounds + done.rounds
        now = _spread(state, data, model, noise)
        measured = {which: _measured(state, data, which, now, model) for which in CAMERAS}
        still = all(abs(measured[which] / noise[which] - 1) < 1e-3 for which in CAMERAS)
        noise = measured
        if same and still:
            break
    now = _spread(state, data, model, noise)
    for which in CAMERAS:
        k1 = list(model.free).index(LENS[which].start + 4)
        if model.numbers[which] == 8 and now.covariance[k1, k1] > _LOOSE_K1**2:
            raise _undetermined(model)
    return Fit(state, data, kept, noise, now, rounds)


def aspect_of(fit: Fit, model: Model) -> tuple[float, float]:
    """The board's aspect as the data see it, and its standard deviation."""
    free = replace(model, aspect=True)
    state = adjust(fit.state, fit.data, free.free, fit.noise, prior=free.prior(fit.state)).state
    cov = _spread(state, fit.data, free, fit.noise).covariance
    return float(state.shared[ASPECT]), float(np.sqrt(cov[-1, -1]))


def _asked(options: Options) -> dict[Which, Distortion]:
    return {"ir": options.distortion_ir, "vis": options.distortion_vis}


def _noise(state: State, data: Data) -> dict[Which, float]:
    return {w: robust_noise(residuals(state, data, w), data.used[w]) for w in CAMERAS}


def _belong(state: State, data: Data, which: Which, noise: float) -> np.ndarray:
    error = residuals(state, data, which)
    with np.errstate(invalid="ignore"):
        near = np.hypot(error[..., 0], error[..., 1]) < _OUTLIER * max(noise, LEAST_NOISE_PX)
    return near & (near.sum(1) >= LEAST_POINTS)[:, None]


def _measured(state: State, data: Data, which: Which, now: Spread, model: Model) -> float:
    error = residuals(state, data, which)[data.used[which]]
    left = 2 * len(error) - now.freedom[which]
    if left < 1:
        raise _undetermined(model)
    return float(np.sqrt((error**2).sum() / left))


def _spread(state: State, data: Data, model: Model, noise: Mapping[Which, float]) -> Spread:
    try:
        return spread(state, data, model.free, noise, model.prior(state))
    except np.linalg.LinAlgError as error:
        raise _undetermined(model) from error


def _undetermined(model: Model) -> CalibrationError:
    if 8 in model.numbers.values():
        return CalibrationError(
            "these views do not determine 8 distortion numbers",
            hint="ask for 4 or 5, or take many views up to the corners of the picture",
        )
    return CalibrationError(
        "these views leave a part of the geometry undetermined",
        hint="take 20 to 30 pairs, tilted and all over both pictures",
    )


def _unfolded(state: State, which: Which, size_wh: tuple[int, int]) -> bool:
    camera = state.camera(which, size_wh, 8)
    far = np.array(size_wh) - 1.0
    corners = np.array([(0, 0), (far[0], 0), (0, far[1]), far])
    rays = camera.rays(corners)
    return bool(np.isfinite(rays).all() and np.hypot(*rays.T).max() * _ROOM < camera.reach)
