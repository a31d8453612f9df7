"""What training minimises: each term one function, their weighted sum in `fusion_loss`.

Whatever is scaled is scaled for each picture by itself. All terms but the texture are means over
the pictures of a batch; in `texture_loss` the pictures of a batch do bear on each other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from trainer.targets import FusionTarget, picture_texture

MS_SSIM_MIN_SIDE = 177  # px; five scales of an 11 px window need more than 10 * 2^4

# How far the fused luma may leave what both inputs span before it counts as halo or ringing.
RANGE_MARGIN = 0.02

# Outermost pixels, where the zero padding of the blocks would leave a dark frame.
BORDER = 3

# Texture is scaled by its own strength, but never by more than that of faint noise.
MIN_TEXTURE = 0.01


@dataclass(frozen=True)
class LossWeights:
    """Factors of the terms; they bring each to the order of 0.1 at the end of training."""

    salience: float = 10.0
    texture: float = 1.0
    gradient: float = 20.0
    range: float = 10.0
    border: float = 3.0


def salience_loss(fused: Tensor, target: FusionTarget) -> Tensor:
    """Distance to the wanted luma; salient places and the rest count 4 to 6, as in the paper.

    Each of the two parts is a mean over its own area, so that a small target counts as much as
    a large one.
    """
    error = (fused - target.luma).abs()
    inside, outside = target.mask, 1 - target.mask
    return (0.4 * _area_mean(error, inside) + 0.6 * _area_mean(error, outside)).mean()


def texture_loss(fused: Tensor, target: FusionTarget) -> Tensor:
    """1 - MS-SSIM between the detail layers, both scaled by the strength of the wanted one.

    Scaling each by itself, as the paper does, would leave the contrast of the texture free.

    The pictures of a batch are coupled: MS-SSIM is a product over five scales, and each factor is
    the mean over the batch at that scale, held at 0 or above. For one picture this is the usual
    MS-SSIM; for several it is not the mean of theirs, and the slope of one picture depends on how
    good the others are.

    Raises:
        ValueError: height or width below `MS_SSIM_MIN_SIDE`.
    """
    if min(fused.shape[2:]) < MS_SSIM_MIN_SIDE:
        raise ValueError(f"MS-SSIM needs {MS_SSIM_MIN_SIDE} px, got {tuple(fused.shape[2:])}")
    strength = target.texture.std((1, 2, 3), keepdim=True).clamp(min=MIN_TEXTURE)
    scaled = [
        0.5 + texture / (8 * strength) for texture in (picture_texture(fused), target.texture)
    ]
    # The pictures go in as channels of one: that is four times as fast on a CPU, and it is what
    # takes the mean over them at each scale instead of at the end.
    fused_row, wanted_row = (texture.transpose(0, 1) for texture in scaled)
    similarity = multiscale_structural_similarity_index_measure(
        fused_row, wanted_row, data_range=1.0, normalize="relu"
    )
    assert isinstance(similarity, Tensor)
    return 1 - similarity


def gradient_loss(fused: Tensor, target: FusionTarget) -> Tensor:
    """Mean absolute difference of the signed steps to the right and the lower neighbour."""
    error = fused - target.luma
    return error.diff(dim=3).abs().mean() + error.diff(dim=2).abs().mean()


def range_loss(fused: Tensor, ir: Tensor, vis_y: Tensor) -> Tensor:
    """How far the luma lies, on average, above or below everything near it in both inputs."""
    high = _local_max(torch.maximum(ir, vis_y)) + RANGE_MARGIN
    low = -_local_max(-torch.minimum(ir, vis_y)) - RANGE_MARGIN
    return ((fused - high).clamp(min=0) + (low - fused).clamp(min=0)).mean()


def border_loss(fused: Tensor, target: FusionTarget) -> Tensor:
    """Mean distance to the wanted luma along the frame of the picture, `BORDER` px wide."""
    error = (fused - target.luma).abs()
    inner = error[..., BORDER:-BORDER, BORDER:-BORDER]
    return (error.sum() - inner.sum()) / (error.numel() - inner.numel())


def fusion_loss(
    fused: Tensor, ir: Tensor, vis_y: Tensor, target: FusionTarget, weights: LossWeights
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted sum, and each term before weighting under its name."""
    terms = {
        "salience": salience_loss(fused, target),
        "texture": texture_loss(fused, target),
        "gradient": gradient_loss(fused, target),
        "range": range_loss(fused, ir, vis_y),
        "border": border_loss(fused, target),
    }
    factors = asdict(weights)
    total = torch.stack([factors[name] * term for name, term in terms.items()]).sum()
    return total, terms


def _area_mean(error: Tensor, area: Tensor) -> Tensor:
    """Mean of (B, 1, H, W) over a soft area, per picture; 0 where there is next to none."""
    pixels = area[0].numel()
    return (error * area).sum((1, 2, 3)) / area.sum((1, 2, 3)).clamp(min=0.002 * pixels)


def _local_max(x: Tensor) -> Tensor:
    """Maximum over 3x3, same shape."""
    return torch.nn.functional.max_pool2d(x, 3, stride=1, padding=1)
