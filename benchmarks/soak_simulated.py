"""Cameras that are only simulated, for machines without a streaming server.

What goes wrong with them stands in a file, one line "SENSOR TROUBLE"; none when it is empty:

========== ==========================================================
lost       it is unplugged: reading fails, and so does opening
silent     it is open, but sends nothing
slow       ten times slower
larger     pictures of 1.25 times the size
other      pictures of another shape
stamps     its time stamps are 3 s ahead
========== ==========================================================
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.frame import Frame, Sensor
from fusion_rt.sources.base import SourceInfo
from fusion_rt.sources.live import CameraLostError, LiveSource

URIS = {Sensor.IR: "v4l2:/dev/video90", Sensor.VIS: "v4l2:/dev/video91"}
SIZES = {Sensor.IR: (320, 240), Sensor.VIS: (640, 480)}
_FPS = {Sensor.IR: 25.0, Sensor.VIS: 30.0}
_AHEAD_NS = 3_000_000_000


class Simulated(LiveSource):
    """Noise that is drawn once and rolls."""

    def __init__(self, sensor: Sensor, troubles: Path) -> None:
        self._sensor, self._troubles = sensor, troubles
        self._refuse_if_lost()
        self._info = SourceInfo(
            URIS[sensor], "v4l2", sensor, SIZES[sensor], fps=_FPS[sensor], clock="driver"
        )
        self._seq = int(time.monotonic() * _FPS[sensor])
        self._size = (0, 0)
        self._base = np.zeros(0, np.uint8)

    def poll(self, timeout_s: float) -> Frame | None:
        """See `LiveSource.poll`."""
        trouble = self._refuse_if_lost()
        fps = _FPS[self._sensor]
        period_ns = (10 if trouble == "slow" else 1) * 1e9 / fps
        now_ns = time.monotonic_ns()
        due_ns = int((now_ns // period_ns + 1) * period_ns)
        if trouble == "silent" or due_ns - now_ns > timeout_s * 1e9:
            time.sleep(timeout_s)
            return None
        time.sleep((due_ns - now_ns) / 1e9)
        self._seq = max(self._seq + 1, round(due_ns * fps / 1e9))
        image = self._picture(trouble)
        captured_ns = due_ns + (_AHEAD_NS if trouble == "stamps" else 0)
        return Frame(image, captured_ns, self._seq, due_ns, time.monotonic_ns())

    def close(self) -> None:
        """Nothing is held."""

    def _refuse_if_lost(self) -> str:
        sensor, _, trouble = self._troubles.read_text(encoding="ascii").partition(" ")
        if sensor != self._sensor.value:
            return ""
        if trouble == "lost":
            raise CameraLostError("unplugged", hint="this is a simulation")
        return trouble

    def _picture(self, trouble: str) -> np.ndarray:
        width, height = SIZES[self._sensor]
        if trouble == "larger":
            width, height = width * 5 // 4, height * 5 // 4
        elif trouble == "other":
            height = height * 3 // 4
        if self._size != (width, height):
            self._size = width, height
            shape = (height, width) if self._sensor is Sensor.IR else (height, width, 3)
            self._base = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
        return np.roll(self._base, self._seq % height, axis=0)


def opener(troubles: Path) -> Callable[[CameraSettings, Sensor], LiveSource]:
    """What to put in the place of `fusion_rt.sources.open_live.open_live`.

    Args:
        troubles: the file with what goes wrong; it is there.
    """

    def open_simulated(camera: CameraSettings, sensor: Sensor) -> LiveSource:
        return Simulated(sensor, troubles)

    return open_simulated
