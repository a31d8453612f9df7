from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainer.edges import edge_losses, edges_of
from trainer.losses import (
    MIN_TEXTURE,
    MS_SSIM_MIN_SIDE,
    LossWeights,
    fusion_loss,
    gradient_loss,
    range_loss,
    salience_loss,
    texture_loss,
)
from trainer.structure import complement_loss, structure_loss
from trainer.targets import FusionTarget, fusion_target, picture_texture

SIDE = MS_SSIM_MIN_SIDE
TERMS = set(LossWeights().model_dump())


def rough(seed: int, batch: int = 1, contrast: float = 0.1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.5 + contrast * (torch.rand(batch, 1, SIDE, SIDE, generator=generator) - 0.5)


def target_of(luma: Tensor, mask: Tensor | None = None) -> FusionTarget:
    return FusionTarget(
        luma, picture_texture(luma), torch.zeros_like(luma) if mask is None else mask
    )


def scenes(planes: Tensor) -> Tensor:
    return torch.ones(len(planes))


def gradients(*planes: Tensor) -> Tensor:
    return gradient_loss(*(edges_of(plane) for plane in planes))


def distance_cost(distance: float) -> float:
    """Cost of one distance: a hyperbola that is round within 8 levels of 0."""
    near = 8 / 255
    return (distance**2 + near**2) ** 0.5 - near


def only(**factors: float) -> LossWeights:
    return LossWeights(**{**dict.fromkeys(TERMS, 0.0), **factors})


def test_target_itself_costs_next_to_nothing():
    luma = rough(1, contrast=0.5)
    total, terms = fusion_loss(luma, luma, luma, target_of(luma), LossWeights(), scenes(luma))
    assert terms.keys() == TERMS
    for name in ("salience", "texture", "gradient", "structure", "range"):
        assert float(terms[name]) == pytest.approx(0, abs=1e-5), name
    assert 0 < float(terms["edges"]) < 0.06, "no edge is ever judged as kept in full"
    assert 0 < float(terms["artefacts"]) < 0.03
    assert torch.isfinite(total)


def test_total_is_the_weighted_sum():
    ir, vis, fused = rough(1), rough(2), rough(3) + 0.2
    weights = LossWeights(**{name: 2.0 + place for place, name in enumerate(sorted(TERMS))})
    target = target_of(ir)
    total, terms = fusion_loss(fused, ir, vis, target, weights, scenes(ir))
    by_hand = sum(factor * float(terms[name]) for name, factor in weights.model_dump().items())
    assert float(total) == pytest.approx(by_hand, rel=1e-6)
    lost, made_up = edge_losses(edges_of(fused), edges_of(ir), edges_of(vis))
    wanted = {
        "salience": salience_loss(fused, target),
        "texture": texture_loss(fused, target),
        "gradient": gradients(fused, ir, vis),
        "edges": lost,
        "artefacts": made_up,
        "structure": structure_loss(fused, ir, vis),
        "complement": complement_loss(fused, ir, vis),
        "range": range_loss(fused, ir, vis),
    }
    assert {name: float(term) for name, term in terms.items()} == pytest.approx(
        {name: float(term) for name, term in wanted.items()}
    )


@pytest.mark.parametrize("left_out", sorted(TERMS - {"edges", "artefacts"}))
def test_term_of_weight_0_is_left_out(left_out):
    planes = rough(1), rough(2), rough(3)
    weights = LossWeights(**{left_out: 0.0})
    _, terms = fusion_loss(*planes, target_of(planes[0]), weights, scenes(planes[0]))
    assert terms.keys() == TERMS - {left_out}


def test_edges_and_artefacts_are_told_together():
    planes = rough(1), rough(2), rough(3)
    for name in ("edges", "artefacts"):
        weights = only(salience=1.0, **{name: 2.0})
        total, terms = fusion_loss(*planes, target_of(planes[0]), weights, scenes(planes[0]))
        assert terms.keys() == {"salience", "edges", "artefacts"}
        assert float(total) == pytest.approx(float(terms["salience"] + 2 * terms[name]))


def test_picture_too_small_for_the_texture_will_do_without_it():
    small = torch.rand(1, 1, 32, 40)
    weights = LossWeights(texture=0.0)
    total, _ = fusion_loss(small, small, small, target_of(small), weights, torch.ones(1))
    assert torch.isfinite(total)


def test_test_cards_are_judged_by_salience_and_range_alone():
    fused, ir, vis = (rough(seed, batch=3) for seed in (1, 2, 3))
    fused[1] += 0.3
    target = fusion_target(ir, vis, torch.zeros_like(ir))
    weights = LossWeights()
    scene = torch.tensor([1.0, 0.0, 1.0])
    _, terms = fusion_loss(fused, ir, vis, target, weights, scene)
    pictures = [0, 2]
    of_pictures = FusionTarget(*(part[pictures] for part in target))
    _, others = fusion_loss(
        fused[pictures], ir[pictures], vis[pictures], of_pictures, weights, torch.ones(2)
    )
    for name in TERMS - {"salience", "range"}:
        assert float(terms[name]) == pytest.approx(float(others[name]), rel=1e-5), name
    for name, loss in (
        ("salience", salience_loss(fused, target)),
        ("range", range_loss(fused, ir, vis)),
    ):
        assert float(terms[name]) == pytest.approx(float(loss.mean())), name
        assert float(terms[name]) > 1.5 * float(others[name]), name


def test_batch_of_test_cards_alone_has_no_other_terms():
    fused, ir, vis = rough(1), rough(2), rough(3)
    target = target_of(ir)
    _, terms = fusion_loss(fused, ir, vis, target, LossWeights(), torch.zeros(1))
    costs = {name for name, term in terms.items() if float(term) > 0}
    assert costs == {"salience", "range"}


def test_flat_cards_have_finite_slopes():
    """Their terms that do not count are computed, and must not spoil the sum."""
    ir, vis = torch.zeros(1, 1, SIDE, SIDE), torch.ones(1, 1, SIDE, SIDE)
    fused = torch.full_like(ir, 0.5).requires_grad_()
    target = fusion_target(ir, vis, torch.ones_like(ir))
    for scene in (torch.zeros(1), torch.ones(1)):
        total, _ = fusion_loss(fused, ir, vis, target, LossWeights(), scene)
        (slope,) = torch.autograd.grad(total, fused)
        assert bool(torch.isfinite(slope).all())
        assert float(slope.abs().max()) > 0


@pytest.mark.parametrize(
    ("inside", "outside", "share"),
    [
        pytest.param(0.1, 0.0, 0.4, id="error-in-the-salient-part"),
        pytest.param(0.0, 0.1, 0.6, id="error-elsewhere"),
        pytest.param(0.1, 0.1, 1.0, id="error-everywhere"),
    ],
)
def test_salient_part_counts_4_to_6_however_small_it_is(inside, outside, share):
    luma, mask = torch.full((1, 1, 64, 64), 0.5), torch.zeros(1, 1, 64, 64)
    mask[..., :8, :8] = 1
    fused = luma + inside * mask + outside * (1 - mask)
    found = float(salience_loss(fused, target_of(luma, mask)))
    assert found == pytest.approx(share * distance_cost(0.1), rel=1e-4)


@pytest.mark.parametrize(
    ("levels", "cost"),
    [
        pytest.param(0.0, 0.0, id="met"),
        pytest.param(1.0, 0.062, id="near-counts-little"),
        pytest.param(100.0, 92.32, id="far-in-proportion"),
    ],
)
def test_salience_has_no_kink_where_the_wanted_picture_is_met(levels, cost):
    luma = torch.full((1, 1, 20, 20), 0.5, dtype=torch.float64)
    found = float(salience_loss(luma + levels / 255, target_of(luma)))
    assert found * 255 / 0.6 == pytest.approx(cost, abs=0.01)


def test_next_to_no_salient_part_counts_by_its_size():
    luma, mask = torch.full((1, 1, 100, 100), 0.5), torch.zeros(1, 1, 100, 100)
    mask[..., :2, :5] = 1  # a thousandth, half of what counts in full
    found = salience_loss(luma + 0.1 * mask, target_of(luma, mask))
    assert float(found) == pytest.approx(0.4 * distance_cost(0.1) / 2, rel=1e-4)


def test_texture_ignores_brightness():
    luma = rough(3)
    assert float(texture_loss(luma + 0.3, target_of(luma))) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("gain", "cost"),
    [pytest.param(0.5, 0.05, id="half-the-contrast"), pytest.param(0.0, 0.2, id="smoothed-away")],
)
def test_texture_sees_lost_contrast(gain, cost):
    luma = rough(3)
    dull = luma - (1 - gain) * picture_texture(luma)
    assert float(texture_loss(dull, target_of(luma))) > cost


