"""What a soak test found: slopes, recoveries, conservation of frames, and words."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from soak_stats import trend, verdict

# Key of a sample, unit, growth in an hour that would matter (None: a fifth of its level).
SERIES: tuple[tuple[str, str, float | None], ...] = (
    ("rss_mib", "MiB", 10.0),
    ("anonymous_mib", "MiB", 10.0),
    ("handles", "handles", 1.0),
    ("threads", "threads", 1.0),
    ("latency_ms", "ms", None),
)


@dataclass(frozen=True)
class Injected:
    """A fault as it was: monotonic times in ns."""

    name: str
    begun_ns: int
    ended_ns: int


def read_lines(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Samples, and changes of health, in the order of time, as `soak_child` printed them."""
    samples, changes = [], []
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        (changes if "why" in line else samples).append(line)
    return samples, changes


def findings(
    samples: list[dict[str, Any]],
    changes: list[dict[str, Any]],
    injected: list[Injected],
    run: dict[str, Any] | None,
    *,
    warm_up_s: float,
    block_s: float,
) -> dict[str, Any]:
    """All that a soak test found, as plain data.

    Args:
        samples: of every second.
        changes: of health.
        injected: faults.
        run: the run's own report; None where it did not come to one.
        warm_up_s: what is left out of the slopes.
        block_s: see `soak_stats.trend`.
    """
    begun_ns = samples[0]["at_ns"] if samples else 0
    counted = [s for s in samples if s["at_ns"] - begun_ns >= warm_up_s * 1e9]
    half = counted[len(counted) // 2 :]
    slopes = {}
    for key, unit, limit in SERIES:
        whole, later = _trend(counted, key, block_s), _trend(half, key, block_s)
        matters = limit if limit is not None or whole is None else whole.level / 5
        slopes[key] = {
            "unit": unit,
            "words": verdict(whole, unit, matters or math.inf),
            "trend": None if whole is None else asdict(whole),
            "second_half": None if later is None else asdict(later),
        }
    return {
        "seconds": round((samples[-1]["at_ns"] - begun_ns) / 1e9, 1) if samples else 0.0,
        "warm_up_s": warm_up_s,
        "slopes": slopes,
        "gaps": _gaps(samples),
        "faults": _recoveries(injected, changes),
        "reconnects": samples[-1]["reconnects"] if samples else None,
        "in_flight_most": _most_in_flight(samples),
        "unaccounted": None if run is None else unaccounted(run["frames"]),
        "health_seconds": None if run is None else run["health"]["seconds"],
    }


def _trend(samples: list[dict[str, Any]], key: str, block_s: float) -> Any:
    values = [math.nan if sample[key] is None else sample[key] for sample in samples]
    return trend([sample["at_ns"] / 1e9 for sample in samples], values, block_s)


def _gaps(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """How regular the samples came: a main thread that stands still shows here."""
    gaps_s = [(b["at_ns"] - a["at_ns"]) / 1e9 for a, b in pairwise(samples)]
    return {"longest_s": round(max(gaps_s, default=0.0), 3), "over_2_s": sum(g > 2 for g in gaps_s)}


def _most_in_flight(samples: Iterable[dict[str, Any]]) -> int:
    return max((max(sample["in_flight"].values()) for sample in samples), default=0)


def _recoveries(injected: list[Injected], changes: list[dict[str, Any]]) -> dict[str, Any]:
    """Of each kind: how often, and how long after its end all was good again, in s."""
    kinds: dict[str, list[float | None]] = {}
    for fault, following in pairwise([*injected, None]):
        assert fault is not None
        until_ns = math.inf if following is None else following.begun_ns
        kinds.setdefault(fault.name, []).append(_good_again_s(fault, until_ns, changes))
    return {
        name: {
            "times": len(waits),
            "never_good_again": sum(wait is None for wait in waits),
            "good_again_s": _spread([wait for wait in waits if wait is not None]),
        }
        for name, waits in kinds.items()
    }


def _good_again_s(fault: Injected, until_ns: float, changes: list[dict[str, Any]]) -> float | None:
    """From a fault's end to the first moment of good before the next; None where there is none."""
    level = ""
    for change in changes:
        if change["at_ns"] > until_ns:
            break
        if change["at_ns"] > fault.ended_ns:
            if level == "good":
                return 0.0
            if change["level"] == "good":
                return float((change["at_ns"] - fault.ended_ns) / 1e9)
        level = change["level"]
    return 0.0 if level == "good" else None


def _spread(waits: list[float]) -> dict[str, float] | None:
    if not waits:
        return None
    return {"median": round(statistics.median(waits), 3), "most": round(max(waits), 3)}


def unaccounted(frames: dict[str, Any]) -> dict[str, int]:
    """Frames of each camera that the report's counts do not explain; 0 where nothing is lost."""
    return {
        sensor: frames[f"captured_{sensor}"]
        - (frames["fused"] - frames["reused"][sensor])
        - frames["shown_alone"][sensor]
        - sum(counts[sensor] for counts in frames["dropped"].values())
        for sensor in ("ir", "vis")
    }
