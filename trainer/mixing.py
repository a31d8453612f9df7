"""The last step of both networks: the sources are mixed as the network says, pixel by pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

# Before anything is learned, a place is taken from the source that is brighter around it, where a
# gradient of one level a pixel more weighs as much as TEXTURE_WORTH levels of brightness. Even
# where these balance, clear at 25 of 255 levels. A sharper choice, or one from a smaller place,
# keeps a few more edges, but then the cameras' noise moves the choice and the picture trembles.
TEXTURE_WORTH, SOFTNESS = 3.0, 8 / 255

# So much the brightness of the pixel itself counts besides. Without it the dark side of a bright
# edge is taken from the source that has the edge, and lamps and treetops get a black rim.
PIXEL_WORTH = 0.5

AROUND = 7  # px, side of the square of each of the two means
PRIOR_REACH = AROUND  # px: two means, and 1 px of the gradient

# Contrast that a deployed network adds at mid grey by `with_contrast`.
CONTRAST, MIDDLE = 0.03, 0.45


def mixing_head(in_channels: int, pixels: int) -> nn.Conv2d:
    """3x3 convolution to a share and an offset for each of ``pixels`` pixels, all 0 to begin with.

    The first picture of a network is thus that of the prior alone, whatever its features.
    """
    head = nn.Conv2d(in_channels, 2 * pixels, 3, padding=1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)  # type: ignore[arg-type]
    return head


def prior(ir: Tensor, vis_y: Tensor) -> Tensor:
    """Logit of the infrared's share that brightness and texture speak for.

    Pixel by pixel the brighter source would tear textures to pieces and keep a smooth haze before
    fine detail; chosen by place, each texture stays whole.

    Args:
        ir: (B, 1, H, W), 0..1.
        vis_y: same shape and range.
    Returns:
        Same shape; its outermost `PRIOR_REACH` px depend on the padding.
    """
    with torch.autocast(ir.device.type, enabled=False):
        worth = ir - vis_y + TEXTURE_WORTH * (_strength(ir) - _strength(vis_y))
        for _ in range(2):
            worth = functional.avg_pool2d(worth, AROUND, stride=1, padding=AROUND // 2)
        return (worth + PIXEL_WORTH * (ir - vis_y)) / SOFTNESS


def _strength(plane: Tensor) -> Tensor:
    """Length of the Sobel gradient, in units of the plane a pixel."""
    return functional.conv2d(plane, sobel(plane), padding=1).square().sum(1, True).add(1e-8).sqrt()


def sobel(like: Tensor) -> Tensor:
    """Kernels (2, 1, 3, 3) to the right and downwards, of the type and device of ``like``."""
    across = like.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
    return torch.stack([across, across.T])[:, None]


def mixed(ir: Tensor, vis_y: Tensor, logit: Tensor, mixing: Tensor) -> Tensor:
    """Fused luma ``vis_y + share * (ir - vis_y) + offset``, held at 0 or above.

    The sources come in as they are, so that their finest detail need not pass through layers of
    convolutions, which would have to be exact to keep it; least of all in half precision.

    Args:
        ir: (B, 1, H, W), 0..1.
        vis_y: same shape and range.
        logit: same shape, see `prior`.
        mixing: (B, 2, H, W): what is added to the logit, and the offset.
    """
    mixing = mixing.float()
    share = torch.sigmoid(logit + mixing[:, :1])
    return torch.relu(vis_y + share * (ir - vis_y) + mixing[:, 1:])


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
