"""The layers over pycuda and cuda-bindings, on stand-ins with the very names of those packages.

The stand-ins have what is used and nothing else, with the parameters as pycuda 2026.1
(src/wrapper/wrap_cudadrv.cpp) and cuda-bindings 13.5 declare them: a misspelt name, a wrong number
of arguments or an unknown keyword fails here.
"""

from __future__ import annotations

import enum
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from engines import nvidia
from engines.errors import BackendUnavailable, EngineError
from engines.tensorrt import cuda_pycuda
from engines.tensorrt.cuda import CaptureError, CudaError, OutOfDeviceMemory
from engines.tensorrt.cuda_pycuda import device_facts, open_device


class Pycuda:
    """Makes the stand-in module; writes down what is called and fails where it is told to."""

    def __init__(self, devices=2):
        self.log: list = []
        self.failing: dict[str, Exception] = {}
        self.devices = devices
        self.module = self._module()

    def call(self, name, *details):
        self.log.append((name, *details) if details else name)
        if name in self.failing:
            raise self.failing[name]

    def _module(self):
        call, devices = self.call, self.devices

        class Error(Exception):
            pass

        class MemoryError(Error):
            pass

        class Context:
            def push(self):
                call("push")

            def detach(self):
                call("detach")

        class Device:
            def __init__(self, ordinal):
                self._ordinal = ordinal

            @staticmethod
            def count():
                return devices

            def name(self):
                return f"Pretend {self._ordinal}"

            def compute_capability(self):
                return (8, 7)

            def total_memory(self):
                return 8 * 2**30

            def get_attribute(self, attribute):
                assert attribute == "INTEGRATED"
                return self._ordinal

            def retain_primary_context(self):
                call("retain", self._ordinal)
                return Context()

        class Stream:
            handle = 4711

            def __init__(self, flags=0):
                call("Stream", flags)

            def synchronize(self):
                call("Stream.synchronize")

            def __del__(self):
                call("Stream is gone")

        class Event:
            def __init__(self, flags=0):
                call("Event", flags)

            def record(self, stream=None):
                assert isinstance(stream, Stream)
                call("record")

            def synchronize(self):
                call("Event.synchronize")

            def time_since(self, start):
                assert isinstance(start, Event)
                return 1.5

            def __del__(self):
                call("Event is gone")

        class Allocation:
            def __int__(self):
                return 0xD000

            def free(self):
                call("free")

            def get_device_pointer(self):
                call("get_device_pointer")
                return 0xA000

        class Array(np.ndarray):  # real ones have the allocation as their base
            @property
            def base(self):
                return Allocation()

        def pagelocked_empty(shape, dtype, order="C", mem_flags=0):
            call("pagelocked_empty", shape, mem_flags)
            return np.zeros(shape, dtype).view(Array)

        def mem_alloc(size):
            call("mem_alloc", size)
            return Allocation()

        def memcpy_htod_async(dest, src, stream=None):
            assert isinstance(stream, Stream)
            call("htod", dest, src.nbytes)

        def memcpy_dtoh_async(dest, src, stream=None):
            assert isinstance(stream, Stream)
            call("dtoh", src, dest.nbytes)

        module = ModuleType("pycuda.driver")
        vars(module).update(
            Error=Error,
            MemoryError=MemoryError,
            Device=Device,
            Stream=Stream,
            Event=Event,
            init=lambda flags=0: call("init"),
            get_driver_version=lambda: 12060,
            mem_get_info=lambda: (3, 4),
            mem_alloc=mem_alloc,
            pagelocked_empty=pagelocked_empty,
            memcpy_htod_async=memcpy_htod_async,
            memcpy_dtoh_async=memcpy_dtoh_async,
            device_attribute=SimpleNamespace(INTEGRATED="INTEGRATED"),
            event_flags=SimpleNamespace(BLOCKING_SYNC=1, DISABLE_TIMING=2),
            host_alloc_flags=SimpleNamespace(DEVICEMAP=2),
        )
        return module


@pytest.fixture
def pycuda(monkeypatch):
    made = Pycuda()
    monkeypatch.setitem(sys.modules, "pycuda", ModuleType("pycuda"))
    monkeypatch.setitem(sys.modules, "pycuda.driver", made.module)
    monkeypatch.setattr(cuda_pycuda, "_pop_current", lambda: made.call("pop"))
    return made


def test_facts_need_no_context(pycuda):
    facts = device_facts(1)
    assert (facts.index, facts.name, facts.compute_capability) == (1, "Pretend 1", "8.7")
    assert (facts.total_bytes, facts.integrated, facts.driver) == (8 * 2**30, True, (12, 6))
    assert pycuda.log == ["init"]


