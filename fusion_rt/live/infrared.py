"""The infrared camera's picture in a live run: taken apart, watched for standstill, in 8 bit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..camera_settings import CameraSettings
from ..errors import UsageError
from ..frame import Frame, FrameFlags, FramePair, Sensor
from ..radiometry import Radiometry
from ..thermal import Agc
from ..thermal.layout import load_layout
from ..thermal.settings import ThermalSettings
from ..thermal.shutter import ShutterState, ShutterWatch
from ..thermal.shutter_policy import ShutterPolicy
from ..thermal.split import split
from ..thermal.telemetry import Calibration

# Two pictures that are further apart in time say nothing about each other's motion. Half a period
# of a camera with nine pictures a second, as two of them that run freely may be apart.
_NEAR_NS = 60_000_000


class CameraPreparation:
    """What to make of each frame of a camera: right time stamps, and the layout taken apart.

    Attributes:
        radiometry: what the counts mean, as far as layout and telemetry have told; else None.
    """

    def __init__(self, camera: CameraSettings, sensor: Sensor) -> None:
        """Load the layout.

        Raises:
            UsageError: it is unknown.
        """
        self._layout = load_layout(camera.layout) if camera.layout and sensor is Sensor.IR else None
        self._late_ns = round(camera.offset_ms * 1e6)
        self.radiometry = None if self._layout is None else self._layout.radiometry

    def __call__(self, frame: Frame) -> Frame | None:
        """The frame as the run uses it; None where the camera sent its shutter for a picture.

        Raises:
            SourceError: a size that the layout does not know.
        """
        if self._late_ns:
            taken_ns = frame.captured_ns - self._late_ns
            frame = replace(frame, captured_ns=taken_ns, begun_ns=taken_ns)
        if self._layout is None:
            return frame
        thermal = split(frame.image, self._layout)
        if not thermal.is_picture:
            return None
        self.radiometry = thermal.radiometry
        told = thermal.telemetry
        calibrating = told is not None and told.calibration is Calibration.RUNNING
        flags = frame.flags | (FrameFlags.SHUTTER if calibrating else FrameFlags.NONE)
        return replace(frame, image=thermal.counts, flags=flags)


class InfraredWatch:
    """Gain control and shutter events of one run.

    Attributes:
        radiometry: what the counts mean, as far as is known by now.
        agc: gain control; other threads may lock it.

    The register thread calls `seen`, `paired`, `in_8bit` and `trust`; the rest is safe from any
    thread.
    """

    def __init__(
        self, settings: ThermalSettings, radiometry: Callable[[], Radiometry | None]
    ) -> None:
        """Start with the infrared trusted.

        Args:
            settings: of gain control and shutter.
            radiometry: what the counts mean, as far as is known by now.

        Raises:
            UsageError: a fixed range in °C for a camera that is not radiometric.
        """
        self.radiometry = radiometry
        self._known = radiometry()
        self.agc = Agc(settings, self._known)
        self._watch = ShutterWatch()
        self._policy = ShutterPolicy(settings.shutter)
        self._state = ShutterState()
        self._compared: tuple[Frame | None, Frame | None] = (None, None)
        self._lock = threading.Lock()
        self._wanted: ThermalSettings | None = None
        self._trouble = ""

    def configure(self, settings: ThermalSettings) -> None:
        """Other settings from the next frame on.

        Raises:
            UsageError: as of the constructor; nothing changes then.
        """
        self.check(settings)
        with self._lock:
            self._wanted = settings

    def check(self, settings: ThermalSettings) -> None:
        """Whether `configure` can take these settings.

        Raises:
            UsageError: as of the constructor.
        """
        Agc(settings, self.radiometry())

    @property
    def frozen(self) -> bool:
        """Whether the infrared picture stands still."""
        return self._state.frozen

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the infrared is not to be trusted now; empty where it is."""
        state = self._state
        frozen = f"infrared recalibrating ({state.why})" if state.frozen else ""
        return tuple(reason for reason in (frozen, self._trouble) if reason)

    def seen(self, sensor: Sensor, frame: Frame) -> Frame:
        """Take note of a frame as it comes; returns it with its flags.

        Raw infrared pictures tell by themselves that they stand still.
        """
        if sensor is Sensor.VIS or frame.image.dtype != np.uint16:
            return frame
        self._state = self._watch.observe(frame)
        return self._flagged(frame)

    def paired(self, pair: FramePair) -> None:
        """Take note of a pair, in order; its infrared frame gets its flags.

        8-bit infrared is compared with the visible picture: with the one that was taken at the
        same time, whatever came when. Only pairs tell which one that is. Of the pairs that one
        frame is in, that of the least skew would do; any within the limit does.
        """
        if pair.alone is Sensor.VIS or pair.ir.image.dtype != np.uint8:
            return
        if pair.alone is Sensor.IR:
            self._state = self._watch.observe(pair.ir)
            return
        fresh = pair.ir is not self._compared[0] and pair.vis is not self._compared[1]
        if fresh and abs(pair.skew_ns) <= _NEAR_NS:
            self._compared = pair.ir, pair.vis
            self._state = self._watch.observe(pair.ir, None, pair.vis.image)
        pair.ir = self._flagged(pair.ir)

    def _flagged(self, frame: Frame) -> Frame:
        if not self._state.frozen:
            return frame
        return replace(frame, flags=frame.flags | FrameFlags.SHUTTER)

    def in_8bit(self, frame: Frame) -> np.ndarray:
        """The infrared picture, (H, W) uint8, through the gain control where it has 16 bits."""
        with self._lock:
            wanted, self._wanted = self._wanted, None
        known = self.radiometry()
        if wanted is not None or known != self._known:
            self._known = known
            self._configure(wanted or self.agc.settings)
        if wanted is not None:
            self._policy.policy = wanted.shutter
        if frame.image.dtype != np.uint16:
            return frame.image
        hold = bool(frame.flags & FrameFlags.SHUTTER)
        return self.agc.apply(frame.image, frame.captured_ns, hold=hold)

    def _configure(self, settings: ThermalSettings) -> None:
        """Take them over, or go on as before where the camera gives no temperatures any more."""
        try:
            self.agc.configure(settings, self._known)
            self._trouble = ""
        except UsageError as error:
            self._trouble = f"gain control as before: {error}"

    def trust(self, pair: FramePair) -> float:
        """How far the infrared of this pair is to be shown, 0..1."""
        if pair.alone is not None:
            return 1.0
        frozen = bool(pair.ir.flags & FrameFlags.SHUTTER)
        weight = self._policy.weight(frozen, pair.vis.image, pair.captured_ns)
        return round(weight * 16) / 16  # each step costs an upload of the weights
