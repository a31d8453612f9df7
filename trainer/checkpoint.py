"""Checkpoints: weights and what belongs to them, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from trainer.build import Network, build_network
from trainer.errors import CheckpointError
from trainer.whole_file import replace_whole

FORMAT = 1


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` under a temporary name, then move it over ``path``.

    Args:
        path: file; its folder must exist.
        state: tensors, numbers, strings and containers of them; nothing else can be read back.
    """
    replace_whole(path, lambda temporary: torch.save({"format": FORMAT, **state}, temporary))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """State as `save_checkpoint` wrote it; no code in the file is ever run.

    Raises:
        CheckpointError: missing, damaged or of another format.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} is not there", hint="give a checkpoint of this trainer")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as exc:  # torch.load raises many kinds for a damaged file
        raise CheckpointError(
            f"{path} cannot be read: {str(exc).splitlines()[0]}",
            hint="take an earlier checkpoint",
        ) from exc
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is no checkpoint of format {FORMAT}",
            hint="give a checkpoint of this trainer",
        )
    return state


def load_model(path: Path) -> Network:
    """Network of a checkpoint, training form, eval mode.

    Where the training kept an average of the weights, this is the average.

    Raises:
        CheckpointError: as `load_checkpoint`, or the checkpoint holds another network.
    """
    state = load_checkpoint(path)
    model = build_network(state.get("network", "bts"))
    try:
        model.load_state_dict(state["model"])
    except (KeyError, RuntimeError) as exc:
        raise CheckpointError(
            f"{path} holds another network: {str(exc).splitlines()[0]}",
            hint="give a checkpoint of this trainer",
        ) from exc
    return model.eval()
