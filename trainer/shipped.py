"""Exports the models that come with the package from their checkpoints: ``make models``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

from trainer.checkpoint import load_model
from trainer.errors import TrainerError
from trainer.export import Variant, export_onnx

CHECKPOINTS = Path(__file__).parent / "weights"
MODELS = Path(__file__).parent.parent / "engines" / "models"

VERSIONS = {"bts": "2", "bts-lite": "1"}
LICENCE = "weights trained on pictures with terms of their own, see {name}.md"


def export_shipped(folder: Path) -> list[Path]:
    """Write both variants of every shipped model into ``folder``; returns their paths.

    The same checkpoint gives the same bytes.

    Raises:
        TrainerError: a checkpoint is missing or damaged.
        OSError: a file cannot be written.
    """
    written = []
    for name, version in VERSIONS.items():
        model = load_model(CHECKPOINTS / f"{name}.pt")
        for variant in get_args(Variant):
            path = folder / (f"{name}.onnx" if variant == "plain" else f"{name}-{variant}.onnx")
            export_onnx(
                model,
                path,
                variant,
                name=name,
                version=version,
                recipe=f"see {name}.md",
                licence=LICENCE.format(name=name),
            )
            written.append(path)
    return written


def main() -> int:
    """Command line without arguments; returns the exit code."""
    try:
        for path in export_shipped(MODELS):
            print(path)
    except (TrainerError, OSError) as exc:
        print(exc, file=sys.stderr)
        print(getattr(exc, "hint", "check the folder's permissions"), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