def test_texture_fainter_than_noise_hardly_counts():
    def cost(contrast: float) -> float:
        plane = rough(3, contrast=contrast)
        assert (float(picture_texture(plane).std()) < MIN_TEXTURE) == (contrast < 0.01)
        return float(texture_loss(torch.full_like(plane, 0.5), target_of(plane)))

    assert cost(0.002) < 0.3 * cost(0.1)


def test_texture_refuses_small_pictures():
    small = torch.zeros(1, 1, 64, 64)
    with pytest.raises(ValueError, match=f"{SIDE} px"):
        texture_loss(small, target_of(small))


@pytest.mark.parametrize("against", [1.0, 0.2, 5.0])
def test_slope_of_the_texture_is_finite_where_it_runs_against_the_wanted_one(against):
    """MS-SSIM is cut off at 0 there, where its slope is endless."""
    luma = rough(3)
    fused = (0.5 - against * (luma - 0.5)).requires_grad_()
    cost = texture_loss(fused, target_of(luma))
    assert float(cost.detach()) == pytest.approx(1, abs=1e-3)
    (slope,) = torch.autograd.grad(cost.sum(), fused)
    assert bool(torch.isfinite(slope).all())


def test_such_a_picture_does_not_spoil_the_slope_of_its_neighbour():
    luma = rough(3, batch=2).double()
    fused = luma.clone()
    fused[0] = 1 - fused[0]
    fused[1] = fused[1] * 0.7
    fused.requires_grad_()
    (slope,) = torch.autograd.grad(texture_loss(fused, target_of(luma)).mean(), fused)
    alone = fused.detach()[1:].requires_grad_()
    (wanted,) = torch.autograd.grad(texture_loss(alone, target_of(luma[1:])).mean() / 2, alone)
    assert float(wanted.abs().max()) > 0
    torch.testing.assert_close(slope[1:], wanted, atol=1e-12, rtol=1e-6)


