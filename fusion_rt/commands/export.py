"""``fusion-rt export``: a checkpoint of the trainer as model files for the engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from engines.contract import model_file

from ..errors import UsageError
from ..terminal import say

PrecisionChoice = Literal["fp32", "fp16", "int8", "all"]
VariantChoice = Literal["plain", "grid", "both"]
_FilePrecision = Literal["fp32", "fp16", "int8"]
_FileVariant = Literal["plain", "grid"]


@dataclass(frozen=True)
class ExportRequest:
    """What to write.

    Attributes:
        checkpoint: as a training leaves it.
        out: plain FP32 model file; others get its name with the ending that engines look for.
        precision: of the files, or all of them.
        variant: plain, with the warp inside, or both.
        calibration: folders and manifests of real pairs: channels that change nothing on them are
            left out, and the ranges for INT8 are measured on them.
        force: files that are there already are replaced.
    """

    checkpoint: Path
    out: Path
    precision: PrecisionChoice = "fp32"
    variant: VariantChoice = "plain"
    calibration: tuple[Path, ...] = ()
    force: bool = False


@dataclass(frozen=True)
class _File:
    path: Path
    precision: _FilePrecision
    variant: _FileVariant


def export(request: ExportRequest) -> list[Path]:
    """Write the model files; each is whole or not there.

    Returns:
        The files, in the order of writing.

    Raises:
        UsageError: the output is no .onnx file or there already, or INT8 is asked for without
            pairs.
        TrainerError: a package is missing, the checkpoint or a pair cannot be used, or a file
            cannot be written.
    """
    name, files = _name(request), list(_files(request))
    _check(request, files)
    say(f"starting: {request.checkpoint} as {_listed(files)}; loading torch")

    from trainer.optional import require

    require("torch", purpose="export")
    require("onnx", purpose="export")
    from trainer.checkpoint import load_model
    from trainer.export import export_onnx
    from trainer.post_training import calibrate, pruned
    from trainer.screen import Screen
    from trainer.whole_file import writing
    from trainer.words import program

    model = load_model(request.checkpoint)
    ranges = None
    if request.calibration:
        measured = calibrate(model, request.calibration, Screen(shown=True))
        model, ranges = pruned(model, measured.kept), measured.largest
    for file in files:
        needed = ranges if file.precision == "int8" else None
        with writing(file.path):
            file.path.parent.mkdir(parents=True, exist_ok=True)
            export_onnx(model, file.path, file.variant, file.precision, ranges=needed, name=name)
        say(f"written: {file.path} ({file.path.stat().st_size / 1024:.0f} KiB)")
    whole = request.out.with_name(model_file(name))
    if whole.is_file():
        ready = f"{program()} fuse --ir IR --vis VIS --out fused --model {whole}"
    else:
        ready = f"{program()} export {request.checkpoint} {whole}  (FP32, which engines begin with)"
    say(f"next: {ready}")
    return [file.path for file in files]


def _name(request: ExportRequest) -> str:
    """Name of the model: that of the file without the ending for its precision and variant."""
    stem = request.out.stem
    if request.precision in ("fp16", "int8"):
        stem = stem.removesuffix(f"-{request.precision}")
    return stem.removesuffix("-grid") if request.variant == "grid" else stem


def _files(request: ExportRequest) -> Iterator[_File]:
    precisions = get_args(_FilePrecision) if request.precision == "all" else [request.precision]
    variants = get_args(_FileVariant) if request.variant == "both" else [request.variant]
    for precision in precisions:
        for variant in variants:
            file = model_file(_name(request), precision=precision, grid=variant == "grid")
            yield _File(request.out.with_name(file), precision, variant)


def _check(request: ExportRequest, files: list[_File]) -> None:
    """Find out what is wrong before torch is loaded, which takes seconds."""
    if request.out.suffix != ".onnx":
        raise UsageError(
            f"{request.out} does not end in .onnx",
            hint="the checkpoint comes first: fusion-rt export out/mine/model.pt mine.onnx",
        )
    wants_pairs = any(file.precision == "int8" for file in files)
    if wants_pairs and not request.calibration:
        raise UsageError(
            f"precision {request.precision} needs real pairs to measure the ranges for INT8 on",
            hint="--calibration FOLDER of pairs, or --precision fp16",
        )
    there = [file.path for file in files if file.path.exists()]
    if there and not request.force:
        raise UsageError(
            f"{', '.join(map(str, there))} {'is' if len(there) == 1 else 'are'} there already",
            hint="--force replaces; or give another name",
        )


def _listed(files: list[_File]) -> str:
    return ", ".join(file.path.name for file in files)
