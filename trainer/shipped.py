"""Exports the models that come with the package from their checkpoints: ``make models``."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from engines.contract import model_file
from trainer.build import Network
from trainer.checkpoint import load_model
from trainer.errors import TrainerError
from trainer.export import Precision, export_onnx
from trainer.onnx_deploy import Variant
from trainer.post_training import (
    Calibration,
    calibrate,
    load_calibration,
    pruned,
    save_calibration,
)
from trainer.screen import Screen

CHECKPOINTS = Path(__file__).parent / "weights"
MODELS = Path(__file__).parent.parent / "engines" / "models"

VERSIONS = {"bts": "4", "bts-lite": "3"}
LICENCE = "weights trained on pictures with terms of their own, see {name}.md"


def export_shipped(folder: Path, calibration: Sequence[Path] = ()) -> list[Path]:
    """Write every shipped model in all variants and precisions; returns the files' paths.

    The same checkpoint and ranges give the same bytes.

    Args:
        folder: to write to.
        calibration: folders and manifests of pairs to measure on which channels matter, and the
            ranges for INT8; both are kept beside the checkpoints. Without any the kept ones are
            used.
    Raises:
        TrainerError: a checkpoint or its calibration is missing or damaged, or the calibration
            is that of other weights; then nothing is written.
        OSError: a file cannot be written.
    """
    models = {name: load_model(CHECKPOINTS / f"{name}.pt") for name in VERSIONS}
    measured = {name: _measured(name, models[name], calibration) for name in VERSIONS}
    written = []
    for name, version in VERSIONS.items():
        slim = pruned(models[name], measured[name].kept)
        for precision in get_args(Precision):
            for variant in get_args(Variant):
                path = folder / model_file(name, precision=precision, grid=variant == "grid")
                export_onnx(
                    slim,
                    path,
                    variant,
                    precision,
                    ranges=measured[name].largest if precision == "int8" else None,
                    name=name,
                    version=version,
                    recipe=f"see {name}.md",
                    licence=LICENCE.format(name=name),
                )
                written.append(path)
    return written


def shipped_network(name: str) -> Network:
    """A shipped network as its model files have it, without idle channels.

    Raises:
        TrainerError: its checkpoint or calibration is missing or damaged.
    """
    model = load_model(CHECKPOINTS / f"{name}.pt")
    return pruned(model, _measured(name, model, ()).kept)


def _measured(name: str, model: Network, pairs: Sequence[Path]) -> Calibration:
    kept = CHECKPOINTS / f"{name}-calibration.yaml"
    checkpoint = hashlib.sha256((CHECKPOINTS / f"{name}.pt").read_bytes()).hexdigest()
    if not pairs:
        return load_calibration(kept, checkpoint)
    calibration = calibrate(model, pairs, Screen(shown=True))
    save_calibration(kept, calibration, checkpoint)
    return calibration


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.shipped", description="Write the shipped models anew."
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        nargs="+",
        default=(),
        metavar="PAIRS",
        help="folders or manifests of real pairs; needed after a change of weights or network",
    )
    args = parser.parse_args(argv)
    try:
        for path in export_shipped(MODELS, args.calibration):
            print(path)
    except (TrainerError, OSError) as exc:
        print(exc, file=sys.stderr)
        print(getattr(exc, "hint", "check the folder's permissions"), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
