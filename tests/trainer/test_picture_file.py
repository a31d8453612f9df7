from __future__ import annotations

import cv2
import numpy as np
import pytest

from trainer.errors import DataError
from trainer.picture_file import decode_ir, decode_vis, read_file

GREY = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (60, 80), np.uint8), (0, 0), 2)
COLOUR = np.dstack([GREY, 255 - GREY, GREY])


def file(tmp_path, suffix, image):
    path = tmp_path / f"a{suffix}"
    assert cv2.imwrite(str(path), image)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_infrared_keeps_its_levels(tmp_path, suffix, channels):
    path = file(tmp_path, suffix, np.repeat(GREY[..., None], channels, 2))
    found = decode_ir(path, read_file(path))
    np.testing.assert_array_equal(found, GREY)


def test_infrared_in_compressed_colour_is_grey_enough(tmp_path):
    tinted = np.dstack([GREY, GREY, GREY.astype(int) - 2]).clip(0, 255).astype(np.uint8)
    path = file(tmp_path, ".jpg", tinted)
    assert decode_ir(path, read_file(path)).shape == GREY.shape


@pytest.mark.parametrize("channels", [1, 3])
def test_visible_is_colour(tmp_path, channels):
    path = file(tmp_path, ".png", COLOUR if channels == 3 else GREY)
    found = decode_vis(path, read_file(path))
    np.testing.assert_array_equal(found, COLOUR if channels == 3 else np.dstack([GREY] * 3))


@pytest.mark.parametrize("decode", [decode_ir, decode_vis])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_what_is_cut_short_is_refused_by_name(tmp_path, decode, suffix, share):
    path = file(tmp_path, suffix, GREY)
    content = read_file(path)
    with pytest.raises(DataError, match=rf"a\{suffix} cannot be read: it is") as caught:
        decode(path, content[: int(share * len(content))])
    assert caught.value.hint


def test_infrared_of_16_bit_is_refused_with_the_remedy(tmp_path):
    path = file(tmp_path, ".png", 29000 + GREY.astype(np.uint16))
    with pytest.raises(DataError, match=r"a\.png is of 16 bit") as caught:
        decode_ir(path, read_file(path))
    assert "fusion-rt fuse --view ir" in caught.value.hint


@pytest.mark.parametrize(
    ("decode", "dtype", "words"),
    [
        pytest.param(decode_vis, np.uint16, "of 16 bit", id="visible"),
        pytest.param(decode_ir, np.float32, "of type float32", id="kelvin"),
    ],
)
def test_other_depths_are_refused(tmp_path, decode, dtype, words):
    path = file(tmp_path, ".tif", GREY.astype(dtype))
    with pytest.raises(DataError, match=words) as caught:
        decode(path, read_file(path))
    assert caught.value.hint


def test_infrared_in_colour_is_refused(tmp_path):
    path = file(tmp_path, ".png", cv2.applyColorMap(GREY, cv2.COLORMAP_INFERNO))
    with pytest.raises(DataError, match=r"a\.png is in colour") as caught:
        decode_ir(path, read_file(path))
    assert "palette" in caught.value.hint


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.png cannot be read: No such file"):
        read_file(tmp_path / "none.png")
