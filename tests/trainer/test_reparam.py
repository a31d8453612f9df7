from __future__ import annotations

import pytest
import torch
from torch import nn

from trainer.blocks import PlainBlock, RepVGGBlock
from trainer.errors import ExportError
from trainer.network import FusionNet
from trainer.reparam import fold_block, reparameterize


def lively(module: nn.Module, seed: int) -> nn.Module:
    """Batch norms as after training: no weight is 1, no mean is 0, in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for bn in module.modules():
        if isinstance(bn, nn.BatchNorm2d):
            bn.weight.data.uniform_(0.5, 1.5, generator=generator)
            bn.bias.data.uniform_(-0.2, 0.2, generator=generator)
            bn.running_mean.uniform_(-0.3, 0.3, generator=generator)
            bn.running_var.uniform_(0.2, 2.0, generator=generator)
    return module.eval()


@pytest.mark.parametrize(
    ("channels_in", "channels_out"),
    [
        pytest.param(16, 32, id="without-identity-branch"),
        pytest.param(32, 32, id="with-identity-branch"),
    ],
)
def test_folded_block_computes_the_same(channels_in, channels_out):
    torch.manual_seed(1)
    block = lively(RepVGGBlock(channels_in, channels_out), seed=1)
    plain = PlainBlock(channels_in, channels_out).double()
    kernel, bias = fold_block(block)
    plain.conv.weight.data, plain.conv.bias.data = kernel, bias
    x = torch.randn(2, channels_in, 13, 17, dtype=torch.float64)
    torch.testing.assert_close(plain(x), block.double()(x), atol=1e-10, rtol=0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_train_and_deploy_form_agree_to_1e5_of_range(seed):
    torch.manual_seed(seed)
    model = lively(FusionNet(), seed)
    model.decoder.head.bias.data.fill_(2.0)  # above ReLU's corner nearly everywhere
    ir, vis_y = torch.rand(2, 1, 64, 81), torch.rand(2, 1, 64, 81)
    with torch.no_grad():
        expected = model(ir, vis_y)
        found = reparameterize(model)(ir, vis_y)
    scale = max(1.0, float(expected.abs().max()))
    assert float(expected.std()) > 1e-3, "a flat picture would prove nothing"
    torch.testing.assert_close(found, expected, atol=1e-5 * scale, rtol=0)


def test_deploy_form_has_the_stated_size():
    deploy = reparameterize(FusionNet().eval())
    assert sum(p.numel() for p in deploy.parameters()) == 53_396


def test_model_itself_is_left_alone():
    model = lively(FusionNet(), seed=3)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    reparameterize(model)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize(
    ("model", "words"),
    [
        pytest.param(FusionNet().train(), "train mode", id="train-mode"),
        pytest.param(FusionNet(deploy=True).eval(), "already", id="deploy-form-already"),
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
