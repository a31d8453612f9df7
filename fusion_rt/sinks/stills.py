"""Still pictures as PNG files, each there wholly or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from ..errors import SinkError, UsageError
from .file_errors import make_folder, part_path, remove, write_error


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write one picture as PNG under a temporary name and move it into place.

    Args:
        path: the file to write; its folder is created where it is missing, a file of the same
            name is replaced.
        picture: (H, W) grey or (H, W, 3) BGR, uint8 or uint16.

    Raises:
        SinkError: it cannot be written; nothing half-written is left.
    """
    ok, encoded = cv2.imencode(".png", picture)  # the default is the fastest setting
    if not ok:
        raise SinkError(
            f"cannot write {path}: a picture of shape {picture.shape} does not fit into a PNG",
            hint="PNG takes (H, W) or (H, W, 3) pictures of 8 or 16 bits",
        )
    make_folder(path.parent)
    part = part_path(path)
    try:
        with part.open("wb") as file:
            file.write(encoded.data)
        os.replace(part, path)
    except OSError as exc:
        remove(part)
        raise write_error(path, exc) from exc


class StillsSink:
    """One PNG file for each picture; see `fusion_rt.sinks.base.Sink`.

    Every picture is complete on disk as soon as ``write`` returns.

    Attributes:
        pictures: how many were written.
    """

    def __init__(self, folder: Path) -> None:
        """Args:
            folder: where the pictures go; created where it is missing.

        Raises:
            UsageError: it holds PNG files, which might be of another run.
            SinkError: the folder cannot be created.
        """
        make_folder(folder)
        there = sorted(path.name for path in folder.glob("*.png"))
        if there:
            raise UsageError(
                f"{folder} holds pictures already, {there[0]} for one",
                hint="name a new or an empty folder for the stills",
            )
        self._folder = folder
        self._written: list[Path] = []
        self._closed = False

    @property
    def label(self) -> str:
        """What and where."""
        return f"stills {self._folder}"

    @property
    def pictures(self) -> int:
        """How many pictures were written."""
        return len(self._written)

    def write(self, picture: np.ndarray, captured_ns: int) -> None:
        """Write one picture, (H, W) or (H, W, 3), uint8.

        Raises:
            SinkError: it cannot be written, or the sink is closed.
        """
        if self._closed:
            raise SinkError(f"{self.label} is closed already", hint="open a new one")
        path = self._folder / f"{self.pictures:06d}.png"
        write_png(path, picture)
        self._written.append(path)

    def close(self) -> None:
        """Keep what was written."""
        self._closed = True

    def discard(self) -> None:
        """Remove the pictures written by this sink, unless it was closed before."""
        if self._closed:
            return
        self._closed = True
        for path in self._written:
            remove(path)
