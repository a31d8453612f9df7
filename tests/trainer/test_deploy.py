from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from calibration.rig import Rig
from fusion_rt.registration.running import Registration
from trainer.deploy import DeployGraph, luma_bt601


class Constant(nn.Module):
    """Stands in for the network: the same luma everywhere, or the infrared as it comes."""

    def __init__(self, value: float | None, contrast: float = 0.0) -> None:
        super().__init__()
        self.value, self.contrast = value, contrast

    def forward(self, ir, vis_y):
        return ir if self.value is None else torch.full_like(vis_y, self.value)


def replace_luma(bgr: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """Go to Y, Cb, Cr, put the new Y in, come back; BT.601 full range, float64, unrounded."""
    blue, green, red = np.moveaxis(bgr.astype(np.float64), -1, 0)
    y = 0.114 * blue + 0.587 * green + 0.299 * red
    cb, cr = (blue - y) / 1.772, (red - y) / 1.402
    new_blue, new_red = luma + 1.772 * cb, luma + 1.402 * cr
    new_green = (luma - 0.114 * new_blue - 0.299 * new_red) / 0.587
    return np.stack([new_blue, new_green, new_red], -1)


def run(net, ir, vis, weight, grid=None):
    arrays = [torch.from_numpy(a) for a in (ir, vis, weight)]
    return DeployGraph(net)(*arrays, grid).numpy()


@pytest.fixture
def vis():
    return np.random.default_rng(3).integers(0, 256, (1, 40, 52, 3), np.uint8)


@pytest.mark.parametrize(
    ("bgr", "luma"),
    [
        pytest.param((255, 255, 255), 1.0, id="white-is-1"),
        pytest.param((0, 0, 0), 0.0, id="black-is-0"),
        pytest.param((255, 0, 0), 0.114, id="blue"),
        pytest.param((0, 255, 0), 0.587, id="green"),
        pytest.param((0, 0, 255), 0.299, id="red"),
    ],
)
def test_luma(bgr, luma):
    plane = luma_bt601(torch.tensor(bgr, dtype=torch.uint8).expand(1, 2, 3, 3))
    assert plane.shape == (1, 1, 2, 3)
    torch.testing.assert_close(plane, torch.full_like(plane, luma), atol=1e-6, rtol=0)


def test_adding_the_luma_change_is_replacing_the_luma(vis):
    ir = np.random.default_rng(4).integers(0, 256, (1, 1, 40, 52), np.uint8)
    full = np.full_like(ir, 255)
    expected = replace_luma(vis[0], ir[0, 0].astype(np.float64))
    found = run(Constant(None), ir, vis, full)[0]
    assert np.abs(np.clip(expected, 0, 255) - found).max() <= 0.5 + 1e-3  # rounding only


def test_weight_0_gives_the_visible_picture_exactly(vis):
    ir = np.random.default_rng(4).integers(0, 256, (1, 1, 40, 52), np.uint8)
    found = run(Constant(0.9), ir, vis, np.zeros_like(ir))
    np.testing.assert_array_equal(found, vis)


@pytest.mark.parametrize(
    ("weight", "grey"),
    [
        pytest.param(0, 100, id="nothing"),
        pytest.param(51, 120, id="a-fifth-of-the-way"),
        pytest.param(255, 200, id="all-the-way"),
    ],
)
def test_weight_blends_between_visible_and_fused(weight, grey):
    ir = np.full((1, 1, 8, 8), 200, np.uint8)
    vis = np.full((1, 8, 8, 3), 100, np.uint8)
    found = run(Constant(None), ir, vis, np.full_like(ir, weight))
    np.testing.assert_array_equal(found, np.full_like(vis, grey))


@pytest.mark.parametrize(
    ("luma", "bgr"),
    [
        pytest.param(1.7, (255, 255, 209), id="too-bright-is-luma-1"),
        pytest.param(-0.5, (104, 4, 0), id="below-black-is-luma-0"),
    ],
)
def test_network_output_is_clamped_before_the_colour_comes_back(luma, bgr):
    """The luma here is 96.45, so the change is 158.55 or -96.45 and a channel stays in range."""
    ir = np.zeros((1, 1, 8, 8), np.uint8)
    vis = np.full((1, 8, 8, 3), (200, 100, 50), np.uint8)
    found = run(Constant(luma), ir, vis, np.full_like(ir, 255))
    np.testing.assert_array_equal(found, np.full_like(vis, bgr))


@pytest.mark.parametrize(
    ("luma", "grey"),
    [
        pytest.param(0.0, 0, id="black-stays"),
        pytest.param(0.2, 43, id="dark-is-darker"),  # 0.2 - 0.2 * 4 * 0.16 * 0.25 = 0.168
        pytest.param(0.45, 115, id="the-middle-stays"),
        pytest.param(0.8, 215, id="light-is-lighter"),  # 0.8 + 0.2 * 4 * 0.16 * 0.35 = 0.8448
        pytest.param(1.0, 255, id="white-stays"),
    ],
)
def test_contrast_is_a_fixed_curve(luma, grey):
    vis = np.full((1, 8, 8, 3), 100, np.uint8)
    ir = np.zeros((1, 1, 8, 8), np.uint8)
    arrays = [torch.from_numpy(a) for a in (ir, vis, np.full_like(ir, 255))]
    found = DeployGraph(Constant(luma, contrast=0.2))(*arrays).numpy()
    np.testing.assert_array_equal(found, np.full_like(vis, grey))


def test_grid_moves_the_infrared_and_mirrors_it_outside():
    ir = np.zeros((1, 1, 4, 4), np.uint8)
    ir[0, 0, 1, 2] = 200
    vis = np.full((1, 8, 8, 3), 100, np.uint8)
    # Pixel (row 1, column 2) of 4x4 lies at (0.25, -0.25), corners not aligned; mirrored in the
    # right border at x = 1 it lies at 1.75.
    grid = torch.full((1, 8, 8, 2), -0.75)
    grid[0, 5, 6] = torch.tensor((0.25, -0.25))
    grid[0, 2, 3] = torch.tensor((1.75, -0.25))
    found = run(Constant(None), ir, vis, np.full((1, 1, 8, 8), 255, np.uint8), grid)
    expected = np.zeros_like(vis)
    expected[0, 5, 6] = expected[0, 2, 3] = 200
    np.testing.assert_array_equal(found, expected)


def test_warp_in_the_graph_agrees_with_the_hosts():
    H = np.array([[2.1, 0.05, 30], [-0.04, 2.0, -20], [2e-5, 1e-5, 1]])
    rig = Rig((128, 100), (300, 180), H)
    rng = np.random.default_rng(4)
    ir = cv2.GaussianBlur(rng.integers(0, 256, (100, 128), np.uint8), (0, 0), 1.5)
    alignment = Registration(rig).now
    host = alignment.infrared(ir)
    grid = alignment.grid[None]
    vis = np.zeros((1, 180, 300, 3), np.uint8)
    weight = np.full((1, 1, 180, 300), 255, np.uint8)
    found = run(Constant(None), ir[None, None], vis, weight, torch.from_numpy(grid))
    assert np.abs(found[0, ..., 0].astype(int) - host).max() <= 1
