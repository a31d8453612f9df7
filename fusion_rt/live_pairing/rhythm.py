"""How regularly a camera delivers, measured from its last frames."""

from __future__ import annotations

from collections import deque

# A camera is silent when it owes three frames, but never sooner than after 100 ms.
SILENT_PERIODS, SILENT_NS = 3, 100_000_000

_INTERVALS, _LATENCIES, _RECENT = 63, 31, 5
# So many intervals have to be known before the shortest of them says anything.
_ENOUGH = 31
_OTHER_RATE = 1.5


class Rhythm:
    """Period, regularity and latency of one camera.

    The period is the median of the last steps from frame to frame as they arrive, so that lost
    frames and pauses do not count. Steps back count too: where stamps jitter by more than the
    period, those ahead alone would be too long.

    Attributes:
        period_ns: the nominal one until five steps are known; None while nothing is known.
        shortest_ns: no sooner than this after the newest frame a newer one was taken, as far as
            the past tells: the shortest step ahead, less as much as that is below the period. 0
            while too little is known, or where stamps jitter so much that nothing can be said.
        latency_ns: median of the time from capture to arrival.
        least_latency_ns: the least of the same.
        silent_after_ns: how long without a frame makes the camera a silent one.
    """

    def __init__(self, nominal_fps: float | None) -> None:
        self.period_ns: float | None = 1e9 / nominal_fps if nominal_fps else None
        self.shortest_ns = 0.0
        self.latency_ns = self.least_latency_ns = 0
        self._last_ns: int | None = None
        self._newest_ns = 0
        self._steps: deque[int] = deque(maxlen=_INTERVALS)
        self._ahead: deque[int] = deque(maxlen=_INTERVALS)
        self._recent: deque[int] = deque(maxlen=_RECENT)
        self._latencies: deque[int] = deque(maxlen=_LATENCIES)
        self.silent_after_ns = self._silent_after(self.period_ns)

    def observe(self, captured_ns: int, arrived_ns: int) -> None:
        """The next frame as it arrives."""
        self._latencies.append(arrived_ns - captured_ns)
        latencies = sorted(self._latencies)
        self.latency_ns = latencies[len(latencies) // 2]
        self.least_latency_ns = latencies[0]
        last_ns, self._last_ns = self._last_ns, captured_ns
        if last_ns is None:
            self._newest_ns = captured_ns
            return
        if captured_ns > self._newest_ns:
            self._ahead.append(captured_ns - self._newest_ns)
            self._newest_ns = captured_ns
        self._add(captured_ns - last_ns)

    def clock_changed(self) -> None:
        """The next time stamp is on another clock: it makes no interval with the last one."""
        self._last_ns = None
        self._latencies.clear()

    def _add(self, step_ns: int) -> None:
        self._recent.append(step_ns)
        self._steps.append(step_ns)
        ordered = sorted(self._steps)
        middle_ns = ordered[len(ordered) // 2]
        recent = sorted(self._recent)
        other = recent[0] > _OTHER_RATE * middle_ns or recent[-1] * _OTHER_RATE < middle_ns
        if len(ordered) > _RECENT and other and recent[-1] < _OTHER_RATE * recent[0]:
            # All alike, and unlike what was: the camera has another rate now.
            self._steps = deque(self._recent, maxlen=_INTERVALS)
            self._ahead.clear()
            ordered, middle_ns = recent, recent[len(recent) // 2]
        if middle_ns > 0 and (self.period_ns is None or len(ordered) >= _RECENT):
            self.period_ns = middle_ns
        enough = self.period_ns is not None and len(self._ahead) >= _ENOUGH
        self.shortest_ns = max(0, 2 * min(self._ahead) - middle_ns) if enough else 0
        # While a rate falls the median follows late; the last frames tell sooner.
        self.silent_after_ns = self._silent_after(
            max(self.period_ns or 0, recent[len(recent) // 2])
        )

    @staticmethod
    def _silent_after(period_ns: float | None) -> int:
        return max(round(SILENT_PERIODS * period_ns), SILENT_NS) if period_ns else SILENT_NS
