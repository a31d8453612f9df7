from __future__ import annotations

import math

import numpy as np
import pytest

from fusion_rt.quality.correlation import correlation, correlation_of_differences

FLAT = np.full((4, 4), 90.0)
# Two patterns without correlation, and of equal strength.
IR = 100 + 10 * np.array([[1.0, 1, -1, -1]] * 4)
VIS = 60 + 10 * np.array([[1.0, -1, 1, -1]] * 4)


@pytest.mark.parametrize(
    ("fused", "mean"),
    [
        pytest.param(IR, 0.5, id="infrared"),
        pytest.param(2 * VIS + 9, 0.5, id="visible-brighter-and-stronger"),
        pytest.param(255 - IR, -0.5, id="inverted"),
        pytest.param(IR + VIS, math.sqrt(0.5), id="sum"),
        pytest.param(IR - VIS, 0, id="one-for-one-against"),
        pytest.param(FLAT, 0, id="flat"),
    ],
)
def test_correlation(fused, mean):
    assert correlation(IR, VIS, fused) == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize(
    ("fused", "total"),
    [
        pytest.param(IR + VIS, 2, id="sum"),
        pytest.param((IR + VIS) / 2, math.sqrt(2), id="average"),
        pytest.param(VIS, math.sqrt(0.5), id="visible-alone"),
        pytest.param(IR + 7, math.sqrt(0.5), id="infrared-alone"),
        pytest.param(FLAT, 0, id="flat"),
    ],
)
def test_correlation_of_differences(fused, total):
    assert correlation_of_differences(IR, VIS, fused) == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("figure", [correlation, correlation_of_differences])
def test_flat_source_leaves_them_undefined(figure):
    assert math.isnan(figure(FLAT, VIS, IR))
    assert math.isnan(figure(IR, FLAT, IR))
