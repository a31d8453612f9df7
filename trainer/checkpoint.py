"""Checkpoints: weights and what belongs to them, written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainer.build import Network, build_network
from trainer.errors import CheckpointError
from trainer.whole_file import write_whole, writing

FORMAT = 1
_HINT = "give a checkpoint of this trainer, such as trainer/weights/bts.pt or out/mine/model.pt"


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` under a temporary name, then move it over ``path``.

    Args:
        path: file; its folder must exist.
        state: tensors, numbers, strings and containers of them; nothing else can be read back.
    Raises:
        WriteError: it cannot be written; what was there before stays.
    """
    content = io.BytesIO()  # torch tells of a full disk in words that nobody understands
    torch.save({"format": FORMAT, **state}, content)
    with writing(path):
        write_whole(path, content.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """State as `save_checkpoint` wrote it; no code in the file is ever run.

    Raises:
        CheckpointError: missing, damaged or of another format.
    """
    state = read_tensors(path)
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise CheckpointError(f"{path} is no checkpoint of format {FORMAT}", hint=_HINT)
    return state


def read_tensors(path: Path) -> Any:
    """What a file of torch holds, as plain data; no code in the file is ever run.

    Raises:
        CheckpointError: missing or damaged, or it holds more than plain data.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} is not there", hint=_HINT)
    if path.suffix.lower() == ".onnx":
        raise CheckpointError(f"{path} is an ONNX model, not a checkpoint", hint=_HINT)
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise CheckpointError(f"{path} cannot be read: {exc.strerror}", hint=_HINT) from exc
    if not content:
        raise CheckpointError(f"{path} cannot be read: the file is empty", hint=_HINT)
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as exc:  # torch.load raises many kinds for a damaged file
        # What torch says is left out: it advises to run the code that such a file may hold.
        raise CheckpointError(
            f"{path} cannot be read: it is damaged, cut short or no checkpoint", hint=_HINT
        ) from exc


def load_model(path: Path, network: str | None = None) -> Network:
    """Network of a checkpoint, training form, eval mode.

    Where the training kept an average of the weights, this is the average.

    Args:
        path: checkpoint of a training, or the weights alone that it gave.
        network: name of the network that it must hold; None takes any.
    Raises:
        CheckpointError: as `load_checkpoint`, or the checkpoint holds another network.
    """
    state = load_checkpoint(path)
    theirs = network_of(path, state)
    if network not in (None, theirs):
        raise CheckpointError(
            f"{path} holds the network {theirs}, but {network} is to be trained",
            hint=f"--set network={theirs}, or another checkpoint for init",
        )
    model = build_network(theirs)
    fill(model, weights_of(path, state), path)
    return model.eval()


def network_of(path: Path, state: Mapping[str, Any]) -> str:
    """Name of the network in a checkpoint; one that names none holds "bts".

    Raises:
        CheckpointError: what stands there is no name.
    """
    name = state.get("network", "bts")
    if not isinstance(name, str):
        raise CheckpointError(f"{path} names no network", hint=_HINT)
    return name


def weights_of(path: Path, state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Tensors of the network in a checkpoint, by name.

    Raises:
        CheckpointError: there are none, or some are not finite.
    """
    weights = state.get("model")
    if not isinstance(weights, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in weights.items()
    ):
        raise CheckpointError(f"{path} holds no weights of a network", hint=_HINT)
    broken = [name for name, value in weights.items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise CheckpointError(
            f"{path} holds weights that are not finite: {_some(broken)}", hint=_HINT
        )
    return weights


def fill(model: nn.Module, weights: Mapping[str, Tensor], path: Path, hint: str = _HINT) -> None:
    """Give a network its weights, all of them.

    Args:
        model: takes them.
        weights: by the names that the network has for them.
        path: where they are from, for the words of an error.
        hint: of that error.
    Raises:
        CheckpointError: they are those of another network.
    """
    ours = model.state_dict()
    odd = sorted(ours.keys() ^ weights.keys())
    odd += [
        name for name in ours.keys() & weights.keys() if ours[name].shape != weights[name].shape
    ]
    if odd:
        raise CheckpointError(
            f"{path} holds another network, it differs in {_some(odd)}", hint=hint
        )
    model.load_state_dict(dict(weights))


def _some(names: list[str]) -> str:
    """For instance "head.bias, head.weight and 3 more"."""
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more
