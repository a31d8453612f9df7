"""The device work that an engine needs, as narrow interfaces; `cuda_pycuda` does it for real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from ..errors import EngineError

LOOK: Final = "look with nvidia-smi and dmesg"  # when the GPU or its driver fails


@dataclass(frozen=True)
class DeviceFacts:
    """What a GPU is.

    Attributes:
        index: CUDA's number of it, from 0.
        name: for instance "NVIDIA GeForce RTX 4070".
        compute_capability: for instance "8.9".
        total_bytes: of its memory.
        integrated: whether it shares the memory with the processor, as a Jetson's does.
        driver: newest CUDA version that the driver knows, major and minor.
    """

    index: int
    name: str
    compute_capability: str
    total_bytes: int
    integrated: bool
    driver: tuple[int, int]


class CudaError(EngineError):
    """A call to the device failed; the message says which and why."""


class OutOfDeviceMemory(EngineError):
    """The device, or the host's page-locked memory, is full."""


class CaptureError(EngineError):
    """The work on a stream cannot be captured as a graph; it can still be enqueued."""


class Stream(Protocol):
    """Work that is done in order; streams overlap with each other."""

    @property
    def handle(self) -> int:
        """The driver's handle, for TensorRT."""

    def synchronize(self) -> None:
        """Wait until all its work is done."""

    def close(self) -> None:
        """Destroy."""


class Event(Protocol):
    """A mark in a stream that can be waited for."""

    def record(self, stream: Stream) -> None:
        """Put the mark behind the work that the stream holds now."""

    def wait(self) -> None:
        """Until the work before the mark is done."""

    def ms_since(self, earlier: Event) -> float:
        """Device time in ms from another mark to this one; both are done."""

    def close(self) -> None:
        """Destroy."""


class HostBuffer(Protocol):
    """Page-locked memory of the host, which the device copies from and to by itself.

    Attributes:
        array: the memory.
        address: where the device sees it; 0 where it is not mapped.
    """

    array: np.ndarray
    address: int

    def close(self) -> None:
        """Free; the array must not be touched any more."""


class DeviceBuffer(Protocol):
    """Memory of the device.

    Attributes:
        address: of its first byte.
    """

    address: int

    def close(self) -> None:
        """Free."""


class Graph(Protocol):
    """Captured work, launched by one call."""

    def launch(self, stream: Stream) -> None:
        """Put all of it into the stream."""

    def close(self) -> None:
        """Destroy."""


class Cuda(Protocol):
    """One device, its context current on the thread that opened it; used on that thread alone.

    All calls raise `CudaError`, for want of memory `OutOfDeviceMemory`. One thread has
    one device at a time; several sessions of it are fine.
    """

    @property
    def facts(self) -> DeviceFacts:
        """What the device is."""

    def memory(self) -> tuple[int, int]:
        """Free and total bytes of the device now, all programs counted."""

    def stream(self) -> Stream:
        """A new stream that does not wait for the default one."""

    def event(self, *, blocking: bool = False, timed: bool = False) -> Event:
        """A new event; waiting sleeps where ``blocking``, else it spins, which wakes sooner.

        Only ``timed`` ones can tell `Event.ms_since`.
        """

    def pinned(self, shape: tuple[int, ...], dtype: type, *, mapped: bool) -> HostBuffer:
        """New page-locked memory, seen by the device where ``mapped``."""

    def allocate(self, size: int) -> DeviceBuffer:
        """New device memory of ``size`` bytes."""

    def upload(self, address: int, array: np.ndarray, stream: Stream) -> None:
        """Enqueue a copy of a contiguous array to the device."""

    def download(self, array: np.ndarray, address: int, stream: Stream) -> None:
        """Enqueue a copy from the device into a contiguous array."""

    def capture(self, stream: Stream, work: Callable[[], None]) -> Graph:
        """Record what ``work`` enqueues on the stream instead of doing it.

        Raises:
            CaptureError: graphs are missing here, or the work cannot be captured; the stream can
                be used on.
        """

    def close(self) -> None:
        """Release the context; all else is released before."""


CudaOpener = Callable[[int], Cuda]
