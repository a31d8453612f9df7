from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from networks import KINDS, OURS, random_network
from torch import Tensor
from torch.nn import functional

from trainer.mixing import (
    MIDDLE,
    PIXEL_WORTH,
    PRIOR_REACH,
    SOFTNESS,
    TEXTURE_WORTH,
    mixed,
    mixing_head,
    prior,
    with_contrast,
)


def level(value: float) -> Tensor:
    return torch.full((1, 1, 2, 3), value, dtype=torch.float64)


def by_opencv(plane: np.ndarray) -> np.ndarray:
    """Strength of the Sobel gradient."""
    across, down = (cv2.Sobel(plane, cv2.CV_64F, *order) / 8 for order in ((1, 0), (0, 1)))
    return np.hypot(across, down)


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("size", [(40, 56), (41, 57), (14, 15)])
@torch.no_grad()
def test_first_picture_is_that_of_the_prior(kind, size):
    torch.manual_seed(0)
    ir, vis_y = torch.rand(2, 3, 1, *size)
    found = KINDS[kind]().eval()(ir, vis_y)
    planes = [functional.pad(plane, (PRIOR_REACH,) * 4, mode="reflect") for plane in (ir, vis_y)]
    inner = (..., slice(PRIOR_REACH, -PRIOR_REACH), slice(PRIOR_REACH, -PRIOR_REACH))
    share = torch.sigmoid(prior(*planes)[inner])
    torch.testing.assert_close(found, vis_y + share * (ir - vis_y), atol=1e-6, rtol=0)
    assert bool((found <= torch.maximum(ir, vis_y) + 1e-6).all())


def test_prior_weighs_brightness_and_texture_around_a_pixel():
    ir, vis = np.random.default_rng(0).random((2, 30, 40))
    worth = ir - vis + TEXTURE_WORTH * (by_opencv(ir) - by_opencv(vis))
    around = cv2.blur(cv2.blur(worth, (7, 7)), (7, 7))
    expected = (around + PIXEL_WORTH * (ir - vis)) / SOFTNESS
    found = prior(torch.from_numpy(ir)[None, None], torch.from_numpy(vis)[None, None])[0, 0]
    inner = (slice(PRIOR_REACH, -PRIOR_REACH),) * 2
    np.testing.assert_allclose(found.numpy()[inner], expected[inner], atol=1e-3)


def test_prior_reaches_as_far_as_it_says():
    ir = torch.rand(1, 1, 31, 31, dtype=torch.float64)
    vis_y, changed = torch.rand_like(ir), ir.clone()
    changed[0, 0, 15, 15] += 1
    moved = (prior(changed, vis_y) != prior(ir, vis_y))[0, 0].nonzero() - 15
    assert int(moved.abs().max()) == PRIOR_REACH


def test_prior_has_finite_slopes_on_flat_pictures():
    ir = torch.full((1, 1, 20, 20), 0.3, requires_grad=True)
    prior(ir, torch.full((1, 1, 20, 20), 0.6)).sum().backward()
    assert ir.grad is not None
    assert bool(ir.grad.isfinite().all())


@pytest.mark.parametrize(
    ("ir", "vis", "logit", "shift", "offset", "luma"),
    [
        pytest.param(0.6, 0.6, 1.0, 0.0, 0.0, 0.6, id="equal-sources"),
        pytest.param(0.8, 0.2, 100.0, 0.0, 0.1, 0.9, id="brighter-infrared-and-offset"),
        pytest.param(0.8, 0.2, 20.0, -100.0, 0.0, 0.2, id="told-to-show-the-visible"),
        pytest.param(0.2, 0.8, -20.0, 100.0, 0.0, 0.2, id="told-to-show-the-infrared"),
        pytest.param(0.3, 0.2, 6.0, -6.0, 0.0, 0.25, id="half-of-each"),
        pytest.param(0.2, 0.1, 0.0, 0.0, -0.5, 0.0, id="never-below-black"),
        pytest.param(1.0, 0.9, 100.0, 0.0, 0.5, 1.5, id="above-white-is-left-to-others"),
    ],
)
def test_mixture(ir, vis, logit, shift, offset, luma):
    mixing = torch.cat([level(shift), level(offset)], 1)
    found = mixed(level(ir), level(vis), level(logit), mixing)
    torch.testing.assert_close(found, level(luma), atol=1e-6, rtol=0)


@pytest.mark.parametrize("at", [0.0, MIDDLE, 1.0])
def test_contrast_leaves_black_white_and_the_middle_alone(at):
    torch.testing.assert_close(with_contrast(level(at), 0.3), level(at), atol=1e-12, rtol=0)


def test_contrast_keeps_order_and_spreads_the_middle():
    levels = torch.linspace(0, 1, 256, dtype=torch.float64)
    found = with_contrast(levels, 0.1)
    steps = found.diff() * 255
    assert float(steps.min()) > 0.5
    assert float(steps[114]) == pytest.approx(1 + 4 * 0.1 * 0.45 * 0.55, abs=1e-3)
    assert torch.equal(with_contrast(levels, 0.0), levels)


@pytest.mark.parametrize("kind", OURS)
def test_everything_learns(kind):
    torch.manual_seed(0)
    model = KINDS[kind]().eval()
    ir, vis_y = torch.rand(2, 1, 1, 40, 56)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for _ in range(2):  # all before the head learns once the head has moved
        optimizer.zero_grad()
        model(ir, vis_y).square().mean().backward()
        optimizer.step()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().max()) > 0, name


@pytest.mark.parametrize("kind", OURS)
@torch.no_grad()
def test_sources_are_mixed_in_full_precision_under_autocast(kind):
    """In bf16 a white pixel would have steps of a whole level."""
    model = random_network(kind)
    ir, vis_y = torch.rand(2, 1, 1, 40, 56)
    exact = model(ir, vis_y)
    with torch.autocast("cpu", torch.bfloat16):
        found = model(ir, vis_y)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, atol=0.01, rtol=0)
    assert float((found.bfloat16().float() - found).abs().max()) > 1e-4


@torch.no_grad()
def test_head_says_nothing_to_begin_with():
    found = mixing_head(5, pixels=4)(torch.rand(1, 5, 6, 7))
    assert torch.equal(found, torch.zeros(1, 8, 6, 7))
