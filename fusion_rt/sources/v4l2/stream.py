"""The buffers that a driver fills: set up, taken, given back, released."""

from __future__ import annotations

import errno
import mmap
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from ctypes import c_int32
from typing import Final, TypeVar

import numpy as np

from . import kernel
from .device import Device

# One is looked at, one is being filled, two wait for a reader that is late.
_BUFFERS: Final = 4
_LEAST_BUFFERS: Final = 2
_T = TypeVar("_T")


class BufferStream:
    """A running stream in memory that the driver fills.

    A buffer is the program's between `take` and `give_back`. Everything raises OSError as the
    kernel reports it.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._maps: list[mmap.mmap] = []
        self.flags = 0  # of the buffers: those about their time stamps hold for the whole stream
        with ExitStack() as undo:
            undo.callback(self._unmap)
            self._map_buffers()
            device.ioctl(kernel.VIDIOC_STREAMON, c_int32(kernel.BUF_TYPE_VIDEO_CAPTURE))
            undo.pop_all()

    def __len__(self) -> int:
        """How many buffers there are."""
        return len(self._maps)

    def take(self) -> kernel.Buffer | None:
        """The oldest filled buffer; None where there is none."""
        buffer = _buffer(0)
        try:
            self._device.ioctl(kernel.VIDIOC_DQBUF, buffer)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return None
            raise
        return buffer

    def give_back(self, buffer: kernel.Buffer) -> None:
        """Let the driver fill it again."""
        self._device.ioctl(kernel.VIDIOC_QBUF, _buffer(buffer.index))

    def read(self, buffer: kernel.Buffer, convert: Callable[[np.ndarray], _T]) -> _T:
        """Apply a conversion to the bytes of a taken buffer.

        Args:
            convert: gets the bytes, uint8, which it must not keep.
        """
        memory, used = self._maps[buffer.index], buffer.bytesused
        try:
            return convert(np.frombuffer(memory, np.uint8, count=min(used, len(memory))))
        except BaseException as error:
            # A traceback keeps local variables alive, and a view among them the mapped memory.
            traceback.clear_frames(error.__traceback__)
            raise

    def close(self) -> None:
        """Stop the stream and release the memory."""
        with suppress(OSError):  # a camera that is gone has stopped
            self._device.ioctl(kernel.VIDIOC_STREAMOFF, c_int32(kernel.BUF_TYPE_VIDEO_CAPTURE))
        self._unmap()

    def _map_buffers(self) -> None:
        request = kernel.RequestBuffers(
            count=_BUFFERS, type=kernel.BUF_TYPE_VIDEO_CAPTURE, memory=kernel.MEMORY_MMAP
        )
        self._device.ioctl(kernel.VIDIOC_REQBUFS, request)
        if request.count < _LEAST_BUFFERS:
            raise OSError(errno.ENOMEM, "too few buffers")
        for index in range(request.count):
            buffer = _buffer(index)
            self._device.ioctl(kernel.VIDIOC_QUERYBUF, buffer)
            self.flags = buffer.flags
            self._maps.append(self._device.map(buffer.length, buffer.offset))
            self._device.ioctl(kernel.VIDIOC_QBUF, _buffer(index))

    def _unmap(self) -> None:
        while self._maps:
            self._maps.pop().close()


def _buffer(index: int) -> kernel.Buffer:
    return kernel.Buffer(index=index, type=kernel.BUF_TYPE_VIDEO_CAPTURE, memory=kernel.MEMORY_MMAP)
