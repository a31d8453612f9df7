"""How far things are off at other distances than the one that the pictures match at."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rigs import pair_rig, pixels

from calibration.parallax import Band, matching_band, parallax_slope
from calibration.sight_lines import sight_lines

STRAIGHT = {"turn": (0, 0, 0), "t": (-0.05, 0, 0), "dist": ((0,) * 4, (0,) * 4)}


@pytest.mark.parametrize(
    ("side", "slope"),
    [
        # Focal length times baseline, in px of the picture in which it is seen.
        pytest.param("ir", 310 * 0.05, id="in-the-visible-picture"),
        pytest.param("vis", 190 * 0.05, id="in-the-infrared-picture"),
    ],
)
def test_slope_is_focal_length_times_baseline(side, slope):
    rig = pair_rig(**STRAIGHT)
    px = pixels((7, 7)) * 20
    seen_wh = rig.vis_wh if side == "ir" else rig.ir_wh
    found = parallax_slope(sight_lines(rig, px, side, np.eye(3)), 0.2, seen_wh)
    assert found == pytest.approx(slope, rel=1e-6)


def test_things_at_both_ends_of_the_band_are_off_by_one_pixel():
    rig = pair_rig(**STRAIGHT)
    band = matching_band(15.5, 1 / 5)
    middle = np.array([(80.0, 64.0)])
    here = rig.to_vis(middle, 1 / 5)
    for metres in (band.near_m, band.far_m):
        assert np.hypot(*(rig.to_vis(middle, 1 / metres) - here).T) == pytest.approx(1)


def test_band_reaches_to_infinity_where_far_things_are_off_by_less():
    assert matching_band(10.0, 0.05) == Band(pytest.approx(1 / 0.15), math.inf)
    assert str(Band(4.444, math.inf)) == "4.44 m to infinity"


def test_nothing_in_view_has_no_parallax():
    rig = pair_rig(**STRAIGHT)
    places = sight_lines(rig, np.array([(4000.0, 4000.0)]), "ir", np.eye(3))
    assert parallax_slope(places, 0.2, rig.vis_wh) == 0
