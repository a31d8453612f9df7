from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainer.targets import fusion_target, picture_texture, salient_mask, strongest_texture


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
    ("ir", "vis", "mask", "wanted"),
    [
        pytest.param(0.9, 0.4, 1.0, 0.9, id="warm-target-shows-its-infrared"),
        pytest.param(0.3, 0.8, 1.0, 0.8, id="bright-visible-is-never-darkened"),
        pytest.param(0.9, 0.6, 0.0, 0.6, id="plain-daylight-stays-visible"),
        pytest.param(0.5, 0.0, 0.0, 0.25, id="dark-visible-is-lifted-half-way"),
        pytest.param(0.0, 0.0, 0.0, 0.0, id="dark-in-both-stays-dark"),
    ],
)
def test_luma_of_flat_pictures(ir, vis, mask, wanted):
    target = fusion_target(flat(ir), flat(vis), flat(mask))
    torch.testing.assert_close(target.luma, flat(wanted), atol=1e-5, rtol=0)
    torch.testing.assert_close(target.texture, flat(0.0), atol=1e-5, rtol=0)


@pytest.mark.parametrize("of_ir", [True, False], ids=["infrared", "visible"])
def test_texture_of_either_picture_survives(of_ir):
    rough, smooth = flat(0.5) + grain(1, 0.08), flat(0.5)
    pair = (rough, smooth) if of_ir else (smooth, rough)
    target = fusion_target(*pair, flat(0.0))
    inner = (..., slice(8, -8), slice(8, -8))
    kept = torch.corrcoef(torch.stack([target.luma[inner].ravel(), rough[inner].ravel()]))[0, 1]
    assert float(kept) > 0.9


def test_noise_of_the_infrared_is_left_out():
    target = fusion_target(flat(0.5) + grain(2, 0.01), flat(0.5), flat(0.0))
    assert float(target.luma.std()) < 1e-3


def test_equal_pictures_become_crisper_and_nothing_else():
    picture = flat(0.5) + grain(3)
    target = fusion_target(picture, picture, flat(0.0))
    change = target.luma - picture
    assert float(change.mean().abs()) < 1e-3
    assert float(change.std()) < 0.15 * float(picture.std()) + 0.01


def test_texture_is_strengthened_by_15_percent():
    ir, vis = flat(0.5) + grain(5, 0.08), flat(0.6) + grain(6, 0.08)
    target = fusion_target(ir, vis, flat(0.0))
    texture = strongest_texture(ir, vis)
    torch.testing.assert_close(target.texture, 1.15 * texture)
    base = vis - picture_texture(vis)
    torch.testing.assert_close(target.luma, base + 1.15 * texture, atol=1e-5, rtol=0)


def test_target_stays_in_range():
    vis = (flat(0.97) + grain(4, 0.2)).clamp(0, 1)
    target = fusion_target(flat(1.0), vis, flat(1.0))
    assert float(target.luma.min()) >= 0
    assert float(target.luma.max()) <= 1
