"""Begins training from a network that already shows something: the brighter of the two inputs.

From random weights a network that must give absolute brightness back spends most of a short
training on learning to pass its input through. Here one channel of each encoder carries the
picture, two of the decoder carry the visible and what the infrared has more; the other channels
start at random and learn all that is better than this.
"""

from __future__ import annotations

import torch
from torch import nn

from trainer.blocks import RepVGGBlock
from trainer.network import FusionNet

IR_CHANNEL, VIS_CHANNEL = 0, 32  # where the encoders' first channels lie after joining them
HEAD_SHARE = 0.1  # of the random channels in the first picture


@torch.no_grad()
def start_as_maximum(model: FusionNet) -> None:
    """Set weights so that ``model(ir, vis_y)`` is about ``max(ir, vis_y)``.

    Args:
        model: training form, fresh, batch norms to be used with their statistics of mean 0 and
            variance 1.
    """
    for encoder in (model.encoder_ir, model.encoder_vis):
        _only(encoder.stem, 0, {0: 1.0})
        _pass(encoder.block1, 0, {0: 1.0})
        _pass(encoder.block2, 0, {})  # its identity branch passes the channel already
    # Both gates begin at one half everywhere: features are multiplied by 1 + 1/4.
    nn.init.zeros_(model.attention.channel.excite.weight)
    nn.init.zeros_(model.attention.spatial.conv.weight)
    nn.init.zeros_(model.attention.spatial.conv.bias)  # type: ignore[arg-type]
    ungated = 1 / 1.25
    _pass(model.decoder.block1, 0, {IR_CHANNEL: ungated, VIS_CHANNEL: -ungated})
    _pass(model.decoder.block1, 1, {VIS_CHANNEL: ungated})
    _pass(model.decoder.block2, 0, {0: 1.0})
    _pass(model.decoder.block2, 1, {1: 1.0})
    head = model.decoder.head
    head.weight *= HEAD_SHARE
    head.weight[0, :2] = 0
    head.weight[0, :2, 1, 1] = 1
    nn.init.zeros_(head.bias)  # type: ignore[arg-type]


def _only(conv: nn.Conv2d, out: int, sources: dict[int, float]) -> None:
    """Let output channel ``out`` be the weighted sum of input channels at the same pixel."""
    centre = conv.kernel_size[0] // 2
    conv.weight[out] = 0
    for channel, weight in sources.items():
        conv.weight[out, channel, centre, centre] = weight
    if conv.bias is not None:
        conv.bias[out] = 0


def _pass(block: nn.Module, out: int, sources: dict[int, float]) -> None:
    """Like `_only`, for a block in training form."""
    assert isinstance(block, RepVGGBlock)
    dense, point = block.dense[0], block.point[0]
    assert isinstance(dense, nn.Conv2d)
    assert isinstance(point, nn.Conv2d)
    _only(dense, out, {})
    _only(point, out, sources)
