from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from trainer.errors import CheckpointError
from trainer.network import FusionNet
from trainer.published import fold_range, import_published, load_published
from trainer.reparam import reparameterize


@pytest.fixture(scope="module")
def checkpoint() -> Path:
    data = os.environ.get("FUSION_RT_DATA")
    if not data:
        pytest.skip("FUSION_RT_DATA names no data folder")
    path = Path(data).parent / "spec" / "reference" / "BTSFusion.model"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


def plain_fusion(state, ir, vis):
    """The published network written out from its description, pictures in 0..255."""

    def batchnorm(x, prefix):
        mean, var = state[f"{prefix}.running_mean"], state[f"{prefix}.running_var"]
        shape = (1, -1, 1, 1)
        normal = (x - mean.view(shape)) / torch.sqrt(var.view(shape) + 1e-5)
        return normal * state[f"{prefix}.weight"].view(shape) + state[f"{prefix}.bias"].view(shape)

    def block(x, prefix):
        dense = functional.conv2d(x, state[f"{prefix}.rbr_dense.conv.weight"], padding=1)
        point = functional.conv2d(x, state[f"{prefix}.rbr_1x1.conv.weight"])
        out = batchnorm(dense, f"{prefix}.rbr_dense.bn") + batchnorm(point, f"{prefix}.rbr_1x1.bn")
        if f"{prefix}.rbr_identity.weight" in state:
            out = out + batchnorm(x, f"{prefix}.rbr_identity")
        return out.clamp(min=0)

    def mirror_conv(x, prefix):
        x = functional.pad(x, (1, 1, 1, 1), mode="reflect")
        weight, bias = state[f"{prefix}.conv2d.weight"], state[f"{prefix}.conv2d.bias"]
        return functional.conv2d(x, weight, bias).clamp(min=0)

    def encode(x, camera):
        x = mirror_conv(x, f"conv_{camera}")
        return block(block(x, f"RepVgg_{camera}1"), f"RepVgg_{camera}2")

    def mlp(pooled):
        hidden = functional.conv2d(pooled, state["cbam.ca.se.0.weight"]).clamp(min=0)
        return functional.conv2d(hidden, state["cbam.ca.se.2.weight"])

    x = torch.cat([encode(ir, "ir"), encode(vis, "vi")], dim=1)
    pooled_max = functional.adaptive_max_pool2d(x, 1)
    pooled_mean = functional.adaptive_avg_pool2d(x, 1)
    gated = x * torch.sigmoid(mlp(pooled_max) + mlp(pooled_mean))
    maps = torch.cat([gated.max(1, keepdim=True).values, gated.mean(1, keepdim=True)], dim=1)
    weight, bias = state["cbam.sa.conv.weight"], state["cbam.sa.conv.bias"]
    x = x + gated * torch.sigmoid(functional.conv2d(maps, weight, bias, padding=1))
    return mirror_conv(block(block(x, "RepVgg_decode1"), "RepVgg_decode3"), "conv_out")


def scene():
    """A pair in 0..255 with smooth parts, edges and noise."""
    generator = torch.Generator().manual_seed(7)
    rows = torch.linspace(0, 200, 72, dtype=torch.float64)[:, None].expand(72, 95)
    ir = rows.flip(0) * 0.5 + 20 * torch.rand(72, 95, generator=generator)
    ir[20:40, 30:44] = 240
    vis = rows + 40 * torch.rand(72, 95, generator=generator)
    return ir[None, None].clamp(0, 255), vis[None, None].clamp(0, 255)


@torch.no_grad()
def test_imported_network_computes_what_the_paper_describes(checkpoint):
    state = torch.load(checkpoint, weights_only=True)
    state = {name: tensor.double() for name, tensor in state.items()}
    ir, vis = scene()
    expected = plain_fusion(state, ir, vis)
    assert float(expected.std()) > 5, "a flat picture would prove nothing"
    found = import_published(checkpoint).double()(ir, vis)
    torch.testing.assert_close(found, expected, atol=255e-9, rtol=0)


