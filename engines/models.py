"""Finds model files: those that come with the package by name, others by path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .contract import INPUTS
from .errors import EngineError, UnknownNameError

MODELS_DIR = Path(__file__).parent / "models"
_GRID_SUFFIX = "-grid"


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
    return sorted(stem for stem in stems if not stem.endswith(_GRID_SUFFIX))


def find_model(name_or_path: str) -> ModelFile:
    """The model with this name, or the ONNX file at this path.

    Raises:
        UnknownNameError: neither a known name nor a path to an ONNX file.
        EngineError: the file cannot be read.
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
        return ModelFile(path.stem, path)
    raise unknown_name("model", name_or_path, shipped_models(), "or give the path of an .onnx file")


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
