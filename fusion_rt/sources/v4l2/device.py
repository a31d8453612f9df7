"""One open video node: the only place where this program meets the kernel's driver."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import select
from enum import Enum


class Wake(Enum):
    """Why a wait ended."""

    TIMEOUT = 0
    READY = 1  # a buffer can be taken
    FAULT = 2  # the driver says that none will come


class Device:
    """A video node, opened for reading without blocking.

    Everything raises OSError as the kernel reports it. Tests put another class in its place.
    """

    def __init__(self, path: str) -> None:
        # Read and write, as buffers are queued; closed in programs that this one starts.
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()  # not select(): that fails from the 1024th open file on
        self._poll.register(self._fd, select.POLLIN)

    def ioctl(self, request: int, argument: ctypes.Structure | ctypes.c_int32) -> None:
        """Send a request of `kernel`; the driver's answer stands in ``argument`` afterwards."""
        while True:
            try:
                fcntl.ioctl(self._fd, request, argument, True)
                return
            except InterruptedError:  # a signal came: nothing was done yet
                continue

    def map(self, length: int, offset: int) -> mmap.mmap:
        """Memory of a buffer, for reading."""
        return mmap.mmap(self._fd, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=offset)

    def wait(self, timeout_s: float) -> Wake:
        """Wait until a buffer can be taken."""
        events = self._poll.poll(max(0.0, timeout_s) * 1000)
        if not events:
            return Wake.TIMEOUT
        return Wake.READY if events[0][1] & select.POLLIN else Wake.FAULT

    def close(self) -> None:
        """Give the node back."""
        os.close(self._fd)
