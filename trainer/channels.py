"""Which channels of a network make a difference to the picture, measured on pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from trainer.build import Network
from trainer.pruning import prunable_layers, prune

# Widths are multiples of this: vector units of processors and matrix units of GPUs take so many
# numbers at once, and a layer of 18 channels takes as long as one of 32.
LANES = 16
TOLERANCE = 1 / 255  # of luma in 0..1, at any pixel: one grey level

Planes = tuple[Tensor, Tensor]
_CHECK = 8  # pairs, taken evenly, that a width must pass before all others are looked at


def _nothing() -> None:
    """Nobody looks on."""


@dataclass(frozen=True)
class Seen:
    """What a network does with pairs.

    Attributes:
        pictures: fused luma of each pair, (1, 1, H, W) float32.
        worth: how much each channel counts, (C,) float32, by the layer that gives it: as much as
            it is lit at its brightest pixel, times the weight that the layer behind gives it.
    """

    pictures: list[Tensor]
    worth: dict[str, Tensor]


@torch.inference_mode()
def look(model: Network, pairs: Sequence[Planes], advance: Callable[[], None] = _nothing) -> Seen:
    """Run the network over pairs.

    Args:
        model: deploy form with local gates.
        pairs: at least one; infrared and visible luma, each (1, 1, H, W) float32 in 0..1.
        advance: called after each pair.
    """
    readers = prunable_layers(model)
    lit = {layer: torch.zeros(_width(model, layer)) for layer in readers}

    def watch(layer: str) -> Callable[[object, object, Tensor], None]:
        def hook(_module: object, _inputs: object, output: Tensor) -> None:
            lit[layer] = torch.maximum(lit[layer], functional.relu(output).amax((0, 2, 3)))

        return hook

    hooks = [model.get_submodule(layer).register_forward_hook(watch(layer)) for layer in readers]
    pictures = []
    try:
        for pair in pairs:
            pictures.append(model(*pair))
            advance()
    finally:
        for hook in hooks:
            hook.remove()
    worth = {layer: lit[layer] * _lengths(model, layer, readers[layer]) for layer in lit}
    return Seen(pictures, worth)


@torch.inference_mode()
def fewest_channels(
    model: Network,
    pairs: Sequence[Planes],
    seen: Seen,
    advance: Callable[[], None] = _nothing,
) -> dict[str, list[int]]:
    """The channels to keep, for layers that can do with fewer.

    Layer by layer those that count least are left out, as many as whole `LANES` allow, where no
    pixel of any pair changes by more than `TOLERANCE`.

    Args:
        model: that of `look`.
        pairs: those of `look`.
        seen: what it gave.
        advance: called after each layer, of which there are as many as in ``seen.worth``.
    Returns:
        As `trainer.pruning.prune` takes it.
    """
    step = max(1, len(pairs) // _CHECK)
    order = [place for first in range(step) for place in range(first, len(pairs), step)]
    kept: dict[str, list[int]] = {}
    for layer, worth in seen.worth.items():
        ranked = worth.argsort(descending=True).tolist()
        for width in range(LANES, len(ranked), LANES):
            tried = {**kept, layer: sorted(ranked[:width])}
            slim = prune(model, tried)
            if all(_same(slim(*pairs[place]), seen.pictures[place]) for place in order):
                kept = tried
                break
        advance()
    return kept


def _lengths(model: Network, layer: str, reader: str) -> Tensor:
    """Of the kernels by which ``reader`` takes each channel of ``layer``."""
    kernels = model.get_submodule(reader).weight
    assert isinstance(kernels, Tensor)
    lengths = kernels.square().sum((0, 2, 3)).sqrt()
    width = _width(model, layer)
    # Where features of both cameras are read, those of the visible one lie behind.
    return lengths[-width:] if layer.startswith("encoder_vis") else lengths[:width]


def _width(model: Network, layer: str) -> int:
    conv = model.get_submodule(layer)
    assert isinstance(conv, torch.nn.Conv2d)
    return conv.out_channels


def _same(one: Tensor, other: Tensor) -> bool:
    return float((one.clamp(0, 1) - other.clamp(0, 1)).abs().max()) <= TOLERANCE
