"""When a picture was taken, and its number."""

from __future__ import annotations

from . import kernel


def has_driver_clock(flags: int) -> bool:
    """Whether the time stamps of buffers with these flags are on the monotonic clock."""
    return flags & kernel.BUF_FLAG_TIMESTAMP_MASK == kernel.BUF_FLAG_TIMESTAMP_MONOTONIC


def stamp_words(flags: int) -> str:
    """What the time stamps mean, for the user."""
    if not has_driver_clock(flags):
        return "the driver gives no usable time stamps: times are those of arrival"
    start = flags & kernel.BUF_FLAG_TSTAMP_SRC_MASK == kernel.BUF_FLAG_TSTAMP_SRC_SOE
    return f"times are of the {'start of exposure' if start else 'end of the frame'}, by the driver"


def captured_ns(buffer: kernel.Buffer, arrived_ns: int) -> int:
    """When a picture was taken, on the monotonic clock.

    The driver's time stamp where it has that clock. A picture cannot be taken after it has
    arrived, and an unset stamp says nothing: then it is the time of arrival.
    """
    if not has_driver_clock(buffer.flags):
        return arrived_ns
    stamp_ns = buffer.timestamp.tv_sec * 1_000_000_000 + buffer.timestamp.tv_usec * 1_000
    return min(stamp_ns, arrived_ns) if stamp_ns > 0 else arrived_ns


class SequenceCounter:
    """Running number of pictures, from the driver's, which is back at 0 after 2^32.

    Drivers that do not count, or begin anew, are counted for: each picture is then one more.
    """

    _SPAN = 1 << 32

    def __init__(self) -> None:
        self._last: int | None = None
        self._number = 0

    def next(self, sequence: int) -> int:
        """Number of the picture whose buffer, the next in order, bears ``sequence``."""
        if self._last is None:
            self._number = sequence
        else:
            step = (sequence - self._last) % self._SPAN
            self._number += step if 0 < step < self._SPAN // 2 else 1
        self._last = sequence
        return self._number
