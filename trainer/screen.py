"""What a training tells people: lines, and a bar with the time that is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

_PLAIN_EVERY_S = 10.0


class Bar(Protocol):
    """Something that shows how far a task is."""

    def advance(self) -> None:
        """One more done."""

    def note(self, text: str) -> None:
        """What is shown beside the figures from now on."""


class Screen:
    """The terminal, or nothing on the processes that do not lead.

    Everything goes to standard error. Where that is no terminal, a bar becomes a line every
    few seconds.

    Args:
        shown: False keeps silent.
    """

    def __init__(self, shown: bool) -> None:
        self.shown = shown
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)

    def say(self, text: str) -> None:
        """One line."""
        if self.shown:
            self._console.print(text, soft_wrap=True)

    @contextmanager
    def bar(self, label: str, total: int, done: int = 0) -> Iterator[Bar]:
        """A bar that is shown while the context lasts, ``done`` of ``total`` to begin with."""
        if not self.shown:
            yield _NoBar()
        elif not self._console.is_terminal:
            yield _PlainBar(label, total, done)
        else:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                # The figures take the room that is left, and no more.
                TextColumn(
                    "{task.fields[note]}",
                    markup=False,
                    table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
                ),
            )
            # Steps may take seconds; the time that is left follows the last ten minutes.
            with Progress(
                *columns, console=self._console, speed_estimate_period=600, expand=True
            ) as progress:
                task = progress.add_task(label, total=total, completed=done, note="")
                yield _RichBar(progress, task)


class _NoBar:
    def advance(self) -> None:
        pass

    def note(self, text: str) -> None:
        pass


class _RichBar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def advance(self) -> None:
        self._progress.advance(self._task)

    def note(self, text: str) -> None:
        self._progress.update(self._task, note=text)


class _PlainBar:
    def __init__(self, label: str, total: int, done: int) -> None:
        self._label, self._total = label, total
        self._done = self._begun_at = done
        self._note = ""
        self._begun = self._told = time.monotonic()

    def advance(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._told >= _PLAIN_EVERY_S or self._done == self._total:
            self._told = now
            each = (now - self._begun) / (self._done - self._begun_at)
            left = timedelta(seconds=round(each * (self._total - self._done)))
            ready = f"left {left}, ready {datetime.now() + left:%H:%M}" if left else "done"
            line = f"{self._label} {self._done}/{self._total}  {self._note}".rstrip()
            print(f"{line}  {each:.2f} s each, {ready}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        self._note = text
