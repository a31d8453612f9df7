"""Guided filter: splits a picture into a smooth base that keeps its edges, and detail.

Source: He, Sun and Tang, "Guided Image Filtering", ECCV 2010, here with the picture as its own
guide.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def box_mean(x: Tensor, radius: int) -> Tensor:
    """Mean over a (2 radius + 1)² window; at the border over the part that lies inside.

    Args:
        x: (B, C, H, W), float.
        radius: in px; may exceed the picture, which then is averaged as a whole.
    Returns:
        Same shape.
    """
    size = 2 * radius + 1
    # Two passes of one dimension each: the window is separable, also where the border cuts it.
    rows = functional.avg_pool2d(
        x, (size, 1), stride=1, padding=(radius, 0), count_include_pad=False
    )
    return functional.avg_pool2d(
        rows, (1, size), stride=1, padding=(0, radius), count_include_pad=False
    )


def guided_base(x: Tensor, radius: int, eps: float) -> Tensor:
    """Smooth base of a picture; edges of clearly more variance than ``eps`` stay.

    Args:
        x: (B, C, H, W), float in 0..1; each channel is filtered by itself.
        radius: of the window, px.
        eps: variance, in squared units of ``x``, at which half of a structure is kept.
    Returns:
        Same shape and range.
    """
    mean = box_mean(x, radius)
    # The variance of the deviation: E[x²] - E[x]² would lose float32 digits in bright areas.
    variance = _window_variance(x, mean, radius)
    slope = variance / (variance + eps)
    offset = mean - slope * mean
    return box_mean(slope, radius) * x + box_mean(offset, radius)


def guided_detail(x: Tensor, radius: int, eps: float) -> Tensor:
    """What `guided_base` leaves out: same shape, signed, around 0."""
    return x - guided_base(x, radius, eps)


def _window_variance(x: Tensor, mean: Tensor, radius: int) -> Tensor:
    shift = mean.mean((2, 3), keepdim=True)
    centred = x - shift
    variance = box_mean(centred * centred, radius) - (mean - shift).square()
    return torch.clamp(variance, min=0)
