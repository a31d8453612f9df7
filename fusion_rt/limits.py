"""How far apart two frames of a pair may be: shares of the frame period, as it is measured."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass

from .frame import Sensor

# Shares of the faster camera's period. Its nearest frame is never further than a half; a fifth
# of hysteresis adds a tenth to that, the rest is room for jitter. A quarter of a period of skew
# is small enough to be taken at once in live video, as nothing nearer can follow.
TOLERANCE = 0.65
HYSTERESIS = 0.2
EAGER = 0.25

# Tolerance while no rate is known.
UNKNOWN_TOLERANCE_NS = 20_000_000
# A camera is the faster one when its period is below this share of the other's.
CLEARLY_FASTER = 0.95

_INTERVALS = 31


@dataclass
class Limits:
    """Limits that stay as they are.

    Attributes:
        max_skew_ns: largest distance of the two capture times.
        hysteresis_ns: while the same sensor stays the earlier one of each pair, a frame gives way
            to its successor only when that is nearer by more than this.
        eager_ns: a skew up to this is taken without waiting for what follows; -1 always waits.
    """

    max_skew_ns: int
    hysteresis_ns: int = 0
    eager_ns: int = -1

    def observe(self, sensor: Sensor, time_ns: int) -> None:
        """A frame of this capture time has come."""

    def is_faster(self, sensor: Sensor) -> bool:
        """Whether this camera is clearly the faster one, so that some frames stay over."""
        return False


class MeasuredLimits(Limits):
    """Limits that follow the time stamps.

    The period of a stream is the median of its last intervals, so that pauses and lost frames do
    not count: a file's average rate is no measure where the rate varies. Until a stream has two
    frames its nominal rate stands in.
    """

    def __init__(self, nominal_fps: float | None, max_skew_ns: int | None, *, live: bool) -> None:
        """Start with the nominal rate.

        Args:
            nominal_fps: of the faster stream; None where unknown.
            max_skew_ns: tolerance that the user has set; None for a share of the period.
            live: whether small skews are taken at once.
        """
        self._set_by_user = max_skew_ns
        self._live = live
        self._last_ns: dict[Sensor, int] = {}
        self._intervals: dict[Sensor, deque[int]] = {s: deque(maxlen=_INTERVALS) for s in Sensor}
        self._period_ns: dict[Sensor, float] = {}
        self._follow(None if nominal_fps is None else 1e9 / nominal_fps)

    def observe(self, sensor: Sensor, time_ns: int) -> None:
        """See `Limits.observe`."""
        last_ns = self._last_ns.get(sensor)
        self._last_ns[sensor] = time_ns
        if last_ns is None or time_ns <= last_ns:
            return
        self._intervals[sensor].append(time_ns - last_ns)
        self._period_ns[sensor] = statistics.median(self._intervals[sensor])
        self._follow(min(self._period_ns.values()))

    def is_faster(self, sensor: Sensor) -> bool:
        """See `Limits.is_faster`."""
        own = self._period_ns.get(sensor)
        others = [period for which, period in self._period_ns.items() if which is not sensor]
        return own is not None and bool(others) and own < CLEARLY_FASTER * others[0]

    def _follow(self, period_ns: float | None) -> None:
        if period_ns is None:
            self.max_skew_ns = self._set_by_user or UNKNOWN_TOLERANCE_NS
            self.hysteresis_ns, self.eager_ns = 0, 0 if self._live else -1
            return
        self.max_skew_ns = self._set_by_user or round(TOLERANCE * period_ns)
        self.hysteresis_ns = round(HYSTERESIS * period_ns)
        self.eager_ns = round(EAGER * period_ns) if self._live else -1
