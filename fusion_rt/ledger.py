"""Where every captured frame went: fused, dropped for a stated reason, or still under way."""

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
    OVERWRITTEN = "overwritten"  # live: a newer one came before this was taken
    STOPPED = "stopped"  # the run ended while it was under way


class Ledger:
    """Counts for each sensor, so that at every moment captured = fused + dropped + in flight."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captured: Counter[Sensor] = Counter()
        self._dropped: Counter[tuple[Sensor, DropReason]] = Counter()
        self._fused = 0

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
        """Both frames of a pair leave the run; None counts nothing."""
        if pair is not None:
            with self._lock:
                self._dropped[Sensor.IR, reason] += 1
                self._dropped[Sensor.VIS, reason] += 1

    def fused(self) -> None:
        """A fused picture reached the sinks."""
        with self._lock:
            self._fused += 1

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
                if reason not in (DropReason.SURPLUS, DropReason.ALONE)
            )

    def in_flight(self, sensor: Sensor) -> int:
        """Frames captured but neither fused nor dropped yet."""
        with self._lock:
            dropped = sum(self._dropped[sensor, reason] for reason in DropReason)
            return self._captured[sensor] - self._fused - dropped

    def summary(self) -> dict[str, object]:
        """Keys captured_ir, captured_vis, fused and dropped: reason -> {"ir": n, "vis": n}."""
        with self._lock:
            return {
                "captured_ir": self._captured[Sensor.IR],
                "captured_vis": self._captured[Sensor.VIS],
                "fused": self._fused,
                "dropped": {
                    reason.value: {s.value: self._dropped[s, reason] for s in Sensor}
                    for reason in DropReason
                },
            }