def test_the_primary_context_is_shared_and_given_back(pycuda):
    device = open_device(1)
    assert pycuda.log == ["init", ("retain", 1), "push"]
    assert device.memory() == (3, 4)
    device.close()
    assert pycuda.log[3:] == ["detach", "pop"]


def test_context_that_cannot_be_made_current_is_given_back(pycuda):
    pycuda.failing["push"] = pycuda.module.Error("cuCtxPushCurrent failed: invalid context")
    with pytest.raises(CudaError, match="cuCtxPushCurrent failed"):
        open_device(0)
    assert pycuda.log[-1] == "detach"


@pytest.mark.parametrize("index", [-1, 2])
def test_gpu_that_is_not_there(pycuda, index):
    with pytest.raises(EngineError, match=f"there is no GPU {index}, CUDA sees 2") as caught:
        open_device(index)
    assert "0..1" in caught.value.hint


@pytest.mark.parametrize(
    ("driver", "words", "remedy"),
    [
        pytest.param(None, "'pycuda.driver' does not load", "pip install pycuda cuda", id="there"),
        pytest.param("libno.so", "no NVIDIA driver", "install the driver", id="missing-too"),
    ],
)
def test_pycuda_that_is_missing(monkeypatch, driver, words, remedy):
    monkeypatch.setitem(sys.modules, "pycuda", None)
    monkeypatch.setattr(nvidia, "_DRIVER", driver)
    with pytest.raises(BackendUnavailable, match=words) as caught:
        open_device(0)
    assert remedy in caught.value.hint


def test_driver_that_does_not_start(pycuda):
    pycuda.failing["init"] = pycuda.module.Error(
        "cuInit failed: no CUDA-capable device is detected"
    )
    with pytest.raises(BackendUnavailable, match="no CUDA-capable device") as caught:
        device_facts(0)
    assert "nvidia-smi" in caught.value.hint


def test_every_call_of_a_device(pycuda):
    device = open_device(0)
    del pycuda.log[:]
    stream = device.stream()
    assert stream.handle == 4711
    begun, done = device.event(timed=True), device.event(blocking=True)
    host = device.pinned((2, 3), np.float32, mapped=False)
    assert (host.array.shape, host.array.dtype, host.address) == ((2, 3), np.float32, 0)
    memory = device.allocate(24)
    assert memory.address == 0xD000
    device.upload(memory.address, host.array, stream)
    device.download(host.array, memory.address, stream)
    done.record(stream)
    done.wait()
    assert done.ms_since(begun) == 1.5
    stream.synchronize()
    for thing in (memory, host, begun, done, stream):
        thing.close()
    assert pycuda.log == [
        ("Stream", 1),  # CU_STREAM_NON_BLOCKING
        ("Event", 0),
        ("Event", 3),  # sleeps while waiting, takes no time
        ("pagelocked_empty", (2, 3), 0),
        ("mem_alloc", 24),
        ("htod", 0xD000, 24),
        ("dtoh", 0xD000, 24),
        "record",
        "Event.synchronize",
        "Stream.synchronize",
        "free",
        "free",
        "Event is gone",
        "Event is gone",
        "Stream is gone",
    ]


def test_mapped_memory_has_an_address_on_the_device(pycuda):
    device = open_device(1)
    host = device.pinned((4,), np.uint8, mapped=True)
    assert host.address == 0xA000
    assert ("pagelocked_empty", (4,), 2) in pycuda.log  # CU_MEMHOSTALLOC_DEVICEMAP


def test_mapped_memory_without_an_address_is_freed(pycuda):
    device = open_device(1)
    pycuda.failing["get_device_pointer"] = pycuda.module.Error("failed: invalid value")
    with pytest.raises(CudaError, match="invalid value"):
        device.pinned((4,), np.uint8, mapped=True)
    assert pycuda.log[-1] == "free"


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        pytest.param("Error", CudaError, id="any"),
        pytest.param("MemoryError", OutOfDeviceMemory, id="memory"),
    ],
)
def test_errors_become_ours(pycuda, kind, ours):
    device = open_device(0)
    pycuda.failing["mem_alloc"] = getattr(pycuda.module, kind)("cuMemAlloc failed: because")
    with pytest.raises(ours, match="cuMemAlloc failed: because") as caught:
        device.allocate(1)
    assert caught.value.hint


@pytest.mark.parametrize("error", [0, 201], ids=["good", "invalid-context"])
def test_context_is_taken_off_the_stack_by_the_driver(monkeypatch, error):
    libraries = []

    def load(name):
        libraries.append(name)
        return SimpleNamespace(cuCtxPopCurrent_v2=lambda popped: error)

    monkeypatch.setattr(cuda_pycuda.ctypes, "CDLL", load)
    if error:
        with pytest.raises(CudaError, match="cuCtxPopCurrent failed: error 201"):
            cuda_pycuda._pop_current()
    else:
        cuda_pycuda._pop_current()
    assert libraries == ["libcuda.so.1"]


