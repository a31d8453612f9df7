"""Kernels on places give what their originals give on planes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from trainer.places import from_places, on_places, onto_places

SHAPES = [
    pytest.param((2, 3, 1, 1), id="point"),
    pytest.param((2, 1, 3, 3), id="sobel"),
    pytest.param((1, 2, 5, 5), id="square"),
    pytest.param((1, 1, 13, 1), id="down"),
    pytest.param((1, 1, 1, 9), id="across"),
    pytest.param((3, 2, 7, 3), id="mixed"),
]


def drawn(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def same_size(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    return functional.conv2d(x, kernel, padding=tuple(side // 2 for side in kernel.shape[2:]))


def places(planes: torch.Tensor) -> torch.Tensor:
    return functional.pixel_unshuffle(planes, 2)


@pytest.mark.parametrize("shape", SHAPES)
def test_from_places_to_places(shape):
    kernel, planes = drawn(shape), drawn((1, shape[1], 16, 22))
    grown = torch.from_numpy(on_places(kernel.numpy()))
    assert all(side % 2 for side in grown.shape[2:])
    expected = places(same_size(planes, kernel))
    torch.testing.assert_close(same_size(places(planes), grown), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_from_planes_to_places(shape):
    kernel, planes = drawn(shape), drawn((1, shape[1], 16, 22))
    rows, columns = (side // 2 for side in shape[2:])
    padded = functional.pad(planes, (columns, columns, rows, rows))
    found = functional.conv2d(padded, torch.from_numpy(onto_places(kernel.numpy())), stride=2)
    torch.testing.assert_close(found, places(same_size(planes, kernel)))


@pytest.mark.parametrize(
    ("side", "front", "far"),
    [
        pytest.param(6, 2, 1, id="stem"),
        pytest.param(2, 0, 0, id="one-place"),
        pytest.param(4, 1, 1, id="half-places"),
    ],
)
def test_kernel_with_stride_takes_places(side, front, far):
    kernel, planes = drawn((3, 2, side, side)), drawn((1, 2, 16, 22))
    found = torch.from_numpy(from_places(kernel.numpy(), (front, front)))
    assert found.shape == (3, 8, 2 * far + 1, 2 * far + 1)
    behind = side - 2 - front  # as many places come out as go in
    padded = functional.pad(planes, (front, behind, front, behind))
    expected = functional.conv2d(padded, kernel, stride=2)
    torch.testing.assert_close(same_size(places(planes), found), expected)


def test_type_stays():
    kernel = np.ones((1, 1, 3, 3), np.float32)
    for made in (on_places(kernel), onto_places(kernel), from_places(kernel, (1, 1))):
        assert made.dtype == np.float32
