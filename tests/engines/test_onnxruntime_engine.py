"""ONNX Runtime with the file that warps inside: the reference for engines on a GPU."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engines.errors import EngineError
from engines.models import find_model
from engines.onnxruntime import OnnxRuntimeEngine, stretched_grid
from engines.parity_pairs import parity_pairs

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

WH = (96, 80)
MODEL = find_model("bts-lite")


def test_stretched_grid_lays_pixel_on_pixel():
    ir, vis = parity_pairs(WH)[0]
    with OnnxRuntimeEngine(MODEL, WH) as plain, OnnxRuntimeEngine(MODEL, WH, "fp32", WH) as warping:
        assert not plain.warps
        assert (warping.warps, warping.ir_size_wh) == (True, WH)
        difference = cv2.absdiff(plain.fuse(ir, vis), warping.fuse(ir, vis))
    assert difference.max() <= 1


def test_grid_moves_the_infrared_alone():
    """All of it from the middle of the infrared picture: as if that were one flat level."""
    _, vis = parity_pairs(WH)[0]
    ir = np.full((50, 70), 30, np.uint8)
    ir[20:30, 30:40] = 200
    with OnnxRuntimeEngine(MODEL, WH, "fp32", (70, 64)) as warping:
        ir = cv2.copyMakeBorder(ir, 7, 7, 0, 0, cv2.BORDER_REPLICATE)
        before = warping.fuse(ir, vis)
        warping.set_grid(np.zeros((80, 96, 2), np.float32))
        fused = warping.fuse(ir, vis)
    with OnnxRuntimeEngine(MODEL, WH) as plain:
        expected = plain.fuse(np.full((80, 96), 200, np.uint8), vis)
    np.testing.assert_array_equal(fused, expected)
    assert cv2.absdiff(fused, before).max() > 10


def test_grid_is_of_the_visible_pictures_size():
    grid = stretched_grid((4, 2))
    assert grid.shape == (2, 4, 2)
    np.testing.assert_allclose(grid[0, :, 0], [-0.75, -0.25, 0.25, 0.75])
    np.testing.assert_allclose(grid[:, 0, 1], [-0.5, 0.5])


def test_plain_engine_takes_no_grid():
    with (
        OnnxRuntimeEngine(MODEL, WH) as engine,
        pytest.raises(EngineError, match="was opened for infrared that lies on the visible"),
    ):
        engine.set_grid(stretched_grid(WH))
