"""Both cameras of a run with their threads, from the first attempt to open them on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..channel import Channel
from ..frame import Frame, Sensor
from ..ledger import DropReason, Ledger
from ..stage import Stage
from .camera_record import CameraRecord, CameraState, Phase
from .capture import CameraOpener, LiveCapture, Prepare

NAMES = {Sensor.IR: "infrared", Sensor.VIS: "visible"}

# The pairing thread empties the channel at once; so many frames may come while it is busy.
_DEPTH = 4
# Threads that hang in a driver are replaced, but no more may hang at one time.
_MOST_HANGING = 3
# A thread that gave no sign for longer hangs in a driver. Without any hanging, a lost stream is
# closed in up to one time-out, opened in two, and a first picture waited for 6 s (PyAV) or 8 s
# (GStreamer), before what did not work is closed again.
_STUCK_S = 12.0
_STUCK_TIMEOUTS = 4
_SAY_FIRST_NS, _SAY_EVERY_NS = 1_500_000_000, 5_000_000_000


@dataclass(frozen=True)
class Camera:
    """One camera to run.

    Attributes:
        opener: opens it.
        prepare: what to make of each frame.
        timeout_s: silence after which it is opened again.
        size_wh: of its frames as the run is to have them; None: as the first one comes.
        stuck_s: the thread that reads it is given up when it has shown no sign of life for so
            long; None: 12 s and four time-outs, which is more than opening and closing may take.
    """

    opener: CameraOpener
    prepare: Prepare
    timeout_s: float
    size_wh: tuple[int, int] | None
    stuck_s: float | None = None

    @property
    def stuck_after_ns(self) -> int:
        """See ``stuck_s``."""
        if self.stuck_s is not None:
            return round(self.stuck_s * 1e9)
        return round((_STUCK_S + _STUCK_TIMEOUTS * self.timeout_s) * 1e9)


class LiveCameras:
    """The capture threads of both cameras.

    Attributes:
        changed: condition shared by both channels.
        stopping: ends everything that has part in the run.
        ledger: counts frames.
        records: how each camera fares.
        replaced: how many threads were given up because they hung in a driver.
    """

    def __init__(self, cameras: dict[Sensor, Camera]) -> None:
        """Wire the threads; nothing is opened yet."""
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        self.ledger = Ledger()
        now_ns = time.monotonic_ns()
        self.records = {
            sensor: CameraRecord(NAMES[sensor], now_ns, camera.stuck_after_ns)
            for sensor, camera in cameras.items()
        }
        self._captures = {
            sensor: LiveCapture(
                sensor,
                camera.opener,
                camera.prepare,
                self.records[sensor],
                Channel(_DEPTH, "latest", self.changed),
                self.ledger,
                self.stopping,
                timeout_s=camera.timeout_s,
                size_wh=camera.size_wh,
            )
            for sensor, camera in cameras.items()
        }
        self.replaced = 0
        self._hanging: list[LiveCapture] = []

    @property
    def channels(self) -> dict[Sensor, Channel[Frame]]:
        """Frames of each camera."""
        return {sensor: capture.channel for sensor, capture in self._captures.items()}

    @property
    def stages(self) -> list[Stage]:
        """The threads that read now."""
        return list(self._captures.values())

    def start(self) -> None:
        """Begin to open both cameras."""
        for capture in self._captures.values():
            capture.start()

    def sizes(
        self, ending: Callable[[], bool], report: Callable[[str], None]
    ) -> dict[Sensor, tuple[int, int]] | None:
        """Wait until the size of both is known; None where the user wants the end before.

        Args:
            ending: whether the user wants the end.
            report: told soon, and then every five seconds, what is waited for; and what is done
                about a camera whose driver hangs.

        Raises:
            Whatever ended a capture thread.
        """
        say_at_ns = time.monotonic_ns() + _SAY_FIRST_NS
        while not ending():
            for capture in self._captures.values():
                if capture.error is not None:
                    raise capture.error
            found = {s: c.size_wh for s, c in self._captures.items() if c.size_wh is not None}
            if len(found) == len(self._captures):
                return found
            for words in self.supervise():
                report(words)
            now_ns = time.monotonic_ns()
            if now_ns > say_at_ns:
                say_at_ns = now_ns + _SAY_EVERY_NS
                for words in self.waited_for():
                    report(f"waiting: {words} (with a rig the other is shown meanwhile)")
            self.stopping.wait(0.02)
        return None

    def waited_for(self) -> list[str]:
        """The cameras whose size is not known yet, and why, a line for each."""
        states = self.states()
        return [
            f"{NAMES[sensor]} camera {states[sensor].words}"
            for sensor, capture in self._captures.items()
            if capture.size_wh is None
        ]

    def states(self) -> dict[Sensor, CameraState]:
        """How both fare now."""
        now_ns = time.monotonic_ns()
        return {sensor: record.state(now_ns) for sensor, record in self.records.items()}

    def supervise(self) -> list[str]:
        """Replace threads that hang in a driver; returns what was done, in words."""
        words = []
        self._hanging = [thread for thread in self._hanging if thread.is_alive()]
        for sensor, state in self.states().items():
            if state.phase is Phase.STUCK and len(self._hanging) < _MOST_HANGING:
                capture = self._captures[sensor]
                self._hanging.append(capture)
                self.replaced += 1
                self._captures[sensor] = capture.abandon()
                self.records[sensor].lost(state.why, time.monotonic_ns())
                self._captures[sensor].start()
                words.append(f"{NAMES[sensor]} camera: {state.why}; it is opened anew")
        return words

    def close(self) -> None:
        """End the threads' waiting and count what was never read."""
        self.stopping.set()
        for sensor, capture in self._captures.items():
            for frame in capture.channel.close():
                self.ledger.dropped(sensor, frame, DropReason.STOPPED)
