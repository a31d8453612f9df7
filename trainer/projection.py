"""A LatLRR projection learned from patches, and the single filter that it amounts to.

Source: Li, Wu and Kittler, "MDLatLRR: A Novel Decomposition Method for Infrared and Visible Image
Fusion", IEEE TIP 2020 (the projection); the filter is derived in `projection_kernel`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer.errors import DataError
from trainer.latlrr import LAMBDA, latent_lrr

PATCHES = 1200


def learn_projection(patches: Tensor, lam: float = LAMBDA) -> Tensor:
    """Projection L (u², u²), float64, that takes a vectorised patch to its salient part.

    Args:
        patches: (n, u, u), float in 0..1; about 1,200 of them, chosen at random.
        lam: weight of the sparse error.
    """
    return latent_lrr(patches.flatten(1).T, lam).l


def learn_projection_from(
    pictures: Sequence[np.ndarray], u: int, count: int = PATCHES, seed: int = 1
) -> Tensor:
    """Projection learned from random patches of pictures, each patch less its own mean.

    On patches as they are the optimum does not say whether their brightness belongs to L or to
    Z. Without it, L answers to what stands out within a patch, and to even light not at all.

    Args:
        pictures: (H, W) uint8 each.
        u: side of a patch, px.
        count: of patches.
        seed: of their choice.
    Returns:
        (u², u²), float64.
    Raises:
        DataError: as `random_patches`.
    """
    patches = random_patches(pictures, u, count, seed)
    return learn_projection(patches - patches.mean((1, 2), keepdim=True))


def random_patches(pictures: Sequence[np.ndarray], u: int, count: int, seed: int) -> Tensor:
    """Patches (count, u, u), float64 in 0..1, each from a picture and a place chosen at random.

    Raises:
        DataError: there are no pictures, or one is smaller than a patch.
    """
    if not pictures:
        raise DataError("no pictures to take patches from", hint="give at least one")
    small = [picture.shape[::-1] for picture in pictures if min(picture.shape) < u]
    if small:
        raise DataError(
            f"a picture of {small[0][0]}x{small[0][1]} has no room for a patch of {u}x{u}",
            hint="leave it out, or take smaller patches",
        )
    rng = np.random.default_rng(seed)
    patches = np.empty((count, u, u))
    for index, number in enumerate(rng.integers(len(pictures), size=count)):
        height, width = pictures[number].shape
        row, column = rng.integers(height - u + 1), rng.integers(width - u + 1)
        patches[index] = pictures[number][row : row + u, column : column + u]
    return torch.from_numpy(patches / 255)


def projection_kernel(projection: Tensor) -> Tensor:
    """The one filter that equals projecting every overlapping patch and averaging.

    A pixel takes part in u² patches, at each place (i, j) in one of them; what place (i, j) of
    the output gets from place (k, l) of the input is a shift by (k - i, l - j). Summed over all
    places and divided by u² this is a cross-correlation with one (2u - 1)² kernel.

    Args:
        projection: (u², u²).
    Returns:
        (2u - 1, 2u - 1), for `apply_kernel`.
    """
    u = round(projection.shape[0] ** 0.5)
    by_place = projection.reshape(u, u, u, u)
    kernel = projection.new_zeros(2 * u - 1, 2 * u - 1)
    for i in range(u):
        for j in range(u):
            kernel[u - 1 - i : 2 * u - 1 - i, u - 1 - j : 2 * u - 1 - j] += by_place[i, j]
    return kernel / u**2


def apply_kernel(planes: Tensor, kernel: Tensor) -> Tensor:
    """Filter (B, 1, H, W) with a kernel of odd size, mirrored at the border; same shape.

    H and W must exceed half the kernel.
    """
    pad = kernel.shape[0] // 2
    mirrored = functional.pad(planes, (pad, pad, pad, pad), mode="reflect")
    return functional.conv2d(mirrored, kernel[None, None].to(planes))
