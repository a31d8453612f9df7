"""Tries one TensorRT on this GPU: does it load, build, run, and show the right picture?

Prints a line for each step, so that a crash shows how far it came, and the answer last. Ends with
0 where FP16 runs and shows the right picture, 1 where it does not, 3 where it is not installed.
"""

from __future__ import annotations

import argparse
import sys
import time
from statistics import median

from engines import nvidia
from engines.errors import BackendUnavailable, EngineError
from engines.gate import compare_with_reference
from engines.models import find_model
from engines.parity import judge
from engines.tensorrt.cuda_pycuda import device_facts
from engines.tensorrt.flavour import NAMES, load
from engines.tensorrt.open import open_tensorrt

NOT_INSTALLED = 3
WH = (640, 480)
RUNS = 200


def attempt(name: str, model: str, precision: str, device: int) -> tuple[bool, str]:
    """Build, run and compare.

    Returns:
        Whether the picture is right, and what happened in words.
    """
    file = find_model(model)
    begun = time.perf_counter()
    try:
        with open_tensorrt(
            name, file, WH, precision, device=device, report=print, check=False
        ) as engine:
            opened_s = time.perf_counter() - begun
            parity = compare_with_reference(engine, file, print)
            reason = "nothing to compare with" if parity is None else judge(parity, precision)
            each_ms = median(engine.network_ms(RUNS))
            notes = "".join(f"; {note}" for note in engine.info.notes)
    except EngineError as error:
        return False, f"does not run: {error}"
    figures = f"{each_ms:.3f} ms, ready after {opened_s:.1f} s, {parity}{notes}"
    return reason is None, f"runs ({figures})" + (f", but: {reason}" if reason else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--model", default="bts-lite")
    parser.add_argument("--device", type=int, default=0)
    args = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        flavour = load(args.name)
    except EngineError as error:
        print(error)
        # What is not there at all says "No module named"; what is there and does not load, more.
        return NOT_INSTALLED if isinstance(error.__cause__, ModuleNotFoundError) else 1
    print(f"{flavour.title} loads, typing: {flavour.typing}")
    try:
        nvidia.check_driver()
        gpu = device_facts(args.device)
    except BackendUnavailable as error:
        print(f"{flavour.title}: {error}")
        return 1
    where = f"{gpu.name}, compute capability {gpu.compute_capability}"
    print(f"{where}, driver for CUDA {gpu.driver[0]}.{gpu.driver[1]}")
    found = {}
    for precision in ("fp16", "int8", "fp32"):
        found[precision] = attempt(args.name, args.model, precision, args.device)
        print(f"{precision}: {found[precision][1]}")
    words = "; ".join(f"{precision} {words}" for precision, (_, words) in found.items())
    print(f"{flavour.title} on {where}: {words}")
    return 0 if found["fp16"][0] else 1


if __name__ == "__main__":
    sys.exit(main())
