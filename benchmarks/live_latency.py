"""From the picture in an RTSP camera to the fused picture, and what the live pipeline costs.

The pictures carry the monotonic clock's time at which they were handed to the camera's encoder, so
the latency holds encoding, network, decoding, pairing, and fusing; it is read from the fused pair,
not computed from time stamps. Both cameras have one size. All combinations take turns in every
round. Written are OUT.json and the tables OUT.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from live_costs import hop, overhead
from live_run import run_live, stream_openers

from engines.base import Engine
from engines.registry import open_engine
from fusion_rt.frame import FramePair, Sensor
from fusion_rt.machine import describe_machine

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "live"))
import marker
from rtsp_server import Mount, RtspServer, missing

SIZES = ((320, 240), (640, 480))
LIBRARIES = ("pyav", "gstreamer")
ENGINES = {"classical": ("classical", "bts"), "bts-lite": ("openvino", "bts-lite")}


def opener(engine: str, size_wh: tuple[int, int]) -> Callable[[], Engine]:
    """Opens one of `ENGINES`."""
    name, model = ENGINES[engine]
    return partial(open_engine, name, model, size_wh)


def latency(server: RtspServer, library: str, open_it: Callable[[], Engine], seconds: float) -> Any:
    """One turn of one combination.

    Keys, medians over the turn: frame_ms (picture to frame in memory), fused_ms, fused_p95_ms
    (picture to fused pair), stamp_ms (how late the frame's own time stamp is), fps, unread.
    """
    frame_ms, fused_ms, stamp_ms, unread = [], [], [], 0

    def take(pair: FramePair, now_ns: int) -> None:
        nonlocal unread
        read = [marker.read(frame.image) for frame in (pair.ir, pair.vis)]
        marks = [mark for mark in read if mark is not None]
        if len(marks) < len(read):
            unread += 1
            return
        fused_ms.append((now_ns - min(mark.time_ns for mark in marks)) / 1e6)
        for frame, mark in zip((pair.ir, pair.vis), marks, strict=True):
            frame_ms.append((frame.arrived_ns - mark.time_ns) / 1e6)
            stamp_ms.append((frame.captured_ns - mark.time_ns) / 1e6)

    urls = {sensor: server.url(sensor.value) for sensor in Sensor}
    run_live(stream_openers(urls, library), open_it, take, warm_up_s=3.0, seconds=seconds)
    return {
        "frame_ms": median(frame_ms),
        "fused_ms": median(fused_ms),
        "fused_p95_ms": float(np.percentile(fused_ms, 95)),
        "stamp_ms": median(stamp_ms),
        "fps": len(fused_ms) / seconds,
        "unread": unread,
    }


def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """All figures: lists of rounds."""
    turns: dict[str, dict[str, dict[str, list[float]]]] = {"latency": {}, "overhead": {}}
    loads, hops = [], []
    for _ in range(rounds):
        loads.append(os.getloadavg()[0])
        hops.append(hop(1000))
        for size_wh in SIZES:
            size = "x".join(map(str, size_wh))
            mounts = {"ir": Mount(size_wh), "vis": Mount(size_wh, color=True)}
            with RtspServer(mounts) as server:
                for library, engine in product(LIBRARIES, ENGINES):
                    found = latency(server, library, opener(engine, size_wh), seconds)
                    _add(turns["latency"], f"{size}, {library}, {engine}", found)
            for engine in ENGINES:
                found = overhead(opener(engine, size_wh), size_wh, seconds)
                _add(turns["overhead"], f"{size}, {engine}", found)
    return {"machine": describe_machine(), "load_average": loads, "hops": hops, **turns}


def _add(turns: dict[str, dict[str, list[float]]], name: str, found: dict[str, float]) -> None:
    row = turns.setdefault(name, defaultdict(list))
    for key, value in found.items():
        row[key].append(round(value, 3))
    print(name, {key: round(value, 2) for key, value in found.items()}, flush=True)


def tables(figures: dict[str, Any]) -> str:
    """Markdown: median (least to greatest) of the rounds."""
    columns = {
        "latency": {
            "frame_ms": "picture to frame, ms",
            "fused_ms": "picture to fused pair, ms",
            "fused_p95_ms": "its p95, ms",
            "stamp_ms": "frame's stamp late by, ms",
            "fps": "fused/s",
        },
        "overhead": {
            "bare_fps": "bare engine, pairs/s",
            "pipeline_fps": "live pipeline, pairs/s",
            "kept": "share kept",
            "fuse_ms": "fuse at 60 % rate, ms",
            "end_to_end_ms": "end to end at 60 % rate, ms",
        },
    }
    lines = []
    for part, keys in columns.items():
        lines += ["| | " + " | ".join(keys.values()) + " |", "| --- " * (len(keys) + 1) + "|"]
        for name, row in figures[part].items():
            lines.append(f"| {name} | " + " | ".join(_spread(row[key]) for key in keys) + " |")
        lines.append("")
    for key in ("median_us", "p99_us"):
        found = _spread([one[key] for one in figures["hops"]])
        lines.append(f"Hand-over between two threads, {key.replace('_us', '')}: {found} us.")
    loads = _spread(figures["load_average"])
    return "\n".join([*lines, f"Load average before each round: {loads}.", ""])


def _spread(values: list[float]) -> str:
    return f"{median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each turn")
    parser.add_argument("--out", type=Path, default=Path("out/live_latency.json"))
    arguments = parser.parse_args()
    why = missing()
    if why is not None:
        sys.exit(f"no RTSP server: it {why}")
    figures = measure(arguments.rounds, arguments.seconds)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    arguments.out.with_suffix(".md").write_text(tables(figures), "utf-8")
    print(tables(figures))


if __name__ == "__main__":
    main()
