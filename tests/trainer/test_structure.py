from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from fusion_rt.quality.correlation import correlation_of_differences
from fusion_rt.quality.structure import ssim
from trainer.structure import complement_loss, structure_loss

SIDE = 64
BAND = 10  # px at the border: window and mirrored window of 11 px


def texture(seed: int, contrast: float = 50.0) -> np.ndarray:
    plane = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(SIDE, SIDE)), (0, 0), 2)
    return np.clip(128 + contrast * plane / plane.std(), 0, 255)


def tensor(plane: np.ndarray, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.from_numpy(plane / 255)[None, None].to(dtype)


def flat(value: float, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.full((1, 1, 24, 24), value, dtype=dtype)


@pytest.mark.parametrize("contrast", [50, 10, 6])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_structure_is_ssim(contrast, share, dtype):
    """All three are alike near the border, where the measure does not look and this mirrors."""
    ir, vis = texture(1, contrast), texture(2, contrast)
    fused = share * ir + (1 - share) * vis + texture(3, contrast / 5) - 128
    for plane in (vis, fused):
        inside = plane[BAND:-BAND, BAND:-BAND].copy()
        plane[:] = ir
        plane[BAND:-BAND, BAND:-BAND] = inside
    found = float(structure_loss(*(tensor(plane, dtype) for plane in (fused, ir, vis))))
    wanted = (1 - ssim(ir, vis, fused)) * (SIDE - 10) ** 2 / SIDE**2
    assert wanted > 0.02
    assert found == pytest.approx(wanted, abs=1e-9 if dtype == torch.float64 else 1e-4)


@pytest.mark.parametrize("name", ["sum", "mean", "one-source", "maximum", "against"])
def test_complement_is_scd(name):
    """Within what the added variance of 4 levels makes of pictures of 50 levels."""
    ir, vis = texture(1), texture(2)
    fused = {
        "sum": ir + vis - 128,
        "mean": (ir + vis) / 2,
        "one-source": ir,
        "maximum": np.maximum(ir, vis),
        "against": 255 - (ir + vis) / 2,
    }[name]
    found = 2 - float(complement_loss(tensor(fused), tensor(ir), tensor(vis)))
    assert found == pytest.approx(correlation_of_differences(ir, vis, fused), abs=0.03)


@pytest.mark.parametrize("loss", [structure_loss, complement_loss])
def test_best_picture_costs_nothing(loss):
    ir, vis = tensor(texture(1)), tensor(texture(2))
    if loss is structure_loss:
        assert float(loss(ir, ir, ir)) == pytest.approx(0, abs=1e-12)
    else:
        assert 0 < float(loss(ir + vis, ir, vis)) < 0.02


def test_noise_is_no_pattern():
    """Noise of one level in the sources is not to be found again in the picture."""
    noise = [0.5 + (tensor(texture(seed, 1)) - 128 / 255) for seed in (1, 2)]
    ir, vis = noise
    assert float(complement_loss(ir + vis, ir, vis)) > 1.6


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("loss", [structure_loss, complement_loss])
@pytest.mark.parametrize("levels", [(0, 0, 0), (0.5, 0.5, 0.5), (1, 0, 0), (0, 1, 0.4), (1, 1, 1)])
def test_flat_pictures_have_finite_slopes(loss, levels, dtype):
    fused, ir, vis = (flat(level, dtype) for level in levels)
    fused.requires_grad_()
    cost = loss(fused, ir, vis)
    assert cost.dtype == dtype
    (slope,) = torch.autograd.grad(cost.sum(), fused)
    assert bool(torch.isfinite(cost).all())
    assert bool(torch.isfinite(slope).all())


@pytest.mark.parametrize("loss", [structure_loss, complement_loss])
def test_equal_pictures_have_finite_slopes(loss):
    plane = tensor(texture(1), torch.float32)
    fused = plane.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(fused, plane, plane).sum(), fused)
    assert bool(torch.isfinite(slope).all())


def test_faint_texture_on_a_bright_ground_is_judged_in_fp32_as_in_fp64():
    """Squares of the values themselves would lose the digits that the variance is made of."""
    planes = [np.clip(250 + 0.02 * (texture(seed) - 128), 0, 255) for seed in (1, 2, 3)]
    exact = float(structure_loss(*(tensor(plane) for plane in planes)))
    found = float(structure_loss(*(tensor(plane, torch.float32) for plane in planes)))
    assert found == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "most"), [pytest.param(structure_loss, 2), pytest.param(complement_loss, 4)]
)
def test_cost_is_bounded(loss, most):
    generator = torch.Generator().manual_seed(1)
    for strength in (1e-4, 0.01, 1.0, 30.0):
        planes = [strength * torch.rand(2, 1, 24, 24, generator=generator) for _ in range(3)]
        cost = loss(planes[0], planes[1], 1 - planes[1])
        assert bool((cost >= -1e-4).all())
        assert bool((cost <= most).all())
        assert bool(torch.isfinite(loss(*planes)).all())
