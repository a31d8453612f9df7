"""Training form to deploy form: every block's branches become one convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.blocks import PlainBlock, RepVGGBlock
from trainer.errors import ExportError
from trainer.network import FusionNet


def batchnorm_gain(bn: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Gain and offset, each (C,) float64, so that ``bn(x) = gain * x + offset``."""
    if bn.running_mean is None or bn.running_var is None:
        raise ExportError(
            "a batch norm keeps no running statistics",
            hint="build it with track_running_stats=True",
        )
    gain = bn.weight.double() / (bn.running_var.double() + bn.eps).sqrt()
    return gain, bn.bias.double() - bn.running_mean.double() * gain


def fold_block(block: RepVGGBlock) -> tuple[Tensor, Tensor]:
    """Kernel (Cout, Cin, 3, 3) and bias (Cout,), float64, equal to the sum of the branches."""
    kernel, bias = _fold_branch(block.dense)
    point_kernel, point_bias = _fold_branch(block.point)
    kernel, bias = kernel + functional.pad(point_kernel, (1, 1, 1, 1)), bias + point_bias
    if block.identity is not None:
        gain, offset = batchnorm_gain(block.identity)
        kernel[:, :, 1, 1] += torch.diag(gain)
        bias = bias + offset
    return kernel, bias


def _fold_branch(branch: nn.Sequential) -> tuple[Tensor, Tensor]:
    conv, bn = branch
    gain, offset = batchnorm_gain(bn)  # type: ignore[arg-type]
    return conv.weight.double() * gain[:, None, None, None], offset  # type: ignore[operator,union-attr]


@torch.no_grad()
def reparameterize(model: FusionNet) -> FusionNet:
    """Deploy copy of ``model`` that computes the same picture; the model itself is left alone.

    Raises:
        ExportError: the model is in train mode, where batch norm uses the batch's statistics
            and no single convolution equals it; or it is in deploy form already.
    """
    if any(module.training for module in model.modules()):
        raise ExportError(
            "the network is in train mode, its batch norms depend on the batch",
            hint="call model.eval() first",
        )
    deploy = FusionNet(deploy=True).eval()
    state = {
        name: tensor for name, tensor in model.state_dict().items() if name in deploy.state_dict()
    }
    for name, module in model.named_modules():
        if isinstance(module, PlainBlock):
            raise ExportError("the network is in deploy form already", hint="use it as it is")
        if isinstance(module, RepVGGBlock):
            kernel, bias = fold_block(module)
            state[f"{name}.conv.weight"] = kernel.float()
            state[f"{name}.conv.bias"] = bias.float()
    deploy.load_state_dict(state)
    return deploy
