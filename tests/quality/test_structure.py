from __future__ import annotations

import math

import numpy as np
import pytest

from fusion_rt.quality.structure import ms_ssim, ssim

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def flat(level: float, side: int = 176) -> np.ndarray:
    return np.full((side, side), float(level))


def rough(seed: int, shape: tuple[int, int] = (181, 178)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float64)


def luminance(a: float, b: float) -> float:
    return (2 * a * b + C1) / (a * a + b * b + C1)


def ssim_by_definition(a: np.ndarray, b: np.ndarray) -> float:
    """Window by window."""
    bell = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    weight = np.outer(bell, bell) / np.outer(bell, bell).sum()
    values = []
    for row in range(a.shape[0] - 10):
        for column in range(a.shape[1] - 10):
            x, y = (plane[row : row + 11, column : column + 11] for plane in (a, b))
            mean_x, mean_y = (x * weight).sum(), (y * weight).sum()
            var_x, var_y = (weight * (x - mean_x) ** 2).sum(), (weight * (y - mean_y) ** 2).sum()
            both = (weight * (x - mean_x) * (y - mean_y)).sum()
            values.append(luminance(mean_x, mean_y) * (2 * both + C2) / (var_x + var_y + C2))
    return float(np.mean(values))


def test_ssim_by_definition_without_the_border():
    ir, vis, fused = (rough(seed, (24, 31)) for seed in (1, 2, 3))
    fused = 0.6 * ir + 0.3 * vis + 0.1 * fused
    expected = (ssim_by_definition(ir, fused) + ssim_by_definition(vis, fused)) / 2
    assert ssim(ir, vis, fused) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("figure", [ssim, ms_ssim])
def test_equal_pictures_give_one_and_sources_are_averaged(figure):
    ir, vis = rough(1), rough(2)
    assert figure(ir, ir, ir) == pytest.approx(1)
    to_vis = figure(vis, vis, ir)
    assert to_vis < 0.9
    assert figure(ir, vis, ir) == pytest.approx((1 + to_vis) / 2)
    assert figure(vis, ir, ir) == pytest.approx((1 + to_vis) / 2)


def test_flat_pictures_differ_in_luminance_only():
    expected = (luminance(100, 50) + luminance(200, 50)) / 2
    assert ssim(flat(100), flat(200), flat(50)) == pytest.approx(expected)
    # Of the five scales the coarsest alone looks at luminance.
    expected = (luminance(100, 50) ** 0.1333 + luminance(200, 50) ** 0.1333) / 2
    assert ms_ssim(flat(100), flat(200), flat(50)) == pytest.approx(expected)


def test_inverted_structure():
    ir = rough(1)
    assert ssim(ir, ir, 255 - ir) < -0.8
    assert ms_ssim(ir, ir, 255 - ir) == 0


@pytest.mark.parametrize(
    ("shape", "defined"),
    [((176, 176), True), ((175, 300), False), ((300, 175), False)],
)
def test_ms_ssim_needs_room_for_five_scales(shape, defined):
    picture = rough(1, shape)
    assert math.isnan(ms_ssim(picture, picture, picture)) != defined
