from __future__ import annotations

import pytest
import torch

from trainer.network import FusionNet
from trainer.warm_start import start_as_maximum


def started(seed: int) -> FusionNet:
    torch.manual_seed(seed)
    model = FusionNet()
    start_as_maximum(model)
    return model.eval()


@pytest.mark.parametrize("seed", [0, 1, 2])
@torch.no_grad()
def test_first_picture_is_the_brighter_of_the_two(seed):
    ir, vis_y = torch.rand(2, 1, 40, 56), torch.rand(2, 1, 40, 56)
    first = started(seed)(ir, vis_y)
    assert float((first - torch.maximum(ir, vis_y)).abs().max()) < 0.06


@torch.no_grad()
def test_first_picture_has_no_frame():
    plane = torch.full((1, 1, 40, 56), 0.6)
    first = started(0)(plane, plane)
    assert float((first - first[..., 20:21, 28:29]).abs().max()) < 0.02


def test_everything_learns():
    model = started(0)
    ir, vis_y = torch.rand(1, 1, 40, 56), torch.rand(1, 1, 40, 56)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for _ in range(2):  # the gates' first layers learn once their last ones have moved
        optimizer.zero_grad()
        model(ir, vis_y).square().mean().backward()
        optimizer.step()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().max()) > 0, name
