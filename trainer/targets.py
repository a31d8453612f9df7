"""What a good fusion of a pair looks like: the classical picture that the network learns from.

The paper uses two classical methods, guided filter and LatLRR, only inside the loss. So does
this: LatLRR says where the infrared is salient, guided filters say which texture to keep. What
is neither is left to the network's own prior.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from trainer.guided import guided_detail
from trainer.mixing import PIXEL_WORTH, PRIOR_REACH, SOFTNESS, Prior, prior

# Guided filter of the texture: structures of less contrast than 0.1 (= sqrt eps) are texture,
# stronger ones are edges and belong to the base, where no halo can come of them.
TEXTURE_RADIUS = 4
TEXTURE_EPS = 0.01

# Infrared texture below this is sensor noise, about 4 of 255 levels.
IR_NOISE = 0.016

# Steepness of the choice between the textures: even for equal strength, clear at 5 of 255.
CHOICE = 60.0

# Saliency relative to the picture's own median and peak at which the infrared begins to show
# and shows fully. The peak's distance counts at least as MIN_PEAK: a picture without any target
# gets none.
SALIENT_FROM, SALIENT_FULL, MIN_PEAK = 0.15, 0.60, 0.18

# What full salience of the infrared adds to its worth: as much as 80 levels of brightness over an
# area, which count around a pixel and in it. A warm person stays in front of leaves, however rich
# in texture these are.
SALIENCE_WORTH = (1 + PIXEL_WORTH) * 80 / 255


class FusionTarget(NamedTuple):
    """Targets of one batch, each (B, 1, H, W).

    Attributes:
        luma: the picture wanted, 0..1.
        texture: its detail layer, signed.
        mask: how salient the infrared is, 0..1.
    """

    luma: Tensor
    texture: Tensor
    mask: Tensor


def salient_mask(saliency: Tensor) -> Tensor:
    """Soft mask from the LatLRR saliency of whole pictures.

    Args:
        saliency: (B, 1, H, W), as a `trainer.salience.Salience` gives it.
    Returns:
        Same shape, 0..1, each picture by its own median and peak.
    """
    flat = saliency[:, :, ::3, ::3].flatten(1)  # a ninth of the pixels tells as much
    middle = flat.quantile(0.5, dim=1).view(-1, 1, 1, 1)
    peak = flat.quantile(0.995, dim=1).view(-1, 1, 1, 1)
    relative = (saliency - middle) / (peak - middle).clamp(min=MIN_PEAK)
    return _smooth_step(relative, SALIENT_FROM, SALIENT_FULL)


def fusion_target(ir: Tensor, vis_y: Tensor, mask: Tensor) -> FusionTarget:
    """Compose the picture that the network is to give: its prior, with salience weighed in.

    Args:
        ir: (B, 1, H, W), 0..1.
        vis_y: same shape and range.
        mask: same shape and range, see `salient_mask`.
    """
    planes = (functional.pad(plane, (PRIOR_REACH,) * 4, mode="reflect") for plane in (ir, vis_y))
    inner = (..., slice(PRIOR_REACH, -PRIOR_REACH), slice(PRIOR_REACH, -PRIOR_REACH))
    known = Prior(*(plane[inner] for plane in prior(*planes)))
    share = torch.sigmoid(known.share + SALIENCE_WORTH / SOFTNESS * mask)
    shown = ir + torch.sigmoid(known.carry) * known.detail
    luma = (vis_y + share * (shown - vis_y)).clamp(0, 1)
    return FusionTarget(luma, strongest_texture(ir, vis_y), mask)


def picture_texture(plane: Tensor) -> Tensor:
    """Detail layer of one plane (B, 1, H, W), signed."""
    return guided_detail(plane, TEXTURE_RADIUS, TEXTURE_EPS)


def strongest_texture(ir: Tensor, vis_y: Tensor) -> Tensor:
    """At each pixel the texture of whichever picture has more of it, with a soft transition."""
    of_ir, of_vis = picture_texture(ir), picture_texture(vis_y)
    of_ir = of_ir.sign() * (of_ir.abs() - IR_NOISE).clamp(min=0)
    share = torch.sigmoid(CHOICE * (of_ir.abs() - of_vis.abs()))
    return share * of_ir + (1 - share) * of_vis


def _smooth_step(x: Tensor, low: float, high: float) -> Tensor:
    """0 up to ``low``, 1 from ``high`` on, without corners between."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)
