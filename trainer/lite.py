"""The small network: it works at half resolution and decides how to mix the full pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.blocks import PlainBlock, RepVGGBlock
from trainer.mixing import CONTRAST, mixed, mixing_head, prior

CHANNELS = 24
BLOCKS = 3

# As `trainer.network.MARGIN`; the convolutions reach 11 px far. One more pixel behind, so that an
# odd side fills its last pair of rows.
MARGIN = 12


class LiteNet(nn.Module):
    """Fuses infrared and visible luma, a tenth of the work of `trainer.network.FusionNet`.

    Both pictures go in together, 2x2 pixels to a place, and what comes out is how to mix them at
    each pixel.

    Args:
        deploy: as of `FusionNet`.
    """

    def __init__(self, deploy: bool = False) -> None:
        super().__init__()
        self.deploy = deploy
        self.contrast = CONTRAST  # added where it is deployed
        block = PlainBlock if deploy else RepVGGBlock
        self.stem = nn.Conv2d(2, CHANNELS, 6, stride=2, padding=2)
        self.body = nn.Sequential(*(block(CHANNELS, CHANNELS) for _ in range(BLOCKS)))
        self.head = mixing_head(CHANNELS, pixels=4)

    def forward(self, ir: Tensor, vis_y: Tensor) -> Tensor:
        """Fused luma; as `FusionNet.forward`."""
        height, width = ir.shape[2:]
        both = torch.cat([ir, vis_y], 1)
        grown = functional.pad(both, (MARGIN, MARGIN + 1) * 2, mode="reflect")
        x = self.body(torch.relu(self.stem(grown)))
        mixing = functional.pixel_shuffle(self.head(x), 2)
        inner = (..., slice(MARGIN, MARGIN + height), slice(MARGIN, MARGIN + width))
        known = prior(grown[:, :1], grown[:, 1:]).cut(height, width, MARGIN)
        return mixed(ir, vis_y, known, mixing[inner])

    def deploy_form(self) -> LiteNet:
        """A network of this kind in deploy form, its weights not set."""
        return LiteNet(deploy=True)
