"""When a picture was taken, and its number, from what GStreamer's buffers say."""

from __future__ import annotations

import statistics
import time
from collections import deque
from typing import Any

from ..sender_clock import SenderClock, wall_zero_ns

_NONE = 2**64 - 1  # GST_CLOCK_TIME_NONE and GST_BUFFER_OFFSET_NONE
_SECOND = 1_000_000_000
_NTP_TO_UNIX_S = 2_208_988_800  # from 1900 to 1970; RFC 868
_READINGS = 5
_INTERVALS = 32
_LEAST_INTERVALS = 8
_REGULAR_SHARE, _REGULAR_SPREAD = 0.75, 0.25


def monotonic_offset_ns(clock: Any) -> int:
    """How far the monotonic clock of this process is ahead of a GStreamer clock, in ns.

    GStreamer's system clock is the monotonic clock on Linux: 0 then, unless paired readings say
    otherwise beyond the time they took.

    Args:
        clock: has ``get_time()`` in ns.
    """
    width_ns, offset_ns = min(_paired_reading(clock) for _ in range(_READINGS))
    return 0 if abs(offset_ns) <= width_ns else offset_ns


def _paired_reading(clock: Any) -> tuple[int, int]:
    before_ns = time.monotonic_ns()
    at_ns = clock.get_time()
    after_ns = time.monotonic_ns()
    return after_ns - before_ns, (before_ns + after_ns) // 2 - at_ns


class CaptureClock:
    """Brings time stamps of one pipeline to the monotonic clock.

    A live source stamps a buffer with the pipeline's running time at which it was taken. The
    latency that a pipeline reports is added by sinks that wait; ours does not, so the stamp is
    the capture. What base time and running time give together is a time on the pipeline's clock.
    """

    def __init__(self, gst: Any, pipeline: Any, kind: str) -> None:
        """Make the pipeline run on the machine's monotonic clock; call before it plays.

        Args:
            kind: what the pipeline's own stamps are: "driver" or "arrival".
        """
        self.kind = kind
        self._own_kind = kind
        self._sender = SenderClock(wall_zero_ns())
        self._ntp = gst.Caps.from_string("timestamp/x-ntp")
        self._gst = gst
        self._pipeline = pipeline
        clock = gst.SystemClock.obtain()
        # Sources may offer clocks of their own, which drift against all other cameras.
        pipeline.use_clock(clock)
        self._offset_ns = monotonic_offset_ns(clock)

    def taken_ns(self, sample: Any, arrived_ns: int) -> int | None:
        """Monotonic time in ns at which a sample was taken; None where it has no stamp.

        A smoothed time of arrival may be some ms in the future.

        Args:
            arrived_ns: monotonic time of arrival.
        """
        by_sender_ns = self._by_sender(sample.get_buffer(), arrived_ns)
        return self._by_pipeline(sample) if by_sender_ns is None else by_sender_ns

    def _by_sender(self, buffer: Any, arrived_ns: int) -> int | None:
        meta = buffer.get_reference_timestamp_meta(self._ntp)
        if meta is None:
            return None
        wall_ns = meta.timestamp - _NTP_TO_UNIX_S * _SECOND
        self._sender.packet(wall_ns, arrived_ns, wall_ns)
        if self._sender.kind != "sender":  # too few reports, or a clock that is not set
            self.kind = self._own_kind
            return None
        self.kind = "sender"
        return self._sender.captured_ns(wall_ns)

    def _by_pipeline(self, sample: Any) -> int | None:
        pts = sample.get_buffer().pts
        if pts == _NONE:
            return None
        running = sample.get_segment().to_running_time(self._gst.Format.TIME, pts)
        if running == _NONE:
            return None
        return int(self._pipeline.get_base_time() + running + self._offset_ns)


class FrameCounter:
    """Numbers frames as the camera made them, so that lost ones show as gaps.

    Sources that count (cameras, test pictures) write the number into the buffer. Elsewhere the
    gaps are told by the times: as many frames are missing as periods of the last intervals fit in.
    Where these are irregular nothing is guessed.
    """

    def __init__(self) -> None:
        self._seq = -1
        self._number: int | None = None
        self._taken_ns: int | None = None
        self._intervals: deque[int] = deque(maxlen=_INTERVALS)

    def next(self, taken_ns: int | None, offset: int, offset_end: int) -> int:
        """Running number of the next frame that was read, from 0.

        Args:
            taken_ns: when it was taken; None where unknown.
            offset: its number, if ``offset_end`` is the next one; files count bytes here.
            offset_end: see ``offset``.
        """
        number = offset if offset != _NONE and offset_end == offset + 1 else None
        passed_ns = None
        if taken_ns is not None and self._taken_ns is not None:
            passed_ns = taken_ns - self._taken_ns
        step = self._by_number(number) or self._by_time(passed_ns) or 1
        if passed_ns is not None and passed_ns > 0:
            self._intervals.append(passed_ns)
        self._taken_ns, self._number = taken_ns, number
        self._seq += step
        return self._seq

    def _by_number(self, number: int | None) -> int | None:
        if number is None or self._number is None or number <= self._number:
            return None
        return number - self._number

    def _by_time(self, passed_ns: int | None) -> int | None:
        if passed_ns is None or len(self._intervals) < _LEAST_INTERVALS:
            return None
        period = statistics.median(self._intervals)
        near = sum(abs(i - period) <= _REGULAR_SPREAD * period for i in self._intervals)
        if near < _REGULAR_SHARE * len(self._intervals):
            return None
        return max(1, round(passed_ns / period))
