"""What the engine needs of TensorRT, as narrow interfaces; `trt_runtime` does it for real."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from .. import contract
from ..errors import EngineError

Shape = tuple[int, ...]


class PlanRejected(EngineError):
    """This plan cannot run here: it is to be set aside and built anew."""


@dataclass(frozen=True)
class TensorFacts:
    """One input or output of a plan.

    Attributes:
        name: in the graph.
        shape: -1 where it is set at run time.
        dtype: in TensorRT's words: "UINT8", "FLOAT", ...
        is_input: else it is an output.
    """

    name: str
    shape: Shape
    dtype: str
    is_input: bool


class ExecutionContext(Protocol):
    """One run of a plan at a time. All calls raise `EngineError` with what TensorRT said."""

    def set_shape(self, name: str, shape: Shape) -> None:
        """Shape of an input from now on; `PlanRejected` where the plan was not built for it."""

    def set_address(self, name: str, address: int) -> None:
        """Where an input or output lies on the device from now on."""

    def check_ready(self) -> None:
        """Refuse to go on where a shape or address is missing."""

    def shape(self, name: str) -> Shape:
        """Of any tensor, once the inputs' shapes are set."""

    def capturable(self, stream: int) -> bool:
        """False where it is known that `enqueue` cannot be captured on this stream."""

    def enqueue(self, stream: int) -> None:
        """Put one run into the stream with this handle."""

    def close(self) -> None:
        """Release its memory; the stream is idle."""


class LoadedPlan(Protocol):
    """A plan on the device.

    Attributes:
        tensors: inputs and outputs.
        scratch_bytes: device memory that each of its contexts takes.
        notes: in words, what did not go as it should while loading.
    """

    tensors: tuple[TensorFacts, ...]
    scratch_bytes: int
    notes: tuple[str, ...]

    def context(self) -> ExecutionContext:
        """A new execution context.

        Raises:
            OutOfDeviceMemory: there is too little for it.
            EngineError: TensorRT cannot make it.
        """

    def kernels(self) -> bytes | None:
        """What was compiled for this device so far; None where plans hold all kernels already."""

    def close(self) -> None:
        """Release it; its contexts are closed before."""


class Runtime(Protocol):
    """Loads plans."""

    def load(self, plan: bytes, kernels: bytes | None) -> LoadedPlan:
        """A plan onto the current device.

        Args:
            plan: the serialized engine.
            kernels: what `LoadedPlan.kernels` gave earlier, to save compiling.

        Raises:
            PlanRejected: it does not load here.
            BackendUnavailable: no driver, or one that is too old.
            OutOfDeviceMemory: there is too little for its weights.
        """


def input_shapes(size_wh: tuple[int, int], ir_size_wh: tuple[int, int] | None) -> dict[str, Shape]:
    """Shape of each input of `engines.contract`, for pictures of these sizes.

    Args:
        size_wh: of the visible picture.
        ir_size_wh: of the infrared one for the grid variant, else None.
    """
    width, height = size_wh
    ir_width, ir_height = ir_size_wh or size_wh
    shapes: dict[str, Shape] = {
        contract.IR: (1, 1, ir_height, ir_width),
        contract.VIS: (1, height, width, 3),
        contract.WEIGHT: (1, 1, height, width),
    }
    if ir_size_wh is not None:
        shapes[contract.GRID] = (1, height, width, 2)
    return shapes


def tensor_shapes(size_wh: tuple[int, int], ir_size_wh: tuple[int, int] | None) -> dict[str, Shape]:
    """`input_shapes`, and that of the output."""
    shapes = input_shapes(size_wh, ir_size_wh)
    return {**shapes, contract.FUSED: shapes[contract.VIS]}


def check_tensors(tensors: Iterable[TensorFacts], shapes: dict[str, Shape]) -> None:
    """Refuse a plan that has other tensors than it should.

    Raises:
        PlanRejected: names what differs.
    """
    found = {tensor.name: tensor for tensor in tensors}
    if set(found) != set(shapes):
        raise PlanRejected(
            f"the plan has the tensors {', '.join(sorted(found))} "
            f"instead of {', '.join(sorted(shapes))}",
            hint="build it anew from a model exported by fusion-rt",
        )
    for name, shape in shapes.items():
        tensor = found[name]
        wanted = TensorFacts(name, shape, _dtype(name), name != contract.FUSED)
        fits = len(tensor.shape) == len(shape) and all(
            have in (-1, want) for have, want in zip(tensor.shape, shape, strict=True)
        )
        if (tensor.dtype, tensor.is_input) != (wanted.dtype, wanted.is_input) or not fits:
            raise PlanRejected(
                f"the plan's '{name}' is {_words(tensor)}, needed is {_words(wanted)}",
                hint="build it anew for the size of the pictures",
            )


def _dtype(name: str) -> str:
    return "FLOAT" if name == contract.GRID else "UINT8"


def _words(tensor: TensorFacts) -> str:
    return f"{'input' if tensor.is_input else 'output'} {tensor.dtype} {tensor.shape}"
