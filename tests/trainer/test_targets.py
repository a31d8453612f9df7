from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainer.targets import (
    IR_NOISE,
    MIDDLE,
    fusion_target,
    picture_texture,
    salient_mask,
    strongest_texture,
)


def flat(value: float, side: int = 48) -> Tensor:
    return torch.full((1, 1, side, side), value)


def grain(seed: int, strength: float = 0.03, side: int = 48) -> Tensor:
    noise = torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(seed))
    return strength * (noise - 0.5) * 2


def with_target(plane: Tensor, value: float) -> Tensor:
    plane = plane.clone()
    plane[..., 16:32, 16:32] = value
    return plane


def test_uniform_saliency_gives_no_mask():
    assert float(salient_mask(flat(0.1)).max()) == 0


def test_target_gets_the_mask_and_its_surroundings_do_not():
    mask = salient_mask(with_target(flat(0.08), 0.35))
    assert float(mask[..., 16:32, 16:32].min()) == 1
    assert float(mask[..., :15, :].max()) == 0


@pytest.mark.parametrize(
    ("above", "share"),
    [
        pytest.param(0.02, 0.0, id="faint-one-gets-none"),
        pytest.param(0.0675, 0.5, id="0.375-of-the-least-peak-gets-half"),
        pytest.param(0.108, 1.0, id="0.6-of-it-gets-all"),
    ],
)
def test_target_must_stand_out_to_be_one(above, share):
    """However small the peak of a picture is, it is measured against 0.18 at least."""
    mask = salient_mask(with_target(flat(0.1), 0.1 + above))
    assert float(mask[..., 16:32, 16:32].mean()) == pytest.approx(share, abs=1e-3)


def test_mask_of_a_picture_does_not_depend_on_its_neighbour():
    faint, strong = with_target(flat(0.02), 0.2), with_target(flat(0.1), 0.5)
    together = salient_mask(torch.cat([faint, strong]))
    torch.testing.assert_close(together[:1], salient_mask(faint))


@pytest.mark.parametrize(
    ("ir", "vis", "brighter"),
    [
        pytest.param(0.9, 0.4, 0.9, id="warm-shows-its-infrared"),
        pytest.param(0.3, 0.8, 0.8, id="cold-never-darkens"),
        pytest.param(0.5, 0.0, 0.5, id="dark-visible-is-lifted"),
        pytest.param(0.2, 0.1, 0.2, id="dark-in-both"),
        pytest.param(0.7, 0.7, 0.7, id="equal"),
    ],
)
@pytest.mark.parametrize("mask", [0.0, 1.0])
def test_luma_follows_the_brighter_one_with_a_little_contrast(ir, vis, brighter, mask):
    target = fusion_target(flat(ir), flat(vis), flat(mask))
    both = fusion_target(flat(brighter), flat(brighter), flat(mask))
    assert torch.equal(target.luma, both.luma)
    change = float(target.luma[0, 0, 0, 0]) - brighter
    assert change * (brighter - MIDDLE) > 0, "away from the middle"
    assert abs(change) < 0.06
    torch.testing.assert_close(target.texture, flat(0.0), atol=1e-6, rtol=0)
    assert torch.equal(target.mask, flat(mask))


@pytest.mark.parametrize("level", [0.0, MIDDLE, 1.0])
def test_contrast_leaves_black_white_and_the_middle_alone(level):
    found = fusion_target(flat(level), flat(level), flat(0.0)).luma
    torch.testing.assert_close(found, flat(level), atol=1e-6, rtol=0)


def test_contrast_keeps_order_and_range():
    levels = torch.linspace(0, 1, 256).expand(1, 1, 48, 256)
    luma = fusion_target(levels, torch.zeros_like(levels), torch.zeros_like(levels)).luma
    assert float(luma.diff(dim=3).min()) > 0.5 / 255
    assert float(luma.min()) >= 0
    assert float(luma.max()) <= 1 + 1e-6


def test_luma_is_chosen_pixel_by_pixel():
    ir, vis = flat(0.5) + grain(1, 0.4), flat(0.5) + grain(2, 0.4)
    brighter = torch.maximum(ir, vis)
    luma = fusion_target(ir, vis, flat(0.0)).luma
    assert torch.equal(luma, fusion_target(brighter, brighter, flat(0.0)).luma)
    assert float((luma - brighter).abs().max()) < 0.06


@pytest.mark.parametrize("of_ir", [True, False], ids=["infrared", "visible"])
def test_texture_of_either_picture_survives(of_ir):
    rough, smooth = flat(0.5) + grain(1, 0.1), flat(0.5)
    pair = (rough, smooth) if of_ir else (smooth, rough)
    inner = (..., slice(8, -8), slice(8, -8))
    found = fusion_target(*pair, flat(0.0)).texture[inner].ravel()
    wanted = picture_texture(rough)[inner].ravel()
    if of_ir:
        wanted = wanted.sign() * (wanted.abs() - IR_NOISE).clamp(min=0)
    assert float(torch.corrcoef(torch.stack([found, wanted]))[0, 1]) > 0.99
    assert float(found.std()) > 0.8 * float(wanted.std())


def test_noise_of_the_infrared_is_left_out():
    noisy = flat(0.5) + grain(2, 0.01)
    assert float(picture_texture(noisy).std()) > 1e-3
    texture = strongest_texture(noisy, flat(0.5))
    torch.testing.assert_close(texture, flat(0.0), atol=1e-6, rtol=0)


def test_stronger_texture_wins():
    fine, strong = flat(0.5) + grain(5, 0.02), flat(0.6) + grain(6, 0.1)
    texture, wanted = strongest_texture(fine, strong), picture_texture(strong)
    clear = wanted.abs() > 0.05
    assert float(clear.float().mean()) > 0.2
    torch.testing.assert_close(texture[clear], wanted[clear], atol=0.01, rtol=0)


def test_target_of_a_picture_does_not_depend_on_its_neighbour():
    ir = torch.cat([flat(0.5) + grain(1, 0.1), flat(0.2)])
    vis = torch.cat([flat(0.4), flat(0.3) + grain(2, 0.2)])
    mask = torch.cat([flat(1.0), flat(0.0)])
    together = fusion_target(ir, vis, mask)
    for i in (0, 1):
        alone = fusion_target(ir[i : i + 1], vis[i : i + 1], mask[i : i + 1])
        for found, wanted in zip(together, alone, strict=True):
            torch.testing.assert_close(found[i : i + 1], wanted, atol=1e-6, rtol=0)
