"""State of an unfinished training: how it is kept, and when it may be gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainer.checkpoint import load_checkpoint, save_checkpoint
from trainer.errors import CheckpointError


def save_training(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    settings: dict[str, Any],
    data: str,
    step: int,
) -> None:
    """Write all that `resume_training` needs.

    Args:
        path: file; its folder must exist.
        model: as it is trained.
        optimizer: of this model.
        settings: recipe, lists, numbers and names only.
        data: hash of the training data, see `trainer.pairs.data_hash`.
        step: number of steps done.
    """
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_checkpoint(
        path,
        {
            "model": state,
            "optimizer": optimizer.state_dict(),
            "settings": settings,
            "data": data,
            "step": step,
            "torch": _torch_version(),
        },
    )


def resume_training(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    settings: dict[str, Any],
    data: str,
) -> int:
    """Load model and optimizer; returns the number of steps done.

    Another version of torch may round differently; that is said on the terminal and no error.

    Raises:
        CheckpointError: not the state of a training, or of one with other settings, other data
            or another network.
    """
    state = load_checkpoint(path)
    missing = {"model", "optimizer", "settings", "data", "step", "torch"} - state.keys()
    if missing:
        raise CheckpointError(
            f"{path} is not the state of a training: {', '.join(sorted(missing))} missing",
            hint="give another --out to begin anew",
        )
    changed = _changed(state["settings"], settings)
    if changed:
        raise CheckpointError(
            f"{path} was made with other settings: {', '.join(changed)}",
            hint="use the same settings to go on, or another --out to begin anew",
        )
    if state["data"] != data:
        raise CheckpointError(
            f"{path} was made with other training data",
            hint="give the same pictures in the same order, or another --out to begin anew",
        )
    try:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = int(state["step"])
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as exc:
        raise CheckpointError(
            f"{path} holds another network or is damaged: {str(exc).splitlines()[0]}",
            hint="give another --out to begin anew",
        ) from exc
    if state["torch"] != _torch_version():
        print(
            f"note: begun with torch {state['torch']}, goes on with {_torch_version()}; "
            "the weights will differ from those of one version throughout",
            flush=True,
        )
    return step


def _changed(theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Names of the settings that differ or that only one of the two has."""
    both = theirs.keys() & ours.keys()
    differ = {key for key in both if theirs[key] != ours[key]}
    return sorted(differ | (theirs.keys() ^ ours.keys()))


def _torch_version() -> str:
    """Without the build's suffix, which says nothing about the result on a CPU."""
    return torch.__version__.split("+")[0]
