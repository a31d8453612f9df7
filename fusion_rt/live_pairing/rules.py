"""What the user may change about pairing while cameras run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class PairingMode(str, Enum):
    """Who sets the pace, and which frame of the other camera goes with it."""

    NEAREST = "nearest"  # each frame is the other's nearest in time; the slower camera's pace
    LATEST = "latest"  # the newest of both whatever their times; for stamps that mean nothing
    IR_LEADS = "ir-leads"  # every infrared frame, with the visible frame nearest to it
    VIS_LEADS = "vis-leads"  # every visible frame, with the infrared frame nearest to it


@dataclass(frozen=True, slots=True)
class OffsetLine:
    """An offset between two clocks that run at slightly different speeds.

    Attributes:
        offset_ns: how far the infrared clock is ahead at ``since_ns``.
        drift_ppm: by how much it runs fast, in millionths.
        since_ns: the moment on the infrared clock from which the drift counts.
    """

    offset_ns: int
    drift_ppm: float = 0.0
    since_ns: int = 0

    def __call__(self, captured_ns: int) -> int:
        """How far ahead the infrared clock is when it shows ``captured_ns``, in ns."""
        return self.offset_ns + round((captured_ns - self.since_ns) * self.drift_ppm * 1e-6)


# How far the infrared clock is ahead, in ns: always the same, or from the frame's own time stamp.
ClockOffset = int | Callable[[int], int]


@dataclass(frozen=True, slots=True)
class PairingRules:
    """All that can be changed while cameras run.

    Attributes:
        mode: see `PairingMode`.
        max_skew_ns: largest distance of the two times of a pair; None for a share of the
            period as it is measured. Mode ``latest`` knows no such limit.
        ir_offset_ns: how far the infrared clock is ahead; taken off its time stamps.
    """

    mode: PairingMode = PairingMode.NEAREST
    max_skew_ns: int | None = None
    ir_offset_ns: ClockOffset = 0

    def ir_offset_at(self, captured_ns: int) -> int:
        """The offset of an infrared frame with this time stamp, in ns."""
        offset = self.ir_offset_ns
        return offset if isinstance(offset, int) else offset(captured_ns)
