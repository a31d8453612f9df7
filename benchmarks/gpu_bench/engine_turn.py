"""One turn of a TensorRT engine: alone, as a whole call, as a stream of pairs, in the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from engines.base import Engine
from engines.tensorrt.engine import TensorRtEngine
from fusion_rt.config import Settings
from fusion_rt.frame import Sensor
from fusion_rt.pipeline import Pipeline
from fusion_rt.preview import EngineOpener
from fusion_rt.run_stats import RunStats
from fusion_rt.sources.memory import MemorySource
from fusion_rt.timing import NS_PER_S
from gpu_bench.case import Effort, Turn
from gpu_bench.clock import repeat, runs_in
from gpu_bench.pictures import Pair, pictures

# Share of its throughput at which pairs come while the latency of live pairs is measured.
LIVE_LOAD = 0.7


def measure_engine(
    opener: Callable[[], TensorRtEngine], size_wh: tuple[int, int], effort: Effort
) -> Turn:
    """Open, warm up, measure, close; then the same engine in a pipeline, which opens its own.

    Args:
        opener: opens the engine, on whatever thread it is called.
        size_wh: of both pictures, in px.
        effort: how long.
    """
    pairs = pictures(size_wh)
    turn = Turn()
    with opener() as engine:
        each_ms = median(repeat(lambda index: _fuse(engine, pairs, index), effort.warm_up_s))
        turn.engine_ms = engine.network_ms(runs_in(effort.seconds, each_ms))
        turn.fuse_ms = repeat(lambda index: _fuse(engine, pairs, index), effort.seconds)
        turn.stream_fps = _stream(engine, pairs, effort.seconds)
        turn.device_bytes = engine.device_bytes
        turn.facts = facts_of(engine)
    count = runs_in(effort.seconds, 1e3 / turn.stream_fps)
    # One pair more than timed: the rate runs from the first finished pair to the last.
    turn.pipeline_fps = _pipeline(opener, pairs, count + 1).rate.overall_fps
    live_fps = LIVE_LOAD * min(turn.stream_fps, turn.pipeline_fps)
    count = runs_in(effort.seconds, 1e3 / live_fps)
    live = _pipeline(opener, pairs, count, live_fps)
    turn.live, turn.live_dropped = live.latency["end_to_end"], count - live.rate.count
    return turn


def facts_of(engine: Engine) -> dict[str, str]:
    """What a report says of an engine in words."""
    info = engine.info
    facts = {"version": info.version, "device": info.device, "picture": str(info.parity)}
    return facts | ({"notes": "; ".join(info.notes)} if info.notes else {})


def _fuse(engine: Engine, pairs: list[Pair], index: int) -> None:
    engine.fuse(*pairs[index % len(pairs)])


def _stream(engine: Engine, pairs: list[Pair], seconds: float) -> float:
    """Pairs a second with all slots in use, from the first picture to the last."""

    def step(index: int) -> None:
        if engine.under_way == engine.slots:
            engine.collect()
        engine.submit(*pairs[index % len(pairs)])

    for index in range(engine.slots):
        step(index)
    times_ms = repeat(step, seconds)
    while engine.under_way:
        engine.collect()
    return len(times_ms) * 1e3 / sum(times_ms)


def _pipeline(
    opener: EngineOpener, pairs: list[Pair], count: int, live_fps: float | None = None
) -> RunStats:
    """So many pairs through all stages into nothing; at a camera's pace where told so."""
    period_ns = round(NS_PER_S / (live_fps or 30))
    pipeline = Pipeline(
        MemorySource(Sensor.IR, [ir for ir, _ in pairs], count, period_ns),
        MemorySource(Sensor.VIS, [vis for _, vis in pairs], count, period_ns),
        opener,
        rig=None,
        settings=Settings() if live_fps is None else Settings(pace="realtime"),
    )
    pipeline.run(lambda pair: None)
    return pipeline.stats
