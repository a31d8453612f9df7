"""Fusion without a model: the filter against a slow reference, and what the picture must show."""

from __future__ import annotations

import numpy as np
import pytest

from engines.classical import ClassicalEngine, guided_filter


def slow_guided_filter(guide, image, radius, eps):
    """The filter by its definition: a least-squares line in every window, then averaged."""
    pad = 2 * radius
    g = np.pad(guide.astype(np.float64), pad, mode="symmetric")
    p = np.pad(image.astype(np.float64), pad, mode="symmetric")
    rows, cols = guide.shape
    lines = np.zeros((rows + 2 * radius, cols + 2 * radius, 2))
    for y in range(lines.shape[0]):
        for x in range(lines.shape[1]):
            window = slice(y, y + 2 * radius + 1), slice(x, x + 2 * radius + 1)
            i, v = g[window], p[window]
            a = ((i * v).mean() - i.mean() * v.mean()) / (i.var() + eps)
            lines[y, x] = a, v.mean() - a * i.mean()
    out = np.zeros(guide.shape)
    for y in range(rows):
        for x in range(cols):
            a, b = lines[y : y + 2 * radius + 1, x : x + 2 * radius + 1].mean((0, 1))
            out[y, x] = a * guide[y, x] + b
    return out


def test_guided_filter_against_its_definition():
    rng = np.random.default_rng(1)
    guide, image = rng.random((2, 24, 20)).astype(np.float32)
    fast = guided_filter(guide, image, radius=3, eps=0.01)
    np.testing.assert_allclose(fast, slow_guided_filter(guide, image, 3, 0.01), atol=1e-5)


def fuse(ir, vis):
    with ClassicalEngine((ir.shape[1], ir.shape[0])) as engine:
        return engine.fuse(ir, vis)


def test_warm_target_in_the_dark_stands_out():
    ir = np.full((120, 160), 40, np.uint8)
    ir[40:80, 70:90] = 230
    vis = np.full((120, 160, 3), 20, np.uint8)
    fused = fuse(ir, vis).astype(int)
    assert fused[60, 80, 0] > 150
    assert fused[20, 20, 0] == pytest.approx(20, abs=6)


def test_texture_of_the_visible_stays_where_the_infrared_is_flat():
    rng = np.random.default_rng(2)
    vis = rng.integers(80, 170, (120, 160), np.uint8)[..., None].repeat(3, axis=2)
    fused = fuse(np.full((120, 160), 90, np.uint8), vis).astype(float)
    assert np.corrcoef(fused.ravel(), vis.ravel())[0, 1] > 0.99
    assert fused.std() > 0.95 * vis.std()


def test_hue_of_the_visible_stays():
    vis = np.zeros((120, 160, 3), np.uint8)
    vis[...] = (30, 60, 120)
    ir = np.full((120, 160), 40, np.uint8)
    ir[40:80, 70:90] = 160
    fused = fuse(ir, vis).astype(int)
    for y, x in ((60, 80), (20, 20)):
        b, g, r = fused[y, x]
        assert (g - b, r - b) == pytest.approx((30, 90), abs=1)
