"""A GPU and a TensorRT made of plain memory, which write down every call and can fail at any.

Work that is enqueued is done late, as on a real device: when its stream or event is waited for.
Captured work is kept and done again at each launch. The network is

    fused = vis ^ (infrared & weight)

in each channel, which shows every input's every bit; the grid variant takes its infrared from the
nearest pixel of the grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from engines.errors import EngineError
from engines.tensorrt.cuda import CaptureError, CudaError, DeviceFacts, OutOfDeviceMemory
from engines.tensorrt.runtime import PlanRejected, TensorFacts, tensor_shapes

FREE, TOTAL = 3 * 2**30, 8 * 2**30
SCRATCH = 5 * 2**20


def network(ir, vis, weight, grid=None):
    """What the stand-in computes, (H, W, 3) uint8."""
    if grid is not None:
        columns = np.clip((grid[..., 0] + 1) / 2 * ir.shape[1], 0, ir.shape[1] - 1).astype(int)
        rows = np.clip((grid[..., 1] + 1) / 2 * ir.shape[0], 0, ir.shape[0] - 1).astype(int)
        ir = ir[rows, columns]
    return vis ^ (ir & weight)[..., None]


@dataclass
class Work:
    """Something enqueued.

    Attributes:
        do: does it.
        uses: names of what it needs until then.
    """

    do: Callable[[], None]
    uses: frozenset[str]


@dataclass
class Gpu:
    """State of the stand-in: what was called, what is acquired, what memory holds.

    Attributes:
        calls: names of all calls in order.
        fail_at: number of the call, from 1, that fails; 0 for none.
        failing: makes the error of that call.
        sticky: from the failing call on everything fails, as on a lost device.
        open: what is acquired and not yet released, in order of acquiring.
    """

    integrated: bool = False
    capturing_works: bool = True
    fail_at: int = 0
    failing: Callable[[str], EngineError] = CudaError
    sticky: bool = False
    calls: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    memory: dict[int, np.ndarray] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    streams: list[RecordingStream] = field(default_factory=list)
    _next_address: int = 0x10000

    def call(self, name: str) -> None:
        """Write a call down; fail if it is its turn."""
        self.calls.append(name)
        turn = self.fail_at and len(self.calls) >= self.fail_at
        if turn and (self.sticky or len(self.calls) == self.fail_at):
            raise self.failing(f"{name} failed")

    def acquire(self, kind: str) -> str:
        """Name of a new thing, for instance "stream 2"."""
        self.call(f"new {kind}")
        known = [name for name in self.open + self.released if name.rsplit(" ", 1)[0] == kind]
        self.open.append(f"{kind} {len(known) + 1}")
        return self.open[-1]

    def release(self, name: str) -> None:
        """Must be called once, and not while the device may use it."""
        assert name in self.open, f"{name} is released twice"
        busy = {used for stream in self.streams for work in stream.pending for used in work.uses}
        assert name not in busy or self.sticky, f"{name} is released while the device uses it"
        self.open.remove(name)
        self.released.append(name)
        self.call(f"release {name}")

    def place(self, array: np.ndarray, name: str) -> int:
        """An address for memory of ours."""
        self._next_address += 0x10000000
        self.memory[self._next_address] = array.reshape(-1).view(np.uint8)
        self.names[self._next_address] = name
        return self._next_address

    def open_cuda(self, index: int) -> RecordingCuda:
        """A `CudaOpener`."""
        return RecordingCuda(self, index)


class RecordingCuda:
    def __init__(self, gpu: Gpu, index: int) -> None:
        self._gpu = gpu
        self._name = gpu.acquire("context")
        self.facts = DeviceFacts(index, f"Pretend {index}", "8.9", TOTAL, gpu.integrated, (12, 4))

    def memory(self):
        self._gpu.call("memory")
        return FREE - 2**20 * len(self._gpu.open), TOTAL

    def stream(self):
        return RecordingStream(self._gpu)

    def event(self, *, blocking=False, timed=False):
        return RecordingEvent(self._gpu, blocking, timed)

    def pinned(self, shape, dtype, *, mapped):
        return RecordingPinned(self._gpu, shape, dtype, mapped)

    def allocate(self, size):
        return RecordingMemory(self._gpu, size)

    def upload(self, address, array, stream):
        self._gpu.call("upload")
        target = self._gpu.memory[address]
        stream.enqueue(
            lambda: np.copyto(target, array.reshape(-1).view(np.uint8)),
            self._gpu.names[address],
            self._gpu.names[id(array)],
        )

    def download(self, array, address, stream):
        self._gpu.call("download")
        source = self._gpu.memory[address]
        stream.enqueue(
            lambda: np.copyto(array.reshape(-1).view(np.uint8), source),
            self._gpu.names[address],
            self._gpu.names[id(array)],
        )

    def capture(self, stream, work):
        if not self._gpu.capturing_works:
            raise CaptureError("'cuda.bindings.driver' does not load")
        stream.captured = []
        try:
            self._gpu.call("begin capture")
            work()
            self._gpu.call("end capture")
            return RecordingGraph(self._gpu, stream.captured)
        except EngineError as error:
            raise CaptureError(str(error)) from error
        finally:
            stream.captured = None

    def close(self):
        self._gpu.release(self._name)


class RecordingStream:
    def __init__(self, gpu):
        self._gpu = gpu
        self.name = gpu.acquire("stream")
        self.handle = 1000 + len(gpu.streams)
        self.pending: list[Work] = []
        self.captured: list[Work] | None = None
        gpu.streams.append(self)

    def enqueue(self, do, *uses):
        work = Work(do, frozenset((self.name, *uses)))
        (self.pending if self.captured is None else self.captured).append(work)
        return work

    def run(self, count=None):
        """Do the first so many pieces of work, or all."""
        assert self.captured is None, "waiting while capturing"
        todo = self.pending[:count]
        del self.pending[:count]
        for work in todo:
            work.do()

    def synchronize(self):
        try:
            self._gpu.call("synchronize")
        except EngineError:
            self.pending.clear()  # a device that fails does nothing more
            raise
        self.run()

    def close(self):
        self._gpu.release(self.name)


class RecordingEvent:
    def __init__(self, gpu, blocking, timed):
        self._gpu = gpu
        self._name = gpu.acquire("event")
        self.blocking, self._timed = blocking, timed
        self._stream = None
        self._mark = None

    def record(self, stream):
        self._gpu.call("record")
        assert stream.captured is None
        self._stream, self._mark = stream, stream.enqueue(lambda: None, self._name)

    def wait(self):
        self._gpu.call("wait")
        if self._mark in self._stream.pending:
            self._stream.run(self._stream.pending.index(self._mark) + 1)

    def ms_since(self, earlier):
        self._gpu.call("ms since")
        assert self._timed
        assert earlier._timed
        assert self._mark not in self._stream.pending
        return 0.25

    def close(self):
        self._gpu.release(self._name)


class RecordingPinned:
    def __init__(self, gpu, shape, dtype, mapped):
        self._gpu = gpu
        self._name = gpu.acquire("mapped memory" if mapped else "pinned memory")
        self.array = np.full(shape, 77, dtype)  # as it happens to be: nothing is cleared
        self.address = gpu.place(self.array, self._name) if mapped else 0
        gpu.names[id(self.array)] = self._name

    def close(self):
        self._gpu.release(self._name)
        self.array = None


class RecordingMemory:
    def __init__(self, gpu, size):
        self._gpu = gpu
        self._name = gpu.acquire("device memory")
        self.address = gpu.place(np.full(size, 88, np.uint8), self._name)

    def close(self):
        self._gpu.release(self._name)
        del self._gpu.memory[self.address]


class RecordingGraph:
    def __init__(self, gpu, work):
        self._gpu = gpu
        self._name = gpu.acquire("graph")
        self._work = work

    def launch(self, stream):
        self._gpu.call("launch")
        for work in self._work:
            stream.enqueue(work.do, self._name, *work.uses)

    def close(self):
        self._gpu.release(self._name)


class RecordingRuntime:
    """Loads b"plan" alone, a plan for pictures of these sizes.

    Attributes:
        addresses: per context, what each tensor was given.
        compiled: what it hands out as kernels.
        given_kernels: what it was given as such.
    """

    def __init__(self, gpu: Gpu, size_wh, ir_size_wh=None):
        self.gpu = gpu
        self.shapes = tensor_shapes(size_wh, ir_size_wh)
        self.tensors = tuple(
            TensorFacts(
                name,
                tuple(-1 if index else 1 for index, _ in enumerate(shape)),
                "FLOAT" if name == "grid" else "UINT8",
                name != "fused",
            )
            for name, shape in self.shapes.items()
        )
        self.addresses: list[dict[str, int]] = []
        self.contexts_at_most = 9
        self.says_capturable = True
        self.compiled: bytes | None = None
        self.given_kernels: bytes | None = None

    def load(self, plan, kernels):
        self.gpu.call("load plan")
        if plan != b"plan":
            raise PlanRejected("TensorRT cannot load the plan: it is something else")
        self.given_kernels = kernels
        return RecordingPlan(self)


class RecordingPlan:
    scratch_bytes = SCRATCH
    notes = ()

    def __init__(self, runtime):
        self._runtime = runtime
        self._name = runtime.gpu.acquire("plan")
        self.tensors = runtime.tensors

    def context(self):
        if len(self._runtime.addresses) >= self._runtime.contexts_at_most:
            raise OutOfDeviceMemory("5 MiB were asked for")
        return RecordingContext(self._runtime)

    def kernels(self):
        return self._runtime.compiled

    def close(self):
        self._runtime.gpu.release(self._name)


class RecordingContext:
    def __init__(self, runtime):
        self._gpu = runtime.gpu
        self._runtime = runtime
        self._name = self._gpu.acquire("execution context")
        self._addresses: dict[str, int] = {}
        runtime.addresses.append(self._addresses)
        self._shapes: dict[str, tuple[int, ...]] = {}

    def set_shape(self, name, shape):
        self._gpu.call(f"shape of {name}")
        if shape != self._runtime.shapes[name]:
            raise PlanRejected(f"TensorRT does not take '{name}' of {shape}")
        self._shapes[name] = shape

    def set_address(self, name, address):
        self._gpu.call(f"address of {name}")
        assert name not in self._addresses, "addresses are set once"
        self._addresses[name] = address

    def check_ready(self):
        self._gpu.call("check ready")
        assert set(self._shapes) == set(self._runtime.shapes) - {"fused"}
        assert set(self._addresses) == set(self._runtime.shapes)

    def shape(self, name):
        return self._runtime.shapes[name]

    def capturable(self, stream):
        self._gpu.call("capturable")
        return self._runtime.says_capturable

    def enqueue(self, stream):
        self._gpu.call("enqueue")
        (found,) = (one for one in self._gpu.streams if one.handle == stream)
        used = [self._gpu.names[address] for address in self._addresses.values()]
        found.enqueue(self._fuse, self._name, *used)

    def close(self):
        self._gpu.release(self._name)

    def _tensor(self, name):
        memory = self._gpu.memory[self._addresses[name]]
        return memory.view(np.float32 if name == "grid" else np.uint8).reshape(
            self._runtime.shapes[name]
        )

    def _fuse(self):
        grid = self._tensor("grid")[0] if "grid" in self._runtime.shapes else None
        ir, weight = (self._tensor(name)[0, 0] for name in ("ir", "weight"))
        self._tensor("fused")[0] = network(ir, self._tensor("vis")[0], weight, grid)
