"""When a network camera took its pictures, from time stamps that count from anywhere.

Each picture of a stream has a time stamp on the camera's own clock: exact distances, unknown zero.
Two things tell where the zero lies.

- Sender reports (RTCP, RFC 3550 section 6.4.1) give the wall clock's time of a time stamp. FFmpeg
  hands it out with the packets, at times with that of the neighbouring picture, so the median of
  the last ones counts. Right to a fraction of a millisecond, if the camera's clock is set.
- Packets arrive some time after the picture was taken. The fastest of the last seconds shows the
  smallest delay; network jitter only adds to it. So the zero is known but for that smallest delay.

Either way the stamps of single frames carry no jitter of the network. Where a camera's clock is
not set, its reports are left aside wholly: the time stamps themselves run at the camera's rate.
Some cameras count a nominal rate that they do not keep; then each arrival has to do.
"""

from __future__ import annotations

import functools
import math
import statistics
import time
from collections import deque

_SECOND = 1_000_000_000
# The fastest packet is sought in so many spans of 1 s: long enough to find one on a busy network,
# short enough for a camera's clock that is 100 ppm off: it moves by 0.8 ms meanwhile.
_SPANS = 8
# No clock is off by more than this: such time stamps do not tell the time, or the delay changes.
_WORST_CLOCK = 0.02
_FEWEST_SPANS = 4  # to tell how fast a clock runs
# Sender reports: so many values make the median, so few will do at first.
_REPORTS, _FEWEST_REPORTS = 101, 5
# From picture to fastest arrival, as the sender tells. A picture that arrives before it was taken,
# or so much later, comes from a camera whose clock is not set.
_LEAST_DELAY_NS, _MOST_DELAY_NS = -_SECOND // 50, 2 * _SECOND
_MARGIN_NS = _SECOND // 20  # a clock that was believed may be off by so much more
# The camera's clock was set anew when its reports move by so much; while the middle half of them
# is spread as wide as this they tell nothing.
_STEP_NS, _UNSTEADY_NS = _SECOND // 2, _SECOND // 20
# The stream's own time stamps jumped when they move by so much more than time did.
_JUMP_NS = _SECOND
# How the zero in use follows the one found: at once in the first second and beyond a quarter of a
# second, else with this time constant and no faster than 50 ms in a second.
_FOLLOW_S, _FASTEST, _AT_ONCE_NS = 1.0, 0.05, _SECOND // 4


@functools.cache
def wall_zero_ns() -> int:
    """The wall clock's time at the zero of the monotonic clock, in ns since 1970.

    Read once for the whole process: should the wall clock be set while cameras run, their times
    still go together.
    """
    return time.time_ns() - time.monotonic_ns()


