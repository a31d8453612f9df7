"""A thread that follows the clock offset beside a live pipeline, at a bounded cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..channel import Channel, ChannelClosed
from ..frame import Frame, Sensor
from ..stage import Stage
from ..timing import NS_PER_MS, NS_PER_S
from .estimate import OffsetState
from .follower import OffsetFollower

# Frames that wait while an estimate is made; older ones give way.
_WAITING = 4
_ESTIMATE_EVERY_NS = NS_PER_S
# Shares of one core. Estimates that take longer come less often. Frames of a fast camera on a slow
# processor are thinned out until both cameras fit, but not so far that motion cannot be followed.
_ESTIMATE_SHARE = 0.02
_FRAMES_SHARE = 0.07
_MOST_THINNED_NS = 150 * NS_PER_MS


class OffsetWorker(Stage):
    """Gets frames by `offer` from the capture threads, and keeps `state` up to date.

    Start it as a thread; it ends when ``stopping`` is set or by `close`.
    """

    def __init__(
        self,
        stopping: threading.Event,
        cpu_ns: Callable[[], int] = time.thread_time_ns,
    ) -> None:
        """Prepare; nothing runs before ``start``.

        Args:
            stopping: shared with the other stages of the run; also set when this one fails.
            cpu_ns: processor time that the calling thread has used, in ns.
        """
        super().__init__("offset", stopping)
        self._cpu_ns = cpu_ns
        self._frames: Channel[tuple[Sensor, Frame]] = Channel(_WAITING, "latest")
        self._state = OffsetState()
        self._wishes = threading.Lock()
        self._paused = False
        self._interrupted = False
        self._restarted = False
        self._gap_ns = 0
        self._due_ns = dict.fromkeys(Sensor, 0)

    @property
    def state(self) -> OffsetState:
        """What is known now; safe from any thread."""
        return self._state

    def offer(self, sensor: Sensor, frame: Frame) -> bool:
        """Show a new frame; returns at once.

        Each camera's frames come from one thread, in order.

        Returns:
            Whether it was taken. It is passed over while paused, after `close`, and where the
            frames would cost too much.
        """
        early_ns = self._due_ns[sensor] - frame.captured_ns
        if self._paused or 0 < early_ns <= _MOST_THINNED_NS:
            return False
        self._due_ns[sensor] = frame.captured_ns + self._gap_ns
        try:
            self._frames.put((sensor, frame))
        except ChannelClosed:
            return False
        return True

    def pause(self, paused: bool) -> None:
        """Leave out what happens in a shutter event: True at its start, False at its end."""
        with self._wishes:
            self._paused = paused
            self._interrupted = True
        self._drop_waiting()

    def restart(self) -> None:
        """Forget everything: a camera was opened anew, and its clock may be another."""
        with self._wishes:
            self._restarted = True
        self._drop_waiting()

    def close(self, timeout_s: float = 2.0) -> None:
        """End the thread; may be called twice, and before it was started."""
        self._frames.close()
        if self.is_alive():
            self.join(timeout_s)

    def work(self) -> None:
        """See `Stage.work`."""
        follower = OffsetFollower()
        estimated_ns, every_ns = 0, _ESTIMATE_EVERY_NS
        while not self.stopping.is_set() and not self._frames.exhausted:
            item = self._frames.get(timeout_s=0.1)
            self._obey(follower)
            if item is None:
                continue
            sensor, frame = item
            begun_ns = self._cpu_ns()
            follower.add(sensor, frame)
            # By one camera's time alone, as the other's may be anywhere.
            due = sensor is Sensor.VIS and abs(frame.captured_ns - estimated_ns) >= every_ns
            if due:
                estimated_ns = frame.captured_ns
                self._state = follower.estimate()
            spent_ns = self._cpu_ns() - begun_ns
            if due:
                every_ns = max(_ESTIMATE_EVERY_NS, round(spent_ns / _ESTIMATE_SHARE))
            else:
                self._thin_out(spent_ns)

    def _obey(self, follower: OffsetFollower) -> None:
        with self._wishes:
            restarted, interrupted = self._restarted, self._interrupted
            self._restarted = self._interrupted = False
        if restarted:
            follower.restart()
            self._state = OffsetState()
        if interrupted:
            follower.interrupt()

    def _drop_waiting(self) -> None:
        while self._frames.take() is not None:
            pass

    def _thin_out(self, cost_ns: int) -> None:
        wanted_ns = min(len(Sensor) * cost_ns / _FRAMES_SHARE, _MOST_THINNED_NS)
        self._gap_ns += round(0.1 * (wanted_ns - self._gap_ns))
