"""Everything that one engine holds on a GPU, opened and closed together."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import contract
from ..base import stretched_grid
from ..cache_dir import write_whole
from ..errors import EngineError
from .cuda import CudaError, CudaOpener, DeviceFacts, OutOfDeviceMemory
from .releases import Releases
from .runtime import LoadedPlan, Runtime, Shape, check_tensors
from .slots import Slot
from .tensors import Tensor, pair_bytes

_MIB = 2**20


class Session:
    """Context, plan, the tensors that all pairs share, and the slots.

    Attributes:
        facts: of the GPU.
        slots: ready to take a pair each.
        notes: in words, what is not as it should be.
        device_bytes: memory that all this took, as the driver counts it; what other programs took
            or gave back meanwhile is in it too.
    """

    def __init__(
        self,
        open_cuda: CudaOpener,
        runtime: Runtime,
        plan: bytes,
        shapes: dict[str, Shape],
        *,
        device: int,
        slots: int,
        graph: bool,
        kernels: Path | None,
    ) -> None:
        """Open; see `engine.TensorRtEngine`. Nothing is left open where it fails.

        Raises:
            PlanRejected, BackendUnavailable, OutOfDeviceMemory, EngineError: see there.
        """
        self.notes: list[str] = []
        self.slots: list[Slot] = []
        with Releases() as release:
            self._cuda = open_cuda(device)
            release.add(self._cuda.close)
            self.facts: DeviceFacts = self._cuda.facts
            free, total = self._cuda.memory()
            needed = len(plan) + pair_bytes(shapes)
            try:
                former = self._read_kernels(kernels)
                self._plan: LoadedPlan = runtime.load(plan, former)
                release.add(self._plan.close)
                needed += self._plan.scratch_bytes
                check_tensors(self._plan.tensors, shapes)
                self._share(shapes, release)
                self._open_slots(shapes, slots, graph, release)
                self.device_bytes = free - self._cuda.memory()[0]
            except OutOfDeviceMemory as error:
                raise OutOfDeviceMemory(
                    f"too little GPU memory: about {_mib(needed)} MiB are needed, "
                    f"{_mib(free)} of {_mib(total)} MiB were free ({error})",
                    hint="close other programs that use the GPU (nvidia-smi lists them), or take "
                    "a smaller size",
                ) from error
            self.notes += self._plan.notes
            self._keep_kernels(kernels, former)
            self._release = release.keep()

    def place(self, name: str, values: np.ndarray) -> None:
        """Give all slots another weight or grid; all of them are idle.

        Args:
            name: of `engines.contract`.
            values: (H, W) uint8 for the weight, (H, W, 2) float32 for the grid.
        """
        tensor = self._shared[name]
        np.copyto(tensor.array, values)
        # Enqueued and waited for: a plain copy may return before the device has all of it.
        tensor.upload(self._stream)
        self._stream.synchronize()

    def holds(self, name: str, values: np.ndarray) -> bool:
        """Whether that weight or grid is the one on the device already."""
        return np.array_equal(self._shared[name].array.reshape(values.shape), values)

    def close(self) -> None:
        """Release all, newest first. Twice is fine."""
        self._release.close()

    def _share(self, shapes: dict[str, Shape], release: Releases) -> None:
        self._stream = self._cuda.stream()
        release.add(self._stream.close)
        names = [name for name in (contract.WEIGHT, contract.GRID) if name in shapes]
        self._shared: dict[str, Tensor] = {
            name: Tensor(self._cuda, name, shapes[name], release) for name in names
        }
        release.add(self._stream.synchronize)
        self.place(contract.WEIGHT, np.full(shapes[contract.WEIGHT][2:], 255, np.uint8))
        if contract.GRID in shapes:
            _, height, width, _ = shapes[contract.GRID]
            self.place(contract.GRID, stretched_grid((width, height)))

    def _open_slots(
        self, shapes: dict[str, Shape], count: int, graph: bool, release: Releases
    ) -> None:
        for index in range(count):
            try:
                slot = Slot(self._cuda, self._plan, shapes, self._shared, graph=graph)
            except CudaError:
                raise
            except EngineError as error:  # too little memory, or TensorRT makes no more contexts
                if index == 0:
                    raise
                self.notes.append(f"{index} of {count} pairs can be under way at a time: {error}")
                break
            release.add(slot.close)
            self.slots.append(slot)
        reasons = [slot.why_plain for slot in self.slots if slot.why_plain]
        if graph and reasons:
            self.notes.append(f"pairs are not launched as one CUDA graph: {reasons[0]}")

    def _read_kernels(self, path: Path | None) -> bytes | None:
        try:
            return None if path is None else path.read_bytes()
        except FileNotFoundError:  # the first start
            return None
        except OSError as error:
            self.notes.append(f"cannot read {path}: {error.strerror}; kernels are compiled anew")
            return None

    def _keep_kernels(self, path: Path | None, former: bytes | None) -> None:
        kernels = self._plan.kernels()
        if path is None or kernels is None or kernels == former:
            return
        try:
            write_whole(path, kernels)
        except EngineError as error:
            self.notes.append(f"{error}: the next start compiles kernels again")


def _mib(size: int) -> int:
    return -(-size // _MIB)
