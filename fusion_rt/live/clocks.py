"""The cameras' clocks during a run: how far apart they are, and what is made of it."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

from ..clock_offset import OffsetState
from ..frame import Frame, Sensor
from ..offset_policy import OffsetPolicy
from ..offset_worker import OffsetWorker
from ..run_settings import ClockSettings


class Clocks:
    """Follows the offset on a thread of its own; offers it, or has it used, as set.

    The thread's failure is told and is not the run's: pictures matter more than their clocks.
    """

    def __init__(self, settings: ClockSettings) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._worker = OffsetWorker(self._stopping)
        self._started = self._paused = False
        self._applied_s = -math.inf
        self._used_ms: float | None = None
        self.configure(settings)

    def configure(self, settings: ClockSettings) -> None:
        """Other settings from now on."""
        self._settings = settings
        if settings.estimate and not self._started:
            self._started = True
            self._worker.start()

    def observe(self, sensor: Sensor, frame: Frame) -> None:
        """See a frame of a camera; returns at once."""
        if self._settings.estimate:
            self._worker.offer(sensor, frame)

    def pause(self, paused: bool) -> None:
        """Leave out what an infrared picture that stands still would say."""
        if paused != self._paused:
            self._paused = paused
            self._worker.pause(paused)

    def restart(self) -> None:
        """A camera came back: its clock may be another."""
        self._worker.restart()

    @property
    def state(self) -> OffsetState:
        """What is known now."""
        return self._worker.state

    def offset_to_apply(self, set_ms: float) -> float | None:
        """An offset of the infrared clock that is to be used from now on, in ms; None for none.

        Args:
            set_ms: the offset that the settings name.
        """
        if not self._settings.estimate:
            return None
        now_s = time.monotonic()
        current_ms = set_ms if self._used_ms is None else self._used_ms
        policy = OffsetPolicy(apply=self._settings.apply)
        found = policy.applied_ms(self.state, current_ms, now_s - self._applied_s)
        if found is not None:
            self._applied_s, self._used_ms = now_s, found
        return found

    def forget_applied(self) -> None:
        """The user has set an offset: that one counts from now on."""
        self._used_ms = None

    def words(self, set_ms: float) -> str:
        """A line for the picture where a better offset is known or the thread failed; else empty.

        Args:
            set_ms: the offset that the settings name.
        """
        if self._worker.error is not None:
            return f"the clocks are not compared any more: {self._worker.error}"
        if not self._settings.estimate or self._settings.apply == "auto":
            return ""
        offered = OffsetPolicy().offered_ms(self.state, set_ms)
        if offered is None:
            return ""
        return (
            f"infrared clock {offered:+.1f} ms ahead (±{self.state.plus_minus_ms:.1f}): "
            f"set pairing.ir_offset_ms: {offered:.1f}"
        )

    def summary(self) -> dict[str, Any] | None:
        """For the report; None where the clocks were not compared."""
        if not self._started:
            return None
        state = self.state
        return {
            "ir_offset_ms": state.offset_ms,
            "plus_minus_ms": state.plus_minus_ms,
            "ppm": state.ppm,
            "sure": state.sure,
            "why": state.why,
            "used_ms": self._used_ms,
        }

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._worker.close()
