"""Where every captured frame went: fused, shown alone, dropped for a reason, or still under way."""

from __future__ import annotations

import threading
from collections import Counter
from enum import Enum

from .frame import Frame, FramePair, Sensor


class DropReason(str, Enum):
    """Why a captured frame never became part of a fused picture."""

    UNMATCHED = "unmatched"  # no partner within the tolerance
    SURPLUS = "surplus"  # of the faster camera, between two pairs: nothing is lost
    ALONE = "alone"  # the other camera's recording was over
    LATE = "late"  # live: a newer frame of its camera was shown already
    DUPLICATE = "duplicate"  # live: its time stamp came before
    CLOCK_JUMP = "clock_jump"  # live: its time stamp is damaged, or of a clock that jumps
    MISFIT = "misfit"  # live: of another size or kind than the run was begun with
    OVERWRITTEN = "overwritten"  # live: a newer one came before this was taken
    STOPPED = "stopped"  # the run ended while it was under way


# What leaves no gap in the fused film, or a gap that shows in the partner's own drop.
_NO_PAIR_LOST = frozenset(
    {
        DropReason.SURPLUS,
        DropReason.ALONE,
        DropReason.LATE,
        DropReason.DUPLICATE,
        DropReason.CLOCK_JUMP,
    }
)


class Ledger:
    """Counts for each sensor, so that at every moment all captured frames are accounted for.

    captured = fused - reused + shown alone + dropped + in flight. A frame that is in several pairs
    counts with the first of them, whatever became of that; the others count it as reused.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captured: Counter[Sensor] = Counter()
        self._dropped: Counter[tuple[Sensor, DropReason]] = Counter()
        self._fused = 0
        self._reused: Counter[Sensor] = Counter()
        self._alone: Counter[Sensor] = Counter()

    def captured(self, sensor: Sensor) -> None:
        """A source delivered a frame."""
        with self._lock:
            self._captured[sensor] += 1

    def dropped(self, sensor: Sensor, frame: Frame | None, reason: DropReason) -> None:
        """A frame leaves the run; None (nothing had to give way) counts nothing."""
        if frame is not None:
            with self._lock:
                self._dropped[sensor, reason] += 1

    def dropped_pair(self, pair: FramePair | None, reason: DropReason) -> None:
        """What a pair was made of leaves the run; None counts nothing."""
        if pair is not None:
            with self._lock:
                for sensor in Sensor:
                    if pair.alone in (None, sensor) and pair.reused is not sensor:
                        self._dropped[sensor, reason] += 1

    def fused(self) -> None:
        """A fused picture of two frames reached the sinks."""
        with self._lock:
            self._fused += 1

    def shown(self, pair: FramePair) -> None:
        """A picture reached the sinks: fused, or of one camera alone."""
        with self._lock:
            if pair.alone is not None:
                self._alone[pair.alone] += 1
                return
            self._fused += 1
            if pair.reused is not None:
                self._reused[pair.reused] += 1

    def count_captured(self, sensor: Sensor) -> int:
        """Frames that the sensor has delivered so far."""
        with self._lock:
            return self._captured[sensor]

    @property
    def lost_pairs(self) -> int:
        """Pairs that there should have been but for a drop; surplus frames do not count."""
        with self._lock:
            return sum(
                max(self._dropped[sensor, reason] for sensor in Sensor)
                for reason in DropReason
                if reason not in _NO_PAIR_LOST
            )

    def in_flight(self, sensor: Sensor) -> int:
        """Frames captured, but neither fused, shown alone nor dropped yet."""
        with self._lock:
            dropped = sum(self._dropped[sensor, reason] for reason in DropReason)
            shown = self._fused - self._reused[sensor] + self._alone[sensor]
            return self._captured[sensor] - shown - dropped

    def summary(self) -> dict[str, object]:
        """All counts.

        Keys captured_ir, captured_vis, fused (pictures); and as {"ir": n, "vis": n}: shown_alone,
        reused (frames that a fused picture was not the first to show), and dropped: reason -> such
        a dict.
        """
        with self._lock:
            return {
                "captured_ir": self._captured[Sensor.IR],
                "captured_vis": self._captured[Sensor.VIS],
                "fused": self._fused,
                "shown_alone": {s.value: self._alone[s] for s in Sensor},
                "reused": {s.value: self._reused[s] for s in Sensor},
                "dropped": {
                    reason.value: {s.value: self._dropped[s, reason] for s in Sensor}
                    for reason in DropReason
                },
            }
