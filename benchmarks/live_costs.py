"""What the live pipeline costs by itself: a hand-over between threads, and all of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from live_run import MemoryCamera, run_live

from engines.base import Engine
from fusion_rt.channel import Channel
from fusion_rt.frame import Sensor
from fusion_rt.timing import Histogram

_PICTURES = 16
_PACE_S = 0.002


def hop(hops: int) -> dict[str, Any]:
    """From `Channel.put` to the return of `Channel.get` on a thread that waits there, in us."""
    channel: Channel[int] = Channel(1, "latest")
    taken: list[float] = []

    def read() -> None:
        while (put_ns := channel.get(timeout_s=5)) is not None:
            taken.append((time.monotonic_ns() - put_ns) / 1e3)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(hops):
        time.sleep(_PACE_S)  # the reader waits again by then, as a stage does
        channel.put(time.monotonic_ns())
    channel.end()
    reader.join()
    p50, p99 = np.percentile(taken, (50, 99))
    return {"median_us": round(float(p50), 1), "p99_us": round(float(p99), 1), "hops": len(taken)}


def overhead(
    opener: Callable[[], Engine], size_wh: tuple[int, int], seconds: float
) -> dict[str, float]:
    """One round: pipeline that cannot keep up between two turns of the bare engine, then at 60 %.

    Keys bare_fps, pipeline_fps (cameras 1.3 times as fast as the engine), kept (their ratio),
    fuse_ms and end_to_end_ms (medians, at 60 %).
    """
    rng = np.random.default_rng(1)
    width, height = size_wh
    pictures = {
        Sensor.IR: list(rng.integers(0, 256, (_PICTURES, height, width), np.uint8)),
        Sensor.VIS: list(rng.integers(0, 256, (_PICTURES, height, width, 3), np.uint8)),
    }
    with opener() as engine:
        bare_fps = _bare(engine, pictures, seconds)

    def cameras(fps: float) -> dict[Sensor, Any]:
        return {s: partial(MemoryCamera, s, pictures[s], fps) for s in Sensor}

    done: list[int] = []
    measured = {"warm_up_s": 1.0, "seconds": seconds}
    run_live(cameras(1.3 * bare_fps), opener, lambda _, at: done.append(at), **measured)
    pipeline_fps = (len(done) - 1) / ((done[-1] - done[0]) / 1e9)
    with opener() as engine:  # before and after, as the machine may be busier by now
        bare_fps = (bare_fps + _bare(engine, pictures, seconds)) / 2
    fuse, whole = Histogram(), Histogram()

    def take(pair: Any, now_ns: int) -> None:
        stamps = pair.stamps_ns
        fuse.add((stamps["fused"] - stamps["fuse_begun"]) / 1e6)
        whole.add((now_ns - min(frame.begun_ns for frame in pair.frames)) / 1e6)

    run_live(cameras(0.6 * bare_fps), opener, take, **measured)
    return {
        "bare_fps": bare_fps,
        "pipeline_fps": pipeline_fps,
        "kept": pipeline_fps / bare_fps,
        "fuse_ms": fuse.percentile(50),
        "end_to_end_ms": whole.percentile(50),
    }


def _bare(engine: Engine, pictures: dict[Sensor, list[np.ndarray]], seconds: float) -> float:
    """Pairs a second in a plain loop."""
    for index in range(3):
        engine.fuse(pictures[Sensor.IR][index], pictures[Sensor.VIS][index])
    begun_s, count = time.monotonic(), 0
    while time.monotonic() - begun_s < seconds:
        place = count % _PICTURES
        engine.fuse(pictures[Sensor.IR][place], pictures[Sensor.VIS][place])
        count += 1
    return count / (time.monotonic() - begun_s)