class Result(enum.IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_OUT_OF_MEMORY = 2
    CUDA_ERROR_LAUNCH_FAILED = 719
    CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901


class Mode(enum.IntEnum):
    CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1


class Bindings:
    """The stand-in of cuda.bindings.driver: each call gives a tuple that begins with the error."""

    CUresult = Result
    CUstreamCaptureMode = Mode

    def __init__(self):
        self.log: list[str] = []
        self.failing: dict[str, Result] = {}

    def _answer(self, name, *values):
        self.log.append(name)
        error = self.failing.get(name, Result.CUDA_SUCCESS)
        return (error, *(None if error else value for value in values))

    def CUstream(self, handle):
        return f"stream {handle}"

    def cuStreamBeginCapture(self, hStream, mode):
        assert hStream == "stream 4711"
        assert mode is Mode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        return self._answer("begin")

    def cuStreamEndCapture(self, hStream):
        assert hStream == "stream 4711"
        return self._answer("end", "graph")

    def cuGraphInstantiate(self, hGraph, flags):
        assert (hGraph, flags) == ("graph", 0)
        return self._answer("instantiate", "launchable")

    def cuGraphDestroy(self, hGraph):
        assert hGraph == "graph"
        return self._answer("destroy graph")

    def cuGraphLaunch(self, hGraphExec, hStream):
        assert (hGraphExec, hStream) == ("launchable", 4711)
        return self._answer("launch")

    def cuGraphExecDestroy(self, hGraphExec):
        assert hGraphExec == "launchable"
        return self._answer("destroy launchable")


@pytest.fixture
def bindings(monkeypatch):
    made = Bindings()
    for name in ("cuda", "cuda.bindings"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "cuda.bindings.driver", made)
    return made


@pytest.fixture
def on_stream(pycuda):
    device = open_device(0)
    return device, device.stream()


def test_capture_and_launch(bindings, on_stream):
    device, stream = on_stream
    graph = device.capture(stream, lambda: bindings.log.append("work"))
    assert bindings.log == ["begin", "work", "end", "instantiate", "destroy graph"]
    del bindings.log[:]
    graph.launch(stream)
    graph.close()
    assert bindings.log == ["launch", "destroy launchable"]


@pytest.mark.parametrize(
    ("failing", "log"),
    [
        pytest.param("begin", ["begin"], id="begin"),
        pytest.param("end", ["begin", "end"], id="end"),
        pytest.param("instantiate", ["begin", "end", "instantiate", "destroy graph"], id="memory"),
    ],
)
def test_capture_that_fails_leaves_nothing(bindings, on_stream, failing, log):
    device, stream = on_stream
    bindings.failing[failing] = Result.CUDA_ERROR_OUT_OF_MEMORY
    with pytest.raises(CaptureError, match=r"failed: CUDA_ERROR_OUT_OF_MEMORY"):
        device.capture(stream, lambda: None)
    assert bindings.log == log


@pytest.mark.parametrize("spoilt", [False, True], ids=["capture-goes-on", "capture-is-spoilt"])
def test_work_that_cannot_be_captured_ends_the_capture(bindings, on_stream, spoilt):
    device, stream = on_stream
    if spoilt:
        bindings.failing["end"] = Result.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED

    def work():
        raise EngineError("TensorRT 10.3.0 failed while fusing: not capturable")

    with pytest.raises(CaptureError, match="not capturable"):
        device.capture(stream, work)
    assert bindings.log == (["begin", "end"] if spoilt else ["begin", "end", "destroy graph"])


def test_interrupted_capture_is_ended_too(bindings, on_stream):
    device, stream = on_stream

    def work():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        device.capture(stream, work)
    assert bindings.log == ["begin", "end", "destroy graph"]


def test_without_cuda_bindings_nothing_is_captured(monkeypatch, on_stream):
    monkeypatch.setitem(sys.modules, "cuda", None)
    device, stream = on_stream
    with pytest.raises(CaptureError, match=r"'cuda.bindings.driver' does not load"):
        device.capture(stream, lambda: None)


def test_launch_on_a_lost_device(bindings, on_stream):
    device, stream = on_stream
    graph = device.capture(stream, lambda: None)
    bindings.failing["launch"] = Result.CUDA_ERROR_LAUNCH_FAILED
    with pytest.raises(CudaError, match="cuGraphLaunch failed: CUDA_ERROR_LAUNCH_FAILED"):
        graph.launch(stream)
