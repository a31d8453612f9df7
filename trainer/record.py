"""All that a training leaves beside its checkpoints while it runs: log, curves, picture sheet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2

from trainer.board import Board
from trainer.build import Network
from trainer.sheet import PictureSheet
from trainer.step_log import StepLog
from trainer.whole_file import write_whole, writing

LOG, SHEET, BOARD = "log.jsonl", "sheet.png", "tensorboard"


class Record:
    """Keeps the record of a training in its folder.

    Args:
        out: folder.
        step: steps done so far; what was recorded after them is dropped.
        every: steps to a line of the log.
        board: TensorBoard; None without.
        sheet: pairs to show; None without.
    """

    def __init__(
        self, out: Path, step: int, every: int, board: Board | None, sheet: PictureSheet | None
    ) -> None:
        self.out = out
        self.log = StepLog(out / LOG, step, every)
        self.board, self.sheet = board, sheet

    def step(self, done: int, terms: dict[str, float], rate: float) -> str:
        """Take the figures of a step; words on the last ones when a line is due, else empty."""
        means = self.log.add(done, terms, rate=rate)
        if means is None:
            return ""
        if self.board is not None:
            self.board.scalars(done, "train", {**means, "learning_rate": rate})
        return "  ".join(f"{name} {value:.4f}" for name, value in means.items())

    def validation(self, done: int, terms: dict[str, float]) -> None:
        """Take the figures on the held-out pairs."""
        figures = {name: round(value, 6) for name, value in terms.items()}
        self.log.write({"step": done, "validation": figures})
        if self.board is not None:
            self.board.scalars(done, "validation", terms)

    def pictures(self, done: int, model: Network, fused: Callable[[], object]) -> None:
        """Draw the sheet as ``model``, in eval mode, gives it now; ``fused`` as of the sheet."""
        if self.sheet is None:
            return
        drawn = self.sheet.draw(model, fused)
        written, png = cv2.imencode(".png", drawn)
        assert written
        with writing(self.out / SHEET):
            write_whole(self.out / SHEET, png.tobytes())
        if self.board is not None:
            self.board.image(done, "pairs", drawn)

    def close(self) -> None:
        """Write everything out."""
        if self.board is not None:
            self.board.close()
