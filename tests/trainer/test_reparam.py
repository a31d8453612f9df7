from __future__ import annotations

import pytest
import torch
from networks import KINDS, random_network

from trainer.errors import ExportError
from trainer.lite import LiteNet
from trainer.network import FusionNet
from trainer.reparam import reparameterize


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_train_and_deploy_form_agree_to_1e5_of_range(kind, seed):
    model = random_network(kind, seed)
    ir, vis_y = torch.rand(2, 1, 64, 81), torch.rand(2, 1, 64, 81)
    expected = model(ir, vis_y)
    assert float(expected.std()) > 0.05, "a flat picture would prove nothing"
    torch.testing.assert_close(reparameterize(model)(ir, vis_y), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        pytest.param("published", 53_396, id="published"),
        pytest.param("bts", 53_686, id="ours"),
        pytest.param("bts-lite", 19_980, id="small"),
    ],
)
def test_deploy_form_has_the_stated_size(kind, size):
    deploy = reparameterize(KINDS[kind]().eval())
    assert sum(p.numel() for p in deploy.parameters()) == size


@pytest.mark.parametrize("kind", KINDS)
def test_model_itself_is_left_alone(kind):
    model = random_network(kind)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    reparameterize(model)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize(
    ("model", "words"),
    [
        pytest.param(FusionNet().train(), "train mode", id="train-mode"),
        pytest.param(FusionNet(deploy=True).eval(), "already", id="deploy-form-already"),
        pytest.param(LiteNet().train(), "train mode", id="small-in-train-mode"),
        pytest.param(LiteNet(deploy=True).eval(), "already", id="small-in-deploy-form-already"),
    ],
)
def test_refuses(model, words):
    with pytest.raises(ExportError, match=words) as caught:
        reparameterize(model)
    assert caught.value.hint


def test_refuses_when_only_one_block_is_in_train_mode():
    model = FusionNet().eval()
    model.decoder.block1.train()
    with pytest.raises(ExportError, match="train mode"):
        reparameterize(model)
