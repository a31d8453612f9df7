"""``fusion-rt bench``: how fast the engine is alone, and how much of that the pipeline keeps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.table import Table

from engines.base import Engine, check_size

from ..config import EngineSettings, Settings
from ..engine_choice import open_chosen
from ..frame import Sensor
from ..machine import describe_machine
from ..outputs import Output
from ..pipeline import Pipeline
from ..report import describe_engine, write_json
from ..sinks.null import NullSink
from ..sinks.text import check_writable
from ..sources.memory import MemorySource
from ..sources.synthetic import SceneSettings, SyntheticSource
from ..terminal import console, engine_line, progress_bar, say
from ..timing import NS_PER_MS, NS_PER_S, Histogram
from .replay import hud_state

# Engine and pipeline take turns, so that a busy moment of the machine hits both.
ROUNDS = 4
# Share of the engine's throughput at which live pairs come while latency is measured.
LIVE_LOAD = 0.7
_WARM_UP = 3
_PICTURES = 4

_Opener = Callable[..., Engine]  # takes ``stop``, see `open_chosen`


@dataclass(frozen=True)
class BenchRequest:
    """What to measure.

    Attributes:
        size_wh: width and height in px of both pictures.
        engine: which.
        frames: pairs timed in each of the ways, rounded up to whole rounds.
        json: file to write; None for none.
    """

    size_wh: tuple[int, int]
    engine: EngineSettings
    frames: int
    json: Path | None


def bench(request: BenchRequest) -> dict[str, Any]:
    """Measure, print a table, and return the figures.

    ``engine_alone`` calls the engine in a loop on one thread; latency is that of one call.
    ``pipeline`` runs all stages on pictures that lie in memory, into a sink that only counts. Its
    throughput is taken with full channels, as with a recording. Its latency is end to end and
    taken live: pairs come at `LIVE_LOAD` of the throughput, so that none waits for the one before.
    Throughput is the median of the rounds.

    Raises:
        FusionError, EngineError: in words.
    """
    check_size(request.size_wh)
    if request.json is not None:
        check_writable(request.json)
    per_round = math.ceil(request.frames / ROUNDS)
    alone, alone_fps, pipeline_fps = Histogram(), [], []
    piped, dropped = Histogram(), 0
    # The pipeline opens its own, as an engine belongs to the thread that uses it.
    opener: _Opener = partial(open_chosen, request.engine, request.size_wh, report=say)
    with (
        progress_bar("measuring", 3 * ROUNDS) as bar,
        opener() as engine,
    ):
        bar.say("(making the pictures)")
        ir, vis = _pictures(request.size_wh)
        for index in range(_WARM_UP):
            engine.fuse(ir[index % _PICTURES], vis[index % _PICTURES])
        for _ in range(ROUNDS):
            alone_fps.append(_engine_round(engine, ir, vis, per_round, alone))
            bar.advance("engine alone")
            pipeline_fps.append(_pipeline_round(opener, ir, vis, per_round))
            bar.advance("pipeline")
            live_fps = LIVE_LOAD * min(alone_fps[-1], pipeline_fps[-1])
            dropped += _live_round(opener, ir, vis, per_round, live_fps, piped)
            bar.advance("pipeline, live")
        info = engine.info
    result = {
        "size": list(request.size_wh),
        "frames": per_round * ROUNDS,
        "rounds": ROUNDS,
        "engine": describe_engine(info),
        "engine_alone": _figures(alone_fps, alone),
        "pipeline": {
            **_figures(pipeline_fps, piped),
            "latency_load": LIVE_LOAD,
            "latency_dropped": dropped,
        },
        "pipeline_share": _spread(
            [whole / bare for whole, bare in zip(pipeline_fps, alone_fps, strict=True)]
        ),
        "machine": describe_machine(),
    }
    _print(result)
    if request.json is not None:
        write_json(request.json, result)
    return result


def _pictures(size_wh: tuple[int, int]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A few pairs of the built-in scene, a second apart, in the size to be measured."""
    scene = SceneSettings(seconds=_PICTURES, ir_wh=size_wh, vis_wh=size_wh, ir_fps=1, vis_fps=1)
    pictures: dict[Sensor, list[np.ndarray]] = {}
    for sensor in Sensor:
        with SyntheticSource(scene, sensor) as source:
            frames = [source.read() for _ in range(_PICTURES)]
        pictures[sensor] = [frame.image for frame in frames if frame is not None]
    return pictures[Sensor.IR], pictures[Sensor.VIS]