class SenderClock:
    """Maps the time stamps of one stream to the monotonic clock. Pure: it is told all times."""

    def __init__(self, wall_zero_ns: int, *, held_back: bool = False) -> None:
        """Nothing is known yet.

        Args:
            wall_zero_ns: see `wall_zero_ns`; the same for all cameras of a run.
            held_back: each packet comes out with the arrival of the next one, as where FFmpeg
                looks for the end of a picture; that is no delay of the network then.
        """
        self._wall_zero_ns = wall_zero_ns
        self._held_back = held_back
        self._forget()

    def _forget(self) -> None:
        self._fastest = _Fastest()
        self._reports: deque[int] = deque(maxlen=_REPORTS)
        self._accepted_ns: int | None = None  # zero by the sender's reports
        self._zero_ns: float | None = None  # in use: picture taken = zero + time stamp
        self._first_ns = self._followed_ns = 0
        self._before: tuple[int, int] | None = None  # time stamp and arrival of the last packet

    @property
    def kind(self) -> str:
        """What tells the time now: "sender" or "arrival", see `SourceInfo.clock`."""
        return "arrival" if self._accepted_ns is None else "sender"

    @property
    def delay_ns(self) -> int | None:
        """Least time from picture to arrival as the sender tells; None without its reports."""
        if self._accepted_ns is None or not self._fastest.known:
            return None
        return self._fastest.zero_ns - self._accepted_ns

    def packet(self, stamp_ns: int, arrived_ns: int, wall_ns: int | None = None) -> None:
        """Learn from a packet, in the order of arrival.

        Args:
            stamp_ns: its time stamp.
            arrived_ns: monotonic time at which it was read.
            wall_ns: when its picture was taken by the sender's wall clock; None where unknown.
        """
        distance_ns = arrived_ns - stamp_ns
        if self._held_back and self._before is not None:
            distance_ns = self._before[1] - stamp_ns
        if self._jumped(stamp_ns, distance_ns):
            self._forget()
        if self._zero_ns is None:
            self._zero_ns = distance_ns  # until the next packet
            self._first_ns = self._followed_ns = arrived_ns
        if self._before is not None or not self._held_back:
            self._fastest.add(distance_ns, arrived_ns)
        self._before = (stamp_ns, arrived_ns)
        if wall_ns is not None:
            self._reports.append(wall_ns - self._wall_zero_ns - stamp_ns)
        self._judge()
        if self._accepted_ns is None and self._fastest.drift > _WORST_CLOCK:
            self._zero_ns = distance_ns
        else:
            self._follow(arrived_ns)

    def captured_ns(self, stamp_ns: int) -> int:
        """Monotonic time at which the picture with this time stamp was taken.

        Needs a `packet` before.
        """
        assert self._zero_ns is not None
        return round(self._zero_ns) + stamp_ns

    def _jumped(self, stamp_ns: int, distance_ns: int) -> bool:
        """Whether the time stamps begin anew: a packet may come late, but not before its time."""
        if self._before is None or not self._fastest.known:
            return False
        backwards = stamp_ns < self._before[0] - _JUMP_NS
        return backwards or distance_ns < self._fastest.zero_ns - _JUMP_NS

    def _judge(self) -> None:
        """Believe the sender's reports, or not."""
        if len(self._reports) < _FEWEST_REPORTS or not self._fastest.known:
            return
        lower, zero, upper = statistics.quantiles(self._reports, n=4, method="inclusive")
        zero_ns = round(zero)
        if self._accepted_ns is not None and abs(zero_ns - self._accepted_ns) <= _STEP_NS:
            margin_ns = _MARGIN_NS
        elif upper - lower < _UNSTEADY_NS:
            margin_ns = 0
        else:
            self._accepted_ns = None
            return
        delay_ns = self._fastest.zero_ns - zero_ns
        believed = _LEAST_DELAY_NS - margin_ns <= delay_ns <= _MOST_DELAY_NS + margin_ns
        self._accepted_ns = zero_ns if believed else None

    def _follow(self, now_ns: int) -> None:
        """Move the zero in use towards the one found."""
        if not self._fastest.known:
            return
        found_ns = self._fastest.zero_ns if self._accepted_ns is None else self._accepted_ns
        assert self._zero_ns is not None
        off_ns = found_ns - self._zero_ns
        passed_s = (now_ns - self._followed_ns) / _SECOND
        self._followed_ns = now_ns
        if now_ns - self._first_ns < _SECOND or abs(off_ns) > _AT_ONCE_NS:
            self._zero_ns = found_ns
            return
        most_ns = _FASTEST * passed_s * _SECOND
        step_ns = off_ns * (1 - math.exp(-passed_s / _FOLLOW_S))
        self._zero_ns += max(-most_ns, min(most_ns, step_ns))


class _Fastest:
    """The smallest distance from time stamp to arrival in the last seconds."""

    def __init__(self) -> None:
        self._smallest: deque[tuple[int, int]] = deque(maxlen=_SPANS)  # number of span, distance

    @property
    def known(self) -> bool:
        """Whether any packet came."""
        return bool(self._smallest)

    @property
    def zero_ns(self) -> int:
        """Zero of the time stamps, were the fastest packet without delay."""
        return min(distance for _, distance in self._smallest)

    @property
    def drift(self) -> float:
        """By which share the distance grows or shrinks with time; 0 while that is not known."""
        count = len(self._smallest)
        if count < _FEWEST_SPANS:
            return 0.0
        spans = list(self._smallest)
        older, newer = spans[: count // 2], spans[count - count // 2 :]
        grown_ns = min(ns for _, ns in newer) - min(ns for _, ns in older)
        passed_s = sum(n - o for (n, _), (o, _) in zip(newer, older, strict=True)) / len(older)
        return abs(grown_ns) / _SECOND / passed_s

    def add(self, distance_ns: int, at_ns: int) -> None:
        """A packet came so long after its time stamp."""
        span = at_ns // _SECOND
        if self._smallest and self._smallest[-1][0] == span:
            distance = min(distance_ns, self._smallest[-1][1])
            self._smallest[-1] = (span, distance)
        else:
            self._smallest.append((span, distance_ns))
