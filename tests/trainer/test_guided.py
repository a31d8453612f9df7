from __future__ import annotations

import numpy as np
import pytest
import torch

from trainer.guided import box_mean, guided_base, guided_detail


def window(plane: np.ndarray, row: int, column: int, radius: int) -> np.ndarray:
    rows = slice(max(row - radius, 0), row + radius + 1)
    return plane[rows, max(column - radius, 0) : column + radius + 1]


def box_by_hand(plane: np.ndarray, radius: int) -> np.ndarray:
    height, width = plane.shape
    means = [window(plane, r, c, radius).mean() for r in range(height) for c in range(width)]
    return np.reshape(means, plane.shape)


def guided_by_hand(plane: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """One linear model a window, as the paper states it; each pixel averages its windows."""
    height, width = plane.shape
    slope, offset = np.empty_like(plane), np.empty_like(plane)
    for row in range(height):
        for column in range(width):
            part = window(plane, row, column, radius)
            slope[row, column] = part.var() / (part.var() + eps)
            offset[row, column] = part.mean() * (1 - slope[row, column])
    return box_by_hand(slope, radius) * plane + box_by_hand(offset, radius)


def planes(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array)[None, None]


@pytest.mark.parametrize("radius", [1, 4])
def test_box_mean_counts_only_what_lies_inside(radius):
    plane = np.random.default_rng(0).random((13, 17))
    found = box_mean(planes(plane), radius)[0, 0].numpy()
    np.testing.assert_allclose(found, box_by_hand(plane, radius), atol=1e-12)


@pytest.mark.parametrize(("radius", "eps"), [(2, 0.05), (4, 2.5e-4), (4, 0.01)])
def test_filter_is_that_of_the_paper(radius, eps):
    plane = np.random.default_rng(1).random((19, 14))
    plane[:, 7:] += 1
    found = guided_base(planes(plane), radius, eps)[0, 0].numpy()
    np.testing.assert_allclose(found, guided_by_hand(plane, radius, eps), atol=1e-12)


@pytest.mark.parametrize(
    ("step", "eps", "kept"),
    [
        pytest.param(0.8, 1e-4, 0.999, id="strong-edge-stays-in-the-base"),
        pytest.param(0.02, 0.05, 0.2, id="faint-edge-goes-to-the-detail"),
    ],
)
def test_edges(step, eps, kept):
    plane = np.full((24, 24), 0.1)
    plane[:, 12:] += step
    base = guided_base(planes(plane), 4, eps)[0, 0, 12].numpy()
    share = (base[12] - base[11]) / step
    assert share >= kept if kept > 0.5 else share <= kept


def test_constant_picture_has_no_detail_even_in_float32():
    plane = torch.full((1, 1, 40, 40), 0.9)
    assert float(guided_detail(plane, 8, 2.5e-4).abs().max()) < 1e-6


def test_base_and_detail_add_up():
    plane = torch.rand(2, 1, 30, 30, generator=torch.Generator().manual_seed(2))
    total = guided_base(plane, 4, 0.01) + guided_detail(plane, 4, 0.01)
    torch.testing.assert_close(total, plane)
