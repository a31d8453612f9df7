"""A live pipeline in this process, for measuring: cameras of any kind, no window, no film."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

import numpy as np

from engines.base import Engine
from fusion_rt.camera_settings import CameraSettings
from fusion_rt.frame import Frame, FramePair, Sensor
from fusion_rt.live.cameras import Camera, LiveCameras
from fusion_rt.live.capture import CameraOpener
from fusion_rt.live.clocks import Clocks
from fusion_rt.live.health import Health
from fusion_rt.live.pipeline import LivePipeline
from fusion_rt.run_settings import RunSettings
from fusion_rt.sources.base import SourceInfo
from fusion_rt.sources.live import LiveSource
from fusion_rt.sources.open_live import open_live

_START_S = 30.0
# Gets a fused pair and the monotonic time in ns at which it was finished.
Take = Callable[[FramePair, int], None]


class MemoryCamera(LiveSource):
    """Pictures from memory at a steady rate; none is late as long as the machine keeps up."""

    def __init__(self, sensor: Sensor, pictures: list[np.ndarray], fps: float) -> None:
        height, width = pictures[0].shape[:2]
        self._info = SourceInfo("memory", "v4l2", sensor, (width, height), fps=fps, clock="driver")
        self._pictures, self._period_ns = pictures, round(1e9 / fps)
        self._seq = time.monotonic_ns() // self._period_ns

    def poll(self, timeout_s: float) -> Frame | None:
        """See `LiveSource.poll`."""
        seq = max(self._seq + 1, time.monotonic_ns() // self._period_ns)
        taken_ns = seq * self._period_ns
        time.sleep(max(0, taken_ns - time.monotonic_ns()) / 1e9)
        self._seq = seq
        image = self._pictures[seq % len(self._pictures)]
        return Frame(image, taken_ns, seq, taken_ns, time.monotonic_ns())

    def close(self) -> None:
        """Nothing is held."""


def stream_openers(urls: Mapping[Sensor, str], library: str) -> dict[Sensor, CameraOpener]:
    """Of two network cameras."""
    return {
        sensor: partial(open_live, CameraSettings.model_validate(given), sensor)
        for sensor, given in ((s, {"uri": url, "library": library}) for s, url in urls.items())
    }


def run_live(
    openers: Mapping[Sensor, CameraOpener],
    engine: Callable[[], Engine],
    take: Take,
    *,
    warm_up_s: float,
    seconds: float,
) -> LivePipeline:
    """Run two cameras of one size for a while; returns the pipeline, which has ended.

    Args:
        openers: of the cameras.
        engine: opens the engine; called on the fuse thread.
        take: gets every fused pair after the warm-up.
        warm_up_s: after the first fused pair.
        seconds: after the warm-up.

    Raises:
        RuntimeError: no pair was fused within 30 s.
    """
    with ExitStack() as stack:
        cameras = LiveCameras(
            {sensor: Camera(opener, lambda f: f, 2.0, None) for sensor, opener in openers.items()}
        )
        cameras.start()
        stack.callback(cameras.close)
        deadline_s = time.monotonic() + _START_S
        sizes = cameras.sizes(lambda: time.monotonic() > deadline_s, print)
        if sizes is None:
            raise RuntimeError(f"a camera does not start: {cameras.states()}")
        uris = {"ir": "v4l2:/dev/video90", "vis": "v4l2:/dev/video91"}  # only names here
        settings = RunSettings.model_validate({"cameras": uris})
        clocks = Clocks(settings.clock)
        stack.callback(clocks.close)
        pipeline = LivePipeline(
            cameras,
            sizes,
            engine,
            rig=None,
            settings=settings,
            observe=clocks.observe,
            report=lambda words: None,
        )
        first_ns: int | None = None

        def consume(pair: FramePair, health: Health) -> None:
            nonlocal first_ns
            now_ns = time.monotonic_ns()
            if pair.alone is not None:
                return
            first_ns = now_ns if first_ns is None else first_ns
            if now_ns - first_ns > (warm_up_s + seconds) * 1e9:
                pipeline.stop()
            elif now_ns - first_ns > warm_up_s * 1e9:
                take(pair, now_ns)

        def idle(health: Health) -> None:
            if first_ns is None and time.monotonic() > deadline_s + _START_S:
                pipeline.stop()

        pipeline.run(consume, idle)
        if first_ns is None:
            raise RuntimeError(f"no pair was fused: {pipeline.health}")
        return pipeline
