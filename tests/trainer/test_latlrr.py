from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainer.errors import TrainerError
from trainer.latlrr import (
    apply_kernel,
    latent_lrr,
    learn_projection,
    projection_kernel,
    saliency,
)


def low_rank(rows: int, columns: int, rank: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    left = torch.rand(rows, rank, generator=generator, dtype=torch.float64)
    return left @ torch.rand(rank, columns, generator=generator, dtype=torch.float64) / rank


def nuclear(x: Tensor) -> float:
    return float(torch.linalg.svdvals(x).sum())


def test_parts_add_up_to_the_picture():
    x = torch.rand(24, 31, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    z, left, error = latent_lrr(x)
    assert z.shape == (31, 31)
    assert left.shape == (24, 24)
    torch.testing.assert_close(x @ z + left @ x + error, x, atol=2e-6, rtol=0)


@pytest.mark.parametrize(("shape", "rank"), [((20, 30), 3), ((26, 18), 5)])
def test_without_error_the_optimum_is_the_rank(shape, rank):
    """Clean data: E is 0 and min |Z|_* + |L|_* is rank(X) (Zhang et al., 2013, theorem 3.1)."""
    x = low_rank(*shape, rank, seed=1)
    z, left, error = latent_lrr(x, lam=100.0)
    assert float(error.abs().max()) < 1e-5
    assert nuclear(z) + nuclear(left) == pytest.approx(rank, rel=1e-3)


def test_spikes_go_into_the_error():
    x = low_rank(30, 40, 2, seed=2)
    x[5, 7] += 3
    x[21, 30] -= 3
    error = latent_lrr(x, lam=0.1).e.abs()
    two_largest = error.flatten().topk(2).indices.tolist()
    assert sorted(two_largest) == [5 * 40 + 7, 21 * 40 + 30]


def test_saliency_treats_rows_and_columns_alike():
    plane = torch.rand(18, 26, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(saliency(plane.T), saliency(plane).T, atol=1e-9, rtol=0)


def test_hot_target_is_more_salient_than_its_surroundings():
    plane = torch.full((48, 64), 0.2)
    plane += 0.05 * torch.rand(48, 64, generator=torch.Generator().manual_seed(4))
    plane[20:34, 30:38] = 0.95
    found = saliency(plane)
    inside = found[22:32, 32:36].mean()
    assert float(inside) > 3 * float(found[:14].mean())


def test_kernel_equals_projecting_each_patch_and_averaging():
    u, side = 4, 19
    generator = torch.Generator().manual_seed(5)
    projection = torch.randn(u * u, u * u, generator=generator, dtype=torch.float64)
    plane = torch.rand(side, side, generator=generator, dtype=torch.float64)
    total = torch.zeros_like(plane)
    for row in range(side - u + 1):
        for column in range(side - u + 1):
            patch = plane[row : row + u, column : column + u]
            projected = (projection @ patch.flatten()).view(u, u)
            total[row : row + u, column : column + u] += projected / u**2
    found = apply_kernel(plane[None, None], projection_kernel(projection))[0, 0]
    inner = slice(u - 1, side - u + 1)  # here every pixel lies in u² patches
    torch.testing.assert_close(found[inner, inner], total[inner, inner])


def test_learned_projection_has_the_size_of_a_patch():
    patches = torch.rand(90, 4, 4, generator=torch.Generator().manual_seed(6))
    projection = learn_projection(patches)
    assert projection.shape == (16, 16)
    assert 0 < nuclear(projection) <= 16


def test_black_picture_has_nothing_salient():
    x = torch.zeros(12, 17)
    parts = latent_lrr(x)
    assert [part.shape for part in parts] == [(17, 17), (12, 12), (12, 17)]
    assert not any(part.any() for part in parts)
    found = saliency(x)
    assert found.shape == x.shape
    assert not found.any()


def test_weight_of_the_error_is_0_4_unless_given():
    plane = torch.rand(14, 20, generator=torch.Generator().manual_seed(7))
    torch.testing.assert_close(saliency(plane), saliency(plane, 0.4), rtol=0, atol=0)
    assert float((saliency(plane) - saliency(plane, 0.8)).abs().max()) > 1e-3


def test_filter_mirrors_at_the_border_without_repeating_it():
    from_the_left = torch.zeros(3, 3)
    from_the_left[1, 0] = 1
    plane = torch.tensor([[1.0, 2.0, 5.0]]).expand(1, 1, 3, 3)
    found = apply_kernel(plane, from_the_left)
    torch.testing.assert_close(found, torch.tensor([[2.0, 1.0, 2.0]]).expand(1, 1, 3, 3))


def test_picture_with_nan_is_refused():
    plane = torch.zeros(8, 8)
    plane[3, 3] = float("nan")
    with pytest.raises(TrainerError, match="not finite"):
        latent_lrr(plane)
