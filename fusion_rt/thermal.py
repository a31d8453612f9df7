"""Gain control: 16-bit thermal counts to the 8-bit picture that the fusion takes."""

from __future__ import annotations

import math

import numpy as np

LEVELS = 65536


class LinearAgc:
    """Stretches the counts between two percentiles over 0..255, damped in time.

    The whole mapping is one table of 65,536 entries, so its cost does not depend on the mapping,
    and a frame that has settled maps the same count to the same grey level as its neighbour:
    without damping a hot object entering the view would dim everything else at once.
    """

    def __init__(
        self,
        low_percent: float = 0.5,
        high_percent: float = 99.5,
        damping_s: float = 0.5,
        min_span: int = 64,
    ) -> None:
        """Start undamped: the first frame sets the range.

        Args:
            low_percent: share of the pixels that may be black, 0..100.
            high_percent: share of the pixels that are not white, above ``low_percent``, up to 100.
            damping_s: time constant of the range's exponential smoothing in s; 0 follows at once.
            min_span: least number of counts that fill 0..255, so that the noise of a scene of one
                temperature is not blown up.
        """
        self._percents = (low_percent, high_percent)
        self._damping_s = damping_s
        self._min_span = min_span
        self._range: tuple[float, float] | None = None
        self._last_ns = 0

    def apply(self, counts: np.ndarray, captured_ns: int) -> np.ndarray:
        """Map one frame.

        Args:
            counts: (H, W) uint16.
            captured_ns: its time in ns; the damping follows this, not the computer's clock, so a
                recording gives the same pictures at any speed.

        Returns:
            (H, W) uint8.
        """
        self._follow(percentile_range(counts, *self._percents), captured_ns)
        assert self._range is not None
        return np.take(linear_table(*self._range, self._min_span), counts)

    def _follow(self, target: tuple[float, float], captured_ns: int) -> None:
        elapsed_s = (captured_ns - self._last_ns) / 1e9
        self._last_ns = captured_ns
        if self._range is None or self._damping_s == 0 or elapsed_s < 0:
            self._range = target
            return
        step = 1 - math.exp(-elapsed_s / self._damping_s)
        low, high = self._range
        self._range = (low + step * (target[0] - low), high + step * (target[1] - high))


def percentile_range(
    counts: np.ndarray, low_percent: float, high_percent: float
) -> tuple[float, float]:
    """Counts below which ``low_percent`` and ``high_percent`` of the pixels lie.

    Args:
        counts: (H, W) uint16.
        low_percent: 0..100.
        high_percent: 0..100.
    """
    below = np.cumsum(np.bincount(counts.reshape(-1), minlength=LEVELS))
    ranks = np.array([low_percent, high_percent]) / 100 * counts.size
    low, high = np.searchsorted(below, np.maximum(ranks, 1))
    return float(low), float(high)


def linear_table(low: float, high: float, min_span: int) -> np.ndarray:
    """Table of (65536,) uint8 that maps ``low`` to 0 and ``high`` to 255.

    A range narrower than ``min_span`` counts is widened about its middle.
    """
    lacking = max(0.0, min_span - (high - low))
    low, high = low - lacking / 2, high + lacking / 2
    levels = (np.arange(LEVELS, dtype=np.float32) - low) * (255 / (high - low))
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
