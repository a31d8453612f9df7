"""Holds a network closer to its prior: ``python -m trainer.temper MODEL.pt OUT.pt --share 0.9``.

What a network adds to its prior comes linearly from its last layer. Taking a share of it moves the
picture smoothly from the prior's edges to the trained network's likeness to both sources, after
the training and without another one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trainer.checkpoint import load_checkpoint, load_model, network_of, save_checkpoint
from trainer.errors import CheckpointError, TrainerError

HEADS = {"bts": "decoder.head", "bts-lite": "head"}  # last layer of each network


def temper(checkpoint: Path, out: Path, share: float) -> None:
    """Write the network with so much of what it adds to its prior, weights only.

    Args:
        checkpoint: to read.
        out: to write.
        share: 0 leaves the prior alone, 1 the network as it is.

    Raises:
        CheckpointError: it cannot be read, or the share lies outside 0..1.
        WriteError: the result cannot be written.
    """
    if not 0 <= share <= 1:
        raise CheckpointError(f"the share is {share:g}", hint="give one from 0 to 1")
    network = network_of(checkpoint, load_checkpoint(checkpoint))
    weights = load_model(checkpoint).state_dict()
    for part in ("weight", "bias"):
        weights[f"{HEADS[network]}.{part}"] *= share
    save_checkpoint(out, {"model": weights, "network": network})


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trainer.temper", description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, required=True, help="of what was learned, 0 to 1")
    args = parser.parse_args(argv)
    try:
        temper(args.checkpoint, args.out, args.share)
    except TrainerError as exc:
        print(f"{exc}\n{exc.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
