"""CUDA graphs by cuda-bindings: what a stream is given, recorded once and launched by one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import BackendUnavailable, EngineError
from ..optional import require
from .cuda import LOOK, CaptureError, CudaError, Stream


def capture(stream: Stream, work: Callable[[], None]) -> CapturedGraph:
    """See `cuda.Cuda.capture`. The stream may be of another package: its handle is all it takes."""
    try:
        driver: Any = require("cuda.bindings.driver", remedy="pip install cuda-bindings")
    except BackendUnavailable as error:
        raise CaptureError(str(error), hint=error.hint) from error
    handle = driver.CUstream(stream.handle)
    try:
        # This thread alone must do nothing else meanwhile; others may, a build for instance.
        _check(
            driver,
            "cuStreamBeginCapture",
            handle,
            driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL,
        )
        try:
            work()
        except BaseException:
            _abandon(driver, handle)
            raise
        graph = _check(driver, "cuStreamEndCapture", handle)
        try:
            launchable = _check(driver, "cuGraphInstantiate", graph, 0)
        finally:
            _check(driver, "cuGraphDestroy", graph)
    except EngineError as error:
        raise CaptureError(str(error), hint=error.hint) from error
    return CapturedGraph(driver, launchable)


class CapturedGraph:
    """See `cuda.Graph`."""

    def __init__(self, driver: Any, launchable: Any) -> None:
        self._driver = driver
        self._launchable = launchable

    def launch(self, stream: Stream) -> None:
        """See `cuda.Graph.launch`."""
        _check(self._driver, "cuGraphLaunch", self._launchable, stream.handle)

    def close(self) -> None:
        """See `cuda.Graph.close`."""
        _check(self._driver, "cuGraphExecDestroy", self._launchable)


def _abandon(driver: Any, handle: Any) -> None:
    """End a capture that failed, so that the stream can be used on.

    The driver answers with an error and no graph where the failure spoilt the capture.
    """
    error, graph = driver.cuStreamEndCapture(handle)
    if error == driver.CUresult.CUDA_SUCCESS:
        _check(driver, "cuGraphDestroy", graph)


def _check(driver: Any, name: str, *arguments: Any) -> Any:
    """What a call of the driver returns besides its error code.

    Raises:
        CudaError: the code is not that of success.
    """
    error, *values = getattr(driver, name)(*arguments)
    if error != driver.CUresult.CUDA_SUCCESS:
        raise CudaError(f"{name} failed: {error.name}", hint=LOOK)
    return values[0] if values else None
