"""`fusion-rt run` for minutes or days: does anything grow, does it come back after every fault?

Two cameras of a server beside it, or simulated ones, or those of a configuration; with --faults
something goes wrong every 20 s. Memory, handles, threads and latency are sampled every second.
Written are the figures (OUT.json), the samples (OUT.jsonl), what the run said (OUT.log), and a
chart (OUT.png). Ctrl-C ends the run early and reports what there is.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from soak_cameras import Fault, SoakCameras, open_cameras
from soak_chart import draw
from soak_report import Injected, findings, read_lines
from soak_words import say

from fusion_rt.machine import describe_machine

_END_S = 60.0
_STOP_S = 5.0
_CHILD = Path(__file__).with_name("soak_child.py")


def child_command(arguments: argparse.Namespace, cameras: SoakCameras | None, report: Path) -> list:
    """Command line of the process that is measured."""
    given: dict[str, Any] = {"seconds": arguments.minutes * 60, "output.report": str(report)}
    if arguments.engine is not None:
        given["engine.name"] = arguments.engine
    if cameras is not None:
        given["rig"] = str(cameras.rig)
        given |= {f"cameras.{sensor}.uri": uri for sensor, uri in cameras.uris.items()}
    config = None if arguments.config is None else str(arguments.config)
    request = {"config": config, "overrides": arguments.set, "given": given, "window": False}
    troubles = None if cameras is None or cameras.troubles is None else str(cameras.troubles)
    return [sys.executable, str(_CHILD), json.dumps({"request": request, "simulated": troubles})]


def watch(
    child: subprocess.Popen,
    faults: tuple[Fault, ...],
    every_s: float,
    seconds: float,
    samples: Path,
) -> Iterator[Injected]:
    """Let it run to its end, with one fault after the other; gives each when it is over."""
    if _ended(child, samples):
        return
    begun_s = time.monotonic()
    for number in range(int(seconds / every_s) if faults else 0):
        if _waited(child, begun_s + (number + 0.5) * every_s - time.monotonic()):
            return
        fault = faults[number % len(faults)]
        begun_ns = time.monotonic_ns()
        fault.begin()
        over = _waited(child, fault.lasts_s)
        fault.end()
        if over:
            return
        yield Injected(fault.name, begun_ns, time.monotonic_ns())
    if not _waited(child, begun_s + seconds + _END_S - time.monotonic()):
        print("the run does not end by itself", file=sys.stderr)


def _ended(child: subprocess.Popen, samples: Path) -> bool:
    """Wait for its first sample; returns whether it ended before."""
    while child.poll() is None:
        if samples.stat().st_size:
            return False
        time.sleep(0.1)
    return True


def _waited(child: subprocess.Popen, seconds: float) -> bool:
    """Wait for so long; returns whether the process has ended."""
    try:
        child.wait(max(0.0, seconds))
    except subprocess.TimeoutExpired:
        return False
    return True


def soak(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run it and write everything; returns the figures."""
    out: Path = arguments.out
    out.parent.mkdir(parents=True, exist_ok=True)
    lines, log, run_report = (out.with_suffix(end) for end in (".jsonl", ".log", ".run.json"))
    run_report.unlink(missing_ok=True)
    seconds = arguments.minutes * 60
    injected: list[Injected] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cameras = None
        if arguments.config is None:
            kind = arguments.cameras
            cameras = stack.enter_context(open_cameras(folder, seconds, kind))
        command = child_command(arguments, cameras, run_report)
        faults = cameras.faults if cameras is not None and arguments.faults else ()
        with lines.open("w") as stdout, log.open("w") as stderr:
            child = subprocess.Popen(command, stdout=stdout, stderr=stderr)
        stack.callback(_end, child)
        try:
            # One by one, so that Ctrl-C leaves those before.
            for fault in watch(child, faults, arguments.every, seconds, lines):
                injected.append(fault)
        except KeyboardInterrupt:
            print("ended early", file=sys.stderr)
    if child.returncode:
        print(log.read_text("utf-8")[-2000:], file=sys.stderr)
    run = json.loads(run_report.read_text("utf-8")) if run_report.exists() else None
    samples, changes = read_lines(lines)
    warm_up_s = seconds / 6 if arguments.warm_up is None else arguments.warm_up
    # Blocks of just one turn of all faults would hide how these move the slope.
    block_s = max(60.0, arguments.every * len(faults) * 4 / 3)
    figures = {
        "cameras": "of the configuration" if cameras is None else cameras.name,
        "exit_code": child.returncode,
        **findings(samples, changes, injected, run, warm_up_s=warm_up_s, block_s=block_s),
        "injected": [asdict(fault) for fault in injected],
        "machine": describe_machine(),
        "run": run,
    }
    out.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    if samples:
        try:
            draw(out.with_suffix(".png"), samples, injected, figures["slopes"], warm_up_s)
        except ImportError as error:
            print(f"no chart: {error}", file=sys.stderr)
    return figures


def _end(child: subprocess.Popen) -> None:
    if _waited(child, _STOP_S):  # Ctrl-C in a terminal has reached it as well
        return
    child.send_signal(signal.SIGINT)
    if not _waited(child, _END_S):
        child.kill()
        child.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--faults", action="store_true", help="something goes wrong all the time")
    parser.add_argument("--every", type=float, default=20, help="s from fault to fault")
    parser.add_argument("--cameras", choices=("auto", "rtsp", "simulated"), default="auto")
    parser.add_argument("--config", type=Path, help="cameras and settings of one's own, YAML")
    parser.add_argument("--engine", help="auto, openvino, classical, ...")
    parser.add_argument("--set", action="append", default=[], help="section.key=value")
    parser.add_argument("--warm-up", type=float, help="s left out of slopes; a sixth by default")
    parser.add_argument("--out", type=Path, default=Path("out/soak.json"))
    arguments = parser.parse_args()
    if arguments.config is not None and arguments.faults:
        parser.error("--faults is for the cameras of this script, not for those of --config")
    return 0 if say(soak(arguments)) else 1


if __name__ == "__main__":
    sys.exit(main())
