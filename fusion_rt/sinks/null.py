"""Takes pictures and only counts them, for measuring and for runs that show nothing."""

from __future__ import annotations

import numpy as np


class NullSink:
    """Counts pictures; see `fusion_rt.sinks.base.Sink`.

    Attributes:
        pictures: how many were taken.
    """

    label = "null"

    def __init__(self) -> None:
        self.pictures = 0

    def write(self, picture: np.ndarray, captured_ns: int) -> None:
        """Count one picture."""
        self.pictures += 1

    def close(self) -> None:
        """Nothing to finish."""

    def discard(self) -> None:
        """Nothing to remove."""
