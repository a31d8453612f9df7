"""A camera of Video4Linux, read by its own streaming interface."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from ...errors import SourceError
from ...frame import Frame
from ..base import SourceInfo
from ..live import CameraLostError, LiveSource
from . import kernel
from .buffer_pixels import Reader, TornPictureError
from .device import Device, Wake
from .faults import camera_fault
from .stamps import SequenceCounter, captured_ns
from .stream import BufferStream


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened camera, as `open.open_camera` sets it up.

    Attributes:
        path: of its node, for messages.
        device: the node.
        stream: its buffers, running.
        read: takes a buffer apart.
        least_bytes: of a buffer that holds a whole picture.
        remedy: what to tell the user when it is gone.
        closing: closes stream and device.
    """

    path: str
    device: Device
    stream: BufferStream
    read: Reader
    least_bytes: int
    remedy: str
    closing: ExitStack


class V4l2Source(LiveSource):
    """The newest picture of a camera, with the driver's time and number.

    The driver keeps as many pictures as there are buffers and then none until one is given back:
    who polls more seldom than that gets, once, an older picture than need be, with its true time.
    """

    def __init__(
        self, opened: Opened, info: SourceInfo, now_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._info = info
        self._opened = opened
        self._now_ns = now_ns
        self._counter = SequenceCounter()
        self._closed = False

    def poll(self, timeout_s: float) -> Frame | None:
        """See `LiveSource.poll`."""
        if self._closed:
            raise SourceError(f"{self._opened.path} was closed", hint="open it again")
        deadline_ns = self._now_ns() + round(timeout_s * 1e9)
        try:
            while True:
                frame = self._newest()
                remaining_s = (deadline_ns - self._now_ns()) / 1e9
                if frame is not None or remaining_s <= 0:
                    return frame
                if self._opened.device.wait(remaining_s) is Wake.FAULT:
                    return self._last_words()
        except OSError as error:
            raise self._fault(error) from error

    def close(self) -> None:
        """Release the device and its memory."""
        self._closed = True
        self._opened.closing.close()

    def _newest(self) -> Frame | None:
        """The newest whole picture that the driver holds; all others go back to it."""
        stream = self._opened.stream
        held: tuple[kernel.Buffer, int, int] | None = None
        # Each buffer once: a driver that is faster than this loop must not keep it for ever.
        for _ in range(len(stream)):
            buffer = stream.take()
            if buffer is None:
                break
            number, arrived_ns = self._counter.next(buffer.sequence), self._now_ns()
            damaged = buffer.flags & kernel.BUF_FLAG_ERROR
            if damaged or buffer.bytesused < self._opened.least_bytes:
                stream.give_back(buffer)
                continue
            if held is not None:
                stream.give_back(held[0])
            held = buffer, number, arrived_ns
        return None if held is None else self._frame(*held)

    def _frame(self, buffer: kernel.Buffer, number: int, arrived_ns: int) -> Frame | None:
        """The only copy of the pixels is made here, by their conversion."""
        image: np.ndarray | None
        try:
            image = self._opened.stream.read(buffer, self._opened.read)
        except TornPictureError:  # a gap in the numbers tells of it
            image = None
        taken_ns = captured_ns(buffer, arrived_ns)
        self._opened.stream.give_back(buffer)
        if image is None:
            return None
        return Frame(image, taken_ns, number, taken_ns, self._now_ns())

    def _last_words(self) -> Frame | None:
        """After a fault was signalled: what is left, or else the error itself.

        Raises:
            CameraLostError: the driver gives no reason.
            OSError: it does.
        """
        frame = self._newest()
        if frame is None:
            raise CameraLostError(
                f"{self._opened.path}: the driver gives no more pictures", self._opened.remedy
            )
        return frame

    def _fault(self, error: OSError) -> SourceError:
        return camera_fault(error, "reading", self._opened.path, self._opened.remedy)
