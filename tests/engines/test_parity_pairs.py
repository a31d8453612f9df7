"""The fixed pairs: in every size, the same each time, and with what low precision gets wrong."""

from __future__ import annotations

import numpy as np
import pytest

from engines.errors import EngineError
from engines.parity_pairs import parity_pairs, warp_pairs, warped

NAMES = ("night street", "day", "fog", "glare")


@pytest.mark.parametrize("wh", [(64, 64), (65, 97), (640, 480), (64, 300), (301, 64)])
def test_four_pairs_in_any_size(wh):
    pairs = parity_pairs(wh)
    assert len(pairs) == 4
    for ir, vis in pairs:
        assert (ir.shape, ir.dtype) == ((wh[1], wh[0]), np.uint8)
        assert (vis.shape, vis.dtype) == ((wh[1], wh[0], 3), np.uint8)
        assert ir.std() > 3
        assert vis.std() > 3


@pytest.mark.parametrize("wh", [(1281, 721), (721, 1281)])
def test_large_sizes_get_one_pair_with_all_four_scenes(wh):
    ((ir, vis),) = parity_pairs(wh)
    assert (ir.shape, vis.shape) == ((wh[1], wh[0]), (wh[1], wh[0], 3))
    scenes = parity_pairs(((wh[0] + 1) // 2, (wh[1] + 1) // 2))
    middle = ir.shape[0] - scenes[2][0].shape[0], ir.shape[1] - scenes[1][0].shape[1]
    np.testing.assert_array_equal(ir[: middle[0], : middle[1]], scenes[0][0][:-1, :-1])
    np.testing.assert_array_equal(vis[-middle[0] :, -middle[1] :], scenes[3][1][:-1, :-1])


def test_same_pictures_each_time():
    for (ir, vis), (ir_again, vis_again) in zip(
        parity_pairs((160, 120)), parity_pairs((160, 120)), strict=True
    ):
        np.testing.assert_array_equal(ir, ir_again)
        np.testing.assert_array_equal(vis, vis_again)


def test_scenes_are_what_they_are_called():
    night, day, fog, glare = parity_pairs((320, 240))
    assert night[1].mean() < 60 < night[1].max()  # dark, with lamps
    assert night[0].max() > 200  # hot people
    assert day[1][:60].mean() > 190  # bright sky
    fine = np.abs(np.diff(day[1][200:, :, 1].astype(int), axis=1)).mean()
    assert fine > 15  # texture of single pixels in the meadow
    assert fog[1].std() < 15
    assert np.ptp(fog[0]) > 60  # the infrared sees through
    for plane in glare:
        assert (plane == 0).mean() > 0.02
        assert (plane == 255).mean() > 0.02


def test_warp_pairs_have_the_cameras_size_and_a_grid_that_leaves_the_picture():
    pairs, grid = warp_pairs((320, 240), (160, 128))
    assert [ir.shape for ir, _ in pairs] == [(128, 160)] * 4
    assert (grid.shape, grid.dtype) == ((240, 320, 2), np.float32)
    assert np.abs(grid[120, 160]).max() < 0.01  # the middle stays
    assert grid.max() > 1.05
    assert grid.min() < -1.05
    x_step = (grid[0, -1] - grid[0, 0]) / 319
    assert np.hypot(x_step[0] * 160, x_step[1] * 120) == pytest.approx(1.1, rel=1e-2)


def test_infrared_warped_on_the_host_is_what_the_grid_variant_sees():
    """By the definition of GridSample: linear between four pixels, mirrored at the border."""
    pairs, grid = warp_pairs((96, 80), (70, 65))
    places = ((grid.astype(float) + 1) * (70, 65) - 1) / 2
    low = np.floor(places).astype(int)
    part = places - low
    for ir, _ in pairs:
        wide = np.pad(ir.astype(float), 9, mode="symmetric")
        expected = np.zeros(grid.shape[:2])
        for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
            share = np.abs(1 - dx - part[..., 0]) * np.abs(1 - dy - part[..., 1])
            expected += share * wide[low[..., 1] + dy + 9, low[..., 0] + dx + 9]
        np.testing.assert_allclose(warped(ir, grid), expected, atol=0.02)
        assert np.unique(warped(ir, grid) % 16).size > 4  # it does lie between pixels


def test_sizes_beyond_the_contract_are_refused():
    with pytest.raises(EngineError, match="63x64 cannot be fused"):
        parity_pairs((63, 64))
    with pytest.raises(EngineError, match="64x63 cannot be fused"):
        warp_pairs((64, 64), (64, 63))
