"""Likeness of a fused picture to its sources, differentiable, each picture by itself."""

from __future__ import annotations

from math import exp

import torch
from torch import Tensor
from torch.nn import functional

# Constants of SSIM for a range of 0..1, and its Gaussian window.
_C1, _C2 = 0.01**2, 0.03**2
_RADIUS, _SIGMA = 5, 1.5

# Variance of 4 of 255 levels, added in a correlation: noise must not look like a pattern.
_FAINT_VARIANCE = (4 / 255) ** 2


def structure_loss(fused: Tensor, ir: Tensor, vis_y: Tensor) -> Tensor:
    """1 - the mean SSIM to both sources, (B,), 0..2.

    Args:
        fused: (B, 1, H, W), 0..1.
        ir: same shape and range.
        vis_y: same.
    Source: Wang et al., "Image quality assessment: from error visibility to structural
    similarity", IEEE TIP 13 (2004).
    """
    planes = torch.cat([fused, ir, vis_y], 1)
    # Squares of what is left beside the mean of each picture: those of the values themselves
    # would be nearly equal numbers, whose difference has few digits.
    middle = planes.detach().mean((2, 3), keepdim=True)
    rest = planes - middle
    blurred = _blur(torch.cat([rest, rest**2, rest[:, :1] * rest[:, 1:]], 1))
    local, squares, products = blurred.split([3, 3, 2], 1)
    mean, of_sources = (local + middle).split([1, 2], 1)
    variance, variances = (squares - local**2).clamp(min=0).split([1, 2], 1)
    covariance = products - local[:, :1] * local[:, 1:]
    level = (2 * mean * of_sources + _C1) / (mean**2 + of_sources**2 + _C1)
    contrast = (2 * covariance + _C2) / (variance + variances + _C2)
    return 1 - (level * contrast).mean((1, 2, 3))


def complement_loss(fused: Tensor, ir: Tensor, vis_y: Tensor) -> Tensor:
    """2 - the sum of correlations of differences, (B,), 0..4.

    What a fused picture has more than one source should be what the other one shows.

    Args: as of `structure_loss`.
    Source: Aslantas and Bendes, "A new image quality metric for image fusion: the sum of the
    correlations of differences", AEU 69 (2015).
    """
    return 2 - _correlation(fused - vis_y, ir) - _correlation(fused - ir, vis_y)


def _correlation(x: Tensor, y: Tensor) -> Tensor:
    x, y = (plane - plane.mean((1, 2, 3), keepdim=True) for plane in (x, y))
    covariance = (x * y).mean((1, 2, 3))
    variances = [plane.square().mean((1, 2, 3)) + _FAINT_VARIANCE for plane in (x, y)]
    return covariance / (variances[0] * variances[1]).sqrt()


def _blur(planes: Tensor) -> Tensor:
    """Gaussian mean of (B, C, H, W), mirrored at the border; same shape."""
    taps = [exp(-((i - _RADIUS) ** 2) / (2 * _SIGMA**2)) for i in range(2 * _RADIUS + 1)]
    kernel = planes.new_tensor(taps) / sum(taps)
    channels = planes.shape[1]
    mirrored = functional.pad(planes, (_RADIUS,) * 4, mode="reflect")
    rows = kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    columns = kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    return functional.conv2d(
        functional.conv2d(mirrored, rows, groups=channels), columns, groups=channels
    )
