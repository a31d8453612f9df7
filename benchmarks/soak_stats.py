"""Is there growth? Slopes that outliers do not move, with bounds that honour slow waves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BINS = 120
_DRAWS = 499
_LEAST_BINS = 8
_NORMAL = 1.96


@dataclass(frozen=True)
class Trend:
    """A line through a series.

    Attributes:
        per_hour: its slope.
        low: lower bound of the slope at 95 %.
        high: upper bound.
        level: of the line in the middle of the series.
    """

    per_hour: float
    low: float
    high: float
    level: float


def trend(t_s: Sequence[float], values: Sequence[float], block_s: float) -> Trend | None:
    """Slope of a series; None where there is too little of it.

    The series is cut into at most 120 bins of equal time, whose medians count. The slope is the
    median of the slopes through all pairs of them (Theil, 1950; Sen, 1968). For the bounds the
    residuals are drawn anew in blocks (Kunsch, 1989), so that waves shorter than a block widen
    the bounds as they should.

    Args:
        t_s: times in s, rising.
        values: as many; NaN where nothing was measured.
        block_s: length of a block: a third longer than whatever repeats itself in the series.
    """
    t_h, y = _binned(np.asarray(t_s, np.float64), np.asarray(values, np.float64))
    if len(t_h) < _LEAST_BINS:
        return None
    first, second = np.triu_indices(len(t_h), 1)
    span_h = t_h[second] - t_h[first]
    slope = float(np.median((y[second] - y[first]) / span_h))
    start = float(np.median(y - slope * t_h))
    line = start + slope * t_h
    width_h = (t_h[-1] - t_h[0]) / (len(t_h) - 1)
    block = min(max(2, math.ceil(block_s / 3600 / width_h)), len(t_h) // 2)
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(_DRAWS):
        again = line + _blocks(y - line, block, rng)
        drawn.append(np.median((again[second] - again[first]) / span_h))
    off_low, off_high = np.quantile(np.array(drawn) - slope, (0.025, 0.975))
    # What is left over after the fit is smaller than the noise was, and the spread of few blocks
    # is itself not sure: the latter is the first term of Student's quantile over the normal one.
    blocks = len(t_h) / block
    free = max(1.0, blocks - 2)
    wider = math.sqrt(blocks / free) * (1 + (_NORMAL**2 + 1) / (4 * free))
    low, high = slope + wider * float(off_low), slope + wider * float(off_high)
    return Trend(slope, low, high, float(line[0] + line[-1]) / 2)


def _binned(t_s: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Medians of bins: their times in hours, and values; empty bins are left out."""
    there = np.isfinite(values)
    t_s, values = t_s[there], values[there]
    if len(t_s) < 2:
        return np.zeros(0), np.zeros(0)
    count = min(_BINS, len(t_s))
    edges = np.linspace(t_s[0], t_s[-1], count + 1)
    where = np.clip(np.searchsorted(edges, t_s, "right") - 1, 0, count - 1)
    filled = np.unique(where)
    return (
        np.array([t_s[where == index].mean() for index in filled]) / 3600,
        np.array([np.median(values[where == index]) for index in filled]),
    )


def _blocks(values: np.ndarray, block: int, rng: np.random.Generator) -> np.ndarray:
    """As many values, drawn in blocks of neighbours; the last one is a neighbour of the first."""
    starts = rng.integers(0, len(values), -(-len(values) // block))
    places = (starts[:, None] + np.arange(block)) % len(values)
    return values[places.ravel()[: len(values)]]


def verdict(found: Trend | None, unit: str, limit: float) -> str:
    """What the slope says, in words.

    Args:
        found: the slope.
        unit: of the series.
        limit: growth in an hour that would matter.
    """
    if found is None:
        return "too short to tell"
    bounds = f"{found.per_hour:+.3g} {unit} an hour ({found.low:+.3g} to {found.high:+.3g})"
    if found.low > 0:
        small = "" if found.high > limit else f", less than the {limit:g} that would matter"
        return f"GROWS: {bounds}{small}"
    if found.high <= limit:
        return f"no growth: {bounds}"
    return f"undecided: {bounds}; a longer run tells"
