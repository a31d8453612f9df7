"""The newest picture of each of two live cameras, and whether the infrared one recalibrates."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SourceError
from ..frame import Frame, Sensor
from ..ledger import DropReason
from ..live.cameras import NAMES, LiveCameras
from ..thermal.shutter import ShutterWatch


@dataclass(frozen=True)
class Look:
    """Both cameras at one moment.

    Attributes:
        ir: newest infrared frame.
        vis: newest visible frame. Cameras need not be in step: who takes pictures of a board
            waits until it stands still.
        shutter: why the infrared picture is not to be used now; empty where it may be.
    """

    ir: Frame
    vis: Frame
    shutter: str

    @property
    def now_ns(self) -> int:
        """Monotonic time at which the later of the two arrived."""
        return max(self.ir.arrived_ns, self.vis.arrived_ns)


class PairFeed:
    """Reads both cameras for one thread, which looks when it has time."""

    def __init__(self, cameras: LiveCameras) -> None:
        """Take over the channels of ``cameras``, which are running."""
        self._cameras = cameras
        self._newest: dict[Sensor, Frame] = {}
        self._fresh: set[Sensor] = set()
        self._watch = ShutterWatch()
        self._shutter = ""

    def look(self, timeout_s: float) -> Look | None:
        """The newest of both; None where none of one of them came since the last look.

        Args:
            timeout_s: how long to wait for them.

        Raises:
            SourceError: a camera sends pictures of another size than at first.
            Whatever ended a capture thread.
        """
        changed = self._cameras.changed
        with changed:
            changed.wait_for(self._complete, timeout_s)
        for stage in self._cameras.stages:
            if stage.error is not None:
                raise stage.error
        self._check_sizes()
        if len(self._fresh) < len(Sensor):
            return None
        self._fresh.clear()
        ir, vis = self._newest[Sensor.IR], self._newest[Sensor.VIS]
        return Look(ir, vis, self._shutter)

    def _complete(self) -> bool:
        """Take what has come; whether both cameras have something new."""
        for sensor, channel in self._cameras.channels.items():
            while (frame := channel.take()) is not None:
                # What is looked at is no part of a film: it is counted as passed over.
                self._cameras.ledger.dropped(sensor, frame, DropReason.SURPLUS)
                self._newest[sensor] = frame
                self._fresh.add(sensor)
                if sensor is Sensor.IR:
                    self._observe(frame)
        return len(self._fresh) == len(Sensor)

    def _observe(self, ir: Frame) -> None:
        vis = self._newest.get(Sensor.VIS)
        state = self._watch.observe(ir, None, None if vis is None else vis.image)
        self._shutter = f"infrared recalibrating: {state.why}" if state.frozen else ""

    def _check_sizes(self) -> None:
        for sensor, state in self._cameras.states().items():
            if "scaled to" in state.note:
                raise SourceError(
                    f"the {NAMES[sensor]} camera has changed its mode: {state.note}",
                    hint="a calibration holds for one size: choose the mode, then begin anew",
                )
