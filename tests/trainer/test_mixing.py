from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from networks import KINDS, OURS, random_network
from torch import Tensor
from torch.nn import functional

from trainer.mixing import (
    BLINDING,
    MIDDLE,
    PIXEL_WORTH,
    PRIOR_REACH,
    SOFTNESS,
    TEXTURE_WORTH,
    Prior,
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


def prior_by_numpy(ir: np.ndarray, vis: np.ndarray) -> tuple[Prior, tuple[slice, slice]]:
    """The prior of two planes (H, W), and where it does not depend on the padding."""
    found = prior(torch.from_numpy(ir)[None, None], torch.from_numpy(vis)[None, None])
    planes = Prior(*(plane[0, 0].numpy() for plane in found))
    inner = slice(PRIOR_REACH, -PRIOR_REACH)
    return planes, (inner, inner)


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("size", [(40, 56), (41, 57), (14, 15)])
@torch.no_grad()
def test_first_picture_is_that_of_the_prior(kind, size):
    torch.manual_seed(0)
    ir, vis_y = torch.rand(2, 3, 1, *size)
    found = KINDS[kind]().eval()(ir, vis_y)
    planes = [functional.pad(plane, (PRIOR_REACH,) * 4, mode="reflect") for plane in (ir, vis_y)]
    share, carry, detail = prior(*planes).cut(*size, PRIOR_REACH)
    shown = ir + torch.sigmoid(carry) * detail
    expected = (vis_y + torch.sigmoid(share) * (shown - vis_y)).clamp(min=0)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert bool((found <= torch.maximum(shown, vis_y) + 1e-6).all())


def test_prior_weighs_brightness_and_texture_around_a_pixel():
    ir, vis = np.random.default_rng(0).random((2, 30, 40))
    assert vis.max() > BLINDING
    brighter = ir - np.minimum(vis, BLINDING)
    worth = brighter + TEXTURE_WORTH * (by_opencv(ir) - by_opencv(vis))
    around = cv2.blur(cv2.blur(worth, (7, 7)), (7, 7))
    expected = (around + PIXEL_WORTH * brighter) / SOFTNESS
    found, inner = prior_by_numpy(ir, vis)
    np.testing.assert_allclose(found.share[inner], expected[inner], atol=1e-3)


@pytest.mark.parametrize(
    ("vis", "share"),
    [  # levels, beside infrared of 180: even at 180, clear at 40 levels, half more by the pixel
        pytest.param(180, 0.5, id="even"),
        pytest.param(190, 0.182, id="brighter-wins"),
        pytest.param(195, 0.095, id="as-bright-as-light-may-be"),
        pytest.param(255, 0.095, id="a-blinding-lamp-wins-no-more-than-that"),
    ],
)
def test_share_beside_a_bright_light(vis, share):
    planes = [np.full((20, 20), grey / 255) for grey in (180, vis)]
    found, inner = prior_by_numpy(*planes)
    np.testing.assert_allclose(1 / (1 + np.exp(-found.share[inner])), share, atol=1e-3)


def test_detail_is_carried_where_the_visible_gradient_is_the_stronger_one():
    ir, vis = np.random.default_rng(0).random((2, 30, 40))
    expected = cv2.blur(by_opencv(vis) - by_opencv(ir), (5, 5)) * 255 - 4
    found, inner = prior_by_numpy(ir, vis)
    assert (expected[inner] > 5).any()
    assert (expected[inner] < -5).any()
    np.testing.assert_allclose(found.carry[inner], expected[inner], atol=1e-3)


@pytest.mark.parametrize(
    ("of_ir", "of_vis", "share"),
    [  # slopes in levels a pixel
        pytest.param(2, 2, 0.018, id="even-carries-little"),
        pytest.param(1, 5, 0.5, id="4-levels-more-carry-half"),
        pytest.param(1, 11, 0.998, id="10-levels-more-carry-all"),
        pytest.param(9, 5, 0.0, id="less-texture-carries-nothing"),
    ],
)
def test_carried_share(of_ir, of_vis, share):
    ramp = np.tile(np.arange(30.0), (30, 1)) / 255
    found, inner = prior_by_numpy(of_ir * ramp, of_vis * ramp.T)
    carried = 1 / (1 + np.exp(-found.carry[inner]))
    np.testing.assert_allclose(carried, share, atol=1e-3)


@pytest.mark.parametrize("contrast", [0.1, 1.0])
def test_fine_detail_is_what_two_means_take_away_but_for_noise_and_edges(contrast):
    vis = contrast * np.random.default_rng(1).random((30, 40))
    fine = vis - cv2.blur(cv2.blur(vis, (5, 5)), (5, 5))
    strength = np.abs(fine) * 255
    assert (strength < 5).any()
    assert (strength > 24).any() == (contrast == 1)
    expected = np.sign(fine) * (np.clip(strength, 5, 24) - 5) / 255
    found, inner = prior_by_numpy(np.zeros_like(vis), vis)
    np.testing.assert_allclose(found.detail[inner], expected[inner], atol=1e-12)


@pytest.mark.parametrize(
    ("levels", "detail"),
    [  # of one pixel in flat grey, two means over 5x5 leave a 25th where it is
        pytest.param(5, 0.0, id="noise-is-left-out"),
        pytest.param(10, 9.6 - 5, id="bright-speck"),
        pytest.param(-10, 5 - 9.6, id="dark-speck"),
        pytest.param(25, 19.0, id="as-much-as-there-can-be"),
        pytest.param(120, 19.0, id="bright-edge-is-held"),
        pytest.param(-120, -19.0, id="dark-edge-is-held"),
    ],
)
def test_fine_detail_of_one_pixel(levels, detail):
    vis = np.full((19, 19), 0.5)
    vis[9, 9] += levels / 255
    found, inner = prior_by_numpy(np.zeros_like(vis), vis)
    assert found.detail[9, 9] * 255 == pytest.approx(detail, abs=1e-9)
    assert np.abs(found.detail[inner]).max() == np.abs(found.detail[9, 9])


@pytest.mark.parametrize(
    "vis",
    [
        *(pytest.param(np.full((20, 20), grey), id=f"grey-{grey}") for grey in (0.0, 0.37, 1.0)),
        pytest.param(np.tile(np.linspace(0, 1, 20), (20, 1)), id="ramp"),
    ],
)
def test_smooth_pictures_have_no_fine_detail(vis):
    rough = np.random.default_rng(2).random(vis.shape)
    found, inner = prior_by_numpy(rough, vis)
    assert not found.detail[inner].any()


@pytest.mark.parametrize(
    ("changed", "reach"),
    [
        pytest.param("ir", {"share": PRIOR_REACH, "carry": 3}, id="infrared"),
        pytest.param("vis", {"share": PRIOR_REACH, "carry": 3, "detail": 4}, id="visible"),
    ],
)
def test_prior_reaches_as_far_as_it_says(changed, reach):
    ir, vis = np.random.default_rng(3).uniform(0.4, 0.5, (2, 31, 31))
    planes = {"ir": ir, "vis": vis}
    before, _ = prior_by_numpy(**planes)
    planes[changed][15, 15] += 0.4
    after, _ = prior_by_numpy(**planes)
    moved = {
        name: np.abs(np.argwhere(one != other) - 15)
        for name, one, other in zip(Prior._fields, before, after, strict=True)
    }
    assert {name: places.max() for name, places in moved.items() if places.size} == reach


def test_prior_has_finite_slopes_on_flat_pictures():
    planes = [torch.full((1, 1, 20, 20), grey, requires_grad=True) for grey in (0.3, 0.6)]
    sum(plane.sum() for plane in prior(*planes)).backward()
    for plane in planes:
        assert plane.grad is not None
        assert bool(plane.grad.isfinite().all())


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
    mixing = torch.cat([level(shift), level(offset), level(3.0)], 1)
    known = Prior(level(logit), level(1.0), level(0.0))
    found = mixed(level(ir), level(vis), known, mixing)
    torch.testing.assert_close(found, level(luma), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("ir", "vis", "logit", "detail", "carry", "told", "luma"),
    [
        pytest.param(0.5, 0.2, 100.0, 0.06, 100.0, 0.0, 0.56, id="carried"),
        pytest.param(0.5, 0.2, 100.0, 0.06, -100.0, 0.0, 0.5, id="not-carried"),
        pytest.param(0.5, 0.2, 100.0, 0.06, 0.0, 0.0, 0.53, id="half-carried"),
        pytest.param(0.5, 0.2, 100.0, 0.06, -8.0, 100.0, 0.56, id="told-to-carry"),
        pytest.param(0.5, 0.2, 100.0, 0.06, 8.0, -100.0, 0.5, id="told-not-to"),
        pytest.param(0.5, 0.2, 100.0, 0.06, 5.0, -5.0, 0.53, id="told-to-carry-half"),
        pytest.param(0.5, 0.2, 100.0, -0.06, 100.0, 0.0, 0.44, id="dark-detail"),
        pytest.param(0.2, 0.5, -100.0, 0.06, 100.0, 0.0, 0.5, id="visible-has-it-already"),
        pytest.param(0.4, 0.2, 0.0, 0.04, 100.0, 0.0, 0.32, id="half-of-the-infrared-and-of-it"),
        pytest.param(0.02, 0.0, 100.0, -0.06, 100.0, 0.0, 0.0, id="never-below-black"),
        pytest.param(1.0, 0.5, 100.0, 0.06, 100.0, 0.0, 1.06, id="above-white-is-left-to-others"),
    ],
)
def test_infrared_carries_detail(ir, vis, logit, detail, carry, told, luma):
    mixing = torch.cat([level(0.0), level(0.0), level(told)], 1)
    known = Prior(level(logit), level(carry), level(detail))
    found = mixed(level(ir), level(vis), known, mixing)
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
        if name.endswith("head.bias"):
            assert bool((parameter.grad != 0).all()), "shift, offset and carried detail"


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
    assert torch.equal(found, torch.zeros(1, 12, 6, 7))
