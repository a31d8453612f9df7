"""Training form to deploy form: every block's branches become one convolution."""

from __future__ import annotations

from typing import TypeVar, cast

import torch

from trainer.blocks import PlainBlock, RepVGGBlock
from trainer.errors import ExportError
from trainer.lite import LiteNet
from trainer.network import FusionNet

NetworkT = TypeVar("NetworkT", bound=FusionNet | LiteNet)


@torch.no_grad()
def reparameterize(model: NetworkT) -> NetworkT:
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
    deploy = cast(NetworkT, model.deploy_form().eval())
    state = {
        name: tensor for name, tensor in model.state_dict().items() if name in deploy.state_dict()
    }
    for name, module in model.named_modules():
        if isinstance(module, PlainBlock):
            raise ExportError("the network is in deploy form already", hint="use it as it is")
        if isinstance(module, RepVGGBlock):
            kernel, bias = module.folded(torch.float64)
            state[f"{name}.conv.weight"] = kernel.float()
            state[f"{name}.conv.bias"] = bias.float()
    deploy.load_state_dict(state)
    return deploy
