"""The processor's name as people know it."""

from __future__ import annotations

import platform
from pathlib import Path


def processor_name() -> str:
    """For instance "AMD Ryzen 7 7840U"; the architecture where the system does not tell more."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    names = {key.strip(): value.strip() for key, value in fields.items()}
    return names.get("model name") or names.get("Model") or platform.machine()
