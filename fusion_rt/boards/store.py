"""Where pairs of board pictures are kept: ``ir/0001.png`` and ``vis/0001.png`` of one folder."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..errors import SinkError, UsageError
from ..sinks.file_errors import make_folder
from ..sinks.text import write_bytes
from ..sources.stills import match_by_stem


class PairStore:
    """Numbers the pairs; goes on after those that are there.

    Attributes:
        ir: folder of the infrared pictures.
        vis: folder of the visible ones.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folders where they are missing.

        Raises:
            SinkError: they cannot be made.
            UsageError: a picture without partner is there.
        """
        self.ir, self.vis = folder / "ir", folder / "vis"
        for place in (self.ir, self.vis):
            make_folder(place)
        self._last = 0
        for path, _ in self.pairs():
            if path.stem.isdecimal():
                self._last = max(self._last, int(path.stem))

    def pairs(self) -> list[tuple[Path, Path]]:
        """Files of all pairs that are there.

        Raises:
            UsageError: a picture without partner is there.
        """
        if not any(self.ir.iterdir()) and not any(self.vis.iterdir()):
            return []
        if not (any(self.ir.iterdir()) and any(self.vis.iterdir())):
            raise UsageError(
                f"of {self.ir} and {self.vis} one is empty, the other not",
                hint="write to another folder",
            )
        pairs, alone = match_by_stem(self.ir, self.vis)
        if alone:
            raise UsageError(
                f"{(*alone.ir, *alone.vis)[0]} in {self.ir.parent} has no partner",
                hint="remove it, or write to another folder",
            )
        return pairs

    def add(self, ir: np.ndarray, vis: np.ndarray) -> str:
        """Write a pair without loss; returns its name.

        Args:
            ir: (H, W) uint8 or uint16, as the camera gave it.
            vis: (H, W, 3) uint8 BGR.

        Raises:
            SinkError: it cannot be written.
        """
        self._last += 1
        name = f"{self._last:04d}"
        for folder, picture in ((self.ir, ir), (self.vis, vis)):
            ok, data = cv2.imencode(".png", picture)
            if not ok:
                raise SinkError(f"a picture of shape {picture.shape} does not fit into a PNG")
            write_bytes(folder / f"{name}.png", data.tobytes())
        return name
