"""Figures and pictures for TensorBoard, which is only imported where it is asked for."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np

from trainer.optional import require
from trainer.whole_file import writing


def require_board() -> ModuleType:
    """The module that writes for TensorBoard.

    Raises:
        MissingPackage: tensorboard is not installed.
    """
    return require(
        "torch.utils.tensorboard",
        purpose="the setting tensorboard",
        remedy="pip install tensorboard, or --set tensorboard=false",
    )


class Board:
    """Writes event files that ``tensorboard --logdir`` shows.

    Args:
        folder: for the files.
        step: steps done; what an earlier session wrote after them is not shown.

    Raises:
        MissingPackage: see `require_board`.
        WriteError: the files cannot be written; so do all methods.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = folder
        with writing(folder):
            self._writer = require_board().SummaryWriter(str(folder), purge_step=step + 1)

    def scalars(self, step: int, group: str, values: dict[str, float]) -> None:
        """One point of each curve ``group/name``."""
        with writing(self._folder):
            for name, value in values.items():
                self._writer.add_scalar(f"{group}/{name}", value, step)

    def image(self, step: int, name: str, bgr: np.ndarray) -> None:
        """A picture (H, W, 3) uint8 BGR."""
        rgb = np.ascontiguousarray(bgr[..., ::-1])
        with writing(self._folder):
            self._writer.add_image(name, rgb, step, dataformats="HWC")

    def close(self) -> None:
        """Write everything out."""
        with writing(self._folder):
            self._writer.close()
