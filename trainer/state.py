"""State of a training, and how it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainer.averaging import WeightAverage
from trainer.build import Network
from trainer.checkpoint import save_checkpoint
from trainer.whole_file import write_whole, writing

LAST, PREVIOUS = "last.pt", "previous.pt"  # the state of a training, and the one before it


@dataclass
class TrainingState:
    """All that changes in the course of a training.

    Attributes:
        model: as it is trained.
        optimizer: of this model.
        scaler: of the precision.
        average: of the weights; None where none is kept.
        step: steps done.
        seconds: time spent on them, over all sessions; without what is judged in between.
        best: lowest loss on the validation pairs so far; None before the first.
    """

    model: Network
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: WeightAverage | None
    step: int = 0
    seconds: float = 0.0
    best: float | None = None

    @property
    def shown(self) -> Network:
        """The model to validate and to keep: the average where there is one."""
        return self.model if self.average is None else self.average.model


@dataclass(frozen=True)
class Identity:
    """What must be the same for a training to go on.

    Attributes:
        network: name.
        settings: recipe, lists, numbers and names only.
        data: hash of the training data, see `trainer.pairs.data_hash`.
        judged_on: the same of the validation data; None without. Others are told, as what was
            the best so far cannot be compared with what comes.
        made_with: torch, device and so on; another one is told, as the bits may differ.
    """

    network: str
    settings: dict[str, Any]
    data: str
    judged_on: str | None
    made_with: dict[str, str]


def save_weights(path: Path, model: nn.Module, identity: Identity, **facts: Any) -> None:
    """Write what an export or another training needs, and no more."""
    save_checkpoint(path, {"model": _contiguous(model), **_told(identity), **facts})


def save_training(
    path: Path, state: TrainingState, identity: Identity, random: list[dict[str, Any]]
) -> None:
    """Write all that `trainer.resume` needs; what was there before is kept as `PREVIOUS`.

    Args:
        path: file; its folder must exist.
        state: now.
        identity: of this training.
        random: see `trainer.randomness`, for each process.
    Raises:
        WriteError: it cannot be written; what was there before stays.
    """
    if path.exists():
        previous = path.with_name(PREVIOUS)
        with writing(previous):
            write_whole(previous, path.read_bytes())
    save_checkpoint(
        path,
        {
            "model": _contiguous(state.shown),
            "raw": _contiguous(state.model),
            "optimizer": state.optimizer.state_dict(),
            "scaler": state.scaler.state_dict(),
            "average_updates": 0 if state.average is None else state.average.updates,
            "random": random,
            "step": state.step,
            "seconds": state.seconds,
            "best": state.best,
            **_told(identity),
        },
    )


def _told(identity: Identity) -> dict[str, Any]:
    return {
        "network": identity.network,
        "settings": identity.settings,
        "data": identity.data,
        "judged_on": identity.judged_on,
        "made_with": identity.made_with,
    }


def _contiguous(model: nn.Module) -> dict[str, torch.Tensor]:
    """Weights on the CPU, without the memory order of the training."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}


def torch_version() -> str:
    """Without the build's suffix, which says nothing about the result on a CPU."""
    return torch.__version__.split("+")[0]