def random_tensors() -> dict[str, torch.Tensor]:
    """Tensors of the published names and shapes; every one has its own effect on the picture."""
    generator = torch.Generator().manual_seed(11)
    state = {}

    def between(name, low, high, *shape):
        state[name] = low + (high - low) * torch.rand(*shape, generator=generator)

    def conv(prefix, out, into, side, bias=False):
        reach = (3 / (into * side**2)) ** 0.5
        between(f"{prefix}.weight", -reach, reach, out, into, side, side)
        if bias:
            between(f"{prefix}.bias", -20, 20, out)

    def batchnorm(prefix, channels):
        between(f"{prefix}.weight", 20, 60, channels)
        between(f"{prefix}.bias", -10, 30, channels)
        between(f"{prefix}.running_mean", -20, 20, channels)
        between(f"{prefix}.running_var", 500, 4000, channels)
        state[f"{prefix}.num_batches_tracked"] = torch.tensor(7)

    for camera in ("ir", "vi"):
        conv(f"conv_{camera}.conv2d", 16, 1, 3, bias=True)
    blocks = {"ir1": (16, 32), "ir2": (32, 32), "vi1": (16, 32), "vi2": (32, 32)}
    for name, (into, out) in {**blocks, "decode1": (64, 32), "decode3": (32, 16)}.items():
        conv(f"RepVgg_{name}.rbr_dense.conv", out, into, 3)
        conv(f"RepVgg_{name}.rbr_1x1.conv", out, into, 1)
        for branch in ("rbr_dense.bn", "rbr_1x1.bn", "rbr_identity"):
            if branch != "rbr_identity" or into == out:
                batchnorm(f"RepVgg_{name}.{branch}", out)
    conv("cbam.ca.se.0", 16, 64, 1)
    conv("cbam.ca.se.2", 64, 16, 1)
    for name in ("cbam.ca.se.0.weight", "cbam.ca.se.2.weight"):
        state[name] *= 0.2  # else the gate is fully open or shut
    conv("cbam.sa.conv", 1, 2, 3, bias=True)
    state["cbam.sa.conv.weight"] *= 0.02
    state["cbam.sa.conv.bias"] *= 0.02
    conv("conv_out.conv2d", 1, 16, 3, bias=True)
    state["conv_out.conv2d.bias"] = torch.tensor([120.0])
    return state


@torch.no_grad()
def test_network_of_random_tensors_computes_what_the_paper_describes(tmp_path):
    path = tmp_path / "random.model"
    state = random_tensors()
    torch.save(state, path)
    state = {name: tensor.double() for name, tensor in state.items()}
    ir, vis = scene()
    expected = plain_fusion(state, ir, vis)
    assert float(expected.std()) > 5, "a flat picture would prove nothing"
    found = import_published(path).double()(ir, vis)
    torch.testing.assert_close(found, expected, atol=255e-9, rtol=0)
    folded = load_published(path).double()(ir / 255, vis / 255)
    torch.testing.assert_close(folded, expected / 255, atol=1e-5, rtol=0)


@torch.no_grad()
def test_range_fold_keeps_the_picture(checkpoint):
    state = torch.load(checkpoint, weights_only=True)
    state = {name: tensor.double() for name, tensor in state.items()}
    ir, vis = scene()
    expected = plain_fusion(state, ir, vis) / 255
    folded = load_published(checkpoint)
    # In float64 only the folded tensors' own rounding to float32 is left.
    found = folded.double()(ir / 255, vis / 255)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    deployed = reparameterize(folded.float())((ir / 255).float(), (vis / 255).float())
    torch.testing.assert_close(deployed.double(), expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_range_fold_is_exact_in_float64():
    torch.manual_seed(2)
    model = FusionNet(published=True).double().eval()
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(1e-6, 2.0)  # below eps / 255² in part: eps must be accounted for
        elif name.endswith(("running_mean", "bias")):
            tensor.uniform_(-0.5, 0.5)
    ir, vis = scene()
    expected = model(ir, vis)
    found = fold_range(model, 255.0)(ir / 255, vis / 255)
    torch.testing.assert_close(found * 255, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"conv_ir.conv2d.weight": torch.zeros(16, 1, 3, 3)}, id="tensors-missing"),
        pytest.param({"conv_sar.conv2d.weight": torch.zeros(16, 1, 3, 3)}, id="unknown-tensor"),
        pytest.param([1, 2, 3], id="not-a-state-dict"),
    ],
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "other.model"
    torch.save(content, path)
    with pytest.raises(CheckpointError) as caught:
        import_published(path)
    assert caught.value.hint


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere\.model"):
        import_published(tmp_path / "nowhere.model")
