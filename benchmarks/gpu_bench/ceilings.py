"""How fast the card copies, and what it is, by pycuda."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import ExitStack
from importlib import metadata
from statistics import median
from typing import Any

from engines.errors import EngineError
from engines.tensorrt.cuda_pycuda import device_facts, open_device
from engines.tensorrt.pycuda_parts import raw_of

_PACKAGES = ("tensorrt", "tensorrt-rtx", "tensorrt-rtx-cu12", "tensorrt-rtx-cu13")
_PACKAGES += ("pycuda", "cuda-bindings", "torch", "onnx")


def copy_rate(device: int) -> float:
    """Bytes a second of a large copy on the card; read and written ones both count."""
    import pycuda.driver as driver

    with ExitStack() as stack:
        cuda = open_device(device)
        stack.callback(cuda.close)
        size = min(1 << 30, cuda.memory()[0] // 4)
        source, target = (cuda.allocate(size) for _ in range(2))
        stack.callback(source.close)
        stack.callback(target.close)
        stream = cuda.stream()
        stack.callback(stream.close)
        begun, done = (cuda.event(timed=True) for _ in range(2))
        stack.callback(begun.close)
        stack.callback(done.close)
        times_ms = []
        for _ in range(15):
            begun.record(stream)
            driver.memcpy_dtod_async(target.address, source.address, size, raw_of(stream))
            done.record(stream)
            done.wait()
            times_ms.append(done.ms_since(begun))
    return 2 * size / (median(times_ms[5:]) / 1e3)


def describe_gpu(device: int) -> dict[str, Any]:
    """The card, its driver, and the packages that use it; None where something is not known."""
    found: dict[str, Any] = {
        "gpu": None,
        "compute_capability": None,
        "memory_gib": None,
        "cuda_of_driver": None,
        "driver": _driver_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }
    try:
        facts = device_facts(device)
    except EngineError:  # no pycuda: torch may still have measured something
        return found
    return found | {
        "gpu": facts.name,
        "compute_capability": facts.compute_capability,
        "memory_gib": round(facts.total_bytes / 2**30, 1),
        "cuda_of_driver": ".".join(map(str, facts.driver)),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _driver_version() -> str | None:
    """Of the kernel's part, as nvidia-smi gives it; None where that is not there, as on Jetson."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    query = [command, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return None
    lines = done.stdout.split()
    return lines[0] if done.returncode == 0 and lines else None
