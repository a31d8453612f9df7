from __future__ import annotations

import math

import numpy as np
import pytest

from fusion_rt.quality.contrast import average_gradient, spatial_frequency, standard_deviation

FLAT = np.full((6, 7), 80.0)
# Rises by 3 to the right and by 4 downwards.
RAMP = 3.0 * np.arange(7)[None] + 4.0 * np.arange(6)[:, None]
# One step of 6 levels between the last two columns.
STEP = np.array([[0.0, 0, 6], [0, 0, 6]])
CHESS = 255.0 * ((np.arange(7)[None] + np.arange(6)[:, None]) % 2)


@pytest.mark.parametrize(
    ("picture", "levels"),
    [
        pytest.param(FLAT, 0, id="flat"),
        pytest.param(np.array([[0.0, 200], [200, 0]]), 100, id="half-and-half"),
        pytest.param(np.array([[0.0, 0, 0, 100]]), 100 * math.sqrt(3) / 4, id="quarter"),
    ],
)
def test_standard_deviation(picture, levels):
    assert standard_deviation(picture) == pytest.approx(levels)


@pytest.mark.parametrize(
    ("picture", "levels"),
    [
        pytest.param(FLAT, 0, id="flat"),
        pytest.param(RAMP, 5, id="ramp-3-4-5"),
        pytest.param(STEP, math.sqrt(18), id="one-of-two-steps"),
        pytest.param(STEP.T, math.sqrt(18), id="one-of-two-steps-downwards"),
        pytest.param(CHESS, 255 * math.sqrt(2), id="chessboard"),
    ],
)
def test_spatial_frequency(picture, levels):
    assert spatial_frequency(picture) == pytest.approx(levels)


@pytest.mark.parametrize(
    ("picture", "levels"),
    [
        pytest.param(FLAT, 0, id="flat"),
        pytest.param(RAMP, math.sqrt(12.5), id="ramp"),
        pytest.param(STEP, 6 / math.sqrt(2) / 2, id="one-of-two-pixels"),
        pytest.param(STEP.T, 6 / math.sqrt(2) / 2, id="one-of-two-pixels-downwards"),
        # Three of its four pixels have no step to one of the sides.
        pytest.param(np.array([[10.0, 16], [18, 90]]), math.sqrt(50), id="first-pixel-alone"),
        pytest.param(CHESS, 255, id="chessboard"),
    ],
)
def test_average_gradient(picture, levels):
    assert average_gradient(picture) == pytest.approx(levels)
