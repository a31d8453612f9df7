"""Tells a build's progress in lines, for logs: soon at first, then every 10 s."""

from __future__ import annotations

from collections.abc import Callable

from .progress import BuildProgress

_FIRST_S = 5.0
_GROWTH = 1.5
_LONGEST_GAP_S = 10.0


class ProgressLines:
    """Called with each `BuildProgress`; says one at once, after 5 s, then every 10 s at least."""

    def __init__(self, say: Callable[[str], None], label: str) -> None:
        """Nothing is said yet.

        Args:
            say: takes a line.
            label: what is being built.
        """
        self._say = say
        self._label = label
        self._next_s = 0.0

    def __call__(self, progress: BuildProgress) -> None:
        """How far it is now."""
        if progress.seconds < self._next_s:
            return
        begun = not self._next_s
        gap_s = min(progress.seconds * (_GROWTH - 1), _LONGEST_GAP_S)
        self._next_s = max(_FIRST_S, progress.seconds + gap_s)
        self._say(f"building {self._label}" + ("" if begun else f": {describe(progress)}"))


def describe(progress: BuildProgress) -> str:
    """For instance "timing graph nodes 12/45, 30 s so far, about 1:20 min left"."""
    words = f"{stage_words(progress)}, {duration(progress.seconds)} so far"
    if progress.left_s is None:
        return words
    return f"{words}, about {duration(progress.left_s)} left"


def stage_words(progress: BuildProgress) -> str:
    """The stage, and its steps where it has several."""
    steps = f" {progress.done}/{progress.total}" if progress.total > 1 else ""
    return f"{progress.stage}{steps}"


def duration(seconds: float) -> str:
    """For instance "45 s" or "2:05 min"."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02} min"
