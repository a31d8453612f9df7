"""What every sink offers."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Sink(Protocol):
    """Takes finished pictures, on the main thread, in order of time.

    A sink that writes a file writes under a temporary name beside it and moves it into place in
    ``close``; ``discard`` removes it instead, so that a failed run leaves no half file.
    """

    @property
    def label(self) -> str:
        """What and where, for the summary, for instance ``video out/fused.mp4``."""
        ...

    @property
    def pictures(self) -> int:
        """How many pictures were taken."""
        ...

    def write(self, picture: np.ndarray, captured_ns: int) -> None:
        """Take one picture.

        Args:
            picture: (H, W, 3) uint8 BGR; the size never changes within one sink.
            captured_ns: its time in ns; grows from call to call.

        Raises:
            SinkError: it cannot be written (disk full, encoder failed).
        """
        ...

    def close(self) -> None:
        """Finish and keep what was written. May be called twice."""
        ...

    def discard(self) -> None:
        """Drop what was written, leaving nothing behind; no effect after ``close``."""
        ...
