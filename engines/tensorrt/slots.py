"""One pair's way through the device: upload, network, download, as one graph where that goes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .. import contract
from .cuda import CaptureError, Cuda, Graph
from .releases import Releases
from .runtime import LoadedPlan, Shape
from .tensors import Tensor

_OWN = (contract.IR, contract.VIS, contract.FUSED)


class Slot:
    """A stream with its own execution context and memory, so that slots overlap.

    Everything is allocated, warmed up and captured when it is made; after that a pair only copies
    into page-locked memory, launches and waits.

    Attributes:
        why_plain: why pairs are enqueued call by call; "" where a graph is launched.
    """

    def __init__(
        self,
        cuda: Cuda,
        plan: LoadedPlan,
        shapes: Mapping[str, Shape],
        shared: Mapping[str, Tensor],
        *,
        graph: bool,
    ) -> None:
        """Open.

        Args:
            cuda: the device.
            plan: that fuses.
            shapes: of all tensors.
            shared: tensors that all slots read: weight and grid.
            graph: try to capture.

        Raises:
            OutOfDeviceMemory, CudaError, EngineError: nothing is left allocated then.
        """
        self.why_plain = "" if graph else "asked for"
        self._cuda = cuda
        with Releases() as release:
            self._stream = cuda.stream()
            release.add(self._stream.close)
            own = {name: Tensor(cuda, name, shapes[name], release) for name in _OWN}
            self._ir, self._vis, self._fused = (own[name] for name in _OWN)
            self._context = plan.context()
            release.add(self._context.close)
            self._bind({**shared, **own}, shapes)
            self._done = cuda.event(blocking=cuda.facts.integrated)
            release.add(self._done.close)
            # Whatever happens from here on: nothing is freed while the device works on it.
            release.add(self._stream.synchronize)
            self._warm_up()
            self._graph = self._captured(release) if graph else None
            self._release = release.keep()

    def begin(self, ir: np.ndarray, vis: np.ndarray) -> None:
        """Copy a pair and set the device to work on it; both arrays may change afterwards.

        Args:
            ir: (H, W) or the camera's own (Hi, Wi), uint8.
            vis: (H, W, 3) uint8.
        """
        np.copyto(self._ir.array, ir)
        np.copyto(self._vis.array, vis)
        if self._graph is None:
            self._enqueue()
        else:
            self._graph.launch(self._stream)
        self._done.record(self._stream)

    def wait(self) -> None:
        """Until the pair is fused."""
        self._done.wait()

    def fused(self) -> np.ndarray:
        """The caller's own copy of the fused picture, (H, W, 3) uint8, once it is there."""
        return self._fused.array[0].copy()

    def network_ms(self, runs: int) -> list[float]:
        """Device time of the network alone, without any copy, measured run by run.

        It is launched as a graph where pairs are too. The slot is idle before and after.
        """
        with Releases() as release:
            begun, done = (self._cuda.event(timed=True) for _ in range(2))
            release.add(begun.close)
            release.add(done.close)
            graph = None
            if self._graph is not None:
                graph = self._cuda.capture(self._stream, self._run_network)
                release.add(graph.close)
            release.add(self._stream.synchronize)
            times_ms = []
            for _ in range(runs):
                begun.record(self._stream)
                if graph is None:
                    self._run_network()
                else:
                    graph.launch(self._stream)
                done.record(self._stream)
                done.wait()
                times_ms.append(done.ms_since(begun))
            return times_ms

    def close(self) -> None:
        """Wait for the device, then release everything, newest first."""
        self._release.close()

    def _bind(self, tensors: Mapping[str, Tensor], shapes: Mapping[str, Shape]) -> None:
        """Give the context its shapes and addresses, once for all pairs."""
        for name, shape in shapes.items():
            if name != contract.FUSED:
                self._context.set_shape(name, shape)
        for name in shapes:
            self._context.set_address(name, tensors[name].address)
        self._context.check_ready()

    def _warm_up(self) -> None:
        """One run with black pictures: what is made at the first run is made here."""
        self._ir.array.fill(0)
        self._vis.array.fill(0)
        self._enqueue()
        self._stream.synchronize()

    def _captured(self, release: Releases) -> Graph | None:
        """The pair as a graph, or None with the reason in `why_plain`."""
        try:
            if not self._context.capturable(self._stream.handle):
                raise CaptureError("TensorRT says that this plan cannot be captured")
            graph = self._cuda.capture(self._stream, self._enqueue)
        except CaptureError as error:
            self.why_plain = str(error)
        else:
            release.add(graph.close)
            release.add(self._stream.synchronize)
            graph.launch(self._stream)
            self._stream.synchronize()
            return graph
        self._warm_up()  # the stream must still work
        return None

    def _enqueue(self) -> None:
        self._ir.upload(self._stream)
        self._vis.upload(self._stream)
        self._run_network()
        self._fused.download(self._stream)

    def _run_network(self) -> None:
        self._context.enqueue(self._stream.handle)
