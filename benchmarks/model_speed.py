"""Speed of models in each CPU engine and precision, all taking turns within one run.

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
    parser.add_argument(
        "--model", nargs="+", default=shipped_models(), help="names or files; all shipped ones"
    )
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
    engines: dict[tuple[str, str], Engine] = {}
    found: dict[str, dict[str, dict[str, object]]] = {model: {} for model in args.model}
    for model in args.model:
        for way in WAYS:
            name, precision = way.split()
            try:
                engines[model, way] = open_engine(name, model, (width, height), precision)
            except EngineError as error:
                found[model][way] = {"refused": str(error)}
    times: dict[tuple[str, str], list[float]] = {each: [] for each in engines}
    for engine in engines.values():
        milliseconds(engine, pairs, 2, clock)  # warm-up
    for _ in range(args.rounds):
        for each, engine in engines.items():
            times[each].append(milliseconds(engine, pairs, args.calls, clock))
    for (model, way), row in times.items():
        found[model][way] = {
            "ms": spread(row),
            "times_faster": spread(
                [base / own for base, own in zip(times[model, BASE], row, strict=True)]
            ),
            "parity": str(engines[model, way].info.parity),
        }
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
