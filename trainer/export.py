"""Writes a checkpoint as an ONNX model: ``python -m trainer.export CHECKPOINT OUT.onnx``.

The same weights give the same bytes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import onnx
from onnx import ModelProto, helper

from trainer.build import Network
from trainer.checkpoint import load_model
from trainer.errors import ExportError, TrainerError
from trainer.onnx_deploy import Variant, deploy_model
from trainer.onnx_half import to_half
from trainer.post_training import calibrate, pruned
from trainer.quantize import to_int8
from trainer.whole_file import write_whole

Precision = Literal["fp32", "fp16", "int8"]


def export_onnx(
    model: Network,
    path: Path,
    variant: Variant = "plain",
    precision: Precision = "fp32",
    *,
    ranges: Mapping[str, float] | None = None,
    name: str = "bts",
    version: str = "",
    recipe: str = "",
    licence: str = "",
) -> None:
    """Write ``model`` with the image operation around it; the file is whole or not there.

    Args:
        model: training or deploy form, in eval mode, for pictures in 0..1.
        path: ONNX file to write, height and width dynamic.
        variant: "plain", or "grid" for infrared that is warped inside the graph.
        precision: "fp32"; "fp16" for what the network and the prior compute, while pictures,
            colour and mixing stay in FP32; "int8" for the network's large convolutions besides.
            The tensors in and out are the same in all.
        ranges: for "int8", from `trainer.post_training.calibrate`, ``model`` pruned as it says.
        name: model name, kept in the file's metadata like the three below.
        version: version of the weights.
        recipe: how they were made, in a line.
        licence: what is to be known about using them, in a line.
    Raises:
        ExportError: the model is in train mode, the variant or precision is unknown, the weights
            hold values that are not finite or too large for the precision, or INT8 is asked for
            without ranges of this network.
        OSError: the file cannot be written.
    """
    proto = build_onnx(model, variant, precision, ranges=ranges, name=name)
    notes = {"name": name, "version": version, "variant": variant, "precision": precision}
    notes |= {"recipe": recipe, "licence": licence}
    helper.set_model_props(proto, {key: text for key, text in notes.items() if text})
    onnx.checker.check_model(proto, full_check=True)
    write_whole(path, proto.SerializeToString(deterministic=True))


def build_onnx(
    model: Network,
    variant: Variant = "plain",
    precision: Precision = "fp32",
    *,
    ranges: Mapping[str, float] | None = None,
    name: str = "bts",
) -> ModelProto:
    """The graph of `export_onnx` in memory."""
    if precision not in get_args(Precision):
        raise ExportError(
            f"unknown precision '{precision}'", hint=f"known are: {', '.join(get_args(Precision))}"
        )
    proto, rough = deploy_model(model, variant, name=name)
    if precision == "int8":
        if ranges is None:
            raise ExportError(
                "INT8 needs the ranges of the tensors on real pairs",
                hint="name pairs: --calibration FOLDER",
            )
        proto, rough = to_int8(proto, rough, ranges)
    return proto if precision == "fp32" else to_half(proto, rough)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.export", description="Write a checkpoint as an ONNX model."
    )
    parser.add_argument("checkpoint", type=Path, help="as fusion-rt train writes it")
    parser.add_argument("out", type=Path, help="ONNX file; the model is named after it")
    parser.add_argument("--variant", choices=get_args(Variant), default="plain")
    parser.add_argument("--precision", choices=get_args(Precision), default="fp32")
    parser.add_argument(
        "--calibration",
        type=Path,
        nargs="+",
        metavar="PAIRS",
        help="folders or manifests of real pairs: channels that change nothing on them are left "
        "out; needed for int8",
    )
    for note in ("version", "recipe", "licence"):
        parser.add_argument(f"--{note}", default="", help="kept in the file's metadata")
    args = parser.parse_args(argv)
    if args.precision == "int8" and not args.calibration:
        parser.error("--precision int8 needs --calibration")
    notes = {"version": args.version, "recipe": args.recipe, "licence": args.licence}
    notes["name"] = args.out.stem.removesuffix(f"-{args.precision}").removesuffix(
        f"-{args.variant}"
    )
    try:
        model, ranges = load_model(args.checkpoint), None
        if args.calibration:
            measured = calibrate(model, args.calibration)
            model, ranges = pruned(model, measured.kept), measured.largest
        export_onnx(model, args.out, args.variant, args.precision, ranges=ranges, **notes)
    except (TrainerError, OSError) as exc:
        hint = getattr(exc, "hint", "write to another place")
        print(f"{exc}\n{hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
