"""The whole image operation as one torch module: bytes in, bytes out.

What is exported is this; see `engines.contract` for the tensors. Training, export and every back
end thus compute the same picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.contract import BT601_BGR
from trainer.build import Network
from trainer.mixing import with_contrast


def luma_bt601(bgr: Tensor) -> Tensor:
    """Luma plane that the network takes as its visible input.

    Args:
        bgr: shape (B, H, W, 3), any dtype, values 0..255, channel order BGR.
    Returns:
        Shape (B, 1, H, W), float32 in 0..1; full range, black is 0.
    Source: ITU-R BT.601-7, section 2.5.1.
    """
    weights = torch.tensor(BT601_BGR, dtype=torch.float64).div(255).float()
    return (bgr.float() @ weights.to(bgr.device)[:, None]).permute(0, 3, 1, 2)


class DeployGraph(nn.Module):
    """Fuses a colour picture and an infrared one, uint8 to uint8.

    Replacing the luma while keeping Cb and Cr shifts B, G and R by the same amount, because in
    BT.601 each of them is Y plus a multiple of Cb and Cr. So the colour picture gets the change
    of its luma added, and no conversion back and forth is needed.
    """

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, ir: Tensor, vis: Tensor, weight: Tensor, grid: Tensor | None = None
    ) -> Tensor:
        """Fused picture.

        Args:
            ir: (1, 1, H, W) uint8; with ``grid`` of any size (1, 1, Hi, Wi).
            vis: (1, H, W, 3) uint8, BGR.
            weight: (1, 1, H, W) uint8; 0 shows ``vis`` alone, 255 the full fusion.
            grid: (1, H, W, 2) float32, where in ``ir`` each pixel lies, x then y in -1..1
                (corners not aligned); outside, the infrared is mirrored.
        Returns:
            (1, H, W, 3) uint8, BGR.
        """
        plane = ir.float()
        if grid is not None:
            plane = functional.grid_sample(
                plane, grid, padding_mode="reflection", align_corners=False
            )
        vis_y = luma_bt601(vis)
        fused_y = self.net(plane / 255, vis_y).clamp(0, 1)
        fused_y = with_contrast(fused_y, self.net.contrast)
        # weight runs to 255 where luma runs to 1: the two factors of 255 cancel.
        change = weight.float() * (fused_y - vis_y)
        fused = vis.float() + change.permute(0, 2, 3, 1)
        return fused.round().clamp(0, 255).to(torch.uint8)
