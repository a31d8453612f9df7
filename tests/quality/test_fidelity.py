"""VIF against known answers and against the definition written out window by window."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fusion_rt.quality.vif import pixel_vif, visual_information_fidelity


def rough(seed: int, shape: tuple[int, int] = (45, 52)) -> np.ndarray:
    """Blocks and noise, some of it flat, in whole levels."""
    rng = np.random.default_rng(seed)
    picture = np.kron(rng.integers(0, 200, (6, 7)), np.ones((8, 8)))[: shape[0], : shape[1]]
    picture[:20, :20] = 30
    picture[20:] += rng.integers(0, 50, picture[20:].shape)
    return picture


def windows(picture: np.ndarray, size: int) -> np.ndarray:
    """Weighted mean of each window inside the picture, one after the other."""
    offsets = np.arange(size) - size // 2
    bell = np.exp(-(offsets**2) / (2 * (size / 5) ** 2))
    weight = np.outer(bell, bell) / np.outer(bell, bell).sum()
    rows, columns = (side - size + 1 for side in picture.shape)
    return np.array(
        [
            [(picture[r : r + size, c : c + size] * weight).sum() for c in range(columns)]
            for r in range(rows)
        ]
    )


def vif_by_definition(reference: np.ndarray, distorted: np.ndarray) -> float:
    kept = there = 0.0
    for size in (17, 9, 5, 3):
        if size < 17:
            reference = windows(reference, size)[::2, ::2]
            distorted = windows(distorted, size)[::2, ::2]
        mean_r, mean_d = windows(reference, size), windows(distorted, size)
        var_r = windows(reference**2, size) - mean_r**2
        var_d = windows(distorted**2, size) - mean_d**2
        both = windows(reference * distorted, size) - mean_r * mean_d
        for r, d, rd in zip(var_r.flat, var_d.flat, both.flat, strict=True):
            there += math.log2(1 + max(r, 0) / 2)
            if r > 1e-9 and d > 1e-9 and rd > 0:
                gain = rd / r
                kept += math.log2(1 + gain**2 * r / (max(d - gain * rd, 0) + 2))
    return kept / there


@pytest.mark.parametrize(("one", "two"), [(1, 2), (3, 4)])
def test_vif_by_definition(one, two):
    reference = rough(one)
    for distorted in (rough(two), 0.6 * reference + 0.3 * rough(two)):
        expected = vif_by_definition(reference, distorted)
        assert pixel_vif(reference, distorted) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(lambda x: x, 1, id="equal"),
        pytest.param(lambda x: x + 40, 1, id="brighter"),
        pytest.param(lambda x: 0 * x + 99, 0, id="flat"),
        pytest.param(lambda x: 255 - x, 0, id="inverted"),
    ],
)
def test_vif_of_a_changed_picture(change, expected):
    picture = rough(5)
    assert pixel_vif(picture, change(picture)) == pytest.approx(expected, abs=1e-6)


def test_vif_rewards_contrast_and_punishes_its_loss():
    picture = rough(5)
    assert pixel_vif(picture, 0.5 * picture) < 0.9
    assert pixel_vif(picture, 2 * picture) > 1.1


def test_vif_is_summed_over_the_sources():
    ir, vis = rough(1), rough(2)
    assert visual_information_fidelity(ir, ir, ir) == pytest.approx(2, abs=1e-6)
    expected = 1 + pixel_vif(vis, ir)
    assert visual_information_fidelity(ir, vis, ir) == pytest.approx(expected, abs=1e-6)
    assert visual_information_fidelity(vis, ir, ir) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("level", [0, 77, 201.3])
def test_vif_is_undefined_against_a_flat_source(level):
    assert math.isnan(pixel_vif(np.full((45, 52), level), rough(1)))
    assert math.isnan(visual_information_fidelity(rough(1), np.zeros((45, 52)), rough(1)))
