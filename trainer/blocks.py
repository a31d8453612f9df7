"""The layers that the fusion network is made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.errors import ExportError

CELL = 16  # px; side of the squares whose means the local gates are made of
RIM = 3  # px; as far as three convolutions carry the zeros in from beyond the border


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
        """(B, in_channels, H, W) to (B, out_channels, H, W).

        Batch norms that use their stored statistics are linear, so the branches are summed as
        kernels and not as pictures: the same result and gradient for a fraction of the time.
        Source: Hu et al., "Online Convolutional Re-parameterization", CVPR 2022.
        """
        if not self.dense[1].training:
            kernel, bias = self.folded(next(self.parameters()).dtype)
            return torch.relu(functional.conv2d(x, kernel, bias, padding=1))
        branches = self.dense(x) + self.point(x)
        if self.identity is not None:
            branches = branches + self.identity(x)
        return torch.relu(branches)

    def folded(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Kernel (Cout, Cin, 3, 3) and bias (Cout,) that equal the sum of the branches.

        Args:
            dtype: to compute in.
        """
        kernel, bias = _fold_branch(self.dense, dtype)
        point_kernel, point_bias = _fold_branch(self.point, dtype)
        kernel, bias = kernel + functional.pad(point_kernel, (1, 1, 1, 1)), bias + point_bias
        if self.identity is not None:
            gain, offset = batchnorm_gain(self.identity, dtype)
            kernel = kernel + functional.pad(torch.diag(gain)[:, :, None, None], (1, 1, 1, 1))
            bias = bias + offset
        return kernel, bias


def batchnorm_gain(bn: nn.BatchNorm2d, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Gain and offset, each (C,), so that ``bn(x) = gain * x + offset`` in eval mode.

    Raises:
        ExportError: the batch norm keeps no running statistics.
    """
    if bn.running_mean is None or bn.running_var is None:
        raise ExportError(
            "a batch norm keeps no running statistics",
            hint="build it with track_running_stats=True",
        )
    gain = bn.weight.to(dtype) / (bn.running_var.to(dtype) + bn.eps).sqrt()
    return gain, bn.bias.to(dtype) - bn.running_mean.to(dtype) * gain


def _fold_branch(branch: nn.Sequential, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    conv, bn = branch
    gain, offset = batchnorm_gain(bn, dtype)  # type: ignore[arg-type]
    return conv.weight.to(dtype) * gain[:, None, None, None], offset  # type: ignore[operator,union-attr]


class PlainBlock(nn.Module):
    """Deploy form of a `RepVGGBlock`: one 3x3 convolution and ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to (B, out_channels, H, W)."""
        return torch.relu(self.conv(x))


class FrameGate(nn.Module):
    """A gate for each channel, from the channel's maximum and mean over the whole frame.

    As published. One hot object anywhere changes every pixel, so our own weights use `LocalGate`.
    """

    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, reduced, 1, bias=False)
        self.excite = nn.Conv2d(reduced, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Factors in 0..1, (B, C, H, W) to (B, C, 1, 1)."""
        peak, mean = x.amax((2, 3), keepdim=True), x.mean((2, 3), keepdim=True)
        return torch.sigmoid(self._mlp(peak) + self._mlp(mean))

    def _mlp(self, pooled: Tensor) -> Tensor:
        return self.excite(torch.relu(self.squeeze(pooled)))


class LocalGate(nn.Module):
    """A gate for each channel and place, from the channels' means around that place.

    What `FrameGate` does with one mean over the frame this does with a mean for each `CELL`,
    smoothed over 3x3 cells and interpolated between them: a pixel knows its surroundings, 40 px
    and no further. The maximum is left out, since it is what a small hot object changes most.
    The outermost `RIM` pixels count as the ones next to them: what the convolutions before made
    of the border must not come back through the means.
    The order is another for speed: squeezing first leaves a quarter of the channels to pool.
    """

    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, reduced, 1, bias=False)
        self.excite = nn.Conv2d(reduced, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Factors in 0..1, (B, C, H, W) to the same shape."""
        height, width = x.shape[2:]
        inside = self.squeeze(x)[..., RIM:-RIM, RIM:-RIM]
        # The last row and column fill up cells that the picture does not.
        grown = functional.pad(inside, (RIM, RIM + CELL - 1) * 2, mode="replicate")
        cells = torch.relu(functional.avg_pool2d(grown, CELL))
        cells = functional.avg_pool2d(functional.pad(cells, (1, 1, 1, 1), mode="replicate"), 3, 1)
        smooth = functional.interpolate(
            cells, scale_factor=CELL, mode="bilinear", align_corners=False
        )
        return torch.sigmoid(self.excite(smooth[..., :height, :width]))


class SpatialGate(nn.Module):
    """A gate for each pixel, from the maximum and mean over the channels around it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Factors in 0..1, (B, C, H, W) to (B, 1, H, W)."""
        return torch.sigmoid(self.conv(torch.cat([x.amax(1, True), x.mean(1, True)], 1)))


class Attention(nn.Module):
    """Channel, then spatial attention (CBAM) as a correction added to the features.

    Source: Woo et al., "CBAM: Convolutional Block Attention Module", ECCV 2018.
    """

    def __init__(
        self, channels: int, reduced: int, gate: type[FrameGate] | type[LocalGate]
    ) -> None:
        super().__init__()
        self.channel = gate(channels, reduced)
        self.spatial = SpatialGate()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        gated = x * self.channel(x)
        return x + gated * self.spatial(gated)
