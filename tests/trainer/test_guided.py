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


@pytest.mark.parametrize("radius", [0, 1, 4, 12, 20])
def test_box_mean_counts_only_what_lies_inside(radius):
    plane = np.random.default_rng(0).random((13, 17))
    found = box_mean(planes(plane), radius)[0, 0].numpy()
    np.testing.assert_allclose(found, box_by_hand(plane, radius), atol=1e-12)


FILTERS = [
    pytest.param((19, 14), 2, 0.05, id="usual"),
    pytest.param((19, 14), 4, 2.5e-4, id="faint-structures-only"),
    pytest.param((11, 30), 4, 0.01, id="as-in-the-loss-wide"),
    pytest.param((23, 9), 8, 0.05, id="window-as-wide-as-the-picture"),
    pytest.param((7, 12), 15, 0.01, id="window-larger-than-the-picture"),
    pytest.param((1, 16), 3, 0.01, id="one-row"),
]


@pytest.mark.parametrize(("shape", "radius", "eps"), FILTERS)
def test_filter_is_that_of_the_paper_up_to_the_border(shape, radius, eps):
    plane = np.random.default_rng(1).random(shape)
    plane[:, 7:] += 1
    found = guided_base(planes(plane), radius, eps)[0, 0].numpy()
    np.testing.assert_allclose(found, guided_by_hand(plane, radius, eps), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("shape", "radius", "eps"), FILTERS)
def test_single_precision_is_enough(shape, radius, eps):
    plane = 0.9 + 0.1 * np.random.default_rng(2).random(shape)  # bright, where digits get lost
    found = guided_base(planes(plane).float(), radius, eps)
    assert found.dtype == torch.float32
    exact = guided_by_hand(plane, radius, eps)
    # Half the last digit of the input moves the slope by up to that over the root of eps.
    np.testing.assert_allclose(found[0, 0].numpy(), exact, rtol=0, atol=2e-6)


def test_gradient_is_that_of_the_function():
    plane = torch.rand(1, 1, 5, 6, generator=torch.Generator().manual_seed(3)).double()
    plane.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: guided_base(x, 2, 0.01), plane)


def test_gradient_of_flat_picture_is_finite():
    plane = torch.full((1, 1, 9, 9), 0.5, requires_grad=True)
    guided_detail(plane, 3, 0.01).square().sum().backward()
    assert plane.grad is not None
    assert torch.isfinite(plane.grad).all()


def test_other_pictures_of_the_batch_and_other_channels_never_matter():
    batch = torch.rand(3, 2, 14, 11, generator=torch.Generator().manual_seed(4)).double()
    alone = guided_base(batch[1:2, 1:], 4, 0.01)
    batch[0], batch[2] = 100, -7
    batch[1, 0] = 3
    torch.testing.assert_close(guided_base(batch, 4, 0.01)[1:2, 1:], alone, rtol=0, atol=1e-12)


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
