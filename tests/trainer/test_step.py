from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn
from training_data import SIDE, TinyNet

from trainer.compute import Compute
from trainer.cuts import Batch
from trainer.distributed import World
from trainer.losses import LossWeights
from trainer.objective import Objective, teacher_loss
from trainer.settings import TrainSettings
from trainer.step import NotFinite, Updater, learning_rate

COMPUTE = Compute(torch.device("cpu"), "fp32")
BATCH = Batch(
    *torch.rand(3, 2, 1, SIDE, SIDE, generator=torch.manual_seed(1)),
    torch.ones(2),
)


def updater(model, objective, clip_norm=1.0):
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    return Updater(model, optimizer, COMPUTE.scaler(), objective, clip_norm, World())


def gradient_norm(model):
    squares = [p.grad.square().sum() for p in model.parameters() if p.grad is not None]
    return float(torch.stack(squares).sum().sqrt())


def test_gradient_is_clipped_and_applied_at_the_rate():
    torch.manual_seed(0)
    model = TinyNet().eval()
    before = model.head.weight.detach().clone()
    terms, stopped = updater(model, Objective(LossWeights(), COMPUTE), 0.01)(BATCH, 0.5, False)
    assert gradient_norm(model) == pytest.approx(0.01, rel=1e-3)
    torch.testing.assert_close(model.head.weight.detach(), before - 0.5 * model.head.weight.grad)
    assert terms["loss"] > 0
    assert not stopped


def test_wish_to_stop_is_passed_on():
    step = updater(TinyNet().eval(), Objective(LossWeights(), COMPUTE))
    assert step(BATCH, 1e-3, True)[1] is True


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_loss_that_is_not_finite_leaves_the_weights(value):
    model = TinyNet().eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def broken(model, batch, scenes):
        loss = model(batch.ir, batch.vis_y).mean() * value
        return loss, {"only": loss}

    with pytest.raises(NotFinite, match=rf"loss {value}"):
        updater(model, broken)(BATCH, 1e-3, False)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_finite_loss_with_endless_gradient_stops_too():
    def broken(model, batch, scenes):
        loss = model(batch.ir, batch.vis_y).mean()
        return loss - loss.detach() + 0 * loss.sqrt() + (loss - loss.detach()).sqrt(), {}

    with pytest.raises(NotFinite, match=r"loss 0\.0, gradient (inf|nan)"):
        updater(TinyNet().eval(), broken)(BATCH, 1e-3, False)


def test_teacher_adds_its_term():
    class Black(nn.Module):
        def forward(self, ir, vis_y):
            return torch.zeros_like(ir)

    model = TinyNet().eval()
    alone, _ = Objective(LossWeights(), COMPUTE)(model, BATCH)
    taught, terms = Objective(LossWeights(), COMPUTE, Black(), 3.0)(model, BATCH)
    expected = model(BATCH.ir, BATCH.vis_y).mean()
    torch.testing.assert_close(terms["teacher"], expected)
    torch.testing.assert_close(taught, alone + 3 * expected)


def test_teacher_is_imitated_as_it_is_stored():
    assert (
        float(teacher_loss(torch.ones(1, 1, 2, 2), torch.full((1, 1, 2, 2), 1.5), torch.ones(1)))
        == 0
    )


def test_learning_rate_warms_up_and_falls():
    settings = TrainSettings(steps=1000, learning_rate=1.0, warm_up_steps=10)
    rates = [learning_rate(step, settings) for step in range(1000)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(rates[9], rel=1e-3)
    assert rates[-1] == pytest.approx(0.01, rel=1e-2)
    assert all(a >= b for a, b in pairwise(rates[10:]))
