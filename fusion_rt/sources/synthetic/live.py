"""The built-in scene as a live camera, to try a live run without any."""

from __future__ import annotations

import time
from dataclasses import replace

from ...frame import Frame, Sensor
from ..live import LiveSource
from ..uri import SourceUri
from .settings import SceneSettings, parse_settings
from .source import SyntheticSource

# Both cameras see the same moment of the scene.
_START_NS = time.monotonic_ns()


class LiveScene(LiveSource):
    """One camera of the scene in real time; the scene begins anew when it is over.

    What cannot be drawn in time is passed over, as a camera's pictures are that nobody fetches.
    """

    def __init__(self, settings: SceneSettings, sensor: Sensor, uri: str) -> None:
        self._settings, self._sensor = settings, sensor
        self._source = SyntheticSource(settings, sensor, uri)
        self._info = replace(self._source.info, clock="driver", frame_count=None)
        self._count = settings.frame_count(sensor)
        self._period_ns = 1e9 / float(settings.fps(sensor))
        self._seq = self._newest(time.monotonic_ns())

    def poll(self, timeout_s: float) -> Frame | None:
        """See `LiveSource.poll`."""
        now_ns = time.monotonic_ns()
        seq = max(self._seq + 1, self._newest(now_ns))
        wait_ns = self._taken_ns(seq) - now_ns
        if wait_ns > timeout_s * 1e9:
            time.sleep(timeout_s)
            return None
        time.sleep(max(0, wait_ns) / 1e9)
        self._seq = seq
        taken_ns = self._taken_ns(seq)
        image = self._source.render(seq % self._count)
        offset_ns = self._settings.captured_ns(self._sensor, 0)
        return Frame(image, taken_ns + offset_ns, seq, taken_ns, time.monotonic_ns())

    def close(self) -> None:
        """Let go of the painted scene."""
        self._source.close()

    def _newest(self, now_ns: int) -> int:
        """Number of the last picture that was taken by then."""
        return int((now_ns - _START_NS) / self._period_ns)

    def _taken_ns(self, seq: int) -> int:
        return _START_NS + round(seq * self._period_ns)


def open_live_scene(uri: SourceUri, sensor: Sensor) -> LiveScene:
    """One camera of the built-in scene, live; options as of `source.open_synthetic`.

    Raises:
        UsageError: unknown scene or option, or a value that is not allowed.
    """
    return LiveScene(parse_settings(uri), sensor, uri.text or "synthetic:")
