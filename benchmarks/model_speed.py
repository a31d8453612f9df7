"""Speed of the shipped models in each CPU engine and precision, taking turns within one run.

Two measures: time on the wall, which other work on the machine stretches for each engine in its
own way, and processor time of this process with one thread, which it hardly moves.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from statistics import median

from engines.base import Engine
from engines.errors import EngineError
from engines.models import shipped_models
from engines.parity_pairs import Pair, parity_pairs
from engines.registry import open_engine
from fusion_rt.machine import describe_machine

BASE = "onnxruntime fp32"
WAYS = (BASE, "openvino fp32", "openvino bf16", "openvino int8")


def milliseconds(
    engine: Engine, pairs: list[Pair], calls: int, clock: Callable[[], float]
) -> float:
    begun = clock()
    for index in range(calls):
        engine.fuse(*pairs[index % len(pairs)])
    return (clock() - begun) / calls * 1e3


def spread(row: list[float]) -> dict[str, float]:
    return {
        "median": round(median(row), 2),
        "min": round(min(row), 2),
        "max": round(max(row), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=4, help="pairs an engine and round")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="count processor time; start under `taskset -c 0`, so that all use one thread",
    )
    args = parser.parse_args()
    clock = time.process_time if args.processor_time else time.perf_counter
    if args.processor_time and len(os.sched_getaffinity(0)) != 1:
        parser.error("--processor-time needs one core: taskset -c 0 python benchmarks/...")
    width, height = map(int, args.size.split("x"))
    pairs = parity_pairs((width, height))
    found = {}
    for model in shipped_models():
        engines, refused = {}, {}
        for way in WAYS:
            name, precision = way.split()
            try:
                engines[way] = open_engine(name, model, (width, height), precision)
            except EngineError as error:
                refused[way] = str(error)
        times: dict[str, list[float]] = {way: [] for way in engines}
        for engine in engines.values():
            milliseconds(engine, pairs, 2, clock)  # warm-up
        for _ in range(args.rounds):
            for way, engine in engines.items():
                times[way].append(milliseconds(engine, pairs, args.calls, clock))
        found[model] = {
            way: {
                "ms": spread(row),
                "times_faster": spread([a / b for a, b in zip(times[BASE], row, strict=True)]),
                "parity": str(engines[way].info.parity),
            }
            for way, row in times.items()
        } | {way: {"refused": reason} for way, reason in refused.items()}
        for engine in engines.values():
            engine.close()
    settings = {"size": args.size, "rounds": args.rounds, "calls": args.calls}
    settings["clock"] = "processor, one core" if args.processor_time else "wall"
    print(
        json.dumps(
            {**settings, "against": BASE, "models": found, "machine": describe_machine()}, indent=2
        )
    )


if __name__ == "__main__":
    main()
