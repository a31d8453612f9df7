"""TensorRT's side of a run: on stand-ins of each flavour, and on real bindings where they are."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from engines.errors import BackendUnavailable, EngineError
from engines.tensorrt import messages
from engines.tensorrt.cuda import OutOfDeviceMemory
from engines.tensorrt.flavour import flavour_of, load
from engines.tensorrt.runtime import PlanRejected, TensorFacts
from engines.tensorrt.trt_runtime import TrtRuntime

TENSORS = {"ir": (1, 1, -1, -1), "fused": (1, -1, -1, 3), "grid": (1, -1, -1, 2)}


class Library:
    """A stand-in of a TensorRT package: only the names that its version has.

    Attributes:
        refusing: calls that answer False or None, each with what the logger is told.
        log: what was made and let go, and some calls.
    """

    def __init__(self, name, version):
        self.__version__ = version
        self.refusing: dict[str, str] = {}
        self.log: list = []
        library = self

        class ILogger:
            def __init__(self):
                pass

        class Part:
            def __init__(self):
                library.log.append(f"new {type(self).__name__}")

            def __del__(self):
                library.log.append(f"{type(self).__name__} is gone")

            def _answer(self, call, good):
                if call in library.refusing:
                    severity = SimpleNamespace(name="ERROR")
                    library.logger.log(severity, library.refusing[call])
                    return None if good is not True else False
                return good

        class Runtime(Part):
            def __init__(self, logger):
                super().__init__()
                library.logger = logger

            def deserialize_cuda_engine(self, plan):
                assert isinstance(plan, bytes)
                return self._answer("deserialize", None) or (
                    None if "deserialize" in library.refusing else Engine()
                )

        class Engine(Part):
            num_io_tensors = len(TENSORS)

            def get_tensor_name(self, index):
                return list(TENSORS)[index]

            def get_tensor_shape(self, name):
                return Dims(TENSORS[name])

            def get_tensor_dtype(self, name):
                return SimpleNamespace(name="FLOAT" if name == "grid" else "UINT8")

            def get_tensor_mode(self, name):
                return SimpleNamespace(name="OUTPUT" if name == "fused" else "INPUT")

            def create_execution_context(self, *arguments):
                library.log.append(("context of", *(type(one).__name__ for one in arguments)))
                if "context" in library.refusing:
                    return self._answer("context", None)
                return Context()

        class Context(Part):
            def set_input_shape(self, name, shape):
                assert isinstance(shape, Dims)
                return self._answer("shape", True)

            def set_tensor_address(self, name, address):
                assert isinstance(address, int)
                return self._answer("address", True)

            def infer_shapes(self):
                return ["ir", "grid"] if "infer" in library.refusing else []

            def get_tensor_shape(self, name):
                return Dims((1, 64, 80, 3))

            def execute_async_v3(self, stream_handle):
                assert isinstance(stream_handle, int)
                return self._answer("enqueue", True)

        class Dims(tuple):
            __slots__ = ()

        if version.startswith("8."):
            Engine.device_memory_size = 111
        else:
            Engine.device_memory_size_v2 = 222
        if name == "tensorrt-rtx":
            Engine.create_runtime_config = lambda self: Config()
            Context.is_stream_capturable = lambda self, stream: "capture" not in library.refusing

            self.DynamicShapesKernelSpecializationStrategy = SimpleNamespace(EAGER="eager")

            class Config(Part):
                dynamic_shapes_kernel_specialization_strategy = "lazy"

                def create_runtime_cache(self):
                    library.log.append(self.dynamic_shapes_kernel_specialization_strategy)
                    return Cache()

                def set_runtime_cache(self, cache):
                    assert isinstance(cache, Cache)
                    return self._answer("cache", True)

            class Cache(Part):
                def deserialize(self, blob):
                    library.log.append(("kernels", blob))
                    return blob == b"good"

                def serialize(self):
                    return memoryview(b"compiled")

        self.ILogger, self.Runtime, self.Dims = ILogger, Runtime, Dims


FLAVOURS = [
    pytest.param("tensorrt", "8.6.1", id="8.6"),
    pytest.param("tensorrt", "10.3.0", id="10"),
    pytest.param("tensorrt", "11.4.0", id="11"),
    pytest.param("tensorrt-rtx", "1.7.1.116", id="rtx"),
]


@pytest.fixture
def flavour(request, monkeypatch):
    monkeypatch.setattr(messages, "_loggers", {})
    name, version = request.param
    return flavour_of(name, Library(name, version))


def flavours(*versions):
    rows = [row for row in FLAVOURS if not versions or row.id in versions]
    return pytest.mark.parametrize(
        "flavour", [pytest.param(row.values, id=row.id) for row in rows], indirect=True
    )


@flavours()
def test_a_plan_is_loaded_and_run(flavour):
    plan = TrtRuntime(flavour).load(b"plan", None)
    assert plan.tensors == (
        TensorFacts("ir", (1, 1, -1, -1), "UINT8", True),
        TensorFacts("fused", (1, -1, -1, 3), "UINT8", False),
        TensorFacts("grid", (1, -1, -1, 2), "FLOAT", True),
    )
    assert plan.scratch_bytes == (111 if flavour.version.startswith("8.") else 222)
    context = plan.context()
    context.set_shape("ir", (1, 1, 64, 80))
    context.set_address("ir", 0xD000)
    context.check_ready()
    assert context.shape("fused") == (1, 64, 80, 3)
    assert context.capturable(4711)
    context.enqueue(4711)
    assert plan.notes == ()


@flavours()
def test_objects_go_before_what_they_were_made_from(flavour):
    library = flavour.module
    plan = TrtRuntime(flavour).load(b"plan", None)
    context = plan.context()
    context.close()
    assert library.log[-1] == "Context is gone"
    plan.close()
    gone = [line for line in library.log if str(line).endswith("is gone")]
    expected = ["Context is gone", "Engine is gone", "Runtime is gone"]
    if flavour.name == "tensorrt-rtx":
        expected[1:1] = ["Cache is gone", "Config is gone"]
    assert gone == expected


@flavours("8.6", "10", "11")
def test_plans_of_tensorrt_hold_their_kernels(flavour):
    plan = TrtRuntime(flavour).load(b"plan", b"ignored")
    plan.context()
    assert plan.kernels() is None
    assert ("context of",) in flavour.module.log


@flavours("rtx")
@pytest.mark.parametrize(
    ("former", "notes"),
    [
        pytest.param(None, (), id="first-start"),
        pytest.param(b"good", (), id="later-start"),
        pytest.param(
            b"of another driver",
            ("kernels kept from a former start do not fit: compiled anew",),
            id="other-driver",
        ),
    ],
)
def test_plans_of_rtx_compile_kernels_here_and_keep_them(flavour, former, notes):
    plan = TrtRuntime(flavour).load(b"plan", former)
    plan.context()
    assert plan.notes == notes
    assert plan.kernels() == b"compiled"
    assert "eager" in flavour.module.log
    assert ("context of", "Config") in flavour.module.log


@flavours("rtx")
def test_rtx_that_takes_no_cache(flavour):
    flavour.module.refusing["cache"] = ""
    with pytest.raises(EngineError, match="does not take its own cache"):
        TrtRuntime(flavour).load(b"plan", None)


@flavours("rtx")
def test_rtx_tells_what_cannot_be_captured(flavour):
    flavour.module.refusing["capture"] = ""
    assert not TrtRuntime(flavour).load(b"plan", None).context().capturable(4711)


@flavours()
@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        pytest.param(
            "Version tag does not match. Current Version: 213, Serialized Engine Version: 205",
            PlanRejected,
            "cannot load the plan: Version tag does not match",
            id="other-version",
        ),
        pytest.param(
            "the plan file is generated on an incompatible device, expecting compute 8.6",
            PlanRejected,
            "incompatible device",
            id="other-gpu",
        ),
        pytest.param(
            "CUDA driver version is insufficient for CUDA runtime version",
            BackendUnavailable,
            "too old",
            id="old-driver",
        ),
        pytest.param(
            "CUDA Runtime (out of memory)", OutOfDeviceMemory, "too little free memory", id="memory"
        ),
    ],
)
def test_plans_that_do_not_load(flavour, said, kind, words):
    flavour.module.refusing["deserialize"] = said
    with pytest.raises(kind, match=words) as caught:
        TrtRuntime(flavour).load(b"plan", None)
    assert caught.value.hint
    assert flavour.title in str(caught.value)


@flavours()
@pytest.mark.parametrize(
    ("call", "use", "kind", "words"),
    [
        pytest.param(
            "shape",
            lambda context: context.set_shape("ir", (1, 1, 9, 9)),
            PlanRejected,
            r"does not take 'ir' of \(1, 1, 9, 9\): because",
            id="shape",
        ),
        pytest.param(
            "address",
            lambda context: context.set_address("ir", 1),
            EngineError,
            "does not take the memory for 'ir': because",
            id="address",
        ),
        pytest.param(
            "infer",
            lambda context: context.check_ready(),
            EngineError,
            "still lacks the shape or memory of ir, grid",
            id="not-ready",
        ),
        pytest.param(
            "enqueue",
            lambda context: context.enqueue(7),
            EngineError,
            "failed while fusing: because",
            id="enqueue",
        ),
    ],
)
def test_calls_that_are_refused_say_why(flavour, call, use, kind, words):
    context = TrtRuntime(flavour).load(b"plan", None).context()
    flavour.module.refusing[call] = "because"
    with pytest.raises(kind, match=words) as caught:
        use(context)
    assert caught.value.hint


@flavours()
def test_context_that_finds_no_memory(flavour):
    plan = TrtRuntime(flavour).load(b"plan", None)
    flavour.module.refusing["context"] = (
        "Requested amount of GPU memory (5242880 bytes) could not be allocated"
    )
    with pytest.raises(OutOfDeviceMemory, match=r"cannot prepare a run.*5 MiB were asked for"):
        plan.context()


NAMES = {
    "Runtime": ["deserialize_cuda_engine"],
    "ICudaEngine": [
        "create_execution_context",
        "create_runtime_config",
        "device_memory_size_v2",
        "get_tensor_dtype",
        "get_tensor_mode",
        "get_tensor_name",
        "get_tensor_shape",
        "num_io_tensors",
    ],
    "IExecutionContext": [
        "execute_async_v3",
        "get_tensor_shape",
        "infer_shapes",
        "is_stream_capturable",
        "set_input_shape",
        "set_tensor_address",
    ],
    "IRuntimeConfig": [
        "create_runtime_cache",
        "dynamic_shapes_kernel_specialization_strategy",
        "set_runtime_cache",
    ],
    "DynamicShapesKernelSpecializationStrategy": ["EAGER"],
    "IRuntimeCache": ["deserialize", "serialize"],
    "DataType": ["FLOAT", "UINT8"],
    "TensorIOMode": ["INPUT", "OUTPUT"],
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_are_those_of_the_real_bindings(kind):
    trt = pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed")
    assert [name for name in NAMES[kind] if not hasattr(getattr(trt, kind), name)] == []
    assert tuple(trt.Dims((1, 2, 3))) == (1, 2, 3)


def test_foreign_bytes_on_the_real_runtime():
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed")
    # Without a driver it cannot even tell that this is no plan.
    with pytest.raises((PlanRejected, BackendUnavailable), match="cannot load the plan"):
        TrtRuntime(load("tensorrt-rtx")).load(b"no plan at all" * 100, None)
