"""TensorRT and TensorRT-RTX: the fast way on NVIDIA GPUs."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .. import contract
from ..base import Engine, EngineInfo
from ..errors import EngineError
from .cuda import CudaError, CudaOpener
from .cuda_pycuda import open_device
from .flavour import Flavour
from .runtime import Runtime, tensor_shapes
from .session import Session
from .slots import Slot
from .trt_runtime import TrtRuntime


class TensorRtEngine(Engine):
    """A plan on one GPU, with pairs under way in slots that overlap.

    Opened, used and closed on one thread, which has no other GPU as its current one meanwhile.
    After an error of the GPU or of TensorRT it can only be closed. It must be closed: pycuda aborts
    the whole process when a thread ends that still has a context.

    Attributes:
        device_bytes: GPU memory that it took, see `session.Session`.
    """

    def __init__(
        self,
        plan: bytes,
        size_wh: tuple[int, int],
        *,
        flavour: Flavour,
        model: str,
        precision: str,
        ir_size_wh: tuple[int, int] | None = None,
        device: int = 0,
        slots: int = 2,
        graph: bool = True,
        kernels: Path | None = None,
        open_cuda: CudaOpener = open_device,
        runtime: Runtime | None = None,
    ) -> None:
        """Load the plan, allocate all memory, warm up and capture.

        Args:
            plan: built by this flavour and version for such a GPU.
            size_wh: width and height in px that it was built for.
            flavour: that runs it.
            model: name of the model in it.
            precision: of the network in it.
            ir_size_wh: of the camera's own infrared picture, where the plan warps; else None.
            device: CUDA's number of the GPU.
            slots: most pairs under way; fewer where the memory does not do, see ``info.notes``.
            graph: launch a pair as one CUDA graph where that goes.
            kernels: file in which TensorRT-RTX keeps what it compiles for this GPU at the first
                start; None to compile at each start.
            open_cuda: makes the GPU the current one.
            runtime: loads the plan; None takes the flavour's own.

        Raises:
            PlanRejected: the plan does not load here or is for other pictures: build it anew.
            BackendUnavailable: no pycuda, driver or GPU, or the driver is too old.
            OutOfDeviceMemory: the GPU has too little memory for one pair.
            EngineError: the GPU or TensorRT fails.
        """
        super().__init__(size_wh, ir_size_wh)
        begun = time.perf_counter()
        self._thread = threading.get_ident()
        self._unusable: EngineError | None = None
        try:
            session = Session(
                open_cuda,
                runtime or TrtRuntime(flavour),
                plan,
                tensor_shapes(size_wh, ir_size_wh),
                device=device,
                slots=slots,
                graph=graph,
                kernels=kernels,
            )
        except CudaError as error:
            raise _failed("failed while the engine was opened", error) from error
        self._session: Session | None = session
        self._free = deque(session.slots)
        self._busy: deque[Slot] = deque()
        self.slots = len(session.slots)
        self.device_bytes = session.device_bytes
        self.info = EngineInfo(
            name=flavour.name,
            version=flavour.version,
            device=session.facts.name,
            model=model,
            precision=precision,
            size_wh=size_wh,
            open_ms=(time.perf_counter() - begun) * 1e3,
            notes=tuple(session.notes),
        )

    def set_weight(self, weight: np.ndarray) -> None:
        """See `Engine.set_weight`. Waits for the pairs under way unless nothing changes."""
        super().set_weight(weight)
        self._place(contract.WEIGHT, weight)

    def network_ms(self, runs: int) -> list[float]:
        """Device time in ms of the network alone, without copies, of so many runs.

        Raises:
            EngineError: pairs are under way, or the GPU fails.
        """
        if self._busy:
            raise EngineError("pairs are under way", hint="collect them before measuring")
        with self._on_device():
            return self._free[0].network_ms(runs)

    def close(self) -> None:
        """See `Engine.close`.

        Raises:
            EngineError: on another thread than it was opened on; or the GPU fails and had not
                failed before.
        """
        if self._session is None:
            return
        self._check_thread()
        session, self._session = self._session, None
        known = self._unusable
        self._unusable = EngineError("the engine is closed", hint="open another one")
        self._free.clear()
        self._busy.clear()
        self._under_way = 0
        try:
            session.close()
        except EngineError as error:
            if known is None:  # else the loss was told, and nothing can be released any more
                raise _failed("failed while the engine was closed", error) from error

    def _begin(self, ir: np.ndarray, vis: np.ndarray) -> None:
        with self._on_device():
            slot = self._free.popleft()
            slot.begin(ir, vis)
            self._busy.append(slot)

    def _finish(self) -> np.ndarray:
        with self._on_device():
            slot = self._busy.popleft()
            slot.wait()
            fused = slot.fused()
            self._free.append(slot)
            return fused

    def _place_grid(self, grid: np.ndarray) -> None:
        self._place(contract.GRID, grid)

    def _place(self, name: str, values: np.ndarray) -> None:
        with self._on_device() as session:
            if session.holds(name, values):
                return
            for slot in self._busy:
                slot.wait()
            session.place(name, values)

    @contextmanager
    def _on_device(self) -> Iterator[Session]:
        """Work with the GPU; what fails here makes the engine unusable."""
        self._check_thread()
        if self._unusable is not None:
            raise EngineError(str(self._unusable), hint=self._unusable.hint)
        assert self._session is not None
        try:
            yield self._session
        except CudaError as error:
            self._unusable = _failed("was lost while fusing", error)
            raise self._unusable from error
        except EngineError as error:
            self._unusable = error
            raise

    def _check_thread(self) -> None:
        if threading.get_ident() != self._thread:
            raise EngineError(
                "a TensorRT engine was used on another thread than it was opened on",
                hint="open, use and close it on one thread",
            )


def _failed(what: str, error: EngineError) -> EngineError:
    return EngineError(
        f"the GPU {what}: {error}",
        hint="dmesg may tell why (lines with Xid); start again, or choose --engine openvino",
    )
