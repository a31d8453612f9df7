"""The record of a run: as JSON for programs, as a table for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

from engines.base import EngineInfo

from . import __version__
from .ledger import Ledger
from .machine import describe_machine
from .pipeline import Outcome, Pipeline
from .preview import Previewed
from .registration.running import Registration
from .run_stats import RunStats
from .sinks.text import write_text
from .sources.base import SourceInfo


def build_report(
    pipeline: Pipeline, outcome: Outcome, sources: dict[str, SourceInfo], outputs: list[str]
) -> dict[str, Any]:
    """Everything known about a finished run, as plain data.

    Args:
        pipeline: after its ``run``.
        outcome: what ``run`` returned.
        sources: keys "ir" and "vis".
        outputs: what was written, in words.
    """
    return {
        **run_facts(pipeline, outputs),
        "sources": {name: _describe_source(info) for name, info in sources.items()},
        "stopped_by_user": outcome.stopped,
        "broken_sources": [str(error) for error in outcome.broken],
    }


class Run(Protocol):
    """A finished run, of recordings or of cameras."""

    ledger: Ledger
    stats: RunStats
    registration: Registration

    @property
    def pace(self) -> str:
        """By which policy: fast, realtime or live."""
        ...

    @property
    def max_skew_ms(self) -> float:
        """Tolerance of pairing."""
        ...

    @property
    def engine_info(self) -> EngineInfo | None:
        """The engine; None where none was opened."""
        ...

    @property
    def previewed(self) -> Previewed | None:
        """What another engine fused first."""
        ...


def run_facts(run: Run, outputs: list[str]) -> dict[str, Any]:
    """What every run has to tell, as plain data.

    Args:
        run: after its end.
        outputs: what was written, in words.
    """
    skew = run.stats.skew.summary()
    return {
        "fusion_rt": __version__,
        "frames": run.ledger.summary(),
        "throughput_fps": round(run.stats.rate.overall_fps, 3),
        "latency_ms": {stage: hist.summary() for stage, hist in run.stats.latency.items()},
        "skew_ms": {key: skew[key] for key in ("p50", "p95", "max")},
        "pace": run.pace,
        "max_skew_ms": run.max_skew_ms,
        "infrared_coverage": round(run.registration.now.coverage, 4),
        "registration": run.registration.summary(),
        "engine": describe_engine(run.engine_info),
        "previewed": _describe_preview(run.previewed),
        "outputs": outputs,
        "machine": describe_machine(),
    }


def describe_engine(info: EngineInfo | None) -> dict[str, Any] | None:
    """Keys name, version, device, precision, size, model, open_ms, parity, notes, refused."""
    if info is None:
        return None
    return {
        "name": info.name,
        "version": info.version,
        "device": info.device,
        "precision": info.precision,
        "size": list(info.size_wh),
        "model": info.model,
        "open_ms": round(info.open_ms, 1),
        "parity": None if info.parity is None else info.parity.as_data(),
        "notes": list(info.notes),
        "refused": {refusal.name: refusal.reason for refusal in info.refused},
    }


def _describe_preview(previewed: Previewed | None) -> dict[str, Any] | None:
    """Keys pairs, engine (its name); None where the run's own engine fused from the start."""
    if previewed is None:
        return None
    return {"pairs": previewed.pairs, "engine": previewed.engine.name}


def _describe_source(info: SourceInfo) -> dict[str, Any]:
    return {
        "uri": info.uri,
        "kind": info.kind,
        "size": list(info.size_wh),
        "bit_depth": info.bit_depth,
        "fps": info.fps,
        "frame_count": info.frame_count,
        "notes": list(info.notes),
    }


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write ``data`` to ``path``, whole or not at all.

    Raises:
        SinkError: it cannot be written.
    """
    write_text(path, json.dumps(data, indent=2) + "\n")
