"""Channels that make no difference are left out, and nothing else is."""

from __future__ import annotations

import pytest
import torch
from networks import KINDS, OURS, random_network

from trainer.channels import LANES, TOLERANCE, fewest_channels, look
from trainer.errors import ExportError
from trainer.pruning import prunable_layers, prune
from trainer.reparam import reparameterize

SIZE = (64, 81)


def planes(count=3):
    generator = torch.Generator().manual_seed(3)
    return [
        tuple(torch.rand(1, 1, *SIZE, generator=generator) for _ in range(2)) for _ in range(count)
    ]


def deploy(kind, dark=()):
    """Deploy form of which the channels in ``dark``, (layer, channel), let nothing through.

    All others are lit.
    """
    model = reparameterize(random_network(kind))
    with torch.no_grad():
        for layer in prunable_layers(model):
            model.get_submodule(layer).bias.fill_(1)
        for layer, channel in dark:
            model.get_submodule(layer).weight[channel] = 0
            model.get_submodule(layer).bias[channel] = -1
    return model


def every_other(model):
    return {
        layer: list(range(1, model.get_submodule(layer).out_channels, 2))
        for layer in prunable_layers(model)
    }


@pytest.mark.parametrize("kind", OURS)
@torch.inference_mode()
def test_picture_stays_where_dark_channels_go(kind):
    kept = every_other(deploy(kind))
    model = deploy(kind, [(layer, each - 1) for layer, some in kept.items() for each in some])
    slim = prune(model, kept)
    for pair in planes():
        expected = model(*pair)
        assert float(expected.std()) > 0.05, "a flat picture would prove nothing"
        torch.testing.assert_close(slim(*pair), expected, atol=1e-5, rtol=0)
    for layer, channels in kept.items():
        assert slim.get_submodule(layer).out_channels == len(channels)
        assert 2 * len(channels) == model.get_submodule(layer).out_channels


@pytest.mark.parametrize("kind", OURS)
@torch.inference_mode()
def test_channels_that_are_lit_change_the_picture(kind):
    model = deploy(kind)
    slim, pair = prune(model, every_other(model)), planes(1)[0]
    assert float((slim(*pair) - model(*pair)).abs().max()) > TOLERANCE


@pytest.mark.parametrize("kind", OURS)
def test_model_itself_is_left_alone(kind):
    model = deploy(kind)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    prune(model, every_other(model))
    assert before.keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize(
    ("model", "kept", "words"),
    [
        pytest.param(random_network("bts"), {}, "deploy form", id="training-form"),
        pytest.param(deploy("published"), {}, "local gates", id="frame-wide-gates"),
        pytest.param(deploy("bts"), {"decoder.head": [0]}, "no layer 'decoder.head'", id="head"),
        pytest.param(deploy("bts"), {"stem": [0]}, "no layer 'stem'", id="other-network"),
        pytest.param(deploy("bts-lite"), {"stem": []}, "has no channels", id="none"),
        pytest.param(deploy("bts-lite"), {"stem": [3, 24]}, "but 24", id="one-too-many"),
        pytest.param(deploy("bts-lite"), {"stem": [5, 3]}, "but 24", id="order"),
        pytest.param(deploy("bts-lite"), {"stem": [3, 3]}, "but 24", id="twice"),
    ],
)
def test_refusals(model, kept, words):
    with pytest.raises(ExportError, match=words) as caught:
        prune(model, kept)
    assert caught.value.hint


DARK = {
    "bts": [("encoder_vis.block2.conv", each) for each in range(0, 32, 2)]
    + [("decoder.block1.conv", each) for each in range(9)],
    "bts-lite": [("body.1.conv", each) for each in range(4, 12)],
}
LEFT = {
    # Nine of 32 are dark, but widths are whole lanes: 23 would cost as much as 32.
    "bts": {"encoder_vis.block2.conv": list(range(1, 32, 2))},
    "bts-lite": {"body.1.conv": [*range(4), *range(12, 24)]},
}


@pytest.mark.parametrize("kind", OURS)
def test_dark_channels_are_found_and_lit_ones_stay(kind):
    model, pairs, steps = deploy(kind, DARK[kind]), planes(), []
    seen = look(model, pairs, lambda: steps.append("pair"))
    found = fewest_channels(model, pairs, seen, lambda: steps.append("layer"))
    assert found == LEFT[kind]
    assert steps == ["pair"] * 3 + ["layer"] * len(prunable_layers(model))
    for layer, channels in found.items():
        assert len(channels) % LANES == 0, layer


@torch.inference_mode()
def test_channel_that_one_pair_needs_is_kept():
    """Nothing but a hot spot lights it, and only the last of the pairs has one."""
    model = deploy("bts-lite", DARK["bts-lite"])
    hot = DARK["bts-lite"][0][1]
    with torch.no_grad():  # the first layer sees the infrared's brightest and passes it on
        model.stem.weight[0] = 0
        model.stem.weight[0, 0] = 1 / 36
        model.stem.bias[0] = -0.9
        model.get_submodule("body.0.conv").weight[0] = 0
        model.get_submodule("body.0.conv").weight[0, 0] = 20
        model.get_submodule("body.0.conv").bias[0] = 0
        model.get_submodule("body.1.conv").weight[hot] = 0
        model.get_submodule("body.1.conv").weight[hot, 0] = 20
        model.get_submodule("body.1.conv").bias[hot] = 0
    pairs = [(0.5 * ir, vis) for ir, vis in planes()]
    assert hot not in fewest_channels(model, pairs, look(model, pairs))["body.1.conv"]
    pairs[-1][0][..., 20:40, 20:40] = 1
    found = fewest_channels(model, pairs, look(model, pairs))
    assert hot in found.get("body.1.conv", range(24))


@pytest.mark.parametrize("kind", KINDS)
def test_layers_and_readers_fit_together(kind):
    model = deploy(kind)
    for layer, reader in prunable_layers(model).items():
        width = model.get_submodule(layer).out_channels
        assert model.get_submodule(reader).in_channels in (width, 2 * width)
