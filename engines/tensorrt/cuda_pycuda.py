"""The device by pycuda: a thin layer, each call as pycuda 2026.1 declares it.

The context is the device's primary one. The CUDA runtime inside TensorRT uses that one too, and
several engines of a process share it, so nothing is switched and nothing is held twice.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import BackendUnavailable, EngineError
from ..nvidia import check_driver
from ..optional import require
from .cuda import LOOK, CudaError, DeviceFacts, Stream
from .cuda_graph import CapturedGraph, capture
from .pycuda_parts import (
    DeviceMemory,
    PinnedBuffer,
    PycudaEvent,
    PycudaStream,
    Told,
    raw_of,
)

_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING, which pycuda has no name for
_REMEDY = "pip install pycuda cuda-bindings, with the folder of nvcc on the PATH"


def device_facts(index: int) -> DeviceFacts:
    """What a GPU is, without a context on it.

    Raises:
        BackendUnavailable: no pycuda, no driver, or no GPU at all.
        EngineError: no GPU of that number.
    """
    driver = _driver()
    with Told(driver):
        return _facts(driver, index)


def open_device(index: int) -> PycudaDevice:
    """Make a GPU's primary context the current one of this thread.

    Raises:
        BackendUnavailable: no pycuda, no driver, or no GPU at all.
        EngineError: no GPU of that number.
        CudaError: the context cannot be had.
    """
    driver = _driver()
    with Told(driver):
        facts = _facts(driver, index)
        context = driver.Device(index).retain_primary_context()
        try:
            context.push()
        except BaseException:
            context.detach()
            raise
    return PycudaDevice(driver, context, facts)


def _driver() -> Any:
    """pycuda's driver module, with CUDA initialised."""
    try:
        driver: Any = require("pycuda.driver", remedy=_REMEDY)
    except BackendUnavailable:
        check_driver()  # pycuda cannot be imported without it either, so it is to be told first
        raise
    try:
        driver.init()
    except driver.Error as error:
        raise BackendUnavailable(f"no NVIDIA GPU works here: {error}", hint=LOOK) from error
    return driver


def _facts(driver: Any, index: int) -> DeviceFacts:
    count = driver.Device.count()
    if not 0 <= index < count:
        raise EngineError(
            f"there is no GPU {index}, CUDA sees {count}",
            hint=f"set engine.device to 0..{count - 1}; CUDA_VISIBLE_DEVICES hides GPUs",
        )
    device = driver.Device(index)
    major, minor = device.compute_capability()
    version = driver.get_driver_version()  # 12040 is 12.4
    return DeviceFacts(
        index=index,
        name=device.name(),
        compute_capability=f"{major}.{minor}",
        total_bytes=int(device.total_memory()),
        integrated=bool(device.get_attribute(driver.device_attribute.INTEGRATED)),
        driver=(version // 1000, version % 1000 // 10),
    )


class PycudaDevice:
    """See `cuda.Cuda`."""

    def __init__(self, driver: Any, context: Any, facts: DeviceFacts) -> None:
        self.facts = facts
        self._driver = driver
        self._context = context
        self._told = Told(driver)

    def memory(self) -> tuple[int, int]:
        """See `cuda.Cuda.memory`."""
        with self._told:
            free, total = self._driver.mem_get_info()
        return int(free), int(total)

    def stream(self) -> PycudaStream:
        """See `cuda.Cuda.stream`."""
        with self._told:
            return PycudaStream(self._told, self._driver.Stream(_NON_BLOCKING))

    def event(self, *, blocking: bool = False, timed: bool = False) -> PycudaEvent:
        """See `cuda.Cuda.event`."""
        known = self._driver.event_flags
        flags = int(known.BLOCKING_SYNC) if blocking else 0
        flags |= 0 if timed else int(known.DISABLE_TIMING)
        with self._told:
            return PycudaEvent(self._told, self._driver.Event(flags))

    def pinned(self, shape: tuple[int, ...], dtype: type, *, mapped: bool) -> PinnedBuffer:
        """See `cuda.Cuda.pinned`."""
        flags = int(self._driver.host_alloc_flags.DEVICEMAP) if mapped else 0
        with self._told:
            array = self._driver.pagelocked_empty(shape, dtype, mem_flags=flags)
            try:
                address = int(array.base.get_device_pointer()) if mapped else 0
            except BaseException:
                array.base.free()
                raise
        return PinnedBuffer(self._told, array, address)

    def allocate(self, size: int) -> DeviceMemory:
        """See `cuda.Cuda.allocate`."""
        with self._told:
            return DeviceMemory(self._told, self._driver.mem_alloc(size))

    def upload(self, address: int, array: np.ndarray, stream: Stream) -> None:
        """See `cuda.Cuda.upload`."""
        with self._told:
            self._driver.memcpy_htod_async(address, array, raw_of(stream))

    def download(self, array: np.ndarray, address: int, stream: Stream) -> None:
        """See `cuda.Cuda.download`."""
        with self._told:
            self._driver.memcpy_dtoh_async(array, address, raw_of(stream))

    def capture(self, stream: Stream, work: Callable[[], None]) -> CapturedGraph:
        """See `cuda.Cuda.capture`."""
        return capture(stream, work)

    def close(self) -> None:
        """See `cuda.Cuda.close`.

        ``detach`` and not ``pop``: a context that is only popped is released later by pycuda's
        destructor, with a call that is not for primary contexts.
        """
        with self._told:
            self._context.detach()
        _pop_current()


def _pop_current() -> None:
    """Take the context off this thread's stack, which releasing a primary one does not do.

    pycuda has no call for that without pushing another one. Left there, the next user of the CUDA
    runtime on this thread, a build for instance, would meet a context that is gone.
    Source: CUDA driver API, cuDevicePrimaryCtxRelease and cuCtxPopCurrent.
    """
    popped = ctypes.c_void_p()
    error = ctypes.CDLL("libcuda.so.1").cuCtxPopCurrent_v2(ctypes.byref(popped))
    if error:
        raise CudaError(f"cuCtxPopCurrent failed: error {error}", hint=LOOK)