def test_gradient_ignores_brightness_and_sees_steps():
    luma = torch.full((1, 1, 10, 10), 0.2)
    assert float(gradients(luma + 0.4, luma, luma)) == pytest.approx(0, abs=1e-7)
    step = luma.clone()
    step[..., 5:] += 0.3  # two of ten columns have a slope of half the step
    assert float(gradients(step, luma, luma)) == pytest.approx(0.3 / 10, rel=1e-5)
    assert float(gradients(luma, step, luma)) == pytest.approx(0.3 / 10, rel=1e-3)
    assert float(gradients(luma, luma, step)) == pytest.approx(0.3 / 10, rel=1e-3)


def test_gradient_wants_the_stronger_of_the_two():
    faint, strong = rough(1, contrast=0.02), rough(2, contrast=0.9)
    assert float(gradients(strong, faint, strong)) < 0.02 * float(gradients(faint, faint, strong))


@pytest.mark.parametrize(
    ("value", "cost"),
    [
        pytest.param(0.4, 0.0, id="between-the-two"),
        pytest.param(0.6, 0.0, id="at-the-upper-one"),
        pytest.param(0.7, 0.1, id="too-bright"),
        pytest.param(0.15, 0.05, id="too-dark"),
    ],
)
def test_range_spans_both_inputs(value, cost):
    ir, vis = torch.full((1, 1, 8, 8), 0.6), torch.full((1, 1, 8, 8), 0.2)
    found = range_loss(torch.full_like(ir, value), ir, vis)
    assert float(found) == pytest.approx(cost, abs=1e-6)


