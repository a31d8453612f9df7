"""Sources and engines made of plain data, for tests of what lies between them."""

from __future__ import annotations

import _thread
import signal
import time
from collections.abc import Callable, Sequence

import numpy as np

from engines.base import Engine, EngineInfo
from fusion_rt.frame import Frame, Sensor
from fusion_rt.sources.base import Source, SourceInfo

MS = 1_000_000


def press_ctrl_c() -> None:
    """What Python makes of Ctrl-C, from any thread: the handler runs on the main thread.

    A real signal would end this whole process by a segmentation fault once inference libraries
    were loaded in it.
    """
    _thread.interrupt_main(signal.SIGINT)


def picture(sensor: Sensor, wh: tuple[int, int], value: int) -> np.ndarray:
    """A flat picture of one grey level."""
    shape = (wh[1], wh[0]) if sensor is Sensor.IR else (wh[1], wh[0], 3)
    return np.full(shape, value % 256, np.uint8)


def frame(captured_ms: float, seq: int = 0, image: np.ndarray | None = None) -> Frame:
    """A frame taken at a stated time; reading it took 2 ms."""
    if image is None:
        image = np.zeros((1, 1), np.uint8)
    now = time.monotonic_ns()
    return Frame(image, round(captured_ms * MS), seq, now - 2 * MS, now)


class FakeSource(Source):
    """Frames at stated times; frame i is flat with grey level i."""

    def __init__(
        self,
        sensor: Sensor,
        times_ms: Sequence[float],
        wh: tuple[int, int] = (64, 64),
        fps: float | None = 30.0,
        fault: Callable[[int], None] | None = None,
    ) -> None:
        self._info = SourceInfo(
            uri=f"fake:{sensor.value}",
            kind="fake",
            sensor=sensor,
            size_wh=wh,
            fps=fps,
            frame_count=len(times_ms),
        )
        self.closed = 0
        self._times_ms = list(times_ms)
        self._fault = fault
        self._next = 0

    def read(self) -> Frame | None:
        index = self._next
        if self._fault is not None:
            self._fault(index)
        if index >= len(self._times_ms):
            return None
        self._next += 1
        image = picture(self.info.sensor, self.info.size_wh, index)
        return frame(self._times_ms[index], index, image)

    def close(self) -> None:
        self.closed += 1


class FakeEngine(Engine):
    """Fused is the infrared in blue, the visible's first channel in green, the weight in red."""

    def __init__(
        self, size_wh: tuple[int, int], on_fuse: Callable[[int], None] | None = None
    ) -> None:
        super().__init__(size_wh)
        self.info = EngineInfo("fake", "1", "none", "none", "fp32", size_wh, 0.0)
        self.closed = 0
        self._on_fuse = on_fuse
        self._count = 0

    def _run(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        if self._on_fuse is not None:
            self._on_fuse(self._count)
        self._count += 1
        return np.dstack([ir, vis[..., 0], self.weight])

    def close(self) -> None:
        self.closed += 1
