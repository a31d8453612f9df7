"""The cameras' clocks during a run: how far apart they are, and what is made of it."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

from ..clock_offset.estimate import OffsetState
from ..clock_offset.policy import OffsetPolicy
from ..clock_offset.worker import OffsetWorker
from ..frame import Frame, Sensor
from ..live_pairing import OffsetLine
from ..run_settings import ClockSettings
from ..timing import NS_PER_MS

# So slow a drift is of no account: 1 ms in three minutes.
_STEADY_PPM = 5.0


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
        self._used: OffsetLine | None = None
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

    def offset_to_apply(self, set_ms: float) -> OffsetLine | None:
        """An offset of the infrared clock that is to be used from now on; None for none.

        Where the clocks' rates are known to differ it goes on with that, so that it stays right
        while nothing moves, and seldom has to be changed.

        Args:
            set_ms: the offset that the settings name.
        """
        if not self._settings.estimate:
            return None
        now_s, state = time.monotonic(), self.state
        policy = OffsetPolicy(apply=self._settings.apply)
        used_ms = self._used_at(state, set_ms)
        found_ms = policy.applied_ms(state, used_ms, now_s - self._applied_s)
        if found_ms is None:
            return None
        offset_ns = round(found_ms * NS_PER_MS)
        self._applied_s = now_s
        self._used = OffsetLine(offset_ns, state.ppm or 0.0, state.at_ns + offset_ns)
        return self._used

    def _used_at(self, state: OffsetState, set_ms: float) -> float:
        """The offset in use at the moment that the state is of, in ms."""
        if self._used is None:
            return set_ms
        return self._used(state.at_ns + self._used.offset_ns) / NS_PER_MS

    def forget_applied(self) -> None:
        """The user has set an offset: that one counts from now on."""
        self._used = None

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
        state = self.state
        words = (
            f"infrared clock {offered:+.1f} ms ahead (±{state.plus_minus_ms:.1f}): "
            f"set pairing.ir_offset_ms: {offered:.1f}"
        )
        if state.ppm is not None and abs(state.ppm) > (state.ppm_plus_minus or 0) + _STEADY_PPM:
            return f"{words}; it drifts by {state.ppm:+.0f} ppm, clock.apply: auto follows that"
        return words

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
            "used_ms": None if self._used is None else self._used.offset_ns / NS_PER_MS,
            "used_ppm": None if self._used is None else self._used.drift_ppm,
        }

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._worker.close()
