"""Numbered pictures as a recording."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import SourceError, TruncatedSourceError
from ..frame import Frame, Sensor
from .base import Source, SourceInfo
from .listing import list_pictures
from .picture import read_image
from .ticks import to_ns
from .uri import SourceUri, frames_per_second

DEFAULT_FPS = Fraction(25)


class ImageSource(Source):
    """Pictures of a folder or pattern in natural order, or one picture; one file open at a time.

    The i-th picture is taken i / fps seconds after the first. A damaged picture ends the run
    with a `SourceError` and not as a recording that breaks off: the files after it are sound, so
    whoever owns them should decide whether to mend or to remove the one.
    """

    def __init__(self, uri: SourceUri, sensor: Sensor) -> None:
        """Look at the first picture.

        Raises:
            UsageError: a wrong frame rate.
            SourceError: no pictures, or the first cannot be read.
        """
        self._sensor = sensor
        rate_text = uri.options.get("fps")
        self._fps = frames_per_second(rate_text, uri.text) if rate_text is not None else DEFAULT_FPS
        self._files, notes = list_pictures(uri.path)
        self._next = 0
        self._closed = False
        image, image_notes = read_image(self._files[0], sensor)
        self._shape, self._dtype = image.shape, image.dtype
        if rate_text is None and len(self._files) > 1:
            notes = (
                f"pictures carry no time stamps: {DEFAULT_FPS} frames/s is taken, "
                "another rate is given as ?fps=30",
                *notes,
            )
        self._info = SourceInfo(
            uri=uri.text,
            kind="images",
            sensor=sensor,
            size_wh=(image.shape[1], image.shape[0]),
            bit_depth=image.dtype.itemsize * 8,
            fps=float(self._fps),
            frame_count=len(self._files),
            notes=(*image_notes, *notes),
        )

    def read(self) -> Frame | None:
        """The next picture; None after the last.

        Raises:
            TruncatedSourceError: a picture cannot be read, as the last one of a recorder whose
                disk was full, or differs in size or depth from the first; the message names it.
        """
        if self._closed:
            raise SourceError(f"{self._info.uri} is closed", hint="open it again")
        if self._next == len(self._files):
            return None
        index, self._next = self._next, self._next + 1
        begun_ns = time.monotonic_ns()
        try:
            image, _ = read_image(self._files[index], self._sensor)
            self._check_like_first(image, self._files[index])
        except SourceError as exc:
            left = len(self._files) - index - 1
            rest = "the picture after it is" if left == 1 else f"{left} pictures after it are"
            unread = f"; {rest} not read" if left else ""
            self._next = len(self._files)
            raise TruncatedSourceError(
                f"the recording breaks off after picture {index - 1}: {exc}{unread}", hint=exc.hint
            ) from exc
        return Frame(
            image=image,
            captured_ns=to_ns(index / self._fps),
            seq=index,
            begun_ns=begun_ns,
            arrived_ns=time.monotonic_ns(),
        )

    def close(self) -> None:
        """Nothing stays open between reads; reading ends here."""
        self._closed = True

    def _check_like_first(self, image: np.ndarray, path: Path) -> None:
        if image.shape != self._shape:
            raise SourceError(
                f"{path} is {image.shape[1]}x{image.shape[0]}, "
                f"but {self._files[0].name} is {self._shape[1]}x{self._shape[0]}",
                hint="pictures of one recording have one size; move this one elsewhere",
            )
        if image.dtype != self._dtype:
            raise SourceError(
                f"{path} has {image.dtype.itemsize * 8} bit, "
                f"but {self._files[0].name} has {self._dtype.itemsize * 8} bit",
                hint="pictures of one recording have one depth; move this one elsewhere",
            )
