"""Figures whose definition is the same as in a well-kept library."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
    visual_information_fidelity,
)

from fusion_rt.quality.structure import ms_ssim, ssim
from fusion_rt.quality.vif import pixel_vif


@pytest.fixture(scope="module")
def planes() -> tuple[np.ndarray, np.ndarray]:
    """A picture with structure at all scales, and a changed copy; odd sides."""
    rng = np.random.default_rng(7)
    picture = np.zeros((189, 213))
    for size in (64, 16, 4, 1):
        blocks = rng.uniform(0, 50, (213 // size + 1, 213 // size + 1))
        picture += np.kron(blocks, np.ones((size, size)))[:189, :213]
    changed = 0.8 * picture + rng.normal(20, 6, picture.shape)
    return picture, np.clip(changed, 0, 255)


def as_tensors(planes) -> tuple[torch.Tensor, torch.Tensor]:
    one, two = (torch.from_numpy(plane)[None, None] for plane in planes)
    return two, one  # distorted, then reference


def ssim_inside(distorted: torch.Tensor, reference: torch.Tensor) -> float:
    """The library's map without its border, where windows reach over the edge."""
    _, whole = structural_similarity_index_measure(
        distorted, reference, data_range=255.0, return_full_image=True
    )
    return float(whole[..., 5:-5, 5:-5].mean())


def test_ssim_like_torchmetrics(planes):
    one, two = planes
    assert ssim(one, one, two) == pytest.approx(ssim_inside(*as_tensors(planes)), rel=1e-9)


def test_ms_ssim_like_torchmetrics(planes):
    pair = as_tensors(planes)
    expected = 1.0
    for weight in (0.0448, 0.2856, 0.3001, 0.2363):
        _, contrast = structural_similarity_index_measure(
            *pair, data_range=255.0, return_contrast_sensitivity=True
        )
        expected *= float(contrast) ** weight
        pair = tuple(torch.nn.functional.avg_pool2d(plane, 2) for plane in pair)
    expected *= ssim_inside(*pair) ** 0.1333
    one, two = planes
    assert ms_ssim(one, one, two) == pytest.approx(expected, rel=1e-9)
    # As a whole the library differs in one thing: its coarsest scale takes the border in.
    whole = multiscale_structural_similarity_index_measure(
        *as_tensors(planes), data_range=255.0, normalize="relu"
    )
    assert ms_ssim(one, one, two) == pytest.approx(float(whole), rel=1e-3)


def test_vif_like_torchmetrics(planes):
    expected = visual_information_fidelity(*as_tensors(planes), sigma_n_sq=2.0)
    assert pixel_vif(*planes) == pytest.approx(float(expected), rel=1e-5)
