"""The fusion network: two encoders, attention over both, one decoder, all at full resolution.

Source: Qian et al., "BTSFusion: Fusion of infrared and visible image via a mechanism of
balancing texture and salience", Optics and Lasers in Engineering 173 (2024) 107925.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.blocks import Attention, PlainBlock, RepVGGBlock, reflect_conv


class Encoder(nn.Module):
    """Features of one camera's picture, (B, 1, H, W) to (B, 32, H, W)."""

    def __init__(self, block: type[RepVGGBlock] | type[PlainBlock]) -> None:
        super().__init__()
        self.stem = reflect_conv(1, 16)
        self.block1 = block(16, 32)
        self.block2 = block(32, 32)

    def forward(self, plane: Tensor) -> Tensor:
        """Features of ``plane``."""
        return self.block2(self.block1(torch.relu(self.stem(plane))))


class Decoder(nn.Module):
    """Luma from the features of both cameras, (B, 64, H, W) to (B, 1, H, W)."""

    def __init__(self, block: type[RepVGGBlock] | type[PlainBlock]) -> None:
        super().__init__()
        self.block1 = block(64, 32)
        self.block2 = block(32, 16)
        self.head = reflect_conv(16, 1)
        # Mid grey to begin with: a head that starts below 0 would never learn behind its ReLU.
        nn.init.constant_(self.head.bias, 0.5)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        """Luma, never below 0."""
        return torch.relu(self.head(self.block2(self.block1(features))))


class FusionNet(nn.Module):
    """Fuses infrared and visible luma into one luma plane.

    Args:
        deploy: build with one convolution a block instead of the training branches. Train a
            network in training form and let `trainer.reparam.reparameterize` convert it.
    """

    def __init__(self, deploy: bool = False) -> None:
        super().__init__()
        block = PlainBlock if deploy else RepVGGBlock
        self.encoder_ir = Encoder(block)
        self.encoder_vis = Encoder(block)
        self.attention = Attention(64, 16)
        self.decoder = Decoder(block)

    def forward(self, ir: Tensor, vis_y: Tensor) -> Tensor:
        """Fused luma.

        Args:
            ir: infrared, (B, 1, H, W), float in 0..1, lying on the visible picture.
            vis_y: luma of the visible picture, same shape and range.
        Returns:
            Same shape; at least 0, not held below 1: whoever stores the picture clamps it.
        """
        features = torch.cat([self.encoder_ir(ir), self.encoder_vis(vis_y)], 1)
        return self.decoder(self.attention(features))
