"""The fusion network: two encoders, attention over both, one decoder, all at full resolution.

Source: Qian et al., "BTSFusion: Fusion of infrared and visible image via a mechanism of
balancing texture and salience", Optics and Lasers in Engineering 173 (2024) 107925.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.blocks import Attention, FrameGate, LocalGate, PlainBlock, RepVGGBlock
from trainer.mixing import CONTRAST, mixed, mixing_head, prior

Padding: TypeAlias = Literal["zeros", "reflect"]

# Mirrored pixels put around both pictures and cut off the result. The convolutions reach 7 px
# far, so that what they pad with never comes in: no frame, whatever the weights.
MARGIN = 8


class Encoder(nn.Module):
    """Features of one camera's picture, (B, 1, H, W) to (B, 32, H, W)."""

    def __init__(self, block: type[RepVGGBlock] | type[PlainBlock], padding: Padding) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1, padding_mode=padding)
        self.block1 = block(16, 32)
        self.block2 = block(32, 32)

    def forward(self, plane: Tensor) -> Tensor:
        """Features of ``plane``."""
        return self.block2(self.block1(torch.relu(self.stem(plane))))


class Decoder(nn.Module):
    """What the features of both cameras, (B, 64, H, W), say about the fused luma.

    As published: the luma itself, (B, 1, H, W), below 0 cut off. Ours: how to mix the sources,
    (B, 3, H, W), see `trainer.mixing`.
    """

    def __init__(self, block: type[RepVGGBlock] | type[PlainBlock], published: bool) -> None:
        super().__init__()
        self.block1 = block(64, 32)
        self.block2 = block(32, 16)
        if published:
            self.head = nn.Conv2d(16, 1, 3, padding=1, padding_mode="reflect")
        else:
            self.head = mixing_head(16, pixels=1)

    def forward(self, features: Tensor) -> Tensor:
        """Output of the head."""
        return self.head(self.block2(self.block1(features)))


class FusionNet(nn.Module):
    """Fuses infrared and visible luma into one luma plane.

    Args:
        deploy: build with one convolution a block instead of the training branches. Train a
            network in training form and let `trainer.reparam.reparameterize` convert it.
        published: build it as published, to run the authors' weights: gates from the whole frame,
            first and last convolution mirrored by 1 px, the others padded with zeros, the luma
            straight from the decoder. Ours has gates from the surroundings, `MARGIN` mirrored
            pixels around the pictures, and a decoder that says how to mix the sources.
    """

    def __init__(self, deploy: bool = False, published: bool = False) -> None:
        super().__init__()
        self.deploy, self.published = deploy, published
        self.contrast = 0.0 if published else CONTRAST  # added where it is deployed
        block = PlainBlock if deploy else RepVGGBlock
        padding: Padding = "reflect" if published else "zeros"
        self.encoder_ir = Encoder(block, padding)
        self.encoder_vis = Encoder(block, padding)
        self.attention = Attention(64, 16, FrameGate if published else LocalGate)
        self.decoder = Decoder(block, published)

    def forward(self, ir: Tensor, vis_y: Tensor) -> Tensor:
        """Fused luma.

        Args:
            ir: infrared, (B, 1, H, W), float in 0..1, lying on the visible picture.
            vis_y: luma of the visible picture, same shape and range.
        Returns:
            Same shape; at least 0, not held below 1: whoever stores the picture clamps it.
        """
        if self.published:
            return torch.relu(self._decoded(ir, vis_y))
        height, width = ir.shape[2:]
        grown = mirrored(ir), mirrored(vis_y)
        inner = (..., slice(MARGIN, MARGIN + height), slice(MARGIN, MARGIN + width))
        known = prior(*grown).cut(height, width, MARGIN)
        return mixed(ir, vis_y, known, self._decoded(*grown)[inner])

    def deploy_form(self) -> FusionNet:
        """A network of this kind in deploy form, its weights not set."""
        return FusionNet(deploy=True, published=self.published)

    def _decoded(self, ir: Tensor, vis_y: Tensor) -> Tensor:
        features = torch.cat([self.encoder_ir(ir), self.encoder_vis(vis_y)], 1)
        return self.decoder(self.attention(features))


def mirrored(plane: Tensor) -> Tensor:
    """(B, 1, H, W), `MARGIN` px larger on all four sides."""
    return functional.pad(plane, (MARGIN,) * 4, mode="reflect")
