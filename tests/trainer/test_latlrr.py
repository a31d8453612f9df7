from __future__ import annotations

import functools

import pytest
import torch
from torch import Tensor

from trainer import latlrr
from trainer.errors import TrainerError
from trainer.latlrr import LAMBDA, Solution, latent_lrr, shrink, shrink_singular, solve


def random(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def low_rank(rows: int, columns: int, rank: int, seed: int) -> Tensor:
    return random(rows, rank, seed=seed) @ random(rank, columns, seed=seed + 50) / rank


def scene(rows: int, columns: int) -> Tensor:
    """A warm block before ground that gets warmer downwards, with noise."""
    plane = 0.2 + 0.2 * torch.linspace(0, 1, rows, dtype=torch.float64)[:, None]
    plane = plane + 0.05 * random(rows, columns, seed=9)
    plane[rows // 4 : rows // 2, columns // 3 : columns // 2] = 0.95
    return plane


def nuclear(x: Tensor) -> float:
    return float(torch.linalg.matrix_norm(x, "nuc"))


def spectral(x: Tensor) -> float:
    return float(torch.linalg.matrix_norm(x, 2))


MATRICES = [
    pytest.param(random(24, 31, seed=0), LAMBDA, id="noise"),
    pytest.param(random(31, 24, seed=0), LAMBDA, id="noise-more-rows-than-columns"),
    pytest.param(random(20, 20, seed=1), LAMBDA, id="square"),
    pytest.param(scene(18, 24), LAMBDA, id="scene"),
    pytest.param(scene(18, 24), 0.1, id="scene-with-much-error"),
    pytest.param(low_rank(30, 40, 3, seed=2), LAMBDA, id="low-rank"),
    pytest.param(random(16, 150, seed=3), LAMBDA, id="patches"),
    pytest.param(random(1, 5, seed=4), LAMBDA, id="one-row"),
    pytest.param(200 * scene(12, 16), LAMBDA, id="scaled-to-255"),
]


@functools.cache  # tensors are told apart by identity, and nobody changes these
def solved(x: Tensor, lam: float) -> Solution:
    return solve(x, lam)


@pytest.mark.parametrize(("x", "lam"), MATRICES)
def test_parts_add_up(x, lam):
    z, left, error = solved(x, lam).parts
    assert (z.shape, left.shape) == ((x.shape[1],) * 2, (x.shape[0],) * 2)
    assert float((x - x @ z - left @ x - error).abs().max()) < 1e-6


@pytest.mark.parametrize(("x", "lam"), MATRICES)
def test_dual_proves_the_parts_optimal(x, lam):
    """Karush-Kuhn-Tucker: Xᵀ Y is a subgradient of |Z|_*, Y Xᵀ of |L|_* and Y of lam |E|_1."""
    (z, left, error), y = solved(x, lam)
    on_z, on_left = x.T @ y, y @ x.T
    assert spectral(on_z) <= 1.008
    assert spectral(on_left) <= 1.008
    assert float(y.abs().max()) <= lam
    aligned = 2e-3 * (nuclear(z) + nuclear(left) + lam * float(error.abs().sum()))
    assert float((z * on_z).sum()) == pytest.approx(nuclear(z), abs=aligned)
    assert float((left * on_left).sum()) == pytest.approx(nuclear(left), abs=aligned)
    support = error != 0
    torch.testing.assert_close(y[support], lam * error.sign()[support], rtol=0, atol=5e-3)


def cost_and_bound(x: Tensor, lam: float, solution: Solution) -> tuple[float, float]:
    """Cost of the parts, and what no parts at all can cost less than.

    Any Y that meets the dual constraints bounds the minimum from below by its ⟨Y, X⟩.
    """
    (z, left, _), y = solution
    y = y / max(spectral(x.T @ y), spectral(y @ x.T), 1.0)
    error = x - x @ z - left @ x  # what makes the parts add up without any gap
    cost = nuclear(z) + nuclear(left) + lam * float(error.abs().sum())
    return cost, float((x * y).sum())


@pytest.mark.parametrize(("x", "lam"), MATRICES)
def test_no_other_parts_cost_less(x, lam):
    cost, bound = cost_and_bound(x, lam, solved(x, lam))
    assert bound <= cost <= 1.008 * bound


@pytest.mark.parametrize(
    ("x", "lam"),
    [
        pytest.param(scene(12, 16), LAMBDA, id="scene"),
        pytest.param(random(24, 31, seed=0), LAMBDA, id="noise"),
    ],
)
def test_cost_is_within_a_thousandth_of_the_least(x, lam, monkeypatch):
    cost, _ = cost_and_bound(x, lam, solve(x, lam))
    monkeypatch.setattr(latlrr, "DUAL_TOLERANCE", 2e-4)
    _, bound = cost_and_bound(x, lam, solve(x, lam))
    assert bound <= cost <= 1.001 * bound


@pytest.mark.parametrize(("shape", "rank"), [((20, 30), 3), ((26, 18), 5)])
def test_without_error_the_optimum_is_the_rank(shape, rank):
    """Clean data: E is 0 and min |Z|_* + |L|_* is rank(X) (Zhang et al., 2013, theorem 3.1)."""
    x = low_rank(*shape, rank, seed=1)
    z, left, error = latent_lrr(x, lam=100.0)
    assert float(error.abs().max()) < 1e-5
    assert nuclear(z) + nuclear(left) == pytest.approx(rank, rel=2e-3)


def test_planted_low_rank_and_sparse_parts_are_found_again():
    planted = low_rank(50, 60, 2, seed=5)
    spikes = torch.zeros_like(planted)
    where = torch.randperm(3000, generator=torch.Generator().manual_seed(6))[:24]
    spikes.view(-1)[where] = (random(24, seed=7) - 0.5).sign()
    x = planted + spikes
    z, left, error = latent_lrr(x, lam=0.2)
    assert set((error.abs() > 0.1).flatten().nonzero().flatten().tolist()) == set(where.tolist())
    torch.testing.assert_close(error, spikes, rtol=0, atol=0.02)
    torch.testing.assert_close(x @ z + left @ x, planted, rtol=0, atol=0.02)


def test_transposed_matrix_has_the_parts_exchanged():
    x = scene(12, 12)
    z, left, error = latent_lrr(x)
    z_turned, left_turned, error_turned = latent_lrr(x.T)
    for found, expected in ((z_turned, left), (left_turned, z), (error_turned, error)):
        torch.testing.assert_close(found, expected.T, rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", [(9, 14), (14, 9)])
def test_matrices_of_a_batch_are_solved_each_by_itself(shape):
    batch = torch.stack(
        [scene(*shape), torch.zeros(shape).double(), random(*shape, seed=8), low_rank(*shape, 2, 3)]
    ).reshape(2, 2, *shape)
    together = latent_lrr(batch)
    assert together.z.shape == (2, 2, shape[1], shape[1])
    for row in range(2):
        for column in range(2):
            alone = latent_lrr(batch[row, column])
            for found, expected in zip(together, alone, strict=True):
                torch.testing.assert_close(found[row, column], expected, rtol=0, atol=1e-9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_finds_the_same():
    batch = torch.stack([scene(30, 40), random(30, 40, seed=10)])
    on_cuda, on_cpu = solve(batch.cuda()), solve(batch)
    assert all(part.is_cuda for part in (*on_cuda.parts, on_cuda.dual))
    for found, expected in zip(on_cuda.parts, on_cpu.parts, strict=True):
        torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(12, 20), (20, 12), (3, 15, 9)])
@pytest.mark.parametrize("by", [1e-6, 0.3, 2.0, 50.0])
def test_shrinking_singular_values_is_the_proximal_step(shape, by):
    """P minimises by |P|_* + |P - X|² / 2 where (X - P) / by is a subgradient of |P|_*."""
    x = random(*shape, seed=11) - 0.3
    found = shrink_singular(x, by)
    rest = x - found
    assert float(torch.linalg.matrix_norm(rest, 2).max()) <= by * (1 + 1e-6) + 1e-12
    aligned = (rest * found).sum((-2, -1))
    torch.testing.assert_close(
        aligned, by * torch.linalg.matrix_norm(found, "nuc"), rtol=1e-6, atol=1e-9
    )


def test_shrinking_takes_one_threshold_for_each_matrix():
    x = random(2, 6, 9, seed=12)
    by = torch.tensor([0.1, 1.0], dtype=torch.float64)
    found = shrink_singular(x, by[:, None, None])
    for index in range(2):
        torch.testing.assert_close(found[index], shrink_singular(x[index], float(by[index])))


def test_soft_threshold():
    x = torch.tensor([-3.0, -1.0, 0.0, 0.5, 2.0])
    torch.testing.assert_close(shrink(x, 1.0), torch.tensor([-2.0, 0.0, 0.0, 0.0, 1.0]))


def test_black_picture_has_no_parts():
    parts = latent_lrr(torch.zeros(12, 17))
    assert [part.shape for part in parts] == [(17, 17), (12, 12), (12, 17)]
    assert not any(part.any() for part in parts)


def test_single_precision_is_worked_on_in_double():
    x = scene(10, 14).float()
    assert latent_lrr(x).e.dtype == torch.float64


@pytest.mark.parametrize(
    ("x", "lam", "what"),
    [
        pytest.param(torch.tensor([[0.0, float("nan")]]), 0.4, "not finite", id="nan"),
        pytest.param(torch.tensor([[0.0, float("inf")]]), 0.4, "not finite", id="infinite"),
        pytest.param(torch.zeros(5), 0.4, "matrices", id="vector"),
        pytest.param(torch.zeros(0, 5), 0.4, "matrices", id="no-rows"),
        pytest.param(torch.zeros(0, 5, 5), 0.4, "matrices", id="empty-batch"),
        pytest.param(torch.ones(5, 5), 0.0, "lambda above 0, got 0", id="no-weight"),
    ],
)
def test_what_cannot_be_solved_is_refused(x, lam, what):
    with pytest.raises(TrainerError, match=what) as caught:
        latent_lrr(x, lam)
    assert caught.value.hint


def test_solver_that_does_not_settle_says_so(monkeypatch):
    monkeypatch.setattr(latlrr, "MAX_STEPS", 3)
    batch = torch.stack([torch.zeros(8, 9).double(), scene(8, 9)])
    with pytest.raises(TrainerError, match="in 3 steps for 1 of 2 matrices of 8x9"):
        latent_lrr(batch)
