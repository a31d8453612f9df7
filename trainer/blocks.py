"""The layers that the fusion network is made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def reflect_conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    """3x3 convolution that keeps the size and mirrors the picture at its border."""
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, padding_mode="reflect")


def conv_bn(in_channels: int, out_channels: int, size: int) -> nn.Sequential:
    """Convolution (no bias, zero padding, size kept) and the batch norm that follows it."""
    conv = nn.Conv2d(in_channels, out_channels, size, padding=size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


class RepVGGBlock(nn.Module):
    """Training form: ReLU of a 3x3, a 1x1 and, where channels allow, an identity branch.

    Each branch ends in its own batch norm. `trainer.reparam` turns it into a `PlainBlock`.
    Source: Ding et al., "RepVGG: Making VGG-style ConvNets Great Again", CVPR 2021.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.dense = conv_bn(in_channels, out_channels, 3)
        self.point = conv_bn(in_channels, out_channels, 1)
        self.identity = nn.BatchNorm2d(out_channels) if in_channels == out_channels else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W)."""
        branches = self.dense(x) + self.point(x)
        if self.identity is not None:
            branches = branches + self.identity(x)
        return torch.relu(branches)


class PlainBlock(nn.Module):
    """Deploy form of a `RepVGGBlock`: one 3x3 convolution and ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W)."""
        return torch.relu(self.conv(x))


class ChannelAttention(nn.Module):
    """A gate for each channel, from the channel's maximum and mean over the whole frame."""

    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, reduced, 1, bias=False)
        self.excite = nn.Conv2d(reduced, channels, 1, bias=False)

    def gate(self, x: Tensor) -> Tensor:
        """Factors in 0..1, shape (B, C, 1, 1)."""
        peak, mean = x.amax((2, 3), keepdim=True), x.mean((2, 3), keepdim=True)
        return torch.sigmoid(self._mlp(peak) + self._mlp(mean))

    def forward(self, x: Tensor) -> Tensor:
        """Features weighted by channel, same shape."""
        return x * self.gate(x)

    def _mlp(self, pooled: Tensor) -> Tensor:
        return self.excite(torch.relu(self.squeeze(pooled)))


class SpatialAttention(nn.Module):
    """A gate for each pixel, from the maximum and mean over the channels around it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=1)

    def gate(self, x: Tensor) -> Tensor:
        """Factors in 0..1, shape (B, 1, H, W)."""
        return torch.sigmoid(self.conv(torch.cat([x.amax(1, True), x.mean(1, True)], 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Features weighted by pixel, same shape."""
        return x * self.gate(x)


class Attention(nn.Module):
    """Channel, then spatial attention (CBAM) as a correction added to the features.

    Source: Woo et al., "CBAM: Convolutional Block Attention Module", ECCV 2018.
    """

    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.channel = ChannelAttention(channels, reduced)
        self.spatial = SpatialAttention()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return x + self.spatial(self.channel(x))
