"""`fusion-rt run` in a process of its own that tells every second how it fares.

Its one argument is a JSON object: request (the fields of `fusion_rt.commands.run.RunRequest`) and
simulated (a file for `soak_simulated`, or null). Lines of JSON go to standard output: samples, and
changes of health as they happen. All times are of the monotonic clock, which the parent shares.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import fusion_rt.commands.run as run_command
from fusion_rt.errors import FusionError
from fusion_rt.frame import FramePair, Sensor
from fusion_rt.live.health import Health, Level
from fusion_rt.live.pipeline import LivePipeline

_EVERY_NS = 1_000_000_000


class Teller:
    """Prints samples; keeps nothing longer than a second, so that it adds no growth of its own."""

    def __init__(self, pipeline: LivePipeline) -> None:
        self._pipeline = pipeline
        self._latencies_ms: list[float] = []
        self._alone = 0
        self._level: Level | None = None
        self._next_ns = time.monotonic_ns() + _EVERY_NS

    def shown(self, pair: FramePair) -> None:
        """Take note of a pair that all sinks have."""
        if pair.alone is not None:  # takes no time worth mention, and would hide what fusing takes
            self._alone += 1
            return
        begun_ns = min(frame.begun_ns for frame in pair.frames)
        self._latencies_ms.append((time.monotonic_ns() - begun_ns) / 1e6)

    def tick(self, health: Health) -> None:
        """Print what is due."""
        now_ns = time.monotonic_ns()
        if health.level is not self._level:
            self._level = health.level
            _print({"at_ns": now_ns, "level": health.level.value, "why": list(health.reasons)})
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + _EVERY_NS
            _print({"at_ns": now_ns, "level": health.level.value, **process(), **self._figures()})
            self._latencies_ms.clear()
            self._alone = 0

    def _figures(self) -> dict[str, object]:
        ledger, states = self._pipeline.ledger, self._pipeline.cameras.states()
        shown_ms = self._latencies_ms
        return {
            "fused": len(shown_ms),
            "alone": self._alone,
            "latency_ms": round(statistics.median(shown_ms), 3) if shown_ms else None,
            "latency_max_ms": round(max(shown_ms), 3) if shown_ms else None,
            "lost_pairs": ledger.lost_pairs,
            "captured": {s.value: ledger.count_captured(s) for s in Sensor},
            "in_flight": {s.value: ledger.in_flight(s) for s in Sensor},
            "reconnects": {s.value: states[s].reconnects for s in Sensor},
        }


def process() -> dict[str, float]:
    """Memory in MiB, open handles, threads and processor time in s of this process, from /proc."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    status = dict(line.split(":", 1) for line in lines)
    times = os.times()
    return {
        "rss_mib": round(int(status["VmRSS"].split()[0]) / 1024, 3),
        "anonymous_mib": round(int(status["RssAnon"].split()[0]) / 1024, 3),
        "handles": len(os.listdir("/proc/self/fd")) - 1,  # without that of the listing itself
        "threads": int(status["Threads"]),
        "processor_s": round(times.user + times.system, 2),
    }


class WatchedPipeline(LivePipeline):
    """The pipeline of the command, whose every picture is told to a `Teller` as well."""

    def run(
        self, consume: Callable[[FramePair, Health], None], idle: Callable[[Health], None]
    ) -> bool:
        teller = Teller(self)

        def shown(pair: FramePair, health: Health) -> None:
            consume(pair, health)
            teller.shown(pair)
            teller.tick(health)

        def nothing(health: Health) -> None:
            idle(health)
            teller.tick(health)

        return super().run(shown, nothing)


def _print(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


def main() -> int:
    given = json.loads(sys.argv[1])
    request = given["request"]
    if request["config"] is not None:
        request["config"] = Path(request["config"])
    # The command itself is what is measured; only what it is made of is replaced.
    setattr(run_command, "LivePipeline", WatchedPipeline)  # noqa: B010
    if given["simulated"] is not None:
        import soak_simulated

        setattr(run_command, "open_live", soak_simulated.opener(Path(given["simulated"])))  # noqa: B010
    try:
        return run_command.run(run_command.RunRequest(**request))
    except FusionError as error:
        print(f"error: {error}\nhint: {error.hint}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
