"""The scene as a source of frames."""

from __future__ import annotations

import time

import numpy as np

from ...errors import SourceError
from ...frame import Frame, Sensor
from ..base import Source, SourceInfo
from ..uri import SourceUri
from .infrared import InfraredCamera
from .settings import SceneSettings, parse_settings
from .visible import VisibleCamera


class SyntheticSource(Source):
    """One of the two cameras, frame after frame, until the recording ends."""

    def __init__(self, settings: SceneSettings, sensor: Sensor, uri: str = "synthetic:") -> None:
        self._settings = settings
        self._sensor = sensor
        self._camera: VisibleCamera | InfraredCamera | None = (
            InfraredCamera(settings) if sensor is Sensor.IR else VisibleCamera(settings)
        )
        self._next = 0
        self._info = SourceInfo(
            uri=uri,
            kind="synthetic",
            sensor=sensor,
            size_wh=settings.size_wh(sensor),
            bit_depth=settings.ir_bits if sensor is Sensor.IR else 8,
            fps=float(settings.fps(sensor)),
            frame_count=settings.frame_count(sensor),
        )

    def read(self) -> Frame | None:
        """The next frame; None at the end.

        Raises:
            SourceError: the source has been closed.
        """
        if self._next >= self._settings.frame_count(self._sensor):
            return None
        begun_ns = time.monotonic_ns()
        index, self._next = self._next, self._next + 1
        image = self.render(index)
        captured_ns = self._settings.captured_ns(self._sensor, index)
        return Frame(image, captured_ns, index, begun_ns, time.monotonic_ns())

    def render(self, index: int) -> np.ndarray:
        """Picture ``index``, the same whenever and in whatever order it is asked for.

        Raises:
            SourceError: the source has been closed.
        """
        if self._camera is None:
            raise SourceError(f"{self._info.uri} is closed", hint="open the source again")
        return self._camera.render(index, self._settings.scene_ns(self._sensor, index) / 1e9)

    def close(self) -> None:
        """Let go of the painted scene."""
        self._camera = None


def open_synthetic(uri: SourceUri, sensor: Sensor) -> Source:
    """One camera of the built-in scene.

    Args:
        uri: ``synthetic:`` or ``synthetic:night-street``, with options such as ``?seed=3&bits=16``.
        sensor: which camera.

    Raises:
        UsageError: unknown scene or option, or a value that is not allowed.
    """
    return SyntheticSource(parse_settings(uri), sensor, uri.text or "synthetic:")
