from __future__ import annotations

import numpy as np
import pytest

from fusion_rt.errors import SourceError
from fusion_rt.sources.pixels import as_ir, as_vis

GREY = np.array([[0, 7], [128, 255]], np.uint8)
DEEP = np.array([[0, 128], [129, 65535]], np.uint16)
RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)


def filled(*bgr: int, dtype: type = np.uint8) -> np.ndarray:
    return np.full((1, 1, len(bgr)), bgr, dtype)


@pytest.mark.parametrize(
    ("image", "plane"),
    [
        pytest.param(GREY, GREY, id="grey"),
        pytest.param(DEEP, DEEP, id="16-bit"),
        pytest.param(GREY[:, :, None], GREY, id="one-channel"),
        pytest.param(np.dstack([GREY, GREY * 0 + 9]), GREY, id="grey-and-alpha"),
        pytest.param(np.dstack([GREY] * 3), GREY, id="grey-in-three-channels"),
        pytest.param(np.dstack([GREY] * 3 + [GREY * 0]), GREY, id="grey-in-three-and-alpha"),
        pytest.param(np.dstack([DEEP] * 3), DEEP, id="16-bit-grey-in-three-channels"),
    ],
)
def test_grey_is_taken_as_it_is_without_a_note(image, plane):
    got, note = as_ir(image)
    assert note is None
    assert got.dtype == plane.dtype
    np.testing.assert_array_equal(got, plane)


@pytest.mark.parametrize(
    ("image", "luma"),
    [  # 0.299 red + 0.587 green + 0.114 blue
        pytest.param(filled(*RED), 76, id="red-76.2"),
        pytest.param(filled(*GREEN), 150, id="green-149.7"),
        pytest.param(filled(*BLUE), 29, id="blue-29.1"),
        pytest.param(filled(*GREEN, 0), 150, id="alpha-is-dropped"),
        pytest.param(filled(0, 0, 65535, dtype=np.uint16), 19595, id="16-bit-red-19594.97"),
    ],
)
def test_colour_becomes_luma_with_a_note(image, luma):
    got, note = as_ir(image)
    assert (got.shape, got.dtype, int(got[0, 0])) == ((1, 1), image.dtype, luma)
    assert note is not None
    assert "luma" in note


def test_visible_drops_alpha_without_a_note():
    got, note = as_vis(filled(1, 2, 3, 4))
    assert note is None
    np.testing.assert_array_equal(got, filled(1, 2, 3))


def test_grey_becomes_three_channels_with_a_note():
    got, note = as_vis(GREY)
    np.testing.assert_array_equal(got, np.dstack([GREY] * 3))
    assert note is not None
    assert "grey" in note


def test_16_bit_visible_is_divided_by_257_to_nearest():
    # 128 / 257 = 0.498 and 129 / 257 = 0.502
    got, note = as_vis(np.dstack([DEEP] * 3))
    np.testing.assert_array_equal(got[:, :, 0], [[0, 0], [1, 255]])
    assert got.dtype == np.uint8
    assert note is not None
    assert "257" in note
    assert "dark" not in note


def test_12_bit_values_in_16_bit_are_told():
    _, note = as_vis(np.full((2, 2, 3), 4095, np.uint16))
    assert note is not None
    assert "only 4095 of 65535" in note


@pytest.mark.parametrize("convert", [as_ir, as_vis])
@pytest.mark.parametrize(
    ("image", "message"),
    [
        pytest.param(np.zeros((2, 2), np.float32), "pixels are float32, but", id="float"),
        pytest.param(np.array([[1, np.nan]], np.float32), "1 of them NaN", id="nan"),
        pytest.param(np.zeros((2, 2), bool), "pixels are bool", id="bool"),
        pytest.param(np.zeros((2, 2), np.int16), "pixels are int16", id="signed"),
        pytest.param(np.zeros((2, 2, 5), np.uint8), "shape (2, 2, 5)", id="five-channels"),
        pytest.param(np.zeros(4, np.uint8), "shape (4,)", id="flat"),
    ],
)
def test_other_pixels_are_refused_with_a_remedy(convert, image, message):
    with pytest.raises(SourceError) as caught:
        convert(image)
    assert message in str(caught.value)
    assert "save" in caught.value.hint
