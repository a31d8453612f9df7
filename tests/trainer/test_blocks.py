from __future__ import annotations

import copy
import math

import pytest
import torch
from networks import lively
from torch import Tensor, nn
from torch.nn import functional

from trainer.blocks import (
    CELL,
    RIM,
    Attention,
    FrameGate,
    LocalGate,
    PlainBlock,
    RepVGGBlock,
    SpatialGate,
    batchnorm_gain,
)
from trainer.errors import ExportError

SHAPES = [
    pytest.param(6, 10, id="without-identity-branch"),
    pytest.param(8, 8, id="with-identity-branch"),
]


def sum_of_branches(block: RepVGGBlock, x: Tensor) -> Tensor:
    """Written out from the paper, with stored statistics."""

    def normal(y: Tensor, bn: nn.BatchNorm2d) -> Tensor:
        shape = (1, -1, 1, 1)
        y = (y - bn.running_mean.view(shape)) / (bn.running_var.view(shape) + bn.eps).sqrt()
        return bn.weight.view(shape) * y + bn.bias.view(shape)

    total = normal(functional.conv2d(x, block.dense[0].weight, padding=1), block.dense[1])
    total = total + normal(functional.conv2d(x, block.point[0].weight), block.point[1])
    if block.identity is not None:
        total = total + normal(x, block.identity)
    return total.clamp(min=0)


def double_block(into: int, out: int) -> RepVGGBlock:
    torch.manual_seed(into)
    return lively(RepVGGBlock(into, out).double(), seed=into)


@pytest.mark.parametrize(("into", "out"), SHAPES)
def test_block_equals_the_sum_of_its_branches(into, out):
    block = double_block(into, out)
    assert (block.identity is not None) == (into == out)
    x = torch.randn(2, into, 13, 17, dtype=torch.float64)
    torch.testing.assert_close(block(x), sum_of_branches(block, x), atol=1e-12, rtol=0)


@pytest.mark.parametrize(("into", "out"), SHAPES)
def test_block_has_the_gradients_of_the_sum_of_its_branches(into, out):
    block = double_block(into, out)
    x = torch.randn(2, into, 9, 11, dtype=torch.float64, requires_grad=True)
    towards = torch.randn(2, out, 9, 11, dtype=torch.float64)
    variables = {"x": x, **dict(block.named_parameters())}
    assert len(variables) == (9 if into == out else 7)  # x, 2 kernels, 2 or 3 pairs
    found = torch.autograd.grad((block(x) * towards).sum(), variables.values())
    wanted = torch.autograd.grad((sum_of_branches(block, x) * towards).sum(), variables.values())
    for name, slope, expected in zip(variables, found, wanted, strict=True):
        assert float(expected.abs().max()) > 1e-3, name
        torch.testing.assert_close(slope, expected, atol=1e-10, rtol=1e-10, msg=name)


@pytest.mark.parametrize(("into", "out"), SHAPES)
def test_plain_block_of_the_folded_kernel_equals_it(into, out):
    block, plain = double_block(into, out), PlainBlock(into, out).double()
    plain.conv.weight.data, plain.conv.bias.data = (t.detach() for t in block.folded(torch.float64))
    x = torch.randn(2, into, 13, 17, dtype=torch.float64)
    torch.testing.assert_close(plain(x), sum_of_branches(block, x), atol=1e-12, rtol=0)


@pytest.mark.parametrize(("into", "out"), SHAPES)
def test_statistics_of_the_batch_are_used_and_stored_in_training(into, out):
    block = double_block(into, out).train()
    before = copy.deepcopy(block.state_dict())
    x = 3 + 2 * torch.randn(4, into, 9, 11, dtype=torch.float64)
    found = block(x)
    # As stored statistics, those of this batch give the same picture.
    told = copy.deepcopy(block).eval()
    branches = [(told.dense[1], told.dense[0](x)), (told.point[1], told.point[0](x))]
    if told.identity is not None:
        branches.append((told.identity, x))
    for bn, y in branches:
        bn.running_mean = y.mean((0, 2, 3)).detach()
        bn.running_var = y.var((0, 2, 3), unbiased=False).detach()
    torch.testing.assert_close(found, sum_of_branches(told, x), atol=1e-10, rtol=0)
    for name, tensor in block.state_dict().items():
        moved = "running" in name or "tracked" in name
        assert torch.equal(tensor, before[name]) != moved, name


def test_batch_norm_without_statistics_is_refused():
    with pytest.raises(ExportError, match="no running statistics") as caught:
        batchnorm_gain(nn.BatchNorm2d(3, track_running_stats=False), torch.float64)
    assert "track_running_stats" in caught.value.hint


def local_gate(channels: int = 4, reduced: int = 3) -> LocalGate:
    torch.manual_seed(4)
    gate = LocalGate(channels, reduced).double()
    gate.squeeze.weight.data *= 6  # so that the factors are not all about one half
    gate.excite.weight.data *= 6
    return gate


