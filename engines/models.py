"""Finds model files: those that come with the package by name, others by path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .contract import FILE_PRECISIONS, INPUTS, model_file
from .errors import EngineError, UnknownNameError

MODELS_DIR = Path(__file__).parent / "models"
_SUFFIXES = ("-grid", *(f"-{precision}" for precision in FILE_PRECISIONS[1:]))


@dataclass(frozen=True)
class ModelFile:
    """A model on disk.

    Attributes:
        name: as reports show it.
        path: the ONNX file.
    """

    name: str
    path: Path


def shipped_models() -> list[str]:
    """Names of the models that come with the package, sorted."""
    stems = (path.stem for path in MODELS_DIR.glob("*.onnx"))
    return sorted(stem for stem in stems if not stem.endswith(_SUFFIXES))


def find_variant(model: ModelFile, *, precision: str = "fp32", grid: bool = False) -> ModelFile:
    """The file beside ``model`` that holds it in another precision or as the grid variant.

    Args:
        model: as `find_model` gives it.
        precision: one of `contract.FILE_PRECISIONS`.
        grid: the variant that warps the infrared inside the graph.
    Returns:
        The sibling under the model's name; ``model`` itself for FP32 without grid.

    Raises:
        UnknownNameError: no file has this precision.
        EngineError: the file is not there.
    """
    if precision not in FILE_PRECISIONS:
        raise unknown_name("precision of a model file", precision, list(FILE_PRECISIONS))
    path = model.path.with_name(model_file(model.path.stem, precision=precision, grid=grid))
    if not path.is_file():
        kind = f"{precision}{' with grid' if grid else ''}"
        command = f"fusion-rt export CHECKPOINT {path} --precision {precision}"
        more = f"{' --variant grid' if grid else ''}"
        more += " --calibration PAIRS" if precision == "int8" else ""
        raise EngineError(
            f"model {model.name} has no file for {kind}: {path} is not there",
            hint=f"write it: {command}{more}",
        )
    return ModelFile(model.name, path)


def find_model(name_or_path: str) -> ModelFile:
    """The model with this name, or the ONNX file at this path.

    Raises:
        UnknownNameError: neither a known name nor a path to an ONNX file.
        EngineError: the file cannot be read, or is a checkpoint of the trainer.
    """
    if name_or_path in shipped_models():
        return ModelFile(name_or_path, MODELS_DIR / f"{name_or_path}.onnx")
    path = Path(name_or_path)
    if path.suffix == ".onnx":
        try:
            path.open("rb").close()
        except OSError as error:
            reason = "does not exist" if isinstance(error, FileNotFoundError) else error.strerror
            raise EngineError(f"model file {path}: {reason}", hint="check --model") from error
        return ModelFile(_own_name(path), path)
    if path.suffix == ".pt" and path.is_file():
        raise EngineError(
            f"{path} is a checkpoint of the trainer, not a model file",
            hint=f"export it first: fusion-rt export {path} mine.onnx",
        )
    raise unknown_name("model", name_or_path, shipped_models(), "or give the path of an .onnx file")


def _own_name(path: Path) -> str:
    """What a file is called that was named by its path: never like a shipped one it is not."""
    is_shipped = path.resolve().parent == MODELS_DIR.resolve()
    return path.stem if is_shipped or path.stem not in shipped_models() else path.name


def check_inputs(model: ModelFile, names: Iterable[str]) -> None:
    """Refuse a model that takes other tensors than the plain variant of `engines.contract`.

    Raises:
        EngineError: names what it takes.
    """
    if sorted(names := list(names)) != sorted(INPUTS):
        raise EngineError(
            f"{model.path} takes {', '.join(names)} instead of {', '.join(INPUTS)}",
            hint="give a plain model exported by fusion-rt; a grid variant warps inside and is "
            "for GPU back ends",
        )


def unknown_name(what: str, given: str, known: list[str], more: str = "") -> UnknownNameError:
    """Error that lists the known names and puts the nearest first."""
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.6)
    guess = f"did you mean '{near[0]}'? " if near else ""
    listed = f"known: {', '.join(known)}"
    return UnknownNameError(
        f"unknown {what} '{given}'", hint=f"{guess}{listed}{', ' + more if more else ''}"
    )
