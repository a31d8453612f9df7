"""Streams, events and memory of pycuda, each closed once and for all."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np

from .cuda import LOOK, CudaError, Event, OutOfDeviceMemory, Stream


class PycudaStream:
    """See `cuda.Stream`."""

    def __init__(self, told: Told, raw: Any) -> None:
        self.handle: int = raw.handle
        self.raw = raw
        self._told = told

    def synchronize(self) -> None:
        """See `cuda.Stream.synchronize`."""
        with self._told:
            self.raw.synchronize()

    def close(self) -> None:
        """See `cuda.Stream.close`. pycuda destroys what no name refers to any more."""
        self.raw = None


class PycudaEvent:
    """See `cuda.Event`."""

    def __init__(self, told: Told, raw: Any) -> None:
        self.raw = raw
        self._told = told

    def record(self, stream: Stream) -> None:
        """See `cuda.Event.record`."""
        with self._told:
            self.raw.record(raw_of(stream))

    def wait(self) -> None:
        """See `cuda.Event.wait`."""
        with self._told:
            self.raw.synchronize()

    def ms_since(self, earlier: Event) -> float:
        """See `cuda.Event.ms_since`."""
        with self._told:
            return float(self.raw.time_since(raw_of(earlier)))

    def close(self) -> None:
        """See `cuda.Event.close`."""
        self.raw = None


class PinnedBuffer:
    """See `cuda.HostBuffer`."""

    def __init__(self, told: Told, array: np.ndarray, address: int) -> None:
        self.array = array
        self.address = address
        self._told = told

    def close(self) -> None:
        """See `cuda.HostBuffer.close`."""
        allocation: Any = self.array.base
        with self._told:
            allocation.free()


class DeviceMemory:
    """See `cuda.DeviceBuffer`."""

    def __init__(self, told: Told, raw: Any) -> None:
        self.address = int(raw)
        self._raw = raw
        self._told = told

    def close(self) -> None:
        """See `cuda.DeviceBuffer.close`."""
        with self._told:
            self._raw.free()


class Told:
    """Turns pycuda's errors into ours."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, self._driver.MemoryError):
            raise OutOfDeviceMemory(
                str(error), hint="close other programs that use the GPU"
            ) from error
        if isinstance(error, self._driver.Error):
            raise CudaError(str(error), hint=LOOK) from error


def raw_of(ours: Stream | Event) -> Any:
    """pycuda's own object."""
    assert isinstance(ours, PycudaStream | PycudaEvent)
    return ours.raw
