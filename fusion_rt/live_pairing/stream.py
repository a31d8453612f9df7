"""What is known of one camera while frames are paired, and its frames that still wait."""

from __future__ import annotations

from collections import deque

from ..frame import Frame, Sensor
from ..ledger import DropReason
from .clock import CameraClock
from .rhythm import Rhythm
from .rules import PairingRules


class Waiting:
    """A frame that waits for the other camera.

    Attributes:
        time_ns: when it was taken, on the clock of the visible camera.
        frame: itself.
        pushed_ns: when it began to wait.
        since_ns: the same, or when the first of those behind it did: a late frame must not make
            them wait longer.
        used: it was given out in a pair, and may be in another one.
    """

    __slots__ = ("frame", "pushed_ns", "since_ns", "time_ns", "used")

    def __init__(self, time_ns: int, frame: Frame, pushed_ns: int) -> None:
        self.time_ns = time_ns
        self.frame = frame
        self.pushed_ns = self.since_ns = pushed_ns
        self.used = False


class LiveStream:
    """One camera.

    Attributes:
        sensor: which one.
        rhythm: how regularly it delivers.
        clock: of its time stamps.
        queue: its frames that wait, in order of time.
        heard_ns: when its last frame came; None before the first.
        reach_ns: time of its newest frame so far; None before the first.
        given_ns: time stamp of the newest frame that was given out; None before the first.
        offset_ns: what was taken off the last time stamp.
        back_ns: time of its first frame after it was last gone; None where it never was.
        ended: nothing more will come.
        gone: it has ended or fallen silent.
    """

    def __init__(self, sensor: Sensor, nominal_fps: float | None) -> None:
        self.sensor = sensor
        self.rhythm = Rhythm(nominal_fps)
        self.clock = CameraClock()
        self.queue: deque[Waiting] = deque()
        self.heard_ns: int | None = None
        self.reach_ns: int | None = None
        self.given_ns: int | None = None
        self.back_ns: int | None = None
        self.offset_ns = 0
        self._newest_ns = 0
        self.ended = False
        self.gone = False

    def take(
        self, frame: Frame, rules: PairingRules, now_ns: int
    ) -> list[tuple[Frame, DropReason]]:
        """Let a frame wait; returns what cannot: itself, or those of a clock that is no more."""
        lost: list[tuple[Frame, DropReason]] = []
        epoch = self.clock.epoch
        admitted = self.clock.admit(frame, self.rhythm.period_ns, self.rhythm.silent_after_ns)
        if isinstance(admitted, DropReason):
            return [(frame, admitted)]
        self.heard_ns = now_ns
        if self.clock.epoch != epoch:
            lost = [(w.frame, DropReason.CLOCK_JUMP) for w in self.queue if not w.used]
            self.queue.clear()
            self.given_ns = self.reach_ns = None
            self.rhythm.clock_changed()
        self.rhythm.observe(admitted.captured_ns, admitted.arrived_ns)
        if self.given_ns is not None and admitted.captured_ns <= self.given_ns:
            return [(admitted, DropReason.LATE)]
        waiting = Waiting(self._time_ns(admitted.captured_ns, rules), admitted, now_ns)
        if self.reach_ns is None or admitted.captured_ns > self._newest_ns:
            self._newest_ns, self.reach_ns = admitted.captured_ns, waiting.time_ns
            if self.gone:
                self.back_ns = waiting.time_ns
            self.queue.append(waiting)
        else:
            self._insert(waiting)
        return lost

    def retime(self, rules: PairingRules) -> None:
        """The clock offset has changed."""
        self.back_ns = None
        for waiting in self.queue:
            waiting.time_ns = self._time_ns(waiting.frame.captured_ns, rules)
        if self.reach_ns is not None:
            self.reach_ns = self._time_ns(self._newest_ns, rules)

    def forget_used(self) -> None:
        """Frames that were in a pair are not to be in another one."""
        self.queue = deque(waiting for waiting in self.queue if not waiting.used)

    def _time_ns(self, captured_ns: int, rules: PairingRules) -> int:
        if self.sensor is Sensor.IR:
            self.offset_ns = rules.ir_offset_at(captured_ns)
        return captured_ns - self.offset_ns

    def _insert(self, waiting: Waiting) -> None:
        index = len(self.queue)
        while index and self.queue[index - 1].time_ns > waiting.time_ns:
            index -= 1
        if index < len(self.queue):
            waiting.since_ns = self.queue[index].since_ns
        self.queue.insert(index, waiting)
