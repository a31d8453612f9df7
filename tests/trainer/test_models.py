from __future__ import annotations

import pytest
import torch
from networks import OURS, random_network
from torch import nn

from trainer.checkpoint import save_checkpoint
from trainer.compute import Compute
from trainer.errors import CheckpointError
from trainer.models import load_teacher, prepare, start_model
from trainer.settings import TrainSettings

CPU = Compute(torch.device("cpu"), "fp32")


def settings(**given: object) -> TrainSettings:
    return TrainSettings.model_validate(given)


@pytest.fixture
def saved(tmp_path):
    """Checkpoints of both networks, by name."""
    paths = {kind: tmp_path / f"{kind}.pt" for kind in OURS}
    for kind, path in paths.items():
        save_checkpoint(path, {"network": kind, "model": random_network(kind).state_dict()})
    return paths


@pytest.mark.parametrize("kind", OURS)
def test_start_depends_on_the_seed_alone(kind):
    torch.manual_seed(99)
    first = start_model(settings(network=kind, seed=3), CPU).state_dict()
    again = start_model(settings(network=kind, seed=3), CPU).state_dict()
    other = start_model(settings(network=kind, seed=4), CPU).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("kind", OURS)
def test_batch_norms_keep_their_statistics_while_all_weights_learn(kind):
    model = start_model(settings(network=kind), CPU)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    before = [bn.running_mean.clone() for bn in norms]
    assert model.training
    assert norms
    assert not any(bn.training for bn in norms)
    model(torch.rand(2, 1, 40, 40), torch.rand(2, 1, 40, 40)).sum().backward()
    assert all(map(torch.equal, before, [bn.running_mean for bn in norms]))
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_prepare_comes_back_from_eval():
    model = prepare(random_network("bts-lite").eval())
    assert model.training
    assert model.body[0].training
    assert not model.body[0].dense[1].training


@pytest.mark.parametrize("kind", OURS)
def test_start_from_a_checkpoint(saved, kind):
    state = start_model(settings(network=kind, init=saved[kind]), CPU).state_dict()
    for name, tensor in random_network(kind).state_dict().items():
        assert torch.equal(state[name], tensor), name


def test_start_from_another_network_is_refused(saved):
    with pytest.raises(CheckpointError, match="holds the network bts, but bts-lite") as caught:
        start_model(settings(network="bts-lite", init=saved["bts"]), CPU)
    assert "network=bts" in caught.value.hint


def test_start_from_weights_that_do_not_fit_is_refused(saved, tmp_path):
    save_checkpoint(tmp_path / "odd.pt", {"network": "bts", "model": {"w": torch.zeros(1)}})
    with pytest.raises(CheckpointError, match="holds another network, it differs in") as caught:
        start_model(settings(network="bts", init=tmp_path / "odd.pt"), CPU)
    assert caught.value.hint


def test_teacher_does_not_learn(saved):
    assert load_teacher(settings(), CPU) is None
    teacher = load_teacher(settings(network="bts-lite", teacher=saved["bts"]), CPU)
    assert not teacher.training
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    ir, vis_y = torch.rand(2, 1, 1, 40, 40)
    torch.testing.assert_close(teacher(ir, vis_y), random_network("bts")(ir, vis_y).detach())
