"""Networks with weights as lively as after training, without any training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import torch
from torch import nn

from trainer.build import Network
from trainer.lite import LiteNet
from trainer.network import FusionNet

ModuleT = TypeVar("ModuleT", bound=nn.Module)

KINDS: dict[str, Callable[[], Network]] = {
    "bts": FusionNet,
    "published": partial(FusionNet, published=True),
    "bts-lite": LiteNet,
}
OURS = ["bts", "bts-lite"]


def lively(module: ModuleT, seed: int) -> ModuleT:
    """Batch norms of which no weight is 1 and no mean is 0, in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for bn in module.modules():
        if isinstance(bn, nn.BatchNorm2d):
            bn.weight.data.uniform_(0.5, 1.5, generator=generator)
            bn.bias.data.uniform_(-0.2, 0.2, generator=generator)
            bn.running_mean.uniform_(-0.3, 0.3, generator=generator)
            bn.running_var.uniform_(0.2, 2.0, generator=generator)
    return module.eval()


@torch.no_grad()
def random_network(kind: str, seed: int = 0) -> Network:
    """Random weights in every layer, gates that respond; what the head gives has contrast.

    From noise the published form gives a picture about mid grey; the others choose and shift by
    a tenth of the range about what they choose and shift at their start.
    """
    torch.manual_seed(seed)
    model = lively(KINDS[kind](), seed)
    head = model.head if isinstance(model, LiteNet) else model.decoder.head
    if isinstance(model, FusionNet):
        model.attention.channel.excite.weight *= 4
    nn.init.normal_(head.weight)
    seen = []
    watch = head.register_forward_hook(lambda *args: seen.append(args[2]))
    model(*torch.rand(2, 1, 1, 64, 64))
    watch.remove()
    inside = seen[0][..., 8:-8, 8:-8]
    head.weight *= 0.1 / inside.std()
    head.bias.fill_(0.5 if kind == "published" else 0.0)
    head.bias -= inside.mean((0, 2, 3)) * 0.1 / inside.std()
    return model
