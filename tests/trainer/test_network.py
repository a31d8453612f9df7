from __future__ import annotations

import pytest
import torch
from networks import KINDS, random_network

from trainer.blocks import CELL
from trainer.network import MARGIN, mirrored
from trainer.reparam import reparameterize

# px that a change bears on: 3 convolutions, the local gate's 39, the spatial gate's 1 and 3 more
# convolutions.
REACH = 46


def flat(value: float, height: int, width: int) -> torch.Tensor:
    return torch.full((1, 1, height, width), value)


@pytest.mark.parametrize("form", ["training", "deploy"])
@pytest.mark.parametrize(("height", "width"), [(64, 80), (53, 71)])
@pytest.mark.parametrize(("ir", "vis"), [(0.6, 0.6), (1.0, 0.4), (0.5, 0.9), (1.0, 1.0)])
@torch.no_grad()
def test_flat_pictures_have_no_frame_whatever_the_weights(ir, vis, height, width, form):
    for seed in range(3):
        model = random_network("bts", seed)
        if form == "deploy":
            model = reparameterize(model)
        fused = model(flat(ir, height, width), flat(vis, height, width))
        centre = fused[0, 0, height // 2, width // 2]
        assert float(centre) > 0.01, "cut off at 0 it would prove nothing"
        torch.testing.assert_close(fused, centre.expand_as(fused), atol=1e-6, rtol=0)


@torch.no_grad()
def test_published_form_has_a_frame():
    """What the margin is there against."""
    model = random_network("published")
    fused = model(flat(0.9, 64, 80), flat(0.3, 64, 80))
    assert float((fused - fused[..., 32:33, 40:41]).abs().max()) > 0.01


def change_of_a_hot_patch(kind: str) -> torch.Tensor:
    """What 20x20 hot pixels in the upper left corner do, (120, 140)."""
    model = random_network(kind)
    ir, vis_y = torch.rand(2, 1, 1, 120, 140).mul(0.5).unbind()
    hot = ir.clone()
    hot[..., :20, :20] = 1
    return (model(hot, vis_y) - model(ir, vis_y))[0, 0].abs()


@torch.no_grad()
def test_hot_patch_leaves_what_is_beyond_the_reach_exactly_as_it_is():
    change = change_of_a_hot_patch("bts")
    edge = 20 + REACH
    assert float(change[:20, :20].max()) > 0.1
    assert float(change[20:edge].max()) > 0
    assert float(change[20 + CELL : edge].max()) > 0, "the gates are to be felt"
    assert float(change[edge:].max()) == 0
    assert float(change[:, edge:].max()) == 0


@torch.no_grad()
def test_hot_patch_moves_the_whole_picture_in_the_published_form():
    change = change_of_a_hot_patch("published")
    assert float((change > 0).float().mean()) > 0.9
    assert float(change[100:, 100:].max()) > 1e-5


@torch.no_grad()
def test_picture_moves_with_its_sources_by_a_cell():
    """By less it does so but for the cells of the gates, which stay where they are."""
    model = random_network("bts").double()
    ir, vis_y = torch.rand(2, 1, 1, 130, 150, dtype=torch.float64)
    whole = model(ir, vis_y)
    moved = model(ir[..., CELL:, 2 * CELL :], vis_y[..., CELL:, 2 * CELL :])
    inside = (..., slice(REACH, -REACH), slice(REACH, -REACH))
    expected = whole[..., CELL:, 2 * CELL :][inside]
    assert expected.numel() > 300
    torch.testing.assert_close(moved[inside], expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_pictures_of_a_batch_are_fused_each_by_itself(kind):
    model = random_network(kind).double()
    ir, vis_y = torch.rand(2, 3, 1, 40, 56, dtype=torch.float64)
    together = model(ir, vis_y)
    for i in range(3):
        alone = model(ir[i : i + 1], vis_y[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(14, 14), (33, 47), (48, 32)])
@torch.no_grad()
def test_picture_keeps_its_size_and_is_not_below_black(kind, size):
    model = random_network(kind)
    fused = model(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.shape == (2, 1, *size)
    assert float(fused.min()) >= 0


def test_margin_is_mirrored():
    plane = torch.rand(1, 1, 20, 30)
    grown = mirrored(plane)
    assert grown.shape == (1, 1, 20 + 2 * MARGIN, 30 + 2 * MARGIN)
    assert torch.equal(grown[0, 0, MARGIN - 1, MARGIN:-MARGIN], plane[0, 0, 1])
    assert torch.equal(grown[0, 0, MARGIN:-MARGIN, MARGIN - 3], plane[0, 0, :, 3])
    assert torch.equal(grown[0, 0, -MARGIN, MARGIN:-MARGIN], plane[0, 0, -2])


@pytest.mark.parametrize("kind", KINDS)
def test_deploy_form_is_of_the_same_kind(kind):
    model = KINDS[kind]()
    deploy = model.deploy_form()
    assert type(deploy) is type(model)
    assert deploy.deploy
    assert not model.deploy
    assert getattr(deploy, "published", None) == getattr(model, "published", None)
