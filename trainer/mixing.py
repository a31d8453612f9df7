"""The last step of both networks: the sources are mixed as the network says, pixel by pixel."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

# Before anything is learned, a place is taken from the source that is brighter around it, where a
# gradient of one level a pixel more weighs as much as TEXTURE_WORTH levels of brightness. Even
# where these balance, clear at 40 of 255 levels. A sharper choice, or one from a smaller place,
# keeps a few more edges, but then the cameras' noise moves the choice and the picture trembles.
TEXTURE_WORTH, SOFTNESS = 3.0, 10 / 255

# So much the brightness of the pixel itself counts besides. Without it the dark side of a bright
# edge is taken from the source that has the edge, and lamps and treetops get a black rim.
PIXEL_WORTH = 0.5

# A visible camera may be blinded where it shows more than this; then brightness says nothing, and
# who stands before the light in the infrared is to be seen.
BLINDING = 195 / 255

AROUND = 7  # px, side of the square of each of the two means
PRIOR_REACH = AROUND  # px: two means, and 1 px of the gradient

# Where the infrared shows, fine detail of the visible picture is laid over it: bricks and letters
# on a warm, smooth wall would be lost otherwise. Fine is what two means over a square take away.
# Below DETAIL_CORE it is noise and stays away; above DETAIL_MOST it is an edge, which would get a
# rim. It is carried where the visible gradient is around a pixel the stronger one by clearly more
# than CARRY_FROM a pixel, even there; elsewhere two textures would cover each other.
DETAIL_AROUND = 5  # px
DETAIL_CORE, DETAIL_MOST = 5 / 255, 24 / 255
CARRY_FROM, CARRY_SOFTNESS = 4 / 255, 1 / 255

ADVICE = 3  # numbers for each pixel by which a network steers the mixing

# Contrast that a deployed network adds at mid grey by `with_contrast`.
CONTRAST, MIDDLE = 0.02, 0.45


def mixing_head(in_channels: int, pixels: int) -> nn.Conv2d:
    """3x3 convolution to the `ADVICE` for each of ``pixels`` pixels, all 0 to begin with.

    The first picture of a network is thus that of the prior alone, whatever its features.
    """
    head = nn.Conv2d(in_channels, ADVICE * pixels, 3, padding=1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)  # type: ignore[arg-type]
    return head


class Prior(NamedTuple):
    """What brightness and texture speak for before anything is learned, each (B, 1, H, W).

    Attributes:
        share: logit of the infrared's share.
        carry: logit of how much of the detail the infrared carries.
        detail: fine detail of the visible picture, signed, at most `DETAIL_MOST`.
    """

    share: Tensor
    carry: Tensor
    detail: Tensor

    def cut(self, height: int, width: int, margin: int) -> Prior:
        """Without the ``margin`` rows and columns in front, and with so many of the rest."""
        rows, columns = slice(margin, margin + height), slice(margin, margin + width)
        return Prior(*(plane[..., rows, columns] for plane in self))


def prior(ir: Tensor, vis_y: Tensor) -> Prior:
    """The prior of a pair.

    Pixel by pixel the brighter source would tear textures to pieces and keep a smooth haze before
    fine detail; chosen by place, each texture stays whole.

    Args:
        ir: (B, 1, H, W), 0..1.
        vis_y: same shape and range.
    Returns:
        Of the same shape; its outermost `PRIOR_REACH` px depend on the padding.
    """
    with torch.autocast(ir.device.type, enabled=False):
        brighter = ir - vis_y.clamp(max=BLINDING)
        more_texture = _strength(ir) - _strength(vis_y)
        worth = _mean(_mean(brighter + TEXTURE_WORTH * more_texture, AROUND), AROUND)
        share = (worth + PIXEL_WORTH * brighter) / SOFTNESS
        carry = (-_mean(more_texture, DETAIL_AROUND) - CARRY_FROM) / CARRY_SOFTNESS
        return Prior(share, carry, _fine_detail(vis_y))


def _mean(plane: Tensor, side: int) -> Tensor:
    return functional.avg_pool2d(plane, side, stride=1, padding=side // 2)


def _fine_detail(plane: Tensor) -> Tensor:
    """What is finer than its surroundings, without noise."""
    fine = plane - _mean(_mean(plane, DETAIL_AROUND), DETAIL_AROUND)
    detail = fine.clamp(-DETAIL_MOST, DETAIL_MOST)
    return detail - detail.clamp(-DETAIL_CORE, DETAIL_CORE)


def _strength(plane: Tensor) -> Tensor:
    """Length of the Sobel gradient, in units of the plane a pixel."""
    return functional.conv2d(plane, sobel(plane), padding=1).square().sum(1, True).add(1e-8).sqrt()


def sobel(like: Tensor) -> Tensor:
    """Kernels (2, 1, 3, 3) to the right and downwards, of the type and device of ``like``."""
    across = like.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
    return torch.stack([across, across.T])[:, None]


def mixed(ir: Tensor, vis_y: Tensor, prior: Prior, mixing: Tensor) -> Tensor:
    """Fused luma ``vis_y + share * (ir + carried * detail - vis_y) + offset``, 0 or above.

    The sources come in as they are, so that their finest detail need not pass through layers of
    convolutions, which would have to be exact to keep it; least of all in half precision.

    Args:
        ir: (B, 1, H, W), 0..1.
        vis_y: same shape and range.
        prior: of the pair, same shape.
        mixing: (B, 3, H, W): what is added to the logit of the share, the offset, and what is
            added to the logit of how much detail is carried.
    """
    shift, offset, carry = mixing.float().split(1, 1)
    shown = ir + torch.sigmoid(prior.carry + carry) * prior.detail
    return torch.relu(vis_y + torch.sigmoid(prior.share + shift) * (shown - vis_y) + offset)


def with_contrast(luma: Tensor, contrast: float) -> Tensor:
    """Darks a little darker and lights a little lighter by one curve; black and white stay.

    The same for every picture, as a curve that follows the picture flickers in video. The network
    is trained without it: terms that compare edges with the sources' would only take it back.

    Args:
        luma: any shape, 0..1.
        contrast: slope at mid grey is 1 more than this; 0 changes nothing, below 0.5.
    Returns:
        Same shape, 0..1.
    """
    return luma + 4 * contrast * luma * (1 - luma) * (luma - MIDDLE)
