"""What the engines are meant to reach, and whether they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines.tensorrt.flavour import NAMES as TENSORRT_WAYS

# They are set for this size and precision, on an NVIDIA H100.
GOAL_SIZE = [640, 480]
GOAL_PRECISION = "fp16"
ENGINE_MS = 0.5
FUSE_EXTRA_MS = 0.3
FUSE_SPREAD = 1.5
PIPELINE_SHARE = 0.95
PIPELINE_FPS = 1500


@dataclass(frozen=True)
class Goal:
    """One goal of one engine.

    Attributes:
        engine: way and model.
        wanted: in words, with the limit.
        found: the figure; None where it was not measured.
        met: None where it was not measured.
    """

    engine: str
    wanted: str
    found: float | None
    met: bool | None

    @property
    def verdict(self) -> str:
        """In words."""
        return {True: "met", False: "not met", None: "not measured"}[self.met]


def goals_of(rows: Sequence[Mapping[str, Any]]) -> list[Goal]:
    """The goals of every TensorRT engine among the rows that they are set for."""
    return [
        goal
        for row in rows
        if row["way"] in TENSORRT_WAYS
        and row["size"] == GOAL_SIZE
        and row["precision"] == GOAL_PRECISION
        for goal in _goals(row)
    ]


def _goals(row: Mapping[str, Any]) -> list[Goal]:
    engine, fuse = row["engine_alone_ms"], row["fuse_ms"]
    both = engine is not None and fuse is not None
    extra = fuse["p50"] - engine["p50"] if both else None
    spread = fuse["p99"] / fuse["p50"] if fuse is not None else None
    p50 = None if engine is None else engine["p50"]
    share, fps = row["pipeline_of_stream"], row["pipeline_fps"]
    name = f"{row['way']} {row['model']}"
    at_most = [
        (f"engine alone, p50, at most {ENGINE_MS} ms", p50, ENGINE_MS),
        (f"fuse() beyond the engine, p50, at most {FUSE_EXTRA_MS} ms", extra, FUSE_EXTRA_MS),
        (f"fuse(), p99 over p50, at most {FUSE_SPREAD}", spread, FUSE_SPREAD),
    ]
    at_least = [
        (
            f"pipeline, of the engine's own throughput, at least {PIPELINE_SHARE}",
            share,
            PIPELINE_SHARE,
        ),
        (f"pipeline, pairs/s, at least {PIPELINE_FPS}", fps, PIPELINE_FPS),
    ]
    return [
        *(Goal(name, w, value, None if value is None else value <= n) for w, value, n in at_most),
        *(Goal(name, w, value, None if value is None else value >= n) for w, value, n in at_least),
    ]
