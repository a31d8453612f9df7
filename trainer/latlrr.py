"""Latent low-rank representation: what in a picture is salient.

Sources: Liu and Yan, "Latent Low-Rank Representation for Subspace Segmentation and Feature
Extraction", ICCV 2011 (model and inexact augmented Lagrangian); Li, Wu and Kittler, "MDLatLRR",
IEEE TIP 2020 (projection learned from patches).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from trainer.errors import TrainerError

LAMBDA = 0.4  # as used for fusion
TOLERANCE = 1e-6
MAX_STEPS = 1000  # rho 1.1 takes mu from 1e-6 to 1e6 in 290


class LatentLRR(NamedTuple):
    """``x = x @ z + l @ x + e``; z is (n, n), l is (d, d), e is (d, n), all float64."""

    z: Tensor
    l: Tensor  # noqa: E741 - the paper's name
    e: Tensor


def latent_lrr(x: Tensor, lam: float = LAMBDA) -> LatentLRR:
    """Solve ``min |Z|_* + |L|_* + lam |E|_1`` subject to ``X = XZ + LX + E``.

    Args:
        x: matrix (d, n) of finite values, about 0..1; worked on in float64.
        lam: weight of the sparse error.
    Returns:
        The parts; all zeros where ``x`` is zero throughout.
    Raises:
        TrainerError: ``x`` holds values that are not finite, or the solver does not settle.
    """
    x = x.double()
    if not torch.isfinite(x).all():
        raise TrainerError("LatLRR was given values that are not finite", hint="check the picture")
    basis, coordinates = _row_space(x)
    if coordinates.shape[1] == 0:
        d, n = x.shape
        return LatentLRR(x.new_zeros(n, n), x.new_zeros(d, d), torch.zeros_like(x))
    reduced, left, error = _solve(x, coordinates, lam)
    return LatentLRR(basis @ reduced, left, error)


def _row_space(x: Tensor) -> tuple[Tensor, Tensor]:
    """Basis (n, r) of the rows of x, and x in it, (d, r).

    The best Z lies in this space, and an orthonormal basis changes no nuclear norm, so the
    solver may work on r instead of n rows (Liu et al., PAMI 2013, section 3).
    """
    left, values, right = torch.linalg.svd(x, full_matrices=False)
    rank = int((values > values[0] * 1e-12).sum()) if values.numel() else 0
    return right[:rank].T, left[:, :rank] * values[:rank]


def _solve(x: Tensor, a: Tensor, lam: float) -> tuple[Tensor, Tensor, Tensor]:
    """Inexact ALM for ``x = a z + l x + e``; returns z (r, n), l (d, d), e (d, n)."""
    d, n = x.shape
    r = a.shape[1]
    z, y2 = x.new_zeros(r, n), x.new_zeros(r, n)
    left, y3 = x.new_zeros(d, d), x.new_zeros(d, d)
    error, y1 = torch.zeros_like(x), torch.zeros_like(x)
    solve_z = torch.linalg.inv(torch.eye(r, dtype=x.dtype) + a.T @ a)
    solve_left = torch.linalg.inv(torch.eye(d, dtype=x.dtype) + x @ x.T)
    mu, mu_max, rho = 1e-6, 1e6, 1.1
    for _ in range(MAX_STEPS):
        z_low = _shrink_singular(z + y2 / mu, 1 / mu)
        left_low = _shrink_singular(left + y3 / mu, 1 / mu)
        z = solve_z @ (a.T @ (x - left @ x - error + y1 / mu) + z_low - y2 / mu)
        left = ((x - a @ z - error + y1 / mu) @ x.T + left_low - y3 / mu) @ solve_left
        rest = x - a @ z - left @ x
        error = _shrink(rest + y1 / mu, lam / mu)
        gaps = (rest - error, z - z_low, left - left_low)
        if max(float(gap.abs().max()) for gap in gaps) < TOLERANCE:
            return z, left, error
        y1, y2, y3 = (y + mu * gap for y, gap in zip((y1, y2, y3), gaps, strict=True))
        mu = min(rho * mu, mu_max)
    raise TrainerError(
        f"LatLRR did not settle in {MAX_STEPS} steps for a {d}x{n} matrix",
        hint="scale the values to 0..1",
    )


def _shrink(x: Tensor, by: float) -> Tensor:
    """Soft threshold."""
    return x.sign() * (x.abs() - by).clamp(min=0)


def _shrink_singular(x: Tensor, by: float) -> Tensor:
    """Soft threshold of the singular values."""
    u, values, v = torch.linalg.svd(x, full_matrices=False)
    keep = int((values > by).sum())
    return (u[:, :keep] * (values[:keep] - by)) @ v[:keep]


def saliency(plane: Tensor, lam: float = LAMBDA) -> Tensor:
    """Salient part ``L X`` of one picture taken as a matrix.

    ``L`` mixes rows only, which shows as stripes; so the picture is also taken with rows and
    columns exchanged, and the two results are averaged.

    Args:
        plane: (H, W), float in 0..1. The time grows with the third power of the size.
    Returns:
        Same shape, float64, about 0..1.
    """
    plane = plane.double()
    upright = latent_lrr(plane, lam).l @ plane
    turned = latent_lrr(plane.T, lam).l @ plane.T
    return (upright + turned.T) / 2


def learn_projection(patches: Tensor, lam: float = LAMBDA) -> Tensor:
    """Projection L (u², u²), float64, that takes a vectorised patch to its salient part.

    Args:
        patches: (n, u, u), float in 0..1; about 1,200 of them, chosen at random.
    """
    return latent_lrr(patches.flatten(1).T, lam).l


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
    """Filter (B, 1, H, W) with a kernel of odd size, mirrored at the border; same shape."""
    pad = kernel.shape[0] // 2
    mirrored = functional.pad(planes, (pad, pad, pad, pad), mode="reflect")
    return functional.conv2d(mirrored, kernel[None, None].to(planes))
