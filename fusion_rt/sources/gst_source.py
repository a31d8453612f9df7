"""A running pipeline as a camera."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from ..errors import SourceError
from ..frame import Frame, FrameFlags
from .base import SourceInfo
from .gst_clock import CaptureClock, FrameCounter
from .gst_coded import CodedWatch
from .gst_picture import PictureReader
from .gst_run import GstRun
from .live import LiveSource


class GstSource(LiveSource):
    """The newest picture of a running pipeline."""

    def __init__(
        self,
        run: GstRun,
        info: SourceInfo,
        clock: CaptureClock,
        reader: PictureReader,
        coded: CodedWatch,
        first: Any,
    ) -> None:
        """Take over a pipeline that plays.

        Args:
            coded: tells which pictures are not whole.
            first: its first sample, which `poll` gives first.
        """
        self._run = run
        self._info = info
        self._clock = clock
        self._reader = reader
        self._first: Any = first
        self._coded = coded
        self._counter = FrameCounter()
        self._last_ns: int | None = None
        self._closed = False

    def poll(self, timeout_s: float) -> Frame | None:
        """See `LiveSource.poll`."""
        if self._closed:
            raise SourceError(f"{self._info.uri} was closed", hint="open it again")
        deadline_ns = time.monotonic_ns() + round(timeout_s * 1e9)
        while True:
            sample, self._first = self._first, None
            if sample is None:
                sample = self._run.pull((deadline_ns - time.monotonic_ns()) / 1e9)
            if sample is None:
                return None
            frame = self._frame(sample)
            if frame is not None:
                return frame

    def close(self) -> None:
        """Stop the pipeline; waits no longer than two seconds for a driver that hangs."""
        if not self._closed:
            self._closed = True
            self._first = None
            self._run.stop()

    def _frame(self, sample: Any) -> Frame | None:
        """A sample as a frame; None where the picture is damaged."""
        arrived_ns = time.monotonic_ns()
        buffer = sample.get_buffer()
        taken_ns = self._clock.taken_ns(sample, arrived_ns)
        seq = self._counter.next(taken_ns, buffer.offset, buffer.offset_end)
        captured_ns = arrived_ns if taken_ns is None else min(taken_ns, arrived_ns)
        if self._info.clock != self._clock.kind:
            self._info = replace(self._info, clock=self._clock.kind)
        if self._coded.damaged(buffer):
            return None
        image, _ = self._reader.pixels(sample)
        late = self._last_ns is not None and captured_ns < self._last_ns
        self._last_ns = captured_ns
        return Frame(
            image=image,
            captured_ns=captured_ns,
            seq=seq,
            begun_ns=captured_ns,
            arrived_ns=time.monotonic_ns(),
            flags=FrameFlags.LATE if late else FrameFlags.NONE,
        )
