"""Writes the deployable graph as an ONNX file: ``python -m trainer.export CHECKPOINT OUT.onnx``.

The graph is written node by node and not traced: it has some fifty nodes, no shape arithmetic,
the same bytes for the same weights, and needs no exporter package. A test holds it to
`trainer.deploy.DeployGraph`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from engines.contract import BT601_BGR, FUSED, GRID, IR, OPSET, VIS, WEIGHT
from trainer.build import Network
from trainer.checkpoint import load_model
from trainer.errors import ExportError, TrainerError
from trainer.onnx_graph import GraphWriter
from trainer.onnx_network import write_network
from trainer.whole_file import write_whole

Variant = Literal["plain", "grid"]

# The format version that belongs to OPSET; newer ones are refused by older back ends.
IR_VERSION = 8


def export_onnx(
    model: Network,
    path: Path,
    variant: Variant = "plain",
    *,
    name: str = "bts",
    version: str = "",
    recipe: str = "",
    licence: str = "",
) -> None:
    """Write ``model`` with the image operation around it; the file is whole or not there.

    Args:
        model: training or deploy form, in eval mode, for pictures in 0..1.
        path: ONNX file to write, FP32, height and width dynamic.
        variant: "plain", or "grid" for infrared that is warped inside the graph.
        name: model name, kept in the file's metadata like the three below.
        version: version of the weights.
        recipe: how they were made, in a line.
        licence: what is to be known about using them, in a line.
    Raises:
        ExportError: the model is in train mode, the variant is unknown or the weights hold
            values that are not finite.
        OSError: the file cannot be written.
    """
    proto = build_onnx(model, variant, name=name)
    notes = {"name": name, "version": version, "variant": variant}
    notes |= {"recipe": recipe, "licence": licence}
    helper.set_model_props(proto, {key: text for key, text in notes.items() if text})
    onnx.checker.check_model(proto, full_check=True)
    write_whole(path, proto.SerializeToString(deterministic=True))


def build_onnx(model: Network, variant: Variant = "plain", *, name: str = "bts") -> ModelProto:
    """The graph of `export_onnx` in memory."""
    if variant not in get_args(Variant):
        raise ExportError(f"unknown variant '{variant}'", hint="known are: plain, grid")
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
    return helper.make_model(
        proto,
        producer_name="fusion-rt",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )


def _inputs(graph: GraphWriter, variant: Variant) -> tuple[str, str, str]:
    """Bytes to float: the visible picture as it came, and both luma planes in 0..1."""
    vis = graph.node("Cast", [VIS], "vis_float", to=TensorProto.FLOAT)
    planes = graph.node("Transpose", [vis], "vis_planes", perm=[0, 3, 1, 2])
    luma = (np.array(BT601_BGR) / 255).astype(np.float32)
    luma_kernel = graph.constant("bt601_bgr", luma[None, :, None, None])
    vis_y = graph.node("Conv", [planes, luma_kernel], "vis_y")
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


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.export", description="Write a checkpoint as an ONNX model."
    )
    parser.add_argument("checkpoint", type=Path, help="as fusion-rt train writes it")
    parser.add_argument("out", type=Path, help="ONNX file; the model is named after it")
    parser.add_argument("--variant", choices=get_args(Variant), default="plain")
    for note in ("version", "recipe", "licence"):
        parser.add_argument(f"--{note}", default="", help="kept in the file's metadata")
    args = parser.parse_args(argv)
    notes = {"version": args.version, "recipe": args.recipe, "licence": args.licence}
    notes["name"] = args.out.stem.removesuffix(f"-{args.variant}")
    try:
        export_onnx(load_model(args.checkpoint), args.out, args.variant, **notes)
    except (TrainerError, OSError) as exc:
        hint = getattr(exc, "hint", "write to another place")
        print(f"{exc}\n{hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
