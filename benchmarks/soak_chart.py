"""The curves of a soak test as a picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from soak_report import Injected

_PANELS = (
    ("rss_mib", "memory, MiB"),
    ("handles", "open handles"),
    ("threads", "threads"),
    ("latency_ms", "latency, ms"),
    ("fused", "fused/s"),
)


def draw(
    path: Path,
    samples: list[dict[str, Any]],
    injected: list[Injected],
    slopes: dict[str, Any],
    warm_up_s: float,
) -> None:
    """Write a PNG: one panel for each series, faults as grey bands, slopes as lines.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    begun_ns = samples[0]["at_ns"]
    t_min = [(sample["at_ns"] - begun_ns) / 6e10 for sample in samples]
    figure, panels = plt.subplots(len(_PANELS), 1, sharex=True, figsize=(8, 7.5))
    for panel, (key, label) in zip(panels, _PANELS, strict=True):
        values = [math.nan if sample[key] is None else sample[key] for sample in samples]
        for fault in injected:
            ends = ((at - begun_ns) / 6e10 for at in (fault.begun_ns, fault.ended_ns))
            panel.axvspan(*ends, color="0.88", lw=0)
        panel.plot(t_min, values, lw=0.8)
        found = slopes.get(key, {}).get("trend")
        if found is not None:
            first, last = warm_up_s / 60, t_min[-1]
            rise = found["per_hour"] * (last - first) / 60
            panel.plot(
                [first, last], [found["level"] - rise / 2, found["level"] + rise / 2], "k--", lw=1
            )
        panel.set_ylabel(label)
        panel.margins(x=0)
    panels[-1].set_xlabel("minutes (grey: a fault lasts; dashed: slope without warm-up)")
    figure.align_ylabels()
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)
