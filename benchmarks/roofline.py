"""The least time that a model can take on a card: its bytes and its arithmetic, counted.

Two counts of bytes bracket what a compiler can reach. ``fused`` moves only the pictures and the
weights, once each, as if all layers were one. ``layered`` moves each layer's inputs and outputs,
as if only functions of single values were fused with the layer before them. The floor is the
larger of two times: fused bytes over the rate at which the card copies, and multiplications over
the rate at which it multiplies matrices.

Run as a script, this prints the counts; the rates need a card, see `gpu_speed.py`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from gpu_bench.shapes import shapes_of, with_shapes

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

# Each value by itself, of one tensor: every compiler does that in the layer before.
_EPILOGUES = ("Cast", "Clip", "Relu", "Round", "Sigmoid", "Sqrt")
# How a tensor is stored, no more.
_STORAGE = ("QuantizeLinear", "DequantizeLinear")
# The same bytes under another name.
_VIEWS = ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze")
# Bytes are moved and nothing is computed.
_MOVES = (
    "Cast",
    "Concat",
    "DepthToSpace",
    "Expand",
    "Pad",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Transpose",
)
_MATRIX = ("Conv", "ConvTranspose", "MatMul", "Gemm")
_NO_LAYERS = (*_EPILOGUES, *_STORAGE, *_VIEWS)
_REDUCTIONS = ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "GlobalAveragePool")


@dataclass(frozen=True)
class Work:
    """What a model has to do for one pair.

    Attributes:
        fused_bytes: inputs, outputs and weights, each once.
        layered_bytes: inputs and outputs of each layer. Functions of single values, changes of
            type and quantization belong to the layers beside them.
        matrix_flop: in convolutions and matrix products, by the type of their factors ("fp32",
            "fp16", "int8"); a multiplication and an addition count as two.
        other_flop: in all other nodes, one for each value that is made, or read where many
            become one.
    """

    fused_bytes: int
    layered_bytes: int
    matrix_flop: Mapping[str, int]
    other_flop: int


@dataclass(frozen=True)
class Rates:
    """What a card was measured to do; None where that is unknown.

    Attributes:
        bytes_per_s: copying on the card, bytes read and bytes written both counted.
        flop_per_s: in large matrix products, by type.
        unknown: why a rate is missing, by its name.
    """

    bytes_per_s: float | None
    flop_per_s: Mapping[str, float]
    unknown: Mapping[str, str]


@dataclass(frozen=True)
class Floor:
    """The least time in ms.

    Attributes:
        bytes_ms: for the fused bytes; None where the rate is unknown.
        layered_ms: for the layered bytes, likewise.
        matrix_ms: for the matrix products; None where the rate of one of the types is unknown.
    """

    bytes_ms: float | None
    layered_ms: float | None
    matrix_ms: float | None

    @property
    def least_ms(self) -> float | None:
        """The larger of the two that bind; None where one is unknown, as it may be that one."""
        if self.bytes_ms is None or self.matrix_ms is None:
            return None
        return max(self.bytes_ms, self.matrix_ms)


def floor_of(work: Work, rates: Rates) -> Floor:
    """Counts over rates."""

    def bytes_ms(count: int) -> float | None:
        return None if rates.bytes_per_s is None else count / rates.bytes_per_s * 1e3

    known = all(kind in rates.flop_per_s for kind in work.matrix_flop)
    matrix_s = sum(n / rates.flop_per_s[kind] for kind, n in work.matrix_flop.items() if known)
    return Floor(
        bytes_ms(work.fused_bytes), bytes_ms(work.layered_bytes), matrix_s * 1e3 if known else None
    )


def count(path: Path, size_wh: tuple[int, int]) -> Work:
    """Work of a plain model file for pictures of one size.

    Args:
        path: ONNX file whose heights and widths are named H and W.
        size_wh: of both pictures, in px.

    Raises:
        ValueError: a shape stays unknown.
        OSError: the file cannot be read.
    """
    import onnx

    return count_model(onnx.load(path), {"W": size_wh[0], "H": size_wh[1]})


def count_model(model: ModelProto, lengths: Mapping[str, int]) -> Work:
    """Work of a model once its named dimensions have these lengths; see `count`."""
    graph = _Graph(with_shapes(model, lengths))
    matrix: dict[str, int] = {}
    other = layered = 0
    for node in graph.nodes:
        layered += graph.moved(node)
        flop = graph.flop(node)
        if node.op_type in _MATRIX:
            kind = graph.kind(node.input[0])
            matrix[kind] = matrix.get(kind, 0) + flop
        else:
            other += flop
    return Work(graph.fused_bytes(), layered, matrix, other)


class _Graph:
    """Shapes and types of a model's tensors, and where each one's bytes really lie.

    Attributes:
        nodes: in their order.
    """

    def __init__(self, model: ModelProto) -> None:
        self._graph = model.graph
        self.nodes = list(model.graph.node)
        self._shapes = shapes_of(model)
        infos = (*self._graph.input, *self._graph.value_info, *self._graph.output)
        self._types = {info.name: info.type.tensor_type.elem_type for info in infos}
        self._types |= {tensor.name: tensor.data_type for tensor in self._graph.initializer}
        self._takers: dict[str, list[NodeProto]] = {}
        for node in self.nodes:
            for name in node.input:
                self._takers.setdefault(name, []).append(node)
        self._makers = {name: node for node in self.nodes for name in node.output}
        self._outputs = {info.name for info in self._graph.output}

    def moved(self, node: NodeProto) -> int:
        """Bytes that a layer by itself reads and writes."""
        if node.op_type in _NO_LAYERS:
            return 0
        read = {self._stored(name) for name in node.input if name}
        written = {name for made in node.output if made for name in self._stores(made)}
        return sum(map(self._bytes, read)) + sum(map(self._bytes, written))

    def fused_bytes(self) -> int:
        """Of inputs, outputs and what the layers take of the weights."""
        given = {info.name for info in self._graph.input}
        weights = {tensor.name for tensor in self._graph.initializer}
        layers = (node for node in self.nodes if node.op_type not in _NO_LAYERS)
        taken = {self._stored(name) for node in layers for name in node.input if name}
        return sum(map(self._bytes, given | self._outputs | (taken & weights)))

    def kind(self, name: str) -> str:
        """In which type a layer's input is multiplied, for instance "fp16"."""
        from onnx import TensorProto

        maker = self._makers.get(name)
        quantized = maker is not None and maker.op_type == "DequantizeLinear"
        kind = self._types[maker.input[0] if maker is not None and quantized else name]
        known = {TensorProto.FLOAT: "fp32", TensorProto.FLOAT16: "fp16", TensorProto.INT8: "int8"}
        return known.get(kind) or str(TensorProto.DataType.Name(kind)).lower()

    def flop(self, node: NodeProto) -> int:
        """Operations of a layer."""
        made = sum(prod(self._shape(name)) for name in node.output if name)
        kind = node.op_type
        if kind == "Conv":  # kernel (Cout, Cin / groups, *window)
            return 2 * made * prod(self._shape(node.input[1])[1:])
        if kind == "ConvTranspose":  # kernel (Cin, Cout / groups, *window), once for each input
            return 2 * prod(self._shape(node.input[0])) * prod(self._shape(node.input[1])[1:])
        if kind == "MatMul":
            return 2 * made * self._shape(node.input[0])[-1]
        if kind == "Gemm":
            turned = any(a.name == "transA" and a.i for a in node.attribute)
            return 2 * made * self._shape(node.input[0])[0 if turned else -1]
        if kind in (*_MOVES, *_STORAGE, *_VIEWS):
            return 0
        if kind in _REDUCTIONS:
            return prod(self._shape(node.input[0]))
        if kind in ("AveragePool", "MaxPool"):
            (window,) = (a.ints for a in node.attribute if a.name == "kernel_shape")
            return made * prod(window)
        return made

    def _stored(self, name: str) -> str:
        """The tensor in memory that is read where a layer takes ``name``."""
        maker = self._makers.get(name)
        if maker is None or maker.op_type not in _NO_LAYERS or maker.op_type == "QuantizeLinear":
            return name
        source = self._stored(maker.input[0])
        if maker.op_type not in _EPILOGUES:
            return source
        # The layer before writes the result, unless what is taken was there already.
        by_a_layer = source == maker.input[0] and source in self._makers
        return name if by_a_layer else source

    def _stores(self, name: str) -> Iterator[str]:
        """Tensors in memory that a layer writes for its output ``name``."""
        takers = self._takers.get(name, [])
        if name in self._outputs or any(node.op_type not in _NO_LAYERS for node in takers):
            yield name
        for node in takers:
            if node.op_type == "QuantizeLinear":
                yield node.output[0]
            elif node.op_type in _NO_LAYERS:
                yield from self._stores(node.output[0])

    def _bytes(self, name: str) -> int:
        from onnx import TensorProto, helper

        kind = self._types[name]
        size = 1 if kind == TensorProto.BOOL else helper.tensor_dtype_to_np_dtype(kind).itemsize
        return prod(self._shape(name)) * size

    def _shape(self, name: str) -> tuple[int, ...]:
        shape = self._shapes.get(name)
        if shape is None:
            raise ValueError(f"the shape of '{name}' is not known")
        return shape


def main() -> None:
    from engines.contract import FILE_PRECISIONS
    from engines.models import find_model, find_variant, shipped_models

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="640x480,640x512,1280x720,1920x1080")
    args = parser.parse_args()
    print("| size | model | precision | MB fused | MB layered | GFLOP in matrices | other GFLOP |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for size in args.sizes.split(","):
        width, height = map(int, size.split("x"))
        for model in shipped_models():
            for precision in FILE_PRECISIONS:
                file = find_variant(find_model(model), precision=precision)
                work = count(file.path, (width, height))
                flop = ", ".join(f"{n / 1e9:.3g} {k}" for k, n in work.matrix_flop.items())
                print(
                    f"| {size} | {model} | {precision} | {work.fused_bytes / 1e6:.2f} | "
                    f"{work.layered_bytes / 1e6:.0f} | {flop} | {work.other_flop / 1e9:.2f} |"
                )


if __name__ == "__main__":
    main()
