from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainer.lite import LiteNet
from trainer.targets import (
    IR_NOISE,
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
    ("ir", "vis", "mask", "luma"),
    [
        pytest.param(0.9, 0.4, 0.0, 0.9, id="brighter-infrared-shows"),
        pytest.param(0.3, 0.8, 0.0, 0.8, id="cold-never-darkens"),
        pytest.param(0.5, 0.0, 0.0, 0.5, id="dark-visible-is-lifted"),
        pytest.param(0.7, 0.7, 0.0, 0.7, id="equal"),
        pytest.param(0.6, 0.8, 1.0, 0.6, id="salient-shows-though-a-little-darker"),
        pytest.param(0.2, 0.8, 1.0, 0.8, id="salient-is-not-worth-any-price"),
    ],
)
def test_luma_of_flat_pictures(ir, vis, mask, luma):
    target = fusion_target(flat(ir), flat(vis), flat(mask))
    torch.testing.assert_close(target.luma, flat(luma), atol=2e-3, rtol=0)
    torch.testing.assert_close(target.texture, flat(0.0), atol=1e-6, rtol=0)
    assert torch.equal(target.mask, flat(mask))


@pytest.mark.parametrize("of_ir", [True, False], ids=["infrared", "visible"])
def test_luma_is_taken_whole_from_where_there_is_texture(of_ir):
    rough, smooth = flat(0.5) + grain(1, 0.4), flat(0.55)
    pair = (rough, smooth) if of_ir else (smooth, rough)
    found = fusion_target(*pair, flat(0.0)).luma
    # Its darkest grains are a little lifted, since there the smooth picture is brighter.
    assert float((found - rough).abs().mean()) < 0.004
    assert float((found - rough).abs().max()) < 0.12


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


@torch.no_grad()
def test_without_salience_it_is_the_first_picture_of_a_network():
    ir, vis = flat(0.5) + grain(1, 0.5), flat(0.4) + grain(2, 0.3)
    found = fusion_target(ir, vis, flat(0.0)).luma
    first = LiteNet().eval()(ir, vis)
    torch.testing.assert_close(found.clamp(0, 1), first.clamp(0, 1), atol=1e-6, rtol=0)
    assert float((fusion_target(ir, vis, flat(1.0)).luma - found).abs().max()) > 0.2


@pytest.mark.parametrize("warm", [0.9, 0.45], ids=["brighter", "salient"])
def test_smooth_infrared_carries_the_texture_of_the_visible_picture(warm):
    rough, mask = flat(0.5) + grain(1, 0.08), flat(float(warm < 0.5))
    inner = (..., slice(8, -8), slice(8, -8))
    carried = (fusion_target(flat(warm), rough, mask).luma - warm)[inner].ravel()
    wanted = picture_texture(rough)[inner].ravel()
    assert abs(float(carried.mean())) < 1 / 255
    assert float(torch.corrcoef(torch.stack([carried, wanted]))[0, 1]) > 0.95
    strong = wanted.abs() > 10 / 255
    assert float(strong.float().mean()) > 0.1
    lost = (wanted - carried)[strong].abs() * 255
    assert float(lost.max()) < 8, "5 levels may be noise, and fine is not the same as texture"


def test_infrared_keeps_its_own_texture_where_that_is_stronger():
    warm, rough = flat(0.8), flat(0.4) + grain(1, 0.05)
    warm[..., 24:] += grain(3, 0.15)[..., 24:]
    laid_over = (fusion_target(warm, rough, flat(0.0)).luma - warm).abs() * 255
    assert float(laid_over[..., 28:-4].max()) < 1
    assert float(laid_over[..., 4:20].max()) > 5


def test_noise_of_the_visible_picture_is_not_laid_over_the_infrared():
    noisy = flat(0.4) + grain(2, 0.01)
    assert float(picture_texture(noisy).std()) > 1e-3
    luma = fusion_target(flat(0.9), noisy, flat(0.0)).luma
    torch.testing.assert_close(luma, flat(0.9), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("ir", "vis"),
    [pytest.param(1.0, 0.5, id="white"), pytest.param(0.0, 0.06, id="black")],
)
def test_texture_laid_over_the_infrared_stays_in_range(ir, vis):
    """Half of it would lie beyond."""
    luma = fusion_target(flat(ir), flat(vis) + grain(4, 0.06), flat(1.0)).luma
    assert 0 <= float(luma.min()) <= float(luma.max()) <= 1
    assert float((luma == ir).float().mean()) > 0.3
    assert float((luma - ir).abs().max()) > 0.02


def test_target_of_a_picture_does_not_depend_on_its_neighbour():
    ir = torch.cat([flat(0.5) + grain(1, 0.1), flat(0.2)])
    vis = torch.cat([flat(0.4), flat(0.3) + grain(2, 0.2)])
    mask = torch.cat([flat(1.0), flat(0.0)])
    together = fusion_target(ir, vis, mask)
    for i in (0, 1):
        alone = fusion_target(ir[i : i + 1], vis[i : i + 1], mask[i : i + 1])
        for found, wanted in zip(together, alone, strict=True):
            torch.testing.assert_close(found[i : i + 1], wanted, atol=1e-6, rtol=0)
