"""Blends two checkpoints of one network: ``python -m trainer.blend A.pt B.pt OUT.pt --share 0.3``.

Along the straight line between a network and the same network trained on with another loss, what
the two are good at blends too, and better than the loss could be weighted to ask for.
Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trainer.checkpoint import load_checkpoint, save_checkpoint
from trainer.errors import CheckpointError, TrainerError


def blend(first: Path, second: Path, out: Path, share: float) -> None:
    """Write ``(1 - share) * first + share * second``, weights only.

    Raises:
        CheckpointError: one cannot be read, they hold different networks, or the share lies
            outside 0..1.
    """
    if not 0 <= share <= 1:
        raise CheckpointError(f"the share is {share:g}", hint="give one from 0 to 1")
    states = [load_checkpoint(path) for path in (first, second)]
    names = [state.get("network", "bts") for state in states]
    if names[0] != names[1] or states[0]["model"].keys() != states[1]["model"].keys():
        raise CheckpointError(
            f"{first} holds {names[0]}, {second} holds {names[1]}",
            hint="give two checkpoints of the same network",
        )
    model = {
        name: ((1 - share) * tensor.double() + share * states[1]["model"][name].double()).to(
            tensor.dtype
        )
        for name, tensor in states[0]["model"].items()
    }
    save_checkpoint(out, {"model": model, "network": names[0]})


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trainer.blend", description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, required=True, help="of the second, 0 to 1")
    args = parser.parse_args(argv)
    try:
        blend(args.first, args.second, args.out, args.share)
    except (TrainerError, OSError) as exc:
        print(f"{exc}\n{getattr(exc, 'hint', 'write to another place')}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
