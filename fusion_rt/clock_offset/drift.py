"""Offset between two clocks over minutes: a straight line that outliers do not move.

Two clocks that nobody sets differ by an offset that grows evenly: by some ten microseconds per
second, which is ten ppm. A line through the offsets of many windows gives both, each far more
exactly than one window does. When a clock is set, or a camera starts anew, the line begins afresh.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from ..timing import NS_PER_S

# Windows of ten seconds that overlap by more than half add little; a little less than half of one,
# so that those which begin each 5 s count all of them, though frames shift their middles.
_APART_NS = 9 * NS_PER_S // 2
KEEP_NS = 20 * 60 * NS_PER_S  # the rate of a clock follows its temperature
_USUAL_MS_PER_S = 50e-3  # by how much the rates of two crystals differ
_MOST_MS_PER_S = 0.5  # and by how much they differ at worst: such a clock is out of order
RATE_KNOWN_PPM = 25.0  # a rate is told, and relied on, where 19 of 20 errors are smaller
_JUMP_MS = 8.0
_JUMP_LASTS_NS = 5 * NS_PER_S
_JUMP_AGREES_MS = 6.0
# Half-overlapping windows share half of their motion, so their errors are not independent.
_OVERLAP = 1.5
# What all windows share, whatever their number: motion blur, rolling shutter.
_COMMON_MS = 0.3
_HUBER = 1.5
_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Drift:
    """Offset and rate at one time.

    Attributes:
        offset_ms: the line's value.
        plus_minus_ms: within this 19 of 20 lie.
        ppm: its slope, in us per s.
        ppm_plus_minus: within this 19 of 20 lie.
        windows: how many offsets the line goes through.
        newest_ns: time of the newest.
    """

    offset_ms: float
    plus_minus_ms: float
    ppm: float
    ppm_plus_minus: float
    windows: int
    newest_ns: int


class ClockDrift:
    """Line through offsets over time. Not thread-safe: one thread owns it."""

    def __init__(self, keep_ns: int | None = KEEP_NS) -> None:
        """Start without any offset.

        Args:
            keep_ns: how far back offsets count; None keeps all, for recordings.
        """
        self._keep_ns = keep_ns
        self._kept: deque[tuple[int, float, float]] = deque()  # ns, ms, standard deviation in ms
        self._strays: list[tuple[int, float, float]] = []  # off the line, agreeing with each other
        self._missed = 0  # how many of the newest were off the line

    def add(self, at_ns: int, offset_ms: float, plus_minus_ms: float) -> bool:
        """Take the offset of one window.

        Offsets nearer than 4.5 s to the last one are not needed and only watched for jumps.

        Args:
            at_ns: time it holds for, later than the ones before.
            offset_ms: as measured.
            plus_minus_ms: 95 % of its errors are smaller.

        Returns:
            Whether the clocks have jumped: several offsets over 5 s agree with one another, but
            not with the line. It then begins afresh with these. Where the rate was not known, and
            one of up to 500 ppm explains them, the line takes them in and is the steeper for it.
        """
        new = (at_ns, offset_ms, plus_minus_ms / 2)
        if self._kept and at_ns <= self._kept[-1][0]:
            return False
        if not self.fits(at_ns, offset_ms, plus_minus_ms):
            self._missed += 1
            return self._jumped(new)
        self._strays.clear()
        self._missed = 0
        if not self._kept or at_ns - self._kept[-1][0] >= _APART_NS:
            self._kept.append(new)
            while self._keep_ns is not None and at_ns - self._kept[0][0] > self._keep_ns:
                self._kept.popleft()
        return False

    def at(self, now_ns: int) -> Drift | None:
        """Offset and rate at a time, also beyond the newest; None before the first offset."""
        if not self._kept:
            return None
        table = np.array(self._kept)
        newest_ns, since_s = self._kept[-1][0], (table[:, 0] - now_ns) / NS_PER_S
        line, covariance = _robust_line(since_s, table[:, 1], table[:, 2])
        spread = np.sqrt(np.diag(covariance))
        return Drift(
            offset_ms=float(line[0]),
            plus_minus_ms=2 * float(np.hypot(spread[0], _COMMON_MS)),
            ppm=float(line[1]) * 1e3,
            ppm_plus_minus=2 * float(spread[1]) * 1e3,
            windows=len(table),
            newest_ns=newest_ns,
        )

    def fits(self, at_ns: int, offset_ms: float, plus_minus_ms: float) -> bool:
        """Whether an offset, as for `add`, lies on the line as far as both can tell."""
        line = self.at(at_ns)
        if line is None:
            return True
        likely_ms = 2 * float(np.hypot(line.plus_minus_ms, plus_minus_ms))
        return abs(offset_ms - line.offset_ms) <= max(_JUMP_MS, likely_ms)

    @property
    def contradicted(self) -> bool:
        """Whether the newest offsets do not lie on the line: the clocks may have jumped."""
        return self._missed > 1

    def clear(self) -> None:
        """Forget all offsets."""
        self._kept.clear()
        self._strays.clear()
        self._missed = 0

    def _jumped(self, new: tuple[int, float, float]) -> bool:
        if self._strays and abs(new[1] - self._strays[-1][1]) > _JUMP_AGREES_MS:
            self._strays.clear()
        self._strays.append(new)
        first = self._strays[0]
        if new[0] - first[0] < _JUMP_LASTS_NS:
            return False
        jumped = not self._is_rate(first)
        if jumped:
            self._kept.clear()
        else:
            self._kept.append(first)
        self._kept.append(new)
        self._strays.clear()
        self._missed = 0
        return jumped

    def _is_rate(self, stray: tuple[int, float, float]) -> bool:
        """Whether a rate that was not yet known can have led there since the newest offset."""
        at_ns, offset_ms, spread_ms = stray
        line = self.at(at_ns)
        if line is None or line.ppm_plus_minus <= RATE_KNOWN_PPM:
            return False
        drifted_ms = _MOST_MS_PER_S * (at_ns - line.newest_ns) / NS_PER_S
        likely_ms = float(np.hypot(line.plus_minus_ms, 2 * spread_ms))
        return abs(offset_ms - line.offset_ms) <= drifted_ms + likely_ms


def _robust_line(
    times_s: np.ndarray, values: np.ndarray, spreads: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Value at time 0 and slope, with their covariance, by iterated weights after Huber.

    As far as few points leave the slope open it is drawn towards 0, by a prior of the scale
    of usual clocks with wide tails (Cauchy), so that an unusual rate is still found.
    """
    design = np.stack([np.ones_like(times_s), times_s], axis=1)
    trust = 1 / (_OVERLAP * np.maximum(spreads, 0.1) ** 2)
    weights, prior = trust, np.zeros((2, 2))
    # From the data's side: begun at slope 0, a steep line would look like scatter.
    line = np.linalg.lstsq(design, values, rcond=None)[0]
    for _ in range(_ROUNDS):
        prior = np.diag([0.0, 2 / (_USUAL_MS_PER_S**2 + line[1] ** 2)])
        before, normal = line, design.T @ (weights[:, None] * design) + prior
        line = np.linalg.solve(normal, design.T @ (weights * values))
        off = np.abs(values - design @ line) * np.sqrt(trust)
        scale = max(1.0, 1.48 * float(np.median(off)))  # points may scatter more than they say
        weights = trust / scale**2 * np.minimum(1, _HUBER * scale / np.maximum(off, 1e-9))
        if np.allclose(line, before, rtol=1e-6, atol=1e-9):
            break
    return line, np.linalg.inv(design.T @ (weights[:, None] * design) + prior)
