"""Reads the published checkpoint of the paper's authors, for comparison.

Its tensors expect pictures in 0..255; `fold_range` turns a network made for one range into the
one that computes the same picture in 0..1.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from trainer.checkpoint import fill, read_tensors, weights_of
from trainer.errors import CheckpointError
from trainer.network import FusionNet

PUBLISHED_PEAK = 255.0

# Published prefix -> ours. Tensors below these prefixes keep their last name.
_LAYERS = {
    "conv_ir.conv2d": "encoder_ir.stem",
    "conv_vi.conv2d": "encoder_vis.stem",
    "cbam.ca.se.0": "attention.channel.squeeze",
    "cbam.ca.se.2": "attention.channel.excite",
    "cbam.sa.conv": "attention.spatial.conv",
    "conv_out.conv2d": "decoder.head",
}
_BLOCKS = {
    "RepVgg_ir1": "encoder_ir.block1",
    "RepVgg_ir2": "encoder_ir.block2",
    "RepVgg_vi1": "encoder_vis.block1",
    "RepVgg_vi2": "encoder_vis.block2",
    "RepVgg_decode1": "decoder.block1",
    "RepVgg_decode3": "decoder.block2",
}
_BRANCHES = {
    "rbr_dense.conv": "dense.0",
    "rbr_dense.bn": "dense.1",
    "rbr_1x1.conv": "point.0",
    "rbr_1x1.bn": "point.1",
    "rbr_identity": "identity",
}


def our_name(published: str) -> str:
    """Our state-dict name of a published tensor.

    Raises:
        CheckpointError: a name that the published network does not have.
    """
    prefix, _, leaf = published.rpartition(".")
    if prefix in _LAYERS:
        return f"{_LAYERS[prefix]}.{leaf}"
    block, _, branch = prefix.partition(".")
    if block in _BLOCKS and branch in _BRANCHES:
        return f"{_BLOCKS[block]}.{_BRANCHES[branch]}.{leaf}"
    raise CheckpointError(
        f"unknown tensor '{published}' in the checkpoint",
        hint="give the authors' checkpoint in training form",
    )


def import_published(path: Path) -> FusionNet:
    """The published network as it is: training form, eval mode, pictures in 0..255.

    Raises:
        CheckpointError: the file cannot be read or holds another network.
    """
    published = weights_of(path, {"model": read_tensors(path)})
    model = FusionNet(published=True)
    fill(model, {our_name(name): tensor for name, tensor in published.items()}, path)
    return model.eval()


@torch.no_grad()
def fold_range(model: FusionNet, peak: float) -> FusionNet:
    """Copy of ``model``, in published form, for pictures in 0..1 that equals it in 0..peak.

    Convolution and ReLU commute with a positive factor once their offsets are scaled by
    1/peak. The two attention gates must see the old range, so their first layer is scaled by
    peak. A batch norm keeps its gain; its statistics are scaled, and because eps is not, its
    weight takes up the difference.
    """
    folded = copy.deepcopy(model)
    for module in folded.modules():
        if isinstance(module, nn.BatchNorm2d):
            _fold_batchnorm(module, peak)
    for conv in _convs_with_bias(folded):
        conv.bias.copy_(conv.bias.double() / peak)  # type: ignore[union-attr]
    for gate_input in (folded.attention.channel.squeeze, folded.attention.spatial.conv):
        gate_input.weight.copy_(gate_input.weight.double() * peak)
    return folded


def load_published(path: Path) -> FusionNet:
    """The published network, training form, eval mode, folded to pictures in 0..1."""
    return fold_range(import_published(path), PUBLISHED_PEAK)


def _convs_with_bias(model: FusionNet) -> list[nn.Conv2d]:
    """All but the spatial gate's, whose bias stands behind the old range already."""
    return [
        module
        for module in model.modules()
        if isinstance(module, nn.Conv2d)
        and module.bias is not None
        and module is not model.attention.spatial.conv
    ]


def _fold_batchnorm(bn: nn.BatchNorm2d, peak: float) -> None:
    mean, var = _running(bn)
    scaled_var = var / peak**2
    gain = bn.weight.double() / (var + bn.eps).sqrt()
    bn.weight.copy_(gain * (scaled_var + bn.eps).sqrt())
    bn.bias.copy_(bn.bias.double() / peak)
    mean_out, var_out = bn.running_mean, bn.running_var
    assert mean_out is not None
    assert var_out is not None
    mean_out.copy_(mean / peak)
    var_out.copy_(scaled_var)


def _running(bn: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    assert bn.running_mean is not None
    assert bn.running_var is not None
    return bn.running_mean.double(), bn.running_var.double()
