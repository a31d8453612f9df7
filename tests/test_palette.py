from __future__ import annotations

import cv2
import numpy as np
import pytest

from fusion_rt.errors import UsageError
from fusion_rt.palette import PALETTES, apply_palette, palette_table


def lab(table: np.ndarray) -> np.ndarray:
    """CIELAB of a (256, 3) uint8 BGR table; lightness is 0 to 100."""
    return cv2.cvtColor(table[None].astype(np.float32) / 255, cv2.COLOR_BGR2Lab)[0]


def test_the_usual_palettes_are_there():
    assert {"white-hot", "black-hot", "ironbow", "rainbow", "arctic"} == set(PALETTES)


@pytest.mark.parametrize("name", PALETTES)
def test_each_level_of_the_plane_gets_its_colour(name):
    plane = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = apply_palette(plane, name)
    assert (picture.shape, picture.dtype) == ((16, 16, 3), np.uint8)
    np.testing.assert_array_equal(picture.reshape(256, 3), palette_table(name))


@pytest.mark.parametrize("name", PALETTES)
def test_neighbouring_levels_have_neighbouring_colours(name):
    steps = np.linalg.norm(np.diff(lab(palette_table(name)), axis=0), axis=1)
    assert steps.max() < 4  # CIELAB distance; about 2 is just noticeable
    assert len(np.unique(palette_table(name), axis=0)) > 250


@pytest.mark.parametrize(
    ("name", "sign"), [("white-hot", 1), ("black-hot", -1), ("ironbow", 1), ("arctic", 1)]
)
def test_hotter_is_always_lighter_or_always_darker(name, sign):
    lightness = lab(palette_table(name))[:, 0] * sign
    assert np.diff(lightness).min() > 0
    assert lightness[-1] - lightness[0] > 90
    # Half-way up in level is half-way up in lightness.
    assert lightness[128] - lightness[0] == pytest.approx((lightness[-1] - lightness[0]) / 2, abs=6)


@pytest.mark.parametrize(
    ("level", "bgr"),
    [
        pytest.param(0, (0, 0, 0), id="coldest-is-black"),
        pytest.param(128, (128, 128, 128), id="grey-is-unchanged"),
        pytest.param(255, (255, 255, 255), id="hottest-is-white"),
    ],
)
def test_white_hot_shows_the_plane_as_it_is(level, bgr):
    assert tuple(palette_table("white-hot")[level]) == bgr
    assert tuple(palette_table("black-hot")[255 - level]) == bgr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("ironbo", "did you mean 'ironbow'", id="near"),
        pytest.param("whitehot", "did you mean 'white-hot'", id="without-hyphen"),
        pytest.param("zzz", "unknown palette 'zzz'$", id="far"),
    ],
)
def test_an_unknown_palette_is_refused_with_the_known_ones(name, said):
    with pytest.raises(UsageError, match=said) as caught:
        apply_palette(np.zeros((2, 2), np.uint8), name)
    assert all(known in caught.value.hint for known in PALETTES)
