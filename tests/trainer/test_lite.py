from __future__ import annotations

import pytest
import torch
from networks import random_network

REACH = 11  # px that a change bears on


@pytest.mark.parametrize(("height", "width"), [(64, 80), (53, 71), (64, 71)])
@pytest.mark.parametrize(("ir", "vis"), [(1.0, 0.0), (0.1, 0.9), (0.6, 0.6)])
@torch.no_grad()
def test_flat_pictures_have_no_frame_whatever_the_weights(ir, vis, height, width):
    """Each of the four pixels of a 2x2 place has its own weights, so the result repeats so."""
    for seed in range(3):
        model = random_network("bts-lite", seed)
        fused = model(torch.full((1, 1, height, width), ir), torch.full((1, 1, height, width), vis))
        tile = fused[..., 32:34, 36:38]
        assert float(tile.std()) > 0, "random weights tell the four pixels apart"
        wanted = tile.tile(1, 1, height // 2 + 1, width // 2 + 1)[..., :height, :width]
        torch.testing.assert_close(fused, wanted, atol=1e-5, rtol=0)


@torch.no_grad()
def test_change_reaches_11_px_and_no_further():
    model = random_network("bts-lite").double()
    ir, vis_y = torch.rand(2, 1, 1, 64, 64, dtype=torch.float64)
    furthest = 0
    for place in [(30, 30), (31, 31), (31, 30)]:
        hot = ir.clone()
        hot[0, 0, place[0], place[1]] += 1
        moved = (model(hot, vis_y) != model(ir, vis_y))[0, 0].nonzero() - torch.tensor(place)
        furthest = max(furthest, int(moved.abs().max()))
        assert bool((moved == 0).all(1).any())
    assert furthest == REACH


@torch.no_grad()
def test_picture_moves_with_its_sources_by_2_px():
    model = random_network("bts-lite").double()
    ir, vis_y = torch.rand(2, 1, 1, 70, 66, dtype=torch.float64)
    whole = model(ir, vis_y)
    moved = model(ir[..., 2:, 4:], vis_y[..., 2:, 4:])
    inside = (..., slice(REACH + 1, -REACH - 1), slice(REACH + 1, -REACH - 1))
    torch.testing.assert_close(moved[inside], whole[..., 2:, 4:][inside], atol=1e-12, rtol=0)
