"""Resident memory while engines of changing sizes are opened, used once and closed."""

from __future__ import annotations

import argparse
import gc
import json
from pathlib import Path

import numpy as np

from engines.registry import engine_names, open_engine
from fusion_rt.machine import describe_machine


def resident_mib() -> float:
    """Of this process now; Linux alone tells."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status has no VmRSS")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="openvino", choices=engine_names())
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--model", default="bts-lite")
    parser.add_argument("--engines", type=int, default=50)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    seen = []
    for index in range(args.engines):
        width, height = int(rng.integers(64, 641)), int(rng.integers(64, 481))
        if index % 10 == 9:
            width, height = 640, 480  # the largest again and again, for figures that compare
        with open_engine(args.engine, args.model, (width, height), args.precision) as engine:
            engine.fuse(np.zeros((height, width), np.uint8), np.zeros((height, width, 3), np.uint8))
        del engine
        gc.collect()
        if index % 10 == 9:
            seen.append(round(resident_mib(), 1))
    found = {"engine": args.engine, "precision": args.precision, "model": args.model}
    print(json.dumps({**found, "resident_mib_after_each_10": seen, "machine": describe_machine()}))


if __name__ == "__main__":
    main()
