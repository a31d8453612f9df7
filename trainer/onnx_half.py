"""Turns the FP32 graph into one that computes partly in FP16.

The result is strongly typed: each change of type is a Cast node, nothing is left to a back end.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.shape_inference import infer_shapes

from trainer.errors import ExportError

# Inputs that ONNX wants as float32 beside a float16 picture: (operation, place).
_ALWAYS_FLOAT = {("Resize", 2)}
_SUFFIX: dict[int, str] = {TensorProto.FLOAT: "float", TensorProto.FLOAT16: "half"}
_LARGEST = float(np.finfo(np.float16).max)


def to_half(model: ModelProto, nodes: Collection[str]) -> ModelProto:
    """The same model with some of its nodes in FP16, and their weights stored so.

    Args:
        model: FP32.
        nodes: names of the operations to compute in FP16.
    Returns:
        A new model; inputs and outputs keep their types.
    Raises:
        ExportError: a weight does not fit into FP16.
    """
    half = ModelProto()
    half.CopyFrom(model)
    writer = _HalfWriter(infer_shapes(model).graph, frozenset(nodes))
    for node in model.graph.node:
        writer.add(node)
    del half.graph.node[:], half.graph.initializer[:], half.graph.value_info[:]
    half.graph.node.extend(writer.nodes)
    half.graph.initializer.extend(writer.constants.values())
    return half


class _HalfWriter:
    """Takes the nodes of the FP32 graph in their order."""

    def __init__(self, graph: GraphProto, half_nodes: frozenset[str]) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}
        self._half_nodes = half_nodes
        self._given = {tensor.name: tensor for tensor in graph.initializer}
        infos = (*graph.input, *graph.value_info, *graph.output)
        self._types = {info.name: info.type.tensor_type.elem_type for info in infos}

    def add(self, node: NodeProto) -> None:
        half = node.name in self._half_nodes
        kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
        names = [self._as(name, kind, (node.op_type, i)) for i, name in enumerate(node.input)]
        taken = self._append(node, names)
        for name in taken.output if half else ():
            if self._types[name] == TensorProto.FLOAT:
                self._types[name] = kind

    def _append(self, node: NodeProto, names: list[str]) -> NodeProto:
        taken = NodeProto()
        taken.CopyFrom(node)
        taken.input[:] = names
        self.nodes.append(taken)
        return taken

    def _as(self, name: str, kind: int, place: tuple[str, int]) -> str:
        """Name under which the tensor is there in ``kind``, if it is a float at all."""
        if place in _ALWAYS_FLOAT:
            kind = TensorProto.FLOAT
        if name in self._given:
            return self._constant(self._given[name], kind)
        if place[0] == "Shape" or self._types.get(name, kind) not in _SUFFIX:
            return name  # a size, bytes, or an input left out
        if self._types.get(name, kind) == kind:
            return name
        changed = f"{name}.{_SUFFIX[kind]}"
        if changed not in self._types:
            self.nodes.append(helper.make_node("Cast", [name], [changed], name=changed, to=kind))
            self._types[changed] = kind
        return changed

    def _constant(self, tensor: TensorProto, kind: int) -> str:
        if tensor.data_type != TensorProto.FLOAT or kind == TensorProto.FLOAT:
            self.constants[tensor.name] = tensor
            return tensor.name
        name = f"{tensor.name}.{_SUFFIX[kind]}"
        if name not in self.constants:
            value = numpy_helper.to_array(tensor)
            if np.abs(value).max() > _LARGEST:
                raise ExportError(
                    f"weight '{tensor.name}' holds {np.abs(value).max():.3g}, FP16 ends at "
                    f"{_LARGEST:g}",
                    hint="export it in FP32",
                )
            self.constants[name] = numpy_helper.from_array(value.astype(np.float16), name)
        return name
