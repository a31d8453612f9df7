"""Speed of the shipped models in each CPU engine at 640x480, taking turns within one run."""

from __future__ import annotations

import argparse
import json
import time
from statistics import median

import numpy as np

from engines.base import Engine
from engines.models import shipped_models
from engines.registry import open_engine
from fusion_rt.machine import describe_machine

WH = (640, 480)
WAYS = (("openvino", "bf16"), ("openvino", "fp32"), ("onnxruntime", "fp32"))


def milliseconds(engine: Engine, ir: np.ndarray, vis: np.ndarray, calls: int) -> float:
    begun = time.perf_counter()
    for _ in range(calls):
        engine.fuse(ir, vis)
    return (time.perf_counter() - begun) / calls * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=5, help="pairs an engine and round")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    ir = rng.integers(0, 256, (WH[1], WH[0]), np.uint8)
    vis = rng.integers(0, 256, (WH[1], WH[0], 3), np.uint8)
    engines = {
        f"{name} {precision} {model}": open_engine(name, model, WH, precision)
        for name, precision in WAYS
        for model in shipped_models()
    }
    times: dict[str, list[float]] = {way: [] for way in engines}
    for engine in engines.values():
        milliseconds(engine, ir, vis, 2)  # warm-up
    for _ in range(args.rounds):
        for way, engine in engines.items():
            times[way].append(milliseconds(engine, ir, vis, args.calls))
    found = {}
    for name, precision in WAYS:
        slow, fast = (times[f"{name} {precision} {model}"] for model in ("bts", "bts-lite"))
        ratios = [a / b for a, b in zip(slow, fast, strict=True)]
        found[f"{name} {precision}"] = {
            key: {
                "median": round(median(row), 2),
                "min": round(min(row), 2),
                "max": round(max(row), 2),
            }
            for key, row in (("bts_ms", slow), ("bts_lite_ms", fast), ("times_faster", ratios))
        }
    print(json.dumps({"machine": describe_machine(), "ways": found}, indent=2))


if __name__ == "__main__":
    main()
