"""Loads and runs plans by TensorRT or TensorRT-RTX; all differences in running stand here."""

from __future__ import annotations

from typing import Any

from ..errors import EngineError
from .flavour import TENSORRT_RTX, Flavour
from .messages import Messages, collecting, explain, logger_of, report_of
from .runtime import PlanRejected, Shape, TensorFacts


class TrtRuntime:
    """See `runtime.Runtime`. A CUDA context is current when it is made."""

    def __init__(self, flavour: Flavour) -> None:
        self._flavour = flavour

    def load(self, plan: bytes, kernels: bytes | None) -> TrtPlan:
        """See `runtime.Runtime.load`."""
        with collecting() as said:
            runtime: Any = self._flavour.module.Runtime(logger_of(self._flavour))
            engine: Any = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise _rejected(explain(self._flavour, "cannot load the plan", said)) from report_of(
                said
            )
        return TrtPlan(self._flavour, runtime, engine, kernels)


class TrtPlan:
    """See `runtime.LoadedPlan`."""

    def __init__(self, flavour: Flavour, runtime: Any, engine: Any, kernels: bytes | None) -> None:
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        self.tensors = tuple(_facts(engine, name) for name in names)
        self.scratch_bytes = _scratch_bytes(engine)
        self.notes: tuple[str, ...] = ()
        self._flavour = flavour
        self._runtime = runtime  # outlives the engine
        self._engine = engine
        self._config: Any = None
        self._cache: Any = None
        if flavour.name == TENSORRT_RTX:  # its plans are compiled further on the device they meet
            self._compile_here(kernels)

    def context(self) -> TrtContext:
        """See `runtime.LoadedPlan.context`."""
        arguments = () if self._config is None else (self._config,)
        with collecting() as said:
            context: Any = self._engine.create_execution_context(*arguments)
        if context is None:
            raise explain(self._flavour, "cannot prepare a run", said) from report_of(said)
        return TrtContext(self._flavour, context)

    def _compile_here(self, kernels: bytes | None) -> None:
        """Compile before the first run, not behind it: a graph would keep the makeshift kernels."""
        self._config = self._engine.create_runtime_config()
        strategies = self._flavour.module.DynamicShapesKernelSpecializationStrategy
        self._config.dynamic_shapes_kernel_specialization_strategy = strategies.EAGER
        self._cache = self._config.create_runtime_cache()
        if kernels is not None and not self._cache.deserialize(kernels):
            self.notes = ("kernels kept from a former start do not fit: compiled anew",)
        if not self._config.set_runtime_cache(self._cache):
            raise EngineError(
                f"{self._flavour.title} does not take its own cache of kernels",
                hint="choose --engine openvino",
            )

    def kernels(self) -> bytes | None:
        """See `runtime.LoadedPlan.kernels`."""
        return None if self._cache is None else bytes(self._cache.serialize())

    def close(self) -> None:
        """See `runtime.LoadedPlan.close`. TensorRT frees what no name refers to any more."""
        self._cache = None
        self._config = None
        self._engine = None
        self._runtime = None


class TrtContext:
    """See `runtime.ExecutionContext`."""

    def __init__(self, flavour: Flavour, context: Any) -> None:
        self._flavour = flavour
        self._context = context

    def set_shape(self, name: str, shape: Shape) -> None:
        """See `runtime.ExecutionContext.set_shape`."""
        doing = f"does not take '{name}' of {shape}"
        with collecting() as said:
            # 8.6 takes no tuple, all take Dims.
            taken = self._context.set_input_shape(name, self._flavour.module.Dims(shape))
        if not taken:
            raise _rejected(explain(self._flavour, doing, said)) from report_of(said)

    def set_address(self, name: str, address: int) -> None:
        """See `runtime.ExecutionContext.set_address`."""
        with collecting() as said:
            taken = self._context.set_tensor_address(name, address)
        self._check(taken, f"does not take the memory for '{name}'", said)

    def check_ready(self) -> None:
        """See `runtime.ExecutionContext.check_ready`."""
        if missing := self._context.infer_shapes():
            raise EngineError(
                f"{self._flavour.title} still lacks the shape or memory of {', '.join(missing)}",
                hint="build the plan anew",
            )

    def shape(self, name: str) -> Shape:
        """See `runtime.ExecutionContext.shape`."""
        return tuple(self._context.get_tensor_shape(name))

    def capturable(self, stream: int) -> bool:
        """See `runtime.ExecutionContext.capturable`. Only TensorRT-RTX can tell (from 1.2 on)."""
        ask = getattr(self._context, "is_stream_capturable", None)
        return True if ask is None else bool(ask(stream))

    def enqueue(self, stream: int) -> None:
        """See `runtime.ExecutionContext.enqueue`."""
        with collecting() as said:
            done = self._context.execute_async_v3(stream)
        self._check(done, "failed while fusing", said)

    def close(self) -> None:
        """See `runtime.ExecutionContext.close`."""
        self._context = None

    def _check(self, done: bool, doing: str, said: Messages) -> None:
        if not done:
            raise explain(self._flavour, doing, said) from report_of(said)


def _facts(engine: Any, name: str) -> TensorFacts:
    return TensorFacts(
        name=name,
        shape=tuple(engine.get_tensor_shape(name)),
        dtype=engine.get_tensor_dtype(name).name,
        is_input=engine.get_tensor_mode(name).name == "INPUT",
    )


def _scratch_bytes(engine: Any) -> int:
    """Device memory of one context: 8.6 knows the old name alone, 11 and RTX the new one alone."""
    new = getattr(engine, "device_memory_size_v2", None)
    return int(engine.device_memory_size if new is None else new)


def _rejected(error: EngineError) -> EngineError:
    """`PlanRejected` where the error tells no other cause than the plan."""
    if type(error) is not EngineError:
        return error
    return PlanRejected(str(error), hint="build the plan anew: fusion-rt engine build")
