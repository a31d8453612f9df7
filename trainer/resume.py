"""State of an unfinished training: how it is kept, and when it may be gone on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainer.averaging import WeightAverage
from trainer.checkpoint import load_checkpoint, save_checkpoint
from trainer.errors import CheckpointError, ResumeError

_KEYS = {
    "model",
    "raw",
    "optimizer",
    "scaler",
    "average_updates",
    "random",
    "settings",
    "data",
    "step",
    "seconds",
    "best",
    "made_with",
}


@dataclass
class TrainingState:
    """All that changes in the course of a training.

    Attributes:
        model: as it is trained.
        optimizer: of this model.
        scaler: of the precision.
        average: of the weights; None where none is kept.
        step: steps done.
        seconds: time spent on them, over all sessions.
        best: lowest loss on the validation pairs so far; None before the first.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: WeightAverage | None
    step: int = 0
    seconds: float = 0.0
    best: float | None = None

    @property
    def shown(self) -> nn.Module:
        """The model to validate and to keep: the average where there is one."""
        return self.model if self.average is None else self.average.model


@dataclass(frozen=True)
class Identity:
    """What must be the same for a training to go on.

    Attributes:
        network: name.
        settings: recipe, lists, numbers and names only.
        data: hash of the training data, see `trainer.pairs.data_hash`.
        made_with: torch, device and so on; another one is told, as the bits may differ.
    """

    network: str
    settings: dict[str, Any]
    data: str
    made_with: dict[str, str]


def check_place(path: Path, resume: bool) -> None:
    """A training goes on only where that is asked for, and only begins where there is none.

    Raises:
        ResumeError: ``path`` is there and is not to be gone on with, or the other way round.
    """
    if path.exists() and not resume:
        raise ResumeError(
            f"{path} is there already",
            hint="--resume goes on with it; another --out begins anew",
        )
    if resume and not path.exists():
        raise ResumeError(
            f"there is nothing to go on with: {path} is not there",
            hint="leave --resume out to begin, or check --out",
        )


def save_weights(path: Path, model: nn.Module, identity: Identity, **facts: Any) -> None:
    """Write what an export or another training needs, and no more."""
    save_checkpoint(path, {"model": _contiguous(model), **_told(identity), **facts})


def save_training(
    path: Path, state: TrainingState, identity: Identity, random: list[dict[str, Any]]
) -> None:
    """Write all that `resume_training` needs.

    Args:
        path: file; its folder must exist.
        state: now.
        identity: of this training.
        random: see `trainer.randomness`, for each process.
    """
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


def resume_training(
    path: Path, state: TrainingState, identity: Identity
) -> tuple[list[dict[str, Any]], list[str]]:
    """Load everything into ``state``.

    Returns:
        Random states, one for each process; notes on what is not as it was.
    Raises:
        CheckpointError: not the state of a training, or of one with other settings, other data
            or another network.
    """
    kept = load_checkpoint(path)
    missing = _KEYS - kept.keys()
    if missing:
        raise CheckpointError(
            f"{path} is not the state of a training: {', '.join(sorted(missing))} missing",
            hint="give another --out to begin anew",
        )
    changed = _changed(kept["settings"], identity.settings)
    if changed:
        raise CheckpointError(
            f"{path} was made with other settings: {', '.join(changed)}",
            hint="use the same settings to go on, or another --out to begin anew",
        )
    if kept["data"] != identity.data:
        raise CheckpointError(
            f"{path} was made with other training data",
            hint="give the same pictures in the same order, or another --out to begin anew",
        )
    try:
        state.model.load_state_dict(kept["raw"])
        state.optimizer.load_state_dict(kept["optimizer"])
        state.scaler.load_state_dict(kept["scaler"] if state.scaler.is_enabled() else {})
        if state.average is not None:
            state.average.model.load_state_dict(kept["model"])
            state.average.updates = int(kept["average_updates"])
        state.step = int(kept["step"])
        state.seconds, state.best = float(kept["seconds"]), kept["best"]
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as exc:
        raise CheckpointError(
            f"{path} holds another network or is damaged: {str(exc).splitlines()[0]}",
            hint="give another --out to begin anew",
        ) from exc
    notes = [
        f"begun with {name} {kept['made_with'].get(name)}, goes on with {now}; "
        "the weights will differ from those of one throughout"
        for name, now in identity.made_with.items()
        if kept["made_with"].get(name) != now
    ]
    return kept["random"], notes


def _told(identity: Identity) -> dict[str, Any]:
    return {
        "network": identity.network,
        "settings": identity.settings,
        "data": identity.data,
        "made_with": identity.made_with,
    }


def _contiguous(model: nn.Module) -> dict[str, torch.Tensor]:
    """Weights on the CPU, without the memory order of the training."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}


def _changed(theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Names of the settings that differ or that only one of the two has."""
    both = theirs.keys() & ours.keys()
    differ = {key for key in both if theirs[key] != ours[key]}
    return sorted(differ | (theirs.keys() ^ ours.keys()))


def torch_version() -> str:
    """Without the build's suffix, which says nothing about the result on a CPU."""
    return torch.__version__.split("+")[0]
