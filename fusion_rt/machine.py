"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from importlib import metadata

from engines.processor import processor_name

_PACKAGES = ("numpy", "opencv-python", "av", "openvino", "onnxruntime")


def usable_cores() -> int:
    """Processor cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_gib() -> float | None:
    """Memory of the machine in GiB; None where the system does not tell."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not POSIX, or not this name
        return None
    return round(total / 2**30, 1)


def package_versions() -> dict[str, str | None]:
    """Version of each package that computes or codes pictures; None where it is missing."""
    versions: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def describe_machine() -> dict[str, object]:
    """Keys processor, cores, memory_gib, system, python, packages."""
    return {
        "processor": processor_name(),
        "cores": usable_cores(),
        "memory_gib": memory_gib(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": package_versions(),
    }
