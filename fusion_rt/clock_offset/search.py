"""Which time between two clocks makes the motions of two cameras fit best, and how well it does.

The steps of the slower camera are compared with the path of the faster one over the very same
intervals, moved by each lag. So unequal rates, jitter and gaps need no model. The fit is the
correlation of the motions as vectors, whatever the scale, roll or mirroring of one picture against
the other: other focal lengths and a camera on its head do not matter.

Source: delay from the peak of a cross-correlation with a parabola through it, and the jackknife
for its spread, are text book; Efron and Stein, "The jackknife estimate of variance", 1981. What
noise does to a delay: Knapp and Carter, "The generalized correlation method for estimation of time
delay", 1976.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..timing import NS_PER_S
from .motion import Steps

PARTS = 10

_GRID_S = 0.004
# Slower motion than about 0.5 Hz is taken out: it tells little about time, and two slow motions
# that have nothing to do with each other fit well by chance.
_SLOW_S = 1.0
# Between two frames the path is a straight line, which has less noise in its middle than at its
# ends. At equal rates that would draw the best lag to the middle, by some ms; a mean over one and a
# half frames of the faster camera has the same noise everywhere.
_SMOOTH_PERIODS = 1.5
# Beyond what is believed, so that a rival, as periodic motion has them, is seen on either side.
_COARSE_S = np.arange(-125, 126) * (3 * _GRID_S)
_FINE_S = np.arange(-15, 16) * _GRID_S
LEAST_COVERED_S = 4.0
BELIEVED_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Fit:
    """The best lag and what speaks for it.

    Attributes:
        offset_s: how far the infrared clock is ahead of the visible one, in s.
        spread_s: standard deviation of that: from leaving out each tenth of the time (jackknife),
            or what noise would make that leaves such a correlation, whichever is larger.
        correlation: of the two motions there, 0 to 1.
        rival: best correlation at any other lag within 1.5 s, as a share of this one.
        parts: how many tenths of the time carry the fit, 1 to 10; 1 is a single jolt.
        covered_s: time in which both cameras were compared.
        independent: how many independent moments that time holds: ``covered_s`` over the width
            of the peak.
    """

    offset_s: float
    spread_s: float
    correlation: float
    rival: float
    parts: float
    covered_s: float
    independent: float


def search(ir: Steps, vis: Steps) -> Fit | None:
    """The best fit of two cameras' motions; None where they share less than 4 s."""
    if len(ir) < 2 or len(vis) < 2:
        return None
    origin_ns = int(min(ir.begin_ns[0], vis.begin_ns[0]))
    periods_s = [float(np.median(steps.end_ns - steps.begin_ns)) / NS_PER_S for steps in (ir, vis)]
    ir_path, vis_path = (_Path(steps, origin_ns, min(periods_s)) for steps in (ir, vis))
    # Moving the visible path later or the infrared steps earlier is the same.
    if periods_s[0] >= periods_s[1]:
        compare = _Comparison(ir_path, vis_path, -1)
    else:
        compare = _Comparison(vis_path, ir_path, 1)
    coarse, _, _, covered_s = compare.at(_COARSE_S)
    coarse[covered_s < LEAST_COVERED_S] = np.nan
    if np.isnan(coarse).all():
        return None
    best = int(np.nanargmax(coarse))
    lags_s = _COARSE_S[best] + _FINE_S
    fine, without, power, covered_s = compare.at(lags_s)
    peak = _peak(lags_s, fine)
    covered, part_power = float(covered_s[peak.index]), power[peak.index]
    parts = float(part_power.sum() ** 2 / max(np.sum(part_power**2), 1e-30))
    left_out_s = np.array([_peak(lags_s, one).place_s for one in without])
    jackknife = (PARTS - 1) / PARTS * np.sum((left_out_s - left_out_s.mean()) ** 2)
    steps = compare.count * covered / compare.seconds * parts / PARTS
    # Ten parts can agree by chance, so noise of the seen size must be able to explain it.
    noise = (1 / max(peak.height, 1e-9) ** 2 - 1) / (max(steps, 1.0) * peak.sharpness)
    first, last = _foot(coarse, best)
    others = np.concatenate([coarse[:first], coarse[last + 1 :]])
    rival = np.nanmax(others) if np.isfinite(others).any() else 0.0
    return Fit(
        offset_s=peak.place_s,
        spread_s=float(np.sqrt(max(jackknife, noise, 0.0))),
        correlation=peak.height,
        rival=float(rival / max(peak.height, 1e-9)),
        parts=parts,
        covered_s=covered,
        independent=covered / _width_s(coarse, best),
    )


