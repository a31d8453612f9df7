"""Networks in deploy form without the channels that make no difference.

A training leaves channels behind that no picture lights: a ReLU that never lets anything through
is never taught anything either. Each costs as much time as any other. Which ones they are is
measured by `trainer.channels`; here they are left out.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import nn

from trainer.build import Network
from trainer.errors import ExportError
from trainer.lite import BLOCKS
from trainer.network import FusionNet
from trainer.reparam import NetworkT

CAMERAS = ("encoder_ir", "encoder_vis")  # in the order of their features

Kept = Mapping[str, Sequence[int]]


def prunable_layers(model: Network) -> dict[str, str]:
    """Layers of which channels may be left out, in order, and the layer that reads each.

    Args:
        model: deploy form with local gates.
    """
    if isinstance(model, FusionNet):
        layers: dict[str, str] = {}
        for camera in CAMERAS:
            names = [f"{camera}.stem", f"{camera}.block1.conv", f"{camera}.block2.conv"]
            layers |= dict(zip(names, [*names[1:], "decoder.block1.conv"], strict=True))
        return layers | {
            "decoder.block1.conv": "decoder.block2.conv",
            "decoder.block2.conv": "decoder.head",
        }
    names = ["stem", *(f"body.{number}.conv" for number in range(BLOCKS)), "head"]
    return dict(pairwise(names))


@torch.no_grad()
def prune(model: NetworkT, kept: Kept) -> NetworkT:
    """Copy of ``model`` with the channels in ``kept`` alone; the model itself is left alone.

    Where what is left out is 0, the copy computes the same picture.

    Args:
        model: deploy form with local gates.
        kept: numbers of the channels to keep, rising, by the layer that gives them; a layer that
            is not named keeps all.
    Raises:
        ExportError: training form or frame-wide gates, or ``kept`` belongs to another network.
    """
    if not model.deploy or (isinstance(model, FusionNet) and model.published):
        raise ExportError(
            "channels can be left out of a deploy form with local gates only",
            hint="reparameterize the network first",
        )
    slim = copy.deepcopy(model)
    readers = prunable_layers(slim)
    for layer, channels in kept.items():
        _check(slim, layer, channels, readers)
        if isinstance(slim, FusionNet) and readers[layer] == "decoder.block1.conv":
            continue  # what this layer reads are the features of both cameras
        _narrow_inputs(_conv(slim, readers[layer]), channels)
    if isinstance(slim, FusionNet):
        _prune_features(slim, kept)
    for layer, channels in kept.items():
        _narrow_outputs(_conv(slim, layer), channels)
    return slim


def _prune_features(model: FusionNet, kept: Kept) -> None:
    """Everything that reads the features of both cameras, which lie one behind the other."""
    features: list[int] = []
    first = 0
    for camera in CAMERAS:
        layer = f"{camera}.block2.conv"
        width = _conv(model, layer).out_channels
        features += [first + channel for channel in kept.get(layer, range(width))]
        first += width
    gate = model.attention.channel
    _narrow_inputs(gate.squeeze, features)
    _narrow_outputs(gate.excite, features)
    # The mean over all channels counts those that are 0.
    model.attention.spatial.conv.weight[:, 1] *= len(features) / first
    _narrow_inputs(_conv(model, "decoder.block1.conv"), features)


def _check(model: Network, layer: str, channels: Sequence[int], known: Mapping[str, str]) -> None:
    hint = "measure the channels of this network anew, with --calibration"
    if layer not in known:
        raise ExportError(f"there is no layer '{layer}' to leave channels out of", hint=hint)
    width = _conv(model, layer).out_channels
    if not channels or sorted(set(channels)) != list(channels) or channels[-1] >= width:
        raise ExportError(f"{layer} has no channels {list(channels)}, but {width}", hint=hint)


def _conv(model: nn.Module, layer: str) -> nn.Conv2d:
    conv = model.get_submodule(layer)
    assert isinstance(conv, nn.Conv2d)
    return conv


def _narrow_outputs(conv: nn.Conv2d, channels: Sequence[int]) -> None:
    conv.weight = nn.Parameter(conv.weight[list(channels)])
    if conv.bias is not None:
        conv.bias = nn.Parameter(conv.bias[list(channels)])
    conv.out_channels = len(channels)


def _narrow_inputs(conv: nn.Conv2d, channels: Sequence[int]) -> None:
    conv.weight = nn.Parameter(conv.weight[:, list(channels)])
    conv.in_channels = len(channels)
