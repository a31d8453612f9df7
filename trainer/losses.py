"""What training minimises: each term one function, their weighted sum in `fusion_loss`.

Each term is computed for each picture by itself, (B,), and then averaged over the batch: no
picture bears on another.

Salience (LatLRR) and texture (guided filter) are the paper's terms. The others say what those
two leave open: which edges to keep, what not to invent, and how much of each source is to show.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field
from pytorch_msssim import ms_ssim
from torch import Tensor
from torch.nn import functional

from trainer.edges import Edges, edge_losses, edges_of, strongest
from trainer.structure import complement_loss, structure_loss
from trainer.targets import FusionTarget, picture_texture

# Side of the window of MS-SSIM; 7 instead of 11 px lets five scales fit into small cuts.
MS_SSIM_WINDOW = 7
MS_SSIM_MIN_SIDE = 16 * (MS_SSIM_WINDOW - 1) + 1  # px

# Texture is scaled by its own strength, but never by more than that of faint noise.
MIN_TEXTURE = 0.01


# Distances below this count less than in proportion. A plain absolute distance has a kink where the
# wanted picture is met: the other terms either outweigh it or move nothing at all.
NEAR = 8 / 255

_FOR_CARDS = {"salience", "range"}

Factor = Annotated[float, Field(ge=0)]


class LossWeights(BaseModel):
    """Factors of the terms."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    salience: Factor = 2.0
    texture: Factor = 0.1
    gradient: Factor = 0.5
    edges: Factor = 1.3
    artefacts: Factor = 0.5
    structure: Factor = 0.15
    complement: Factor = 0.22
    range: Factor = 30.0


def salience_loss(fused: Tensor, target: FusionTarget) -> Tensor:
    """Distance to the wanted luma, (B,); salient places and the rest count 4 to 6, as published.

    Each of the two parts is a mean over its own area, so that a small target counts as much as
    a large one.
    """
    error = ((fused - target.luma).square() + NEAR**2).sqrt() - NEAR
    inside, outside = target.mask, 1 - target.mask
    return 0.4 * _area_mean(error, inside) + 0.6 * _area_mean(error, outside)


def texture_loss(fused: Tensor, target: FusionTarget) -> Tensor:
    """1 - MS-SSIM between the detail layers, (B,), both scaled by the strength of the wanted one.

    Scaling each by itself, as the paper does, would leave the contrast of the texture free.

    Raises:
        ValueError: height or width below `MS_SSIM_MIN_SIDE`.
    """
    if min(fused.shape[2:]) < MS_SSIM_MIN_SIDE:
        raise ValueError(f"MS-SSIM needs {MS_SSIM_MIN_SIDE} px, got {tuple(fused.shape[2:])}")
    strength = target.texture.std((1, 2, 3), keepdim=True).clamp(min=MIN_TEXTURE)
    found, wanted = (
        0.5 + texture / (8 * strength) for texture in (picture_texture(fused), target.texture)
    )
    # A picture without any likeness at one scale has an endless slope there, times a slope of 0.
    if found.requires_grad:
        found.register_hook(torch.nan_to_num)
    similarity = ms_ssim(found, wanted, data_range=1.0, size_average=False, win_size=MS_SSIM_WINDOW)
    return 1 - similarity


def gradient_loss(fused: Edges, ir: Edges, vis: Edges) -> Tensor:
    """Mean absolute distance to the stronger of the two gradients, (B,), both components summed."""
    return (fused.vector - strongest(ir, vis)).abs().sum(1).mean((1, 2))


def range_loss(fused: Tensor, ir: Tensor, vis_y: Tensor) -> Tensor:
    """How far the luma leaves what both sources span within 5x5 px, mean, (B,): halo, ringing."""
    high = _local_max(torch.maximum(ir, vis_y))
    low = -_local_max(-torch.minimum(ir, vis_y))
    return ((fused - high).clamp(min=0) + (low - fused).clamp(min=0)).mean((1, 2, 3))


def fusion_loss(
    fused: Tensor,
    ir: Tensor,
    vis_y: Tensor,
    target: FusionTarget,
    weights: LossWeights,
    scene: Tensor,
    scenes: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted sum, and each term before weighting under its name; means over the batch.

    A term of weight 0 is not computed.

    Args:
        fused: (B, 1, H, W), about 0..1.
        ir: same shape, 0..1.
        vis_y: same.
        target: of these two.
        weights: factors.
        scene: (B,), 1 for pictures, 0 for test cards, which only salience and range judge: about
            their levels there is no doubt, and their edges and patterns mean nothing.
        scenes: (), what the sums over pictures are divided by; None: how many there are. Processes
            that share a batch give the mean of their numbers of pictures: then the mean of what
            they find is what one would find alone.
    """
    edges = [edges_of(plane) for plane in (fused, ir, vis_y)]
    terms = {
        "salience": lambda: salience_loss(fused, target),
        "texture": lambda: texture_loss(fused, target),
        "gradient": lambda: gradient_loss(*edges),
        "structure": lambda: structure_loss(fused, ir, vis_y),
        "complement": lambda: complement_loss(fused, ir, vis_y),
        "range": lambda: range_loss(fused, ir, vis_y),
    }
    factors = weights.model_dump()
    found = {name: term() for name, term in terms.items() if factors[name]}
    if weights.edges or weights.artefacts:
        found["edges"], found["artefacts"] = edge_losses(*edges)
    count = scene.sum().clamp(min=1) if scenes is None else scenes
    values = {
        name: value.mean() if name in _FOR_CARDS else (value * scene).sum() / count
        for name, value in found.items()
    }
    total = torch.stack([factors[name] * value for name, value in values.items()]).sum()
    return total, values


def _area_mean(error: Tensor, area: Tensor) -> Tensor:
    """Mean of (B, 1, H, W) over a soft area, per picture; 0 where there is next to none."""
    pixels = area[0].numel()
    return (error * area).sum((1, 2, 3)) / area.sum((1, 2, 3)).clamp(min=0.002 * pixels)


def _local_max(x: Tensor) -> Tensor:
    """Maximum over 5x5, same shape."""
    return functional.max_pool2d(x, 5, stride=1, padding=2)