@dataclass(frozen=True, slots=True)
class _Peak:
    """Place and height of a peak, its bend as a share of its height in 1/s^2, and its index."""

    place_s: float
    height: float
    sharpness: float
    index: int


class _Path:
    """Where a camera looks over time, without its slow motion, on a grid of 250 Hz.

    Attributes:
        times_s: (T,) ends of the steps.
        blind_s: (T,) how much time up to there was a gap or not believed.
    """

    def __init__(self, steps: Steps, origin_ns: int, period_s: float) -> None:
        begin_s = (steps.begin_ns - origin_ns) / NS_PER_S
        end_s = (steps.end_ns - origin_ns) / NS_PER_S
        good = steps.weight >= BELIEVED_WEIGHT
        # Each step is a gap from the last one's end, mostly of no length, and the motion itself.
        self.times_s = np.stack([begin_s, end_s], axis=1).ravel()
        moved = np.zeros((2 * len(steps), 2))
        moved[1::2] = np.where(good[:, None], steps.moved, 0)
        blind_s = np.diff(self.times_s, prepend=self.times_s[0])
        blind_s[1::2][good] = 0
        keep = np.diff(self.times_s, prepend=-np.inf) > 0
        self.times_s = self.times_s[keep]
        self.blind_s = np.cumsum(blind_s)[keep]
        place = np.cumsum(moved, axis=0)[keep]

        self._start_s = self.times_s[0]
        count = int((self.times_s[-1] - self._start_s) / _GRID_S) + 2
        grid_s = self._start_s + _GRID_S * np.arange(count)
        on_grid = np.stack([np.interp(grid_s, self.times_s, axis) for axis in place.T], axis=1)
        on_grid -= moving_mean(on_grid, round(_SLOW_S / _GRID_S / 2))
        self._place = moving_mean(on_grid, round(_SMOOTH_PERIODS * period_s / _GRID_S / 2))
        self._blind_s = np.interp(grid_s, self.times_s, self.blind_s)

    def at(self, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Place (..., 2), blind time (...) and whether the path is known there (...)."""
        where = (times_s - self._start_s) / _GRID_S
        index = np.floor(where).astype(np.int64)
        last = len(self._place) - 2
        known = (index >= 0) & (index <= last)
        index = np.clip(index, 0, last)
        share = np.clip(where - index, 0, 1)
        place = (
            self._place[index] * (1 - share[..., None]) + self._place[index + 1] * share[..., None]
        )
        blind_s = self._blind_s[index] * (1 - share) + self._blind_s[index + 1] * share
        return place, blind_s, known


class _Comparison:
    """Steps of the slower camera against the path of the faster one."""

    def __init__(self, slow: _Path, fast: _Path, sign: int) -> None:
        self._fast, self._sign = fast, sign
        seen = np.diff(slow.blind_s) < 1e-6
        self._begin_s, self._end_s = slow.times_s[:-1][seen], slow.times_s[1:][seen]
        self._length_s = self._end_s - self._begin_s
        self.count, self.seconds = len(self._length_s), float(self._length_s.sum())
        # Divided by the root of its length, a step counts by its speed and by its time.
        self._per_root_s = 1 / np.sqrt(self._length_s)[:, None]
        self._slow = (slow.at(self._end_s)[0] - slow.at(self._begin_s)[0]) * self._per_root_s
        edges = np.linspace(slow.times_s[0], slow.times_s[-1], PARTS + 1)[1:-1]
        self._part = np.eye(PARTS)[np.searchsorted(edges, self._begin_s)]  # (N, M)

    def at(self, lags_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Fit (K,), fit without each part (M, K), power of the parts (K, M), seconds (K,)."""
        moved_s = self._sign * lags_s[:, None]
        begin, blind_begin_s, known_begin = self._fast.at(self._begin_s + moved_s)
        end, blind_end_s, known_end = self._fast.at(self._end_s + moved_s)
        seen = known_begin & known_end & (blind_end_s - blind_begin_s < 1e-6)
        weight = seen.astype(np.float64)
        fast = (end - begin) * self._per_root_s
        sums = _sums(weight, fast, self._slow, self._part)
        whole = {name: value.sum(axis=-1) for name, value in sums.items()}
        rest = {name: whole[name][:, None] - value for name, value in sums.items()}
        power = _agreement(sums["xx"], sums["xy"], sums["yx"], sums["yy"])
        return _correlation(whole), _correlation(rest).T, power, weight @ self._length_s


def _sums(
    weight: np.ndarray, fast: np.ndarray, slow: np.ndarray, part: np.ndarray
) -> dict[str, np.ndarray]:
    """Weighted sums over the steps of each part, (K, M): counts, means, squares and products."""
    fast_x, fast_y = weight * fast[..., 0], weight * fast[..., 1]
    slow_x, slow_y = slow[:, :1] * part, slow[:, 1:] * part
    return {
        "count": weight @ part,
        "fast_x": fast_x @ part,
        "fast_y": fast_y @ part,
        "slow_x": weight @ slow_x,
        "slow_y": weight @ slow_y,
        "fast2": (fast_x * fast[..., 0] + fast_y * fast[..., 1]) @ part,
        "slow2": weight @ (np.sum(slow**2, axis=1)[:, None] * part),
        "xx": fast_x @ slow_x,
        "xy": fast_x @ slow_y,
        "yx": fast_y @ slow_x,
        "yy": fast_y @ slow_y,
    }


def _correlation(s: dict[str, np.ndarray]) -> np.ndarray:
    """Correlation of the motions from their sums; 1 where one is the other, turned and scaled."""
    count = np.maximum(s["count"], 1e-9)
    xx = s["xx"] - s["fast_x"] * s["slow_x"] / count
    xy = s["xy"] - s["fast_x"] * s["slow_y"] / count
    yx = s["yx"] - s["fast_y"] * s["slow_x"] / count
    yy = s["yy"] - s["fast_y"] * s["slow_y"] / count
    fast2 = s["fast2"] - (s["fast_x"] ** 2 + s["fast_y"] ** 2) / count
    slow2 = s["slow2"] - (s["slow_x"] ** 2 + s["slow_y"] ** 2) / count
    size = np.sqrt(np.maximum(fast2, 0) * np.maximum(slow2, 0))
    return _agreement(xx, xy, yx, yy) / np.maximum(size, 1e-30)


def _agreement(xx: np.ndarray, xy: np.ndarray, yx: np.ndarray, yy: np.ndarray) -> np.ndarray:
    """Product of two motions as complex numbers, with one picture turned or mirrored at will."""
    return np.maximum(np.hypot(xx + yy, xy - yx), np.hypot(xx - yy, xy + yx))


def moving_mean(values: np.ndarray, reach: int) -> np.ndarray:
    """Mean over ``reach`` neighbours on each side, fewer near the ends; of columns (N, C)."""
    count = len(values)
    index = np.arange(count)
    reach_here = np.minimum(np.minimum(index, count - 1 - index), reach)
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    sums = total[index + reach_here + 1] - total[index - reach_here]
    return sums / (2 * reach_here + 1)[:, None]


def _peak(lags_s: np.ndarray, fit: np.ndarray) -> _Peak:
    """The highest peak, by a parabola where it has two neighbours."""
    k = int(fit.argmax())
    if k in (0, len(fit) - 1):
        return _Peak(float(lags_s[k]), float(fit[k]), 1e-9, k)
    left, top, right = fit[k - 1 : k + 2]
    bend = min(left - 2 * top + right, -1e-12)
    step_s = lags_s[1] - lags_s[0]
    place_s = lags_s[k] + step_s * 0.5 * (left - right) / bend
    return _Peak(float(place_s), float(top), float(-bend / step_s**2 / max(top, 1e-9)), k)


def _foot(fit: np.ndarray, best: int) -> tuple[int, int]:
    """First and last index of the peak at ``best``: down to where the fit rises again."""
    first = last = best
    while first > 0 and fit[first - 1] <= fit[first]:
        first -= 1
    while last < len(fit) - 1 and fit[last + 1] <= fit[last]:
        last += 1
    return first, last


def _width_s(fit: np.ndarray, best: int) -> float:
    """Width of the peak at half its height in s, at least one lag."""
    low = np.flatnonzero(fit < fit[best] / 2)
    before, after = low[low < best], low[low > best]
    first = before[-1] if len(before) else 0
    last = after[0] if len(after) else len(fit) - 1
    return max(1, last - first - 1) * float(_COARSE_S[1] - _COARSE_S[0])
