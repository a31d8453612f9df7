"""How runs look in a terminal: progress while they last, a table when they are done."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Protocol, cast

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from engines.parity import Parity

_LOG_WIDTH = 120
_LISTED_SIZES = 2


class _Stderr:
    """Standard error, or nothing once it is gone: words must not end a run that writes a film."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError, AttributeError):  # reader gone, closed, never there
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError, AttributeError):
            self._file.flush()

    @property
    def _file(self) -> Any:
        """Where standard error really goes.

        While a bar is shown, rich puts a stand-in in place of it that prints through the console,
        and so through here again, without end.
        """
        return getattr(sys.stderr, "rich_proxied_file", sys.stderr)

    def isatty(self) -> bool:
        return sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()


# Everything for people goes to standard error, so that standard output stays free for data.
console = Console(
    file=cast(IO[str], _Stderr()),
    highlight=False,
    markup=False,
    emoji=False,
    width=None if _Stderr().isatty() else _LOG_WIDTH,
)


def say(text: str) -> None:
    """One line for people; the terminal wraps it, so that paths can be copied whole."""
    console.print(text, soft_wrap=True)


def say_error(message: str, hint: str) -> None:
    """One line of what is wrong, one of what to do."""
    console.print("error:", style="bold red", end=" ")
    say(message)
    if hint:
        say(f"hint: {hint}")


@contextmanager
def progress_bar(label: str, total: int | None) -> Iterator[_Bar]:
    """A bar with count, share, elapsed and remaining time; plain lines where there is no terminal.

    Args:
        label: what is going on.
        total: steps; None where unknown.
    """
    if not console.is_terminal:
        bar: _Bar = _PlainBar(label, total)
        yield bar
        return
    columns = [
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
    ]
    columns += [TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console) as progress:
        yield _RichBar(progress, label, total)


class _Bar(Protocol):
    def advance(self, note: str = "") -> None:
        """One step done; ``note`` is shown after the label."""

    def say(self, note: str) -> None:
        """Show ``note`` without a step."""


class _RichBar:
    def __init__(self, progress: Progress, label: str, total: int | None) -> None:
        self._progress = progress
        self._label = label
        self._task = progress.add_task(label, total=total)

    def advance(self, note: str = "") -> None:
        self._progress.update(self._task, advance=1, description=f"{self._label} {note}".rstrip())

    def say(self, note: str) -> None:
        self._progress.update(self._task, description=f"{self._label} {note}")


class _PlainBar:
    """For logs: a line at each tenth, or at each 100 steps where the total is unknown."""

    def __init__(self, label: str, total: int | None) -> None:
        self._label = label
        self._total = total
        self._done = 0
        self._every = max(1, total // 10) if total else 100

    def advance(self, note: str = "") -> None:
        self._done += 1
        if self._done % self._every == 0:
            of_total = f"/{self._total}" if self._total else ""
            say(f"{self._label} {self._done}{of_total} {note}".rstrip())

    def say(self, note: str) -> None:
        say(f"{self._label} {note}")


def print_facts(facts: list[tuple[str, str]]) -> None:
    """A table of names and what is to be said of each; an empty name continues the line above."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, text in facts:
        table.add_row(name, text)
    console.print(table)


def print_summary(report: dict[str, Any]) -> None:
    """The closing table of a run: frames, drops, throughput, latencies, skew, engine, outputs."""
    frames = report["frames"]
    dropped = ", ".join(
        f"{reason} {counts['ir']} ir / {counts['vis']} vis"
        for reason, counts in frames["dropped"].items()
        if counts["ir"] or counts["vis"]
    )
    skew = report["skew_ms"]
    facts = [
        (
            "frames",
            f"{frames['captured_ir']} infrared, {frames['captured_vis']} visible captured; "
            f"{frames['fused']} fused",
        ),
        *_alone_facts(frames),
        ("dropped", dropped or "none"),
        ("throughput", f"{report['throughput_fps']:.1f} frames/s"),
        *_distance_facts(report["registration"]),
        *engine_facts(report["engine"]),
        *_preview_facts(report["previewed"]),
    ]
    if skew["p50"] is not None:
        line = f"p50 {skew['p50']:.1f} ms, p95 {skew['p95']:.1f} ms, max {skew['max']:.1f} ms"
        facts.append(("skew", line))
    print_facts(facts + [("written", line) for line in report["outputs"]])
    if report["frames"]["fused"]:
        console.print(_latency_table(report["latency_ms"]))
        if report["pace"] == "fast":
            say("  end to end holds the waiting of a recording that is read ahead of the engine")


def _alone_facts(frames: dict[str, Any]) -> list[tuple[str, str]]:
    alone = frames["shown_alone"]
    if not any(alone.values()):
        return []
    return [
        ("alone", f"{alone['ir']} infrared, {alone['vis']} visible shown while the other was away")
    ]


def _distance_facts(registration: dict[str, Any]) -> list[tuple[str, str]]:
    distance_m, band_m = registration["distance_m"], registration["band_m"]
    if distance_m is None:
        return []
    words = f"pictures match at {_metres(distance_m)}"
    if band_m is not None:
        near, far = (_metres(each) for each in band_m)
        words += f", to less than one px from {near} to {far}"
    return [("distance", words)]


def _metres(distance_m: float | str) -> str:
    return distance_m if isinstance(distance_m, str) else f"{distance_m:.3g} m"


def _preview_facts(previewed: dict[str, Any] | None) -> list[tuple[str, str]]:
    if previewed is None:
        return []
    words = f"{previewed['pairs']} pairs by {previewed['engine']}, while the engine was prepared"
    return [("previewed", words)]


def engine_facts(
    engine: dict[str, Any] | None, sizes: Collection[Sequence[int]] = ()
) -> list[tuple[str, str]]:
    """Rows for `print_facts`: the engine, what is to be known of it, why others were passed over.

    Args:
        engine: as `fusion_rt.report.describe_engine` gives it; None where none was opened.
        sizes: width and height in px of all that it was opened for; only its own when empty.
    """
    facts = engine or {}
    rows = [("engine", engine_line(engine, sizes))]
    if facts.get("parity"):
        rows.append(("", f"its picture: {Parity.from_data(facts['parity'])}"))
    rows += [("", f"note: {note}") for note in facts.get("notes") or ()]
    refused = facts.get("refused") or {}
    return rows + [("", f"not {name}: {reason}") for name, reason in refused.items()]


def engine_line(engine: dict[str, Any] | None, sizes: Collection[Sequence[int]] = ()) -> str:
    """For instance "openvino 2026.4, bts in bf16, 640x480, AMD EPYC"; see `engine_facts`."""
    if engine is None:
        return "none was opened"
    words = [f"{width}x{height}" for width, height in sizes or [engine["size"]]]
    shown = " and ".join(words) if len(words) <= _LISTED_SIZES else f"{len(words)} sizes"
    return (
        f"{engine['name']} {engine['version']}, {engine['model']} in {engine['precision']}, "
        f"{shown}, {engine['device']}"
    )


def _latency_table(latency_ms: dict[str, dict[str, float | None]]) -> Table:
    table = Table(box=None, padding=(0, 2))
    table.add_column("latency in ms")
    keys = ("p50", "p95", "p99", "max")
    for key in keys:
        table.add_column(key, justify="right")
    for stage, values in latency_ms.items():
        cells = [values.get(key) for key in keys]
        table.add_row(stage.replace("_", " "), *("-" if v is None else f"{v:.1f}" for v in cells))
    return table
