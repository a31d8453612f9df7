"""Frames that lie in memory already, repeated at a steady rate: for measuring what comes after."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from ..frame import Frame, Sensor
from ..timing import NS_PER_S
from .base import Source, SourceInfo


class MemorySource(Source):
    """Goes round a few pictures until ``count`` frames were read; costs nothing to read."""

    def __init__(
        self,
        sensor: Sensor,
        pictures: Sequence[np.ndarray],
        count: int,
        period_ns: int = NS_PER_S // 30,
    ) -> None:
        """Start at the first picture.

        Args:
            sensor: which camera it stands for.
            pictures: at least one, all of one size; infrared (H, W) uint8 or uint16, visible
                (H, W, 3) uint8 BGR.
            count: frames until the end.
            period_ns: time in ns from one frame's stamp to the next.
        """
        height, width = pictures[0].shape[:2]
        self._info = SourceInfo(
            uri=f"memory:{sensor.value}",
            kind="memory",
            sensor=sensor,
            size_wh=(width, height),
            bit_depth=8 * pictures[0].itemsize,
            fps=NS_PER_S / period_ns,
            frame_count=count,
        )
        self._pictures = pictures
        self._count = count
        self._period_ns = period_ns
        self._next = 0

    def read(self) -> Frame | None:
        """See `Source.read`."""
        index = self._next
        if index >= self._count:
            return None
        self._next += 1
        now_ns = time.monotonic_ns()
        picture = self._pictures[index % len(self._pictures)]
        return Frame(picture, index * self._period_ns, index, now_ns, now_ns)

    def close(self) -> None:
        """Nothing to release."""
