"""What a training tells people: lines, and a bar with the time that is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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

    def aside(self, label: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """Other work between two of the task, which does not count as time of either.

        Returns:
            A context that gives what to call after each part of it, ``total`` times.
        """


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

    @contextmanager
    def aside(self, label: str, total: int) -> Iterator[Callable[[], None]]:
        yield lambda: None


class _RichBar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task
        self._note = ""

    def advance(self) -> None:
        self._progress.advance(self._task)

    def note(self, text: str) -> None:
        self._note = text
        self._progress.update(self._task, note=text)

    @contextmanager
    def aside(self, label: str, total: int) -> Iterator[Callable[[], None]]:
        done = -1

        def tell() -> None:
            nonlocal done
            done += 1
            self._progress.update(self._task, note=f"{label} {done}/{total}")

        tell()
        try:
            yield tell
        finally:
            self._progress.update(self._task, note=self._note)


class _PlainBar:
    def __init__(self, label: str, total: int, done: int) -> None:
        self._label, self._total = label, total
        self._done = self._begun_at = done
        self._note = ""
        self._aside_s = self._before_s = 0.0  # of other work; of such before the first of this
        self._begun = self._told = time.monotonic()

    def advance(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._told >= _PLAIN_EVERY_S or self._done == self._total:
            self._told = now
            count, passed = self._done - self._begun_at, now - self._begun
            each = (passed - self._aside_s) / count
            # Other work will come again as often as it came so far.
            rate = (passed - self._before_s) / count
            left = timedelta(seconds=round(rate * (self._total - self._done)))
            ready = f"left {left}, ready {datetime.now() + left:%H:%M}" if left else "done"
            line = f"{self._label} {self._done}/{self._total}  {self._note}".rstrip()
            print(f"{line}  {each:.2f} s each, {ready}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        self._note = text

    @contextmanager
    def aside(self, label: str, total: int) -> Iterator[Callable[[], None]]:
        begun = told = time.monotonic()
        done = 0

        def tell() -> None:
            nonlocal done, told
            done += 1
            if time.monotonic() - told >= _PLAIN_EVERY_S:
                told = time.monotonic()
                print(f"{label} {done}/{total}", file=sys.stderr, flush=True)

        try:
            yield tell
        finally:
            took = time.monotonic() - begun
            self._aside_s += took
            if self._done == self._begun_at:
                self._before_s += took