def _engine_round(
    engine: Engine, ir: list[np.ndarray], vis: list[np.ndarray], count: int, latency: Histogram
) -> float:
    begun_ns = last_ns = time.perf_counter_ns()
    for index in range(count):
        engine.fuse(ir[index % _PICTURES], vis[index % _PICTURES])
        now_ns = time.perf_counter_ns()
        latency.add((now_ns - last_ns) / NS_PER_MS)
        last_ns = now_ns
    return count * NS_PER_S / (last_ns - begun_ns)


def _pipeline_round(
    opener: _Opener, ir: list[np.ndarray], vis: list[np.ndarray], count: int
) -> float:
    # One pair more than timed: the rate runs from the first finished pair to the last.
    pipeline = Pipeline(
        MemorySource(Sensor.IR, ir, count + 1),
        MemorySource(Sensor.VIS, vis, count + 1),
        lambda: opener(stop=lambda: pipeline.ending),
        rig=None,
        settings=Settings(),
    )
    _into_null(pipeline)
    return pipeline.stats.rate.overall_fps


def _into_null(pipeline: Pipeline) -> None:
    output = Output(NullSink(), "fused", "white-hot", pipeline.registration)
    pipeline.run(lambda pair: output.show(pair, hud_state(pipeline)))


def _live_round(
    opener: _Opener,
    ir: list[np.ndarray],
    vis: list[np.ndarray],
    count: int,
    fps: float,
    latency: Histogram,
) -> int:
    """Adds the end-to-end latencies; returns how many pairs came too fast and were dropped."""
    period_ns = round(NS_PER_S / fps)
    pipeline = Pipeline(
        MemorySource(Sensor.IR, ir, count, period_ns),
        MemorySource(Sensor.VIS, vis, count, period_ns),
        lambda: opener(stop=lambda: pipeline.ending),
        rig=None,
        settings=Settings(pace="realtime"),
    )
    _into_null(pipeline)
    latency.merge(pipeline.stats.latency["end_to_end"])
    return count - pipeline.stats.rate.count


def _figures(fps: list[float], latency: Histogram) -> dict[str, Any]:
    values = latency.summary()
    return {
        "throughput_fps": round(median(fps), 3),
        "throughput_fps_rounds": [round(value, 3) for value in fps],
        "latency_ms": {key: values[key] for key in ("p50", "p95", "p99")},
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
    }


def _print(result: dict[str, Any]) -> None:
    say(engine_line(result["engine"]))
    for note in result["engine"]["notes"]:
        say(f"note: {note}")
    table = Table(box=None, padding=(0, 2))
    table.add_column("")
    for title in ("frames/s", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(title, justify="right")
    for key in ("engine_alone", "pipeline"):
        latency = result[key]["latency_ms"].values()
        cells = (result[key]["throughput_fps"], *latency)
        table.add_row(key.replace("_", " "), *(f"{value:.1f}" for value in cells))
    console.print(table)
    say(
        f"latency of the pipeline: end to end, live at {LIVE_LOAD:.0%} of the throughput, "
        f"{result['pipeline']['latency_dropped']} pairs dropped"
    )
    share = result["pipeline_share"]
    say(
        f"the pipeline keeps {share['median']:.0%} of the engine's throughput "
        f"({share['min']:.0%} to {share['max']:.0%} in {result['rounds']} rounds)"
    )
