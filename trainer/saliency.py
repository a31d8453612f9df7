"""How salient each place of an infrared picture is, by LatLRR: of the whole, or of its patches."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from trainer.errors import DataError
from trainer.latlrr import LAMBDA, latent_lrr
from trainer.projection import apply_kernel, learn_projection_from, projection_kernel

# Side of the patches and of the reduced picture that they are cut from: the filter, 2 * 8 - 1 px
# wide, then spans two fifths of the picture, about what stands around a person or a car.
PATCH, PATCH_SHORT_SIDE = 8, 36


def saliency(plane: Tensor, lam: float = LAMBDA) -> Tensor:
    """Salient part of one picture taken as a matrix.

    ``LX`` mixes rows only, which shows as stripes; so the picture is also taken with rows and
    columns exchanged, and the two results are averaged. The answer to Xᵀ has Zᵀ for L, so the
    average is ``(LX + XZ) / 2``: half the picture without its sparse error.

    Args:
        plane: (..., H, W), float in 0..1. The time grows with the third power of the size.
        lam: weight of the sparse error.
    Returns:
        Same shape, float64, about 0..0.5.
    """
    plane = plane.double()
    z, left, _ = latent_lrr(plane, lam)
    return (left @ plane + plane @ z) / 2


def reduced(ir: np.ndarray, short_side: int) -> np.ndarray:
    """Picture (H, W) uint8 with its shorter side reduced to ``short_side`` px, if it is longer."""
    scale = min(1.0, short_side / min(ir.shape))
    size_wh = (round(ir.shape[1] * scale), round(ir.shape[0] * scale))
    return cv2.resize(ir, size_wh, interpolation=cv2.INTER_AREA)


def learn_patch_filter(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """The filter for `patch_saliency`, learned from reduced pictures; about a second.

    Args:
        pictures: (H, W) uint8.
    Returns:
        (2 PATCH - 1, 2 PATCH - 1) float64.
    Raises:
        DataError: there are no pictures, or one is smaller than a patch.
    """
    small = [reduced(picture, PATCH_SHORT_SIDE) for picture in pictures]
    return projection_kernel(learn_projection_from(small, PATCH)).numpy()


def patch_saliency(ir: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Salience by projected patches: how much warmer a pixel is than what lies around it.

    The filter runs on the reduced picture. On such pictures the optimum gives Z and L half of
    the structure each, so what is left when twice the filter's answer is taken away is the
    smooth ground; the full-size picture is compared with it, and so keeps its edges.

    Args:
        ir: (H, W) uint8, neither side below `PATCH` px.
        kernel: from `learn_patch_filter`.
    Returns:
        (H, W) float32, 0..0.5; 0 where a pixel is no warmer than its surroundings.
    Raises:
        DataError: the picture is too small.
    """
    small = torch.from_numpy(reduced(ir, PATCH_SHORT_SIDE))[None, None].double() / 255
    if min(small.shape[2:]) < PATCH:
        raise DataError(
            f"a picture of {ir.shape[1]}x{ir.shape[0]} is too small for patches",
            hint=f"it needs {PATCH} px each way; or take the LatLRR of the whole picture",
        )
    ground = small - 2 * apply_kernel(small, torch.from_numpy(kernel))
    size_wh = (ir.shape[1], ir.shape[0])
    ground_full = cv2.resize(
        ground[0, 0].numpy().astype(np.float32), size_wh, interpolation=cv2.INTER_LINEAR
    )
    return np.clip((ir.astype(np.float32) / 255 - ground_full) / 2, 0, 0.5)
