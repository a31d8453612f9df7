"""The figures as JSON for programs and as Markdown for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fusion_rt.report import write_json
from gpu_bench.goals import Goal

NAME = "gpu_speed"

_MEANINGS = """\
- engine alone: device time of the network, launched as one CUDA graph where that goes, by events;
  pictures lie on the card. Its throughput is 1 over the p50.
- fuse(): wall time of one call, pictures in the host's memory to the fused picture there.
- stream: the engine's own throughput with all its slots in use: upload, network and download of
  neighbouring pairs overlap.
- pipeline: all stages on pictures in memory, into nothing. Its shares are of the stream and of the
  engine alone.
- live: end to end in the pipeline while pairs come at 70 % of the throughput.
- MiB: memory of the card that the engine took; torch: that its allocator took at its peak.
- fused bytes: pictures and weights, moved once, at the measured copy rate; matrices: matrix
  products at the measured rate of their type; floor: the larger of the two. Layered: inputs and
  outputs of each layer at the copy rate.
- Percentiles are over the launches or calls of all rounds; throughputs are medians of the rounds.
"""


def write_report(folder: Path, result: Mapping[str, Any]) -> None:
    """Write ``gpu_speed.json`` and ``gpu_speed.md``.

    Raises:
        FusionError: they cannot be written.
    """
    write_json(folder / f"{NAME}.json", dict(result))
    (folder / f"{NAME}.md").write_text(markdown(result), encoding="utf-8")


def markdown(result: Mapping[str, Any]) -> str:
    """The report for people."""
    parts = [
        f"# Speed on {result['gpu']['gpu'] or 'a GPU'}",
        "\n".join(_machine(result)),
        "## Goals, set for an NVIDIA H100 at 640x480 in FP16",
        _goals([Goal(**goal) for goal in result["goals"]]),
    ]
    for size in sorted({tuple(row["size"]) for row in result["rows"]}):
        rows = [row for row in result["rows"] if tuple(row["size"]) == size]
        parts += [f"## {size[0]}x{size[1]}", _speeds(rows), _floors(rows)]
        parts += [line for line in (_failures(rows),) if line]
    return "\n\n".join([*parts, "## What the columns mean", _MEANINGS])


def _machine(result: Mapping[str, Any]) -> list[str]:
    gpu, machine = result["gpu"], result["machine"]
    packages = ", ".join(f"{name} {v}" for name, v in gpu["packages"].items() if v)
    rates = result["rates"]
    copy = rates["copy_gb_s"]
    known = ", ".join(f"{kind} {tera:.0f}" for kind, tera in rates["matrix_tflop_s"].items())
    lines = [
        f"- {result['date']}, {result['rounds']} rounds of {result['seconds']:g} s a measure"
        + ("" if result["finished"] else "; **not finished**"),
        f"- card: {gpu['gpu'] or 'unknown'}, compute capability {gpu['compute_capability']}, "
        f"{gpu['memory_gib']} GiB; driver {gpu['driver']}, which knows CUDA "
        f"{gpu['cuda_of_driver']}",
        f"- packages: {packages or 'none'}",
        f"- host: {machine['processor']}, {machine['cores']} cores, Python {machine['python']}",
        f"- measured copy rate: {'unknown' if copy is None else f'{copy:.0f} GB/s'}; "
        f"matrix products, TFLOP/s: {known or 'unknown'}",
    ]
    lines += [f"- {name} rate unknown: {reason}" for name, reason in rates["unknown"].items()]
    return lines + [f"- not measured, {way}: {why}" for way, why in result["missing"].items()]


def _goals(goals: Sequence[Goal]) -> str:
    rows = [
        (g.engine, g.wanted, "-" if g.found is None else f"{g.found:.4g}", g.verdict) for g in goals
    ]
    return _table(("engine", "goal", "found", "verdict"), rows) if rows else "None was measured."


def _speeds(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = (
        *("engine", "version", "model", "precision"),
        *("engine alone, ms p50 / p95 / p99", "fuse(), ms p50 / p95 / p99", "fuse / engine"),
        *("stream, pairs/s", "pipeline, pairs/s", "of stream", "of engine alone"),
        *("live, ms p50 / p95 / p99", "dropped", "MiB"),
    )
    return _table(
        columns,
        [
            (
                *(row["way"], str(row.get("version", "-")), row["model"], row["precision"]),
                *(_spread(row["engine_alone_ms"]), _spread(row["fuse_ms"])),
                _number(row["fuse_over_engine"], 2),
                *(_number(row["stream_fps"], 0), _number(row["pipeline_fps"], 0)),
                *(_share(row["pipeline_of_stream"]), _share(row["pipeline_of_engine"])),
                _spread(row["live_ms"]),
                str(row["live_dropped"]) if row["live_ms"] else "-",
                _number(row["device_mib"], 0),
            )
            for row in rows
        ],
    )


def _floors(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = (
        *("engine", "model", "precision", "MB fused", "MB layered", "GFLOP"),
        *("fused bytes, ms", "matrices, ms", "floor, ms", "engine / floor", "layered, ms"),
        "picture against FP32",
    )
    return _table(
        columns,
        [
            (
                *(row["way"], row["model"], row["precision"]),
                *(_number(row["fused_mb"], 2), _number(row["layered_mb"], 0)),
                ", ".join(f"{n:.3g} {kind}" for kind, n in (row["matrix_gflop"] or {}).items())
                or "-",
                *(_number(row["floor_bytes_ms"], 4), _number(row["floor_matrix_ms"], 4)),
                *(_number(row["floor_ms"], 4), _number(row["engine_over_floor"], 1)),
                _number(row["floor_layered_ms"], 3),
                str(row.get("picture", "-")),
            )
            for row in rows
        ],
    )


def _failures(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        f"- {row['way']}, {row['model']} in {row['precision']}: {row[key]}"
        for row in rows
        for key in ("error", "notes")
        if row.get(key)
    ]
    return "\n".join(lines)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)


def _spread(values: Mapping[str, float] | None) -> str:
    if values is None:
        return "-"
    return " / ".join(f"{values[key]:.3f}" for key in ("p50", "p95", "p99"))


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
