"""Repeats work for a while and notes how long each time took."""

from __future__ import annotations

import time
from collections.abc import Callable

_LEAST = 20  # so that slow work has percentiles too


def repeat(work: Callable[[int], object], seconds: float) -> list[float]:
    """Wall time in ms of each call; at least 20 calls.

    Args:
        work: takes the number of the call.
        seconds: after which no other call is begun.
    """
    times_ms: list[float] = []
    begun = last = time.perf_counter()
    while last - begun < seconds or len(times_ms) < _LEAST:
        work(len(times_ms))
        now = time.perf_counter()
        times_ms.append((now - last) * 1e3)
        last = now
    return times_ms


def runs_in(seconds: float, each_ms: float) -> int:
    """How often work that takes ``each_ms`` goes into a time; from 20 to 20,000."""
    return max(_LEAST, min(20_000, int(seconds * 1e3 / max(each_ms, 1e-3))))
