from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainer.losses import (
    MS_SSIM_MIN_SIDE,
    RANGE_MARGIN,
    LossWeights,
    border_loss,
    fusion_loss,
    gradient_loss,
    range_loss,
    salience_loss,
    texture_loss,
)
from trainer.targets import FusionTarget, picture_texture

SIDE = MS_SSIM_MIN_SIDE


def rough(seed: int, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.5 + 0.1 * (torch.rand(batch, 1, SIDE, SIDE, generator=generator) - 0.5)


def target_of(luma: Tensor, mask: Tensor | None = None) -> FusionTarget:
    return FusionTarget(
        luma, picture_texture(luma), torch.zeros_like(luma) if mask is None else mask
    )


def test_target_itself_costs_nothing():
    luma = rough(1)
    total, terms = fusion_loss(luma, luma, luma, target_of(luma), LossWeights())
    assert terms.keys() == {"salience", "texture", "gradient", "range", "border"}
    assert float(total) == pytest.approx(0, abs=1e-4)


def test_total_is_the_weighted_sum():
    luma, fused = rough(1), rough(2) + 0.2
    weights = LossWeights(salience=2, texture=3, gradient=5, range=7, border=11)
    total, terms = fusion_loss(fused, luma, luma, target_of(luma), weights)
    by_hand = 2 * terms["salience"] + 3 * terms["texture"] + 5 * terms["gradient"]
    by_hand = by_hand + 7 * terms["range"] + 11 * terms["border"]
    assert float(total) == pytest.approx(float(by_hand), rel=1e-6)


@pytest.mark.parametrize(
    ("inside", "outside", "cost"),
    [
        pytest.param(0.1, 0.0, 0.04, id="error-in-the-salient-part"),
        pytest.param(0.0, 0.1, 0.06, id="error-elsewhere"),
        pytest.param(0.1, 0.1, 0.1, id="error-everywhere"),
    ],
)
def test_salient_part_counts_4_to_6_however_small_it_is(inside, outside, cost):
    luma, mask = torch.full((1, 1, 64, 64), 0.5), torch.zeros(1, 1, 64, 64)
    mask[..., :8, :8] = 1
    fused = luma + inside * mask + outside * (1 - mask)
    assert float(salience_loss(fused, target_of(luma, mask))) == pytest.approx(cost, rel=1e-5)


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


def test_texture_refuses_small_pictures():
    small = torch.zeros(1, 1, 64, 64)
    with pytest.raises(ValueError, match="177 px"):
        texture_loss(small, target_of(small))


def test_gradient_ignores_brightness_and_sees_steps():
    luma = torch.full((1, 1, 10, 10), 0.2)
    assert float(gradient_loss(luma + 0.4, target_of(luma))) == 0
    step = luma.clone()
    step[..., 5:] += 0.3  # one of nine column borders
    assert float(gradient_loss(step, target_of(luma))) == pytest.approx(0.3 / 9, rel=1e-5)


@pytest.mark.parametrize(
    ("place", "cost"),
    [
        pytest.param((0, 5), 0.5 / (20 * 20 - 14 * 14), id="on-the-frame"),
        pytest.param((2, 17), 0.5 / (20 * 20 - 14 * 14), id="in-its-corner"),
        pytest.param((3, 3), 0.0, id="inside"),
    ],
)
def test_border_is_the_frame_of_3_px(place, cost):
    luma = torch.full((1, 1, 20, 20), 0.2)
    fused = luma.clone()
    fused[0, 0, place[0], place[1]] = 0.7
    assert float(border_loss(fused, target_of(luma))) == pytest.approx(cost, rel=1e-4)


@pytest.mark.parametrize(
    ("value", "cost"),
    [
        pytest.param(0.4, 0.0, id="between-the-two"),
        pytest.param(0.6 + RANGE_MARGIN, 0.0, id="within-the-margin"),
        pytest.param(0.6 + RANGE_MARGIN + 0.1, 0.1, id="too-bright"),
        pytest.param(0.2 - RANGE_MARGIN - 0.05, 0.05, id="too-dark"),
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
        pytest.param(5, 0.0, id="beside-it"),
        pytest.param(6, (0.7 - RANGE_MARGIN) / 64, id="two-pixels-away"),
    ],
)
def test_range_takes_in_the_nearest_neighbours(column, cost):
    """One bright pixel in the infrared; the fused picture shows it 0, 1 or 2 px beside."""
    vis = torch.full((1, 1, 8, 8), 0.2)
    ir, fused = vis.clone(), vis.clone()
    ir[..., 4, 4] = fused[..., 4, column] = 0.9
    assert float(range_loss(fused, ir, vis)) == pytest.approx(cost, abs=1e-6)


def pair_of_batches() -> tuple[Tensor, FusionTarget]:
    luma, fused = rough(4, batch=2), rough(5, batch=2)
    luma[1] = (luma[1] - 0.5) * 0.2 + 0.3  # the second picture is dark and faint
    mask = torch.zeros_like(luma)
    mask[0, ..., :30] = 1
    return fused, target_of(luma, mask)


def mean_of_single(loss, fused: Tensor, target: FusionTarget) -> float:
    single = [loss(fused[i : i + 1], FusionTarget(*(t[i : i + 1] for t in target))) for i in (0, 1)]
    return float(sum(single)) / 2


@pytest.mark.parametrize(
    "loss", [salience_loss, gradient_loss, border_loss], ids=lambda loss: loss.__name__
)
def test_batch_is_the_mean_of_its_pictures(loss):
    fused, target = pair_of_batches()
    assert float(loss(fused, target)) == pytest.approx(
        mean_of_single(loss, fused, target), rel=1e-5
    )


def test_texture_of_a_batch_is_averaged_at_each_scale():
    """So the pictures are coupled: a batch costs about, but not exactly, their mean."""
    fused, target = pair_of_batches()
    mean = mean_of_single(texture_loss, fused, target)
    found = float(texture_loss(fused, target))
    assert found == pytest.approx(mean, rel=0.05)
    assert found != pytest.approx(mean, rel=1e-4)


def test_every_term_teaches():
    fused = (rough(6) + 0.2).requires_grad_()
    target = target_of(rough(7))
    inputs = torch.full_like(target.luma, 0.5)
    for name, term in fusion_loss(fused, inputs, inputs, target, LossWeights())[1].items():
        (slope,) = torch.autograd.grad(term, fused, retain_graph=True)
        assert torch.isfinite(slope).all(), name
        assert float(slope.abs().max()) > 0, name