@pytest.mark.parametrize(
    ("column", "cost"),
    [
        pytest.param(4, 0.0, id="at-the-bright-pixel"),
        pytest.param(6, 0.0, id="two-pixels-beside-it"),
        pytest.param(7, 0.7 / 64, id="three-pixels-away"),
    ],
)
def test_range_takes_in_the_neighbours_within_5x5(column, cost):
    vis = torch.full((1, 1, 8, 8), 0.2)
    ir, fused = vis.clone(), vis.clone()
    ir[..., 4, 4] = fused[..., 4, column] = 0.9
    assert float(range_loss(fused, ir, vis)) == pytest.approx(cost, abs=1e-6)


def three_pictures() -> tuple[Tensor, Tensor, Tensor, FusionTarget]:
    """Bright and dark, faint and rough pictures, with and without a salient part."""
    fused, ir, vis = (rough(seed, batch=3).double() for seed in (4, 5, 6))
    ir[1] = (ir[1] - 0.5) * 0.1 + 0.2
    vis[2] = (vis[2] - 0.5) * 8 + 0.5
    fused[0] *= 0.3
    mask = torch.zeros_like(ir)
    mask[0, ..., :30] = 1
    mask[1, ..., :2, :2] = 1
    return fused, ir, vis, fusion_target(ir, vis, mask)


@pytest.mark.parametrize("name", sorted(TERMS))
def test_no_picture_bears_on_another(name):
    fused, ir, vis, target = three_pictures()
    weights = only(**{name: 1.0})
    together = fused.clone().requires_grad_()
    total, _ = fusion_loss(together, ir, vis, target, weights, torch.ones(3))
    (slope,) = torch.autograd.grad(total, together)
    costs = []
    for i in range(3):
        one = slice(i, i + 1)
        alone = fused[one].clone().requires_grad_()
        of_one = FusionTarget(*(part[one] for part in target))
        cost, _ = fusion_loss(alone, ir[one], vis[one], of_one, weights, torch.ones(1))
        (wanted,) = torch.autograd.grad(cost, alone)
        torch.testing.assert_close(3 * slope[one], wanted, atol=1e-12, rtol=1e-6)
        costs.append(float(cost.detach()))
    assert len({round(cost, 4) for cost in costs}) == 3, "equal costs would prove little"
    assert float(total.detach()) == pytest.approx(sum(costs) / 3, rel=1e-9)


@pytest.mark.parametrize("name", sorted(TERMS))
def test_every_term_teaches(name):
    ir, vis = rough(7, contrast=0.3), rough(8, contrast=0.3)
    fused = ((ir + vis) / 2 + 0.3).requires_grad_()
    target = fusion_target(ir, vis, torch.zeros_like(ir))
    total, terms = fusion_loss(fused, ir, vis, target, only(**{name: 1.0}), torch.ones(1))
    (slope,) = torch.autograd.grad(total, fused)
    assert bool(torch.isfinite(slope).all())
    assert float(slope.abs().max()) > 0
    better = (fused - 1e-3 * slope / slope.norm() * SIDE).detach()
    after, _ = fusion_loss(better, ir, vis, target, only(**{name: 1.0}), torch.ones(1))
    assert float(after) < float(total.detach())
    assert name in terms
