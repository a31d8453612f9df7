"""The figures of a training as they come: means every few steps, a line of JSON for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trainer.whole_file import write_whole


class StepLog:
    """Collects the terms of the steps; writes lines that survive a stop at any moment.

    Args:
        path: file; lines of steps after ``step`` are dropped, as they will be done again.
        step: steps done so far.
        every: steps to a line.
    """

    def __init__(self, path: Path, step: int, every: int) -> None:
        self.path, self.every = path, every
        kept = [line for line in read_log(path) if line["step"] <= step]
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
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """Lines of a log, oldest first; a last line that was cut off is left out."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
