"""``fusion-rt doctor``: what works on this machine, what does not, and how to mend it."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from engines.errors import EngineError
from engines.models import find_model, shipped_models
from engines.registry import AUTO, engine_names, open_engine

from ..display import probe_display
from ..errors import FusionError
from ..frame import Sensor
from ..machine import describe_machine
from ..sinks.video import VideoSink
from ..sources import open_source
from ..terminal import console, progress_bar, say

_SIZE_WH = (320, 240)
_NEWEST_TESTED = (3, 13)


class Grade(str, Enum):
    """How a check ended."""

    OK = "ok"
    NOTE = "note"  # something optional is not there
    FAIL = "fail"  # the main job does not work


@dataclass(frozen=True)
class Check:
    """One line of the doctor's list.

    Attributes:
        name: what was looked at.
        grade: how it ended.
        finding: what was found, in words.
        remedy: what to do; empty when nothing is to be done.
    """

    name: str
    grade: Grade
    finding: str
    remedy: str = ""


def doctor() -> tuple[list[Check], dict[str, object]]:
    """Look at everything that the main job needs.

    Returns:
        The checks in order, and the machine as `fusion_rt.machine.describe_machine` gives it.
    """
    machine = describe_machine()
    todo: dict[str, Callable[[], Check]] = {
        "python": _python,
        "packages": lambda: _packages(machine),
        "models": _models,
        **{f"engine {name}": partial(_engine, name) for name in engine_names() if name != AUTO},
        f"engine {AUTO}": _auto,
        "video files": _video,
        "display": _display,
    }
    checks = []
    with progress_bar("looking at", len(todo)) as bar:
        for name, check in todo.items():
            bar.advance(name)
            checks.append(check())
    return checks, machine


def show(checks: list[Check], machine: dict[str, object]) -> None:
    """Print the list."""
    say(f"{machine['processor']}, {machine['cores']} cores, {machine['system']}")
    table = Table(box=None, padding=(0, 2))
    for title in ("", "check", "found"):
        table.add_column(title, overflow="fold")
    colors = {Grade.OK: "green", Grade.NOTE: "yellow", Grade.FAIL: "bold red"}
    for check in checks:
        remedy = f"\n{check.remedy}" if check.remedy else ""
        grade = Text(check.grade.value, style=colors[check.grade])
        table.add_row(grade, check.name, f"{check.finding}{remedy}")
    console.print(table)
    failed = [check.name for check in checks if check.grade is Grade.FAIL]
    say("cannot work: " + ", ".join(failed) if failed else "ready to fuse recordings")


def exit_code(checks: list[Check]) -> int:
    """1 when something that the main job needs does not work, else 0."""
    return int(any(check.grade is Grade.FAIL for check in checks))


def as_data(checks: list[Check], machine: dict[str, object]) -> dict[str, Any]:
    """The same as plain data: keys checks and machine."""
    return {
        "checks": [
            {
                "name": check.name,
                "grade": check.grade.value,
                "finding": check.finding,
                "remedy": check.remedy,
            }
            for check in checks
        ],
        "machine": machine,
    }


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info[:2] > _NEWEST_TESTED:
        newest = ".".join(map(str, _NEWEST_TESTED))
        return Check("python", Grade.NOTE, f"{version}, newer than the newest tested, {newest}")
    return Check("python", Grade.OK, version)


def _packages(machine: dict[str, object]) -> Check:
    versions = machine["packages"]
    assert isinstance(versions, dict)
    there = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return Check("packages", Grade.OK, there)


def _models() -> Check:
    names = shipped_models()
    if not names:
        return Check("models", Grade.FAIL, "none came with the package", "install it anew")
    sizes = [f"{name} ({find_model(name).path.stat().st_size // 1024} KiB)" for name in names]
    return Check("models", Grade.OK, ", ".join(sizes))


def _engine(name: str) -> Check:
    label = f"engine {name}"
    try:
        return Check(label, Grade.OK, _try_engine(name))
    except EngineError as error:
        return Check(label, Grade.NOTE, str(error), error.hint)


def _auto() -> Check:
    try:
        return Check("engine auto", Grade.OK, "takes " + _try_engine(AUTO))
    except EngineError as error:
        return Check("engine auto", Grade.FAIL, str(error), error.hint)


def _try_engine(name: str) -> str:
    """Open, fuse twice, say how long the second took."""
    width, height = _SIZE_WH
    rng = np.random.default_rng(1)
    ir = rng.integers(0, 256, (height, width), np.uint8)
    vis = rng.integers(0, 256, (height, width, 3), np.uint8)
    with open_engine(name, size_wh=_SIZE_WH, report=say) as engine:
        engine.fuse(ir, vis)
        begun = time.perf_counter()
        engine.fuse(ir, vis)
        took_ms = (time.perf_counter() - begun) * 1e3
        info = engine.info
    found = (
        f"{info.name} {info.version}, {info.model} in {info.precision}: opened in "
        f"{info.open_ms:.0f} ms, one {width}x{height} pair in {took_ms:.1f} ms"
    )
    return "\n".join([found, *(f"note: {note}" for note in info.notes)])


def _video() -> Check:
    """Write a film and read it back."""
    width, height = _SIZE_WH
    count = 5
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "check.mp4"
        try:
            sink = VideoSink(path, _SIZE_WH)
            for index in range(count):
                sink.write(np.full((height, width, 3), 40 * index, np.uint8), index * 40_000_000)
            sink.close()
            with open_source(str(path), Sensor.VIS) as source:
                read = sum(1 for _ in iter(source.read, None))
        except FusionError as error:
            return Check("video files", Grade.FAIL, str(error), error.hint)
    if read != count:
        return Check(
            "video files", Grade.FAIL, f"wrote {count} frames, read {read}", "reinstall av"
        )
    return Check("video files", Grade.OK, "H.264 in MP4 written and read back")


def _display() -> Check:
    reason = probe_display()
    if reason is not None:
        return Check("display", Grade.NOTE, reason, "runs go without a window; films still work")
    return Check("display", Grade.OK, "a window can be opened")
