"""The last step of both networks: the sources are mixed as the network says, pixel by pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# The share of the infrared begins as the choice of the brighter pixel: even at equal brightness,
# clear at 15 of 255 levels. A softer choice would blend two textures where one should be kept.
CHOICE = 60.0


def mixing_head(in_channels: int, pixels: int) -> nn.Conv2d:
    """3x3 convolution to a share and an offset for each of ``pixels`` pixels, all 0 to begin with.

    The first picture of a network is thus the brighter of its two sources, whatever its features.
    """
    head = nn.Conv2d(in_channels, 2 * pixels, 3, padding=1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)  # type: ignore[arg-type]
    return head


def mixed(ir: Tensor, vis_y: Tensor, mixing: Tensor) -> Tensor:
    """Fused luma ``vis_y + share * (ir - vis_y) + offset``, held at 0 or above.

    The sources come in as they are, so that their finest detail need not pass through layers of
    convolutions, which would have to be exact to keep it; least of all in half precision.

    Args:
        ir: (B, 1, H, W), 0..1.
        vis_y: same shape and range.
        mixing: (B, 2, H, W): what is added to the logit of the infrared's share, and the offset.
    """
    mixing = mixing.float()
    more = ir - vis_y
    share = torch.sigmoid(CHOICE * more + mixing[:, :1])
    return torch.relu(vis_y + share * more + mixing[:, 1:])
