"""Latencies collected in fixed memory, and the percentiles that reports show."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

_LOWEST_MS = 1e-3
_RATIO = 1.01  # neighbouring bins differ by 1 %, which bounds the error of a percentile
_BINS = 1 + math.ceil(math.log(1e9) / math.log(_RATIO))  # up to 10^6 s


class Histogram:
    """Counts durations in bins of 1 % relative width, so that days of video take no more memory.

    Percentiles are exact to 0.5 %, the maximum is exact. Values below 1 us count as 0.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self.count = 0
        self.max_ms = 0.0

    def add(self, value_ms: float) -> None:
        """Take one duration, 0 or more, in ms."""
        self.count += 1
        self.max_ms = max(self.max_ms, value_ms)
        if value_ms < _LOWEST_MS:
            self._counts[0] += 1
        else:
            bin_index = 1 + int(math.log(value_ms / _LOWEST_MS) / math.log(_RATIO))
            self._counts[min(bin_index, _BINS - 1)] += 1

    def merge(self, other: Histogram) -> None:
        """Take all samples of another histogram."""
        self._counts += other._counts
        self.count += other.count
        self.max_ms = max(self.max_ms, other.max_ms)

    def percentile(self, percent: float) -> float:
        """Least value in ms that ``percent`` of the samples do not exceed; NaN without samples.

        Nearest-rank definition.
        """
        if not self.count:
            return math.nan
        rank = max(1, math.ceil(percent / 100 * self.count))
        bin_index = int(np.searchsorted(np.cumsum(self._counts), rank))
        if bin_index == 0:
            return 0.0
        middle = _LOWEST_MS * _RATIO ** (bin_index - 0.5)
        return min(middle, self.max_ms)

    def summary(self) -> dict[str, float | None]:
        """Keys p50, p95, p99 and max, in ms; None for each when there is no sample."""
        if not self.count:
            return dict.fromkeys(("p50", "p95", "p99", "max"))
        values: dict[str, float | None] = {
            f"p{percent}": round(self.percentile(percent), 3) for percent in (50, 95, 99)
        }
        values["max"] = round(self.max_ms, 3)
        return values


class RateMeter:
    """Events per second: over the last second for the eye, over the whole run for the report."""

    def __init__(self) -> None:
        self._recent_ns: deque[int] = deque()
        self._first_ns: int | None = None
        self._last_ns = 0
        self.count = 0

    def tick(self, now_ns: int) -> None:
        """One event at monotonic time ``now_ns``."""
        self.count += 1
        self._first_ns = now_ns if self._first_ns is None else self._first_ns
        self._last_ns = now_ns
        self._recent_ns.append(now_ns)
        # A slow engine may give less than one picture a second: keep at least two to divide by.
        while len(self._recent_ns) > 2 and now_ns - self._recent_ns[0] > NS_PER_S:
            self._recent_ns.popleft()

    @property
    def recent_fps(self) -> float:
        """Over about the last second; 0 before the second event."""
        return _rate(len(self._recent_ns), self._recent_ns[0], self._last_ns) if self.count else 0.0

    @property
    def overall_fps(self) -> float:
        """From the first event to the last, so that opening and warm-up do not count."""
        return 0.0 if self._first_ns is None else _rate(self.count, self._first_ns, self._last_ns)


def _rate(events: int, first_ns: int, last_ns: int) -> float:
    if events < 2 or last_ns <= first_ns:
        return 0.0
    return (events - 1) * NS_PER_S / (last_ns - first_ns)
