"""From turns to a row of figures."""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np
from roofline import Floor, Work

from fusion_rt.timing import Histogram
from gpu_bench.rounds import Record

PERCENTS = (50, 95, 99)


def row_of(record: Record, work: Work | None, floor: Floor | None) -> dict[str, Any]:
    """All figures of a case; None where something was not measured.

    Percentiles are over the samples of all rounds; throughputs are the median of the rounds;
    shares are taken within each round, then the median.

    Args:
        record: of the case.
        work: what the network has to do; None where it could not be counted.
        floor: the least time for that on this card; None where it could not be counted.
    """
    case, turns = record.case, record.turns
    engine = percentiles([ms for turn in turns for ms in turn.engine_ms])
    fuse = percentiles([ms for turn in turns for ms in turn.fuse_ms])
    live = Histogram()
    for turn in turns:
        if turn.live is not None:
            live.merge(turn.live)
    taken = [turn.device_bytes for turn in turns if turn.device_bytes is not None]
    stream_fps = _middle([turn.stream_fps for turn in turns])
    pipeline_fps = _middle([turn.pipeline_fps for turn in turns])
    least_ms = None if floor is None else floor.least_ms
    engine_fps = 1e3 / engine["p50"] if engine else None
    return {
        "way": case.way,
        "model": case.model,
        "precision": case.precision,
        "size": list(case.size_wh),
        **record.facts,
        "error": record.error or None,
        "rounds": len(turns),
        "engine_alone_ms": engine,
        "engine_alone_fps": engine_fps,
        "fuse_ms": fuse,
        "fuse_fps": 1e3 / fuse["mean"] if fuse else None,
        "fuse_over_engine": fuse["p50"] / engine["p50"] if fuse and engine else None,
        "stream_fps": stream_fps,
        "pipeline_fps": pipeline_fps,
        "pipeline_of_stream": _middle(
            [
                turn.pipeline_fps / turn.stream_fps
                for turn in turns
                if turn.pipeline_fps and turn.stream_fps
            ]
        ),
        "pipeline_of_engine": pipeline_fps / engine_fps if pipeline_fps and engine_fps else None,
        "live_ms": {f"p{percent}": live.percentile(percent) for percent in PERCENTS}
        if live.count
        else None,
        "live_dropped": sum(turn.live_dropped for turn in turns),
        "device_mib": max(taken) / 2**20 if taken else None,
        "fused_mb": work.fused_bytes / 1e6 if work else None,
        "layered_mb": work.layered_bytes / 1e6 if work else None,
        "matrix_gflop": {kind: n / 1e9 for kind, n in work.matrix_flop.items()} if work else None,
        "floor_bytes_ms": floor.bytes_ms if floor else None,
        "floor_layered_ms": floor.layered_ms if floor else None,
        "floor_matrix_ms": floor.matrix_ms if floor else None,
        "floor_ms": least_ms,
        "engine_over_floor": engine["p50"] / least_ms if engine and least_ms else None,
    }


def percentiles(samples_ms: list[float]) -> dict[str, float] | None:
    """Keys p50, p95, p99 and mean; None without samples.

    A percentile is the least sample that so many per cent do not exceed.
    """
    if not samples_ms:
        return None
    values = np.percentile(samples_ms, PERCENTS, method="inverted_cdf")
    found = {f"p{p}": float(value) for p, value in zip(PERCENTS, values, strict=True)}
    return found | {"mean": float(np.mean(samples_ms))}


def _middle(values: list[float | None] | list[float]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
