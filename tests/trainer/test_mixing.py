from __future__ import annotations

import pytest
import torch
from networks import KINDS, OURS, random_network
from torch import Tensor

from trainer.mixing import CHOICE, mixed, mixing_head


def level(value: float) -> Tensor:
    return torch.full((1, 1, 2, 3), value, dtype=torch.float64)


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("size", [(40, 56), (41, 57), (14, 15)])
@torch.no_grad()
def test_first_picture_is_a_soft_maximum(kind, size):
    torch.manual_seed(0)
    ir, vis_y = torch.rand(2, 3, 1, *size)
    found = KINDS[kind]().eval()(ir, vis_y)
    share = torch.sigmoid(CHOICE * (ir - vis_y))
    torch.testing.assert_close(found, share * ir + (1 - share) * vis_y, atol=1e-6, rtol=0)
    assert bool((found <= torch.maximum(ir, vis_y) + 1e-6).all())
    clear = (ir - vis_y).abs() > 15 / 255
    assert float((found - torch.maximum(ir, vis_y)).abs()[clear].max()) < 2 / 255


@pytest.mark.parametrize(
    ("ir", "vis", "shift", "offset", "luma"),
    [
        pytest.param(0.6, 0.6, 0.0, 0.0, 0.6, id="equal-sources"),
        pytest.param(0.8, 0.2, 0.0, 0.1, 0.9, id="brighter-infrared-and-offset"),
        pytest.param(0.8, 0.2, -100.0, 0.0, 0.2, id="told-to-show-the-visible"),
        pytest.param(0.2, 0.8, 100.0, 0.0, 0.2, id="told-to-show-the-infrared"),
        pytest.param(0.3, 0.2, -6.0, 0.0, 0.25, id="half-of-each"),
        pytest.param(0.2, 0.1, 0.0, -0.5, 0.0, id="never-below-black"),
        pytest.param(1.0, 0.9, 0.0, 0.5, 1.5, id="above-white-is-left-to-others"),
    ],
)
def test_mixture(ir, vis, shift, offset, luma):
    mixing = torch.cat([level(shift), level(offset)], 1)
    found = mixed(level(ir), level(vis), mixing)
    torch.testing.assert_close(found, level(luma), atol=0.02 if not shift else 1e-6, rtol=0)


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
