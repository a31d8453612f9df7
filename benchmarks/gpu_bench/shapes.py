"""The shape of every tensor of a model, once the pictures have a size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto


def with_shapes(model: ModelProto, lengths: Mapping[str, int]) -> ModelProto:
    """The model with the shape of every tensor in it.

    Inference does not follow shapes that are computed by nodes. So what is known of these is put
    in as a constant, until nothing more becomes known.
    """
    import onnx
    from onnx import shape_inference

    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for info in (*fixed.graph.input, *fixed.graph.output):
        for dim in info.type.tensor_type.shape.dim:
            if dim.dim_param in lengths:
                dim.dim_value = lengths[dim.dim_param]
    while True:
        del fixed.graph.value_info[:]
        fixed = shape_inference.infer_shapes(fixed, strict_mode=True, data_prop=True)
        if not _fold_integers(fixed):
            return fixed


def _fold_integers(model: ModelProto) -> bool:
    """Turn nodes that give known integers into constants; say whether there was one."""
    from onnx import TensorProto, numpy_helper
    from onnx.reference import ReferenceEvaluator

    shapes = shapes_of(model)
    constants = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.INT64
    }
    folded = False
    for node in list(model.graph.node):
        shape = shapes.get(node.input[0]) if node.input else None
        if node.op_type == "Shape" and shape is not None:
            ends = {attribute.name: attribute.i for attribute in node.attribute}
            made: Any = [np.array(shape[slice(ends.get("start", 0), ends.get("end"))], np.int64)]
        elif node.input and all(name in constants for name in node.input):
            made = ReferenceEvaluator(node).run(None, {n: constants[n] for n in node.input})
        else:
            continue
        for name, value in zip(node.output, made, strict=True):
            model.graph.initializer.append(numpy_helper.from_array(value, name=name))
        model.graph.node.remove(node)
        folded = True
    return folded


def shapes_of(model: ModelProto) -> dict[str, tuple[int, ...] | None]:
    """By name; None where a length is unknown."""
    found: dict[str, tuple[int, ...] | None] = {}
    graph = model.graph
    for info in (*graph.input, *graph.value_info, *graph.output):
        dims = info.type.tensor_type.shape.dim
        known = all(dim.HasField("dim_value") for dim in dims)
        found[info.name] = tuple(dim.dim_value for dim in dims) if known else None
    return found | {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
