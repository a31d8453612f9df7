from __future__ import annotations

import pytest
import torch
from torch import nn

from trainer.averaging import WeightAverage


def model_of(value):
    model = nn.BatchNorm1d(1)
    nn.init.constant_(model.weight, value)
    return model


def test_average_after_many_equal_weights_forgets_the_start():
    average = WeightAverage(model_of(0.0), decay=0.5)
    for _ in range(60):
        average.update(model_of(1.0))
    assert float(average.model.weight.detach()) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("updates", "kept"),
    [
        pytest.param(0, 0.1, id="first-takes-nine-tenths"),
        pytest.param(8, 0.5, id="warm-up-goes-on"),
        pytest.param(10_000, 0.9, id="decay-at-last"),
    ],
)
def test_decay_grows_with_the_number_of_updates(updates, kept):
    average = WeightAverage(model_of(1.0), decay=0.9, updates=updates)
    average.update(model_of(0.0))
    assert float(average.model.weight.detach()) == pytest.approx(kept, abs=1e-6)
    assert average.updates == updates + 1


def test_buffers_are_those_of_the_model_and_nothing_needs_gradients():
    model = model_of(0.0)
    average = WeightAverage(model, decay=0.9)
    model.running_mean.fill_(7)
    average.update(model)
    assert float(average.model.running_mean) == 7
    assert not any(weight.requires_grad for weight in average.model.parameters())
    assert torch.equal(model.weight, torch.zeros(1))
