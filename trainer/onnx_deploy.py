"""The whole image operation as ONNX nodes in FP32: bytes in, bytes out.

The graph is written node by node and not traced: it has some hundred nodes, hardly any shape
arithmetic, and needs no exporter package. A test holds it to `trainer.deploy.DeployGraph`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from engines.contract import BT601_BGR, FUSED, GRID, IR, OPSET, VIS, WEIGHT
from trainer.build import Network
from trainer.errors import ExportError
from trainer.onnx_graph import GraphWriter
from trainer.onnx_network import write_network

Variant = Literal["plain", "grid"]

BGR = ("blue", "green", "red")

# The format version that belongs to OPSET; newer ones are refused by older back ends.
IR_VERSION = 8


class DeployModel(NamedTuple):
    """An FP32 model, and what of it needs not be FP32.

    Attributes:
        proto: the model.
        rough: names of the nodes that stand less precision: the network and the prior. Pictures,
            colour and mixing are not among them.
    """

    proto: ModelProto
    rough: frozenset[str]


def deploy_model(model: Network, variant: Variant = "plain", *, name: str = "bts") -> DeployModel:
    """``model`` with the image operation around it.

    Args:
        model: training or deploy form, in eval mode, for pictures in 0..1.
        variant: "plain", or "grid" for infrared that is warped inside the graph.
        name: of the graph.
    Raises:
        ExportError: the model is in train mode, the variant is unknown or the weights hold
            values that are not finite.
    """
    if variant not in get_args(Variant):
        raise ExportError(
            f"unknown variant '{variant}'", hint=f"known are: {', '.join(get_args(Variant))}"
        )
    graph = GraphWriter()
    vis, ir_plane, vis_y = _inputs(graph, variant)
    fused_y = write_network(graph, model, ir_plane, vis_y)
    _output(graph, vis, vis_y, fused_y)
    proto = helper.make_graph(
        graph.nodes,
        name,
        _input_infos(variant),
        [_info(FUSED, TensorProto.UINT8, [1, "H", "W", 3])],
        graph.constants,
    )
    proto = helper.make_model(
        proto,
        producer_name="fusion-rt",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    return DeployModel(proto, frozenset(graph.rough))


def _inputs(graph: GraphWriter, variant: Variant) -> tuple[str, str, str]:
    """Bytes to float: the visible picture as it came, and both luma planes in 0..1."""
    vis = graph.node("Cast", [VIS], "vis_float", to=TensorProto.FLOAT)
    vis_y = _luma(graph, graph.node("Transpose", [vis], "vis_planes", perm=[0, 3, 1, 2]))
    ir = graph.node("Cast", [IR], "ir_float", to=TensorProto.FLOAT)
    if variant == "grid":
        ir = graph.node(
            "GridSample",
            [ir, GRID],
            "ir_warped",
            mode="bilinear",
            padding_mode="reflection",
            align_corners=0,
        )
    per_level = graph.constant("per_level", np.array(1 / 255, np.float32))
    return vis, graph.node("Mul", [ir, per_level], "ir_plane"), vis_y


def _luma(graph: GraphWriter, planes: str) -> str:
    """Weighted sum of three planes in 0..255, in 0..1.

    Plane by plane, as a convolution would round the weights where it computes in bf16, and its one
    channel would lie in memory so that all that follows is slower.
    """
    parts = graph.constant("planes", np.array([1, 1, 1], np.int64))
    parted = graph.nodes_of("Split", [planes, parts], list(BGR), axis=1)
    weighted = [
        graph.node("Mul", [plane, graph.scalar(weight / 255)], f"{plane}_in_luma")
        for plane, weight in zip(parted, BT601_BGR, strict=True)
    ]
    blue_green = graph.node("Add", weighted[:2], "blue_and_green")
    return graph.node("Add", [blue_green, weighted[2]], "vis_y")


def _output(graph: GraphWriter, vis: str, vis_y: str, fused_y: str) -> None:
    """Luma change onto the colour picture, as much as ``weight`` allows, and back to bytes."""
    change = graph.node("Sub", [fused_y, vis_y], "luma_change")
    weight = graph.node("Cast", [WEIGHT], "weight_float", to=TensorProto.FLOAT)
    change = graph.node("Mul", [change, weight], "weighted_change")
    change = graph.node("Transpose", [change], "change_as_vis", perm=[0, 2, 3, 1])
    fused = graph.node("Add", [vis, change], "fused_float")
    fused = graph.node("Round", [fused], "fused_round")
    fused = graph.node("Clip", [fused, graph.scalar(0), graph.scalar(255)], "fused_clip")
    graph.node("Cast", [fused], FUSED, to=TensorProto.UINT8)


def _input_infos(variant: Variant) -> list[ValueInfoProto]:
    ir_hw = ["Hi", "Wi"] if variant == "grid" else ["H", "W"]
    infos = [
        _info(IR, TensorProto.UINT8, [1, 1, *ir_hw]),
        _info(VIS, TensorProto.UINT8, [1, "H", "W", 3]),
        _info(WEIGHT, TensorProto.UINT8, [1, 1, "H", "W"]),
    ]
    if variant == "grid":
        infos.append(_info(GRID, TensorProto.FLOAT, [1, "H", "W", 2]))
    return infos


def _info(name: str, dtype: int, shape: list[int | str]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)