@torch.no_grad()
def slow_local_gate(gate: LocalGate, x: Tensor) -> Tensor:
    """`LocalGate` from its description, cell by cell and pixel by pixel."""
    channels, height, width = x.shape[1:]
    squeezed = torch.einsum("oi,ihw->ohw", gate.squeeze.weight[:, :, 0, 0], x[0])

    def inside(place: int, length: int) -> int:
        return min(max(place, RIM), length - 1 - RIM)

    rows, columns = math.ceil(height / CELL), math.ceil(width / CELL)
    cells = torch.zeros(squeezed.shape[0], rows, columns, dtype=x.dtype)
    for i in range(rows):
        for j in range(columns):
            for u in range(CELL):
                for v in range(CELL):
                    y_at, x_at = inside(i * CELL + u, height), inside(j * CELL + v, width)
                    cells[:, i, j] += squeezed[:, y_at, x_at] / CELL**2
    cells = cells.clamp(min=0)

    def cell(i: int, j: int) -> Tensor:
        return cells[:, min(max(i, 0), rows - 1), min(max(j, 0), columns - 1)]

    smooth = torch.stack(
        [
            torch.stack(
                [sum(cell(i + u, j + v) for u in (-1, 0, 1) for v in (-1, 0, 1)) / 9 for j in cols]
            )
            for cols in [range(columns)]
            for i in range(rows)
        ]
    )

    def between(place: int, count: int) -> tuple[int, int, float]:
        """Both cells whose middles a pixel lies between, and the share of the second one."""
        at = (place + 0.5) / CELL - 0.5
        low = math.floor(at)
        return min(max(low, 0), count - 1), min(max(low + 1, 0), count - 1), at - low

    factors = torch.zeros(channels, height, width, dtype=x.dtype)
    for row in range(height):
        top, bottom, down = between(row, rows)
        for column in range(width):
            left, right, across = between(column, columns)
            above = (1 - across) * smooth[top, left] + across * smooth[top, right]
            below = (1 - across) * smooth[bottom, left] + across * smooth[bottom, right]
            mixed = (1 - down) * above + down * below
            factors[:, row, column] = gate.excite.weight[:, :, 0, 0] @ mixed
    return torch.sigmoid(factors)[None]


@pytest.mark.parametrize(
    ("height", "width"),
    [
        pytest.param(32, 48, id="whole-cells"),
        pytest.param(33, 47, id="one-more-and-one-less"),
        pytest.param(52, 21, id="in-between"),
        pytest.param(12, 20, id="less-than-a-cell"),
    ],
)
@torch.no_grad()
def test_local_gate_is_what_its_description_says(height, width):
    gate, x = local_gate(), torch.randn(1, 4, height, width, dtype=torch.float64)
    found = gate(x)
    assert found.shape == x.shape
    assert float(found.std()) > 0.02, "a flat gate would prove nothing"
    torch.testing.assert_close(found, slow_local_gate(gate, x), atol=1e-10, rtol=0)


REACH = 2.5 * CELL - 1  # px: 1 cell of smoothing, half a cell of interpolation, and its own cell


@pytest.mark.parametrize("place", [(64, 64), (79, 79), (70, 71), (95, 80)])
@torch.no_grad()
def test_local_gate_knows_its_surroundings_and_nothing_further(place):
    gate, x = local_gate(), torch.rand(1, 4, 160, 160, dtype=torch.float64)
    changed = x.clone()
    changed[0, :, place[0], place[1]] += 100
    moved = (gate(changed) != gate(x)).any(1)[0].nonzero() - torch.tensor(place)
    assert int(moved.abs().max()) <= REACH
    assert int(moved.abs().max()) >= 32
    assert bool((moved == 0).all(1).any()), "the place itself must feel it"


@torch.no_grad()
def test_reach_of_the_local_gate_is_taken_up_in_full():
    """The first pixel of a cell reaches furthest to the right and downwards."""
    gate, x = local_gate(), torch.rand(1, 4, 160, 160, dtype=torch.float64)
    changed = x.clone()
    changed[0, :, 64, 64] += 100
    moved = (gate(changed) != gate(x)).any(1)[0].nonzero() - 64
    assert int(moved.max()) == REACH


@torch.no_grad()
def test_local_gate_does_not_feel_what_padding_spoils():
    gate, x = local_gate(), torch.rand(1, 4, 40, 52, dtype=torch.float64)
    spoiled = x + 100
    inside = (..., slice(RIM, -RIM), slice(RIM, -RIM))
    spoiled[inside] = x[inside]
    assert torch.equal(gate(spoiled), gate(x))


@torch.no_grad()
def test_frame_gate_is_what_its_description_says():
    torch.manual_seed(1)
    gate, x = FrameGate(6, 2).double(), torch.randn(2, 6, 9, 11, dtype=torch.float64)
    squeeze, excite = gate.squeeze.weight[:, :, 0, 0], gate.excite.weight[:, :, 0, 0]
    for found, picture in zip(gate(x), x, strict=True):
        values = picture.flatten(1)
        total = sum(excite @ (squeeze @ v).clamp(min=0) for v in (values.amax(1), values.mean(1)))
        torch.testing.assert_close(found[:, 0, 0], torch.sigmoid(total))


@pytest.mark.parametrize("kind", [FrameGate, LocalGate])
@torch.no_grad()
def test_attention_corrects_the_features(kind):
    torch.manual_seed(2)
    attention = Attention(8, 2, kind).double()
    x = torch.randn(1, 8, 20, 24, dtype=torch.float64)
    gated = x * attention.channel(x)
    maps = torch.cat([gated.amax(1, True), gated.mean(1, True)], 1)
    place = torch.sigmoid(attention.spatial.conv(maps))
    assert isinstance(attention.spatial, SpatialGate)
    torch.testing.assert_close(attention(x), x + gated * place)
