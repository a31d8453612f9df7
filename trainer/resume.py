"""When a training may be gone on with, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import NoneType
from typing import Any

import torch

from trainer.checkpoint import fill, load_checkpoint, network_of, weights_of
from trainer.distributed import World
from trainer.errors import CheckpointError, ResumeError
from trainer.randomness import set_random_state
from trainer.state import PREVIOUS, Identity, TrainingState

# What the state of a training holds, and of which kind it is.
_KINDS: dict[str, tuple[type, ...]] = {
    "model": (dict,),
    "raw": (dict,),
    "optimizer": (dict,),
    "scaler": (dict,),
    "average_updates": (int,),
    "random": (list,),
    "settings": (dict,),
    "data": (str,),
    "step": (int,),
    "seconds": (int, float),
    "best": (float, NoneType),
    "made_with": (dict,),
}
_ANEW = "give another --out to begin anew"


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


def read_training(path: Path, network: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What `trainer.state.save_training` wrote, once it is known that it may be gone on with.

    Args:
        path: file.
        network: name of the one that is to be trained.
        settings: recipe that is to be followed.
    Raises:
        CheckpointError: not the state of a training, or of one with other settings or another
            network.
    """
    try:
        kept = load_checkpoint(path)
        _check_kinds(path, kept)
        theirs = network_of(path, kept)
    except CheckpointError as exc:
        exc.hint = _way_back(path)
        raise
    if theirs != network:
        raise CheckpointError(
            f"{path} holds the network {theirs}, but {network} is to be trained", hint=_ANEW
        )
    changed = _changed(kept["settings"], settings)
    if changed:
        raise CheckpointError(
            f"{path} was made with other settings: {', '.join(changed)}",
            hint="use the same settings to go on, or another --out to begin anew",
        )
    return kept


def resume_training(
    path: Path, kept: dict[str, Any], state: TrainingState, identity: Identity
) -> list[str]:
    """Load everything into ``state``; the random generators apart, see `resume_random`.

    Args:
        path: where ``kept`` is from, for the words of an error.
        kept: from `read_training`.
        state: of the training as it begins.
        identity: of this training.
    Returns:
        Notes on what is not as it was.
    Raises:
        CheckpointError: it was made with other data, or is damaged.
    """
    if kept["data"] != identity.data:
        raise CheckpointError(
            f"{path} was made with other training data",
            hint="give the same pictures in the same order, or another --out to begin anew",
        )
    fill(state.model, kept["raw"], path, _ANEW)
    if state.average is not None:
        fill(state.average.model, kept["model"], path, _ANEW)
        state.average.updates = kept["average_updates"]
    with _sound(path):
        state.optimizer.load_state_dict(kept["optimizer"])
        # Begun without a loss scale, there is none to go on with: it is sought anew.
        if state.scaler.is_enabled() and kept["scaler"]:
            state.scaler.load_state_dict(kept["scaler"])
    state.step, state.seconds, state.best = kept["step"], float(kept["seconds"]), kept["best"]
    notes = [
        f"begun with {name} {before}, goes on with {identity.made_with[name]}; "
        "the weights will differ from those of one throughout"
        for name, before in kept["made_with"].items()
        if identity.made_with.get(name, before) != before
    ]
    if state.best is not None and kept.get("judged_on") != identity.judged_on:
        state.best = None
        notes.append("the validation pairs are others than before; the best is sought anew")
    return notes


def resume_random(path: Path, kept: dict[str, Any], world: World, device: torch.device) -> None:
    """Let the random generators go on where they were, if there are as many processes as then.

    Args:
        path: where ``kept`` is from, for the words of an error.
        kept: from `read_training`.
        world: processes of this training.
        device: of this process.
    Raises:
        CheckpointError: it is damaged.
    """
    if len(kept["random"]) == world.size:
        with _sound(path):
            set_random_state(kept["random"][world.rank], device)


@contextmanager
def _sound(path: Path) -> Iterator[None]:
    """Tell of whatever fails inside as of a damaged file."""
    try:
        yield
    except (
        *(AttributeError, IndexError, KeyError, OverflowError),
        *(RuntimeError, TypeError, ValueError),
    ) as exc:
        raise CheckpointError(f"{path} is damaged", hint=_way_back(path)) from exc


def _check_kinds(path: Path, kept: dict[str, Any]) -> None:
    missing = _KINDS.keys() - kept.keys()
    if missing:
        raise CheckpointError(
            f"{path} is not the state of a training: {', '.join(sorted(missing))} missing"
        )
    odd = [name for name, kinds in _KINDS.items() if not isinstance(kept[name], kinds)]
    if odd:
        raise CheckpointError(f"{path} is damaged: {odd[0]} is not what it should be")
    for name in ("model", "raw"):
        weights_of(path, {"model": kept[name]})


def _way_back(path: Path) -> str:
    """What to do when the state of a training cannot be used."""
    previous = path.with_name(PREVIOUS)
    if not previous.is_file():
        return _ANEW
    return f"go on from the state before it: mv {previous} {path}, then --resume; or {_ANEW}"


def _changed(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """Names of the settings that differ or that only one of the two has."""
    both = theirs.keys() & ours.keys()
    differ = {key for key in both if theirs[key] != ours[key]}
    return sorted(differ | (theirs.keys() ^ ours.keys()))
