"""How the building of a plan looks: a bar with stage and time left, or lines for logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from engines.tensorrt.progress import BuildProgress
from engines.tensorrt.progress_lines import ProgressLines, duration, stage_words

from .terminal import console, say


@contextmanager
def build_bar(label: str) -> Iterator[Callable[[BuildProgress], None]]:
    """Shows what it is called with, until the end of the block.

    Args:
        label: what is being built.
    """
    if not console.is_terminal:
        yield ProgressLines(say, label)
        return
    columns = [
        SpinnerColumn(),
        TextColumn("building {task.fields[label]}", markup=False),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    ]
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading the model", total=None, label=label)

        def show(progress: BuildProgress) -> None:
            share = progress.share
            bar.update(
                task,
                total=None if share is None else 1.0,
                completed=share or 0.0,
                description=_description(progress),
            )

        yield show


def _description(progress: BuildProgress) -> str:
    """The time left first, as the end of the line is cut where the terminal is narrow."""
    left = "" if progress.left_s is None else f"about {duration(progress.left_s)} left, "
    return f"{left}{stage_words(progress)}"
