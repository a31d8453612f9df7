"""What is known of one live camera at any moment: is it there, how fast, what went wrong."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from dataclasses import dataclass
from enum import Enum

from ..frame import Frame
from ..sources.base import SourceInfo

# A camera is silent when it owes so many frames, and never sooner than within this time.
SILENT_PERIODS, SILENT_NS = 3, 100_000_000
# Intervals whose median is the camera's period.
_INTERVALS = 31
_UNKNOWN_PERIOD_NS = 100_000_000


class Phase(str, Enum):
    """Where a camera stands."""

    CONNECTING = "connecting"  # never delivered anything yet
    RUNNING = "running"
    SILENT = "silent"  # open, but owes frames
    LOST = "lost"  # gone, being opened again
    MISFIT = "misfit"  # delivers pictures that do not fit the run
    STUCK = "stuck"  # its driver does not answer at all


@dataclass(frozen=True)
class CameraState:
    """A camera at one moment.

    Attributes:
        phase: where it stands.
        why: what is wrong, in words; empty while it runs.
        since_ns: monotonic time of the last change of phase.
        frames: delivered so far.
        missing: made by the camera but never delivered, by its own count.
        reconnects: how often it came back.
        fps: measured; None while unknown.
        last_frame_ns: monotonic time at which the last frame arrived; None before the first.
        clock: where its time stamps come from; empty while unknown.
        note: what is allowed but should be known, for instance a changed size.
    """

    phase: Phase
    why: str
    since_ns: int
    frames: int
    missing: int
    reconnects: int
    fps: float | None
    last_frame_ns: int | None
    clock: str
    note: str

    @property
    def running(self) -> bool:
        """Whether its pictures come."""
        return self.phase is Phase.RUNNING

    @property
    def words(self) -> str:
        """For people: "lost (connection refused)"."""
        return f"{self.phase.value} ({self.why})" if self.why else self.phase.value


class CameraRecord:
    """Written by the thread that reads the camera, read by any other. Fixed memory."""

    def __init__(self, name: str, now_ns: int, stuck_after_ns: int) -> None:
        """Nothing is known yet.

        Args:
            name: of the camera, for messages: "infrared" or "visible".
            now_ns: monotonic time.
            stuck_after_ns: the reading thread that gave no sign for so long hangs in a driver.
        """
        self.name = name
        self._stuck_after_ns = stuck_after_ns
        self._lock = threading.Lock()
        self._phase, self._why, self._since_ns = Phase.CONNECTING, "", now_ns
        self._frames = self._missing = self._reconnects = 0
        self._last_seq: int | None = None
        self._last_arrived_ns: int | None = None
        self._last_captured_ns: int | None = None
        self._intervals: deque[int] = deque(maxlen=_INTERVALS)
        self._info: SourceInfo | None = None
        self._note = ""
        self._was_lost = False
        self._alive_ns = now_ns

    def opened(self, info: SourceInfo, now_ns: int) -> None:
        """It was opened; nothing came yet."""
        with self._lock:
            self._info = info
            self._last_seq = self._last_captured_ns = None
            self._intervals.clear()
            self._alive_ns = now_ns

    def learned(self, info: SourceInfo) -> None:
        """Something else is known of it by now, for instance its clock."""
        with self._lock:
            self._info = info

    def frame(self, frame: Frame, now_ns: int) -> None:
        """It delivered a frame that fits."""
        with self._lock:
            self._count(frame, now_ns)
            if self._last_captured_ns is not None and frame.captured_ns > self._last_captured_ns:
                self._intervals.append(frame.captured_ns - self._last_captured_ns)
            self._reconnects += self._was_lost
            self._was_lost = False
            self._frames += 1
            self._last_captured_ns = frame.captured_ns
            self._last_arrived_ns = now_ns
            self._change(Phase.RUNNING, "", now_ns)

    def passed_over(self, frame: Frame, now_ns: int) -> None:
        """It delivered a frame that is no picture, for instance of its shutter."""
        with self._lock:
            self._count(frame, now_ns)

    def alive(self, now_ns: int) -> None:
        """The thread that reads it is not stuck, though nothing came."""
        with self._lock:
            self._alive_ns = now_ns

    def lost(self, why: str, now_ns: int) -> None:
        """It is gone."""
        with self._lock:
            self._alive_ns = now_ns
            self._was_lost = self._frames > 0
            phase = Phase.LOST if self._frames else Phase.CONNECTING
            self._change(phase, why, now_ns)

    def misfit(self, frame: Frame, why: str, now_ns: int) -> None:
        """It delivers what this run cannot use."""
        with self._lock:
            self._count(frame, now_ns)
            self._change(Phase.MISFIT, why, now_ns)

    def note(self, text: str) -> None:
        """Something to be known that does not stop it; empty takes it back."""
        with self._lock:
            self._note = text

    def state(self, now_ns: int) -> CameraState:
        """The camera now, at this monotonic time."""
        with self._lock:
            period_ns = self._period_ns()
            phase, why, since_ns = self._phase, self._why, self._since_ns
            silent_ns = max(SILENT_PERIODS * period_ns, SILENT_NS)
            if now_ns - self._alive_ns > self._stuck_after_ns:
                phase, since_ns = Phase.STUCK, self._alive_ns
                why = f"its driver has not answered for {(now_ns - since_ns) / 1e9:.0f} s"
            elif phase is Phase.RUNNING and self._last_arrived_ns is not None:
                waited_ns = now_ns - self._last_arrived_ns
                if waited_ns > silent_ns:
                    phase, since_ns = Phase.SILENT, self._last_arrived_ns
                    why = f"no picture for {waited_ns / 1e9:.1f} s"
            return CameraState(
                phase,
                why,
                since_ns,
                self._frames,
                self._missing,
                self._reconnects,
                1e9 / period_ns if self._intervals else None,
                self._last_arrived_ns,
                self._info.clock if self._info else "",
                self._note,
            )

    def _count(self, frame: Frame, now_ns: int) -> None:
        """A frame came, whatever becomes of it."""
        if self._last_seq is not None:
            self._missing += max(0, frame.seq - self._last_seq - 1)
        self._last_seq = frame.seq
        self._alive_ns = now_ns

    def _period_ns(self) -> float:
        if self._intervals:
            return statistics.median(self._intervals)
        if self._info is not None and self._info.fps:
            return 1e9 / self._info.fps
        return _UNKNOWN_PERIOD_NS

    def _change(self, phase: Phase, why: str, now_ns: int) -> None:
        if phase is not self._phase:
            self._phase, self._since_ns = phase, now_ns
        self._why = why
