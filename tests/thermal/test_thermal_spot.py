"""Temperatures at a place and at the extremes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fusion_rt.radiometry import Radiometry
from fusion_rt.thermal.spot import extremes, spot

CENTIKELVIN = Radiometry(0.01)


def room() -> np.ndarray:
    """20 °C, a hand of 33 °C, a window of 5 °C, and one dead pixel each way."""
    counts = np.full((60, 80), 29_315, np.uint16)
    counts[10:20, 30:40] = 30_615
    counts[40:50, 60:70] = 27_815
    counts[5, 5], counts[6, 70] = 65_535, 0
    return counts


@pytest.mark.parametrize(
    ("xy", "celsius"),
    [
        pytest.param((35, 15), 33.0, id="hand"),
        pytest.param((65, 45), 5.0, id="window"),
        pytest.param((5, 5), 20.0, id="dead-pixel-is-outvoted"),
        pytest.param((0, 0), 20.0, id="corner"),
        pytest.param((79, 59), 20.0, id="opposite-corner"),
    ],
)
def test_spot(xy, celsius):
    assert spot(room(), xy, CENTIKELVIN) == pytest.approx(celsius)


def test_spot_of_a_single_pixel():
    assert spot(room(), (70, 6), CENTIKELVIN, radius=0) == pytest.approx(-273.15)


@pytest.mark.parametrize("xy", [(-1, 0), (0, -1), (80, 0), (0, 60)])
def test_a_place_outside_the_picture(xy):
    with pytest.raises(ValueError, match="outside the picture of 80x60"):
        spot(room(), xy, CENTIKELVIN)


def test_extremes_pass_over_dead_pixels():
    coldest, hottest = extremes(room(), CENTIKELVIN)
    assert (coldest.celsius, hottest.celsius) == (pytest.approx(5.0), pytest.approx(33.0))
    assert 60 <= coldest.xy[0] < 70
    assert 40 <= coldest.xy[1] < 50
    assert 30 <= hottest.xy[0] < 40
    assert 10 <= hottest.xy[1] < 20


def test_real_radiometric_pictures_show_plausible_temperatures(real_data):
    paths = sorted((real_data / "thermal16/flir_radiometric/ir16").glob("*.png"))
    assert paths
    for path in paths:
        counts = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        coldest, hottest = extremes(counts, CENTIKELVIN)
        assert -80 < coldest.celsius < hottest.celsius < 300, path.name
        height, width = counts.shape
        middle = spot(counts, (width // 2, height // 2), CENTIKELVIN)
        assert coldest.celsius <= middle <= hottest.celsius
