"""The figures of a training as they come: means every few steps, a line of JSON for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trainer.whole_file import write_whole, writing


class StepLog:
    """Collects the terms of the steps; writes lines that survive a stop at any moment.

    Args:
        path: file; lines of steps after ``step`` are dropped, as they will be done again.
        step: steps done so far.
        every: steps to a line.

    Attributes:
        damaged: lines that were in the file and could not be read; they are dropped.
    Raises:
        WriteError: the file cannot be written.
    """

    def __init__(self, path: Path, step: int, every: int) -> None:
        self.path, self.every = path, every
        lines, self.damaged = _read(path)
        kept = [line for line in lines if line["step"] <= step]
        with writing(path):
            write_whole(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, done: int, terms: dict[str, float], **facts: float) -> dict[str, float] | None:
        """Take the terms of a step; the means since the last line when a new one is due.

        Args:
            done: steps done, this one included.
            terms: of this step.
            facts: written beside the means as they are.
        """
        for name, value in terms.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if done % self.every:
            return None
        means = {name: total / self._count for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        self.write({"step": done, **facts, **{k: round(v, 6) for k, v in means.items()}})
        return means

    def write(self, line: dict[str, Any]) -> None:
        """Append one line; it must name its "step"."""
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """Lines of a log, oldest first; what cannot be read, or was cut off at the end, is left out."""
    return _read(path)[0]


def _read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Lines of a log; how many whole ones could not be read."""
    if not path.is_file():
        return [], 0
    whole = path.read_text(encoding="utf-8", errors="replace").rpartition("\n")[0]
    texts = whole.split("\n") if whole else []
    lines = [line for line in map(_parsed, texts) if line is not None]
    return lines, len(texts) - len(lines)


def _parsed(text: str) -> dict[str, Any] | None:
    """A line as `StepLog` writes it; None for anything else."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("step"), int) else None
