from __future__ import annotations

import numpy as np
import pytest

from fusion_rt.errors import UsageError
from fusion_rt.palette import apply_palette
from fusion_rt.views import VIEWS, compose, view_size


def trio(size_wh: tuple[int, int]) -> dict[str, np.ndarray]:
    width, height = size_wh
    return {
        "ir_on_vis": np.full((height, width), 200, np.uint8),
        "vis_bgr": np.full((height, width, 3), (10, 120, 30), np.uint8),
        "fused": np.full((height, width, 3), (90, 80, 220), np.uint8),
    }


SIZES = [(64, 64), (641, 481), (640, 480), (1280, 720), (3840, 2160), (480, 1920), (3840, 64)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size_wh", SIZES, ids=str)
def test_the_size_is_known_in_advance(view, size_wh):
    picture = compose(view, **trio(size_wh), palette="ironbow")
    assert picture.dtype == np.uint8
    assert picture.shape[1::-1] == view_size(view, size_wh)


@pytest.mark.parametrize("size_wh", SIZES, ids=str)
def test_side_by_side_is_even_and_fits_a_screen(size_wh):
    width, height = view_size("side-by-side", size_wh)
    assert (width % 2, height % 2) == (0, 0)
    assert width <= 1928
    assert height <= 1080


def test_side_by_side_shows_infrared_visible_fused_from_left_to_right():
    given = trio((640, 480))
    sheet = compose("side-by-side", **given, palette="ironbow")
    ir = apply_palette(given["ir_on_vis"], "ironbow")
    for left, panel in ((0, ir), (644, given["vis_bgr"]), (1288, given["fused"])):
        np.testing.assert_array_equal(sheet[:480, left : left + 640], panel)
    for left in (640, 1284):  # the gaps
        assert len(np.unique(sheet[:480, left : left + 4])) == 1
    for left in (0, 644, 1288):  # each has its caption below
        assert sheet[480:, left : left + 640].max() > 150


def test_larger_pictures_are_averaged_down():
    given = trio((1280, 720))
    given["fused"][::2] = 0  # every second line dark: the mean is half, whatever is sampled
    sheet = compose("side-by-side", **given)
    assert np.abs(sheet[:360, 1288:1928].astype(float) - np.array([45, 40, 110])).max() <= 1


def test_single_views_are_the_pictures_themselves():
    given = trio((64, 48))
    assert compose("fused", **given) is given["fused"]
    assert compose("vis", **given) is given["vis_bgr"]
    assert (compose("ir", **given) == 200).all()


def test_the_inputs_and_the_captions_stay_as_they_are():
    given = trio((64, 64))
    before = {name: array.copy() for name, array in given.items()}
    first = compose("side-by-side", **given)
    untouched = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(compose("side-by-side", **given), untouched)
    for name, array in given.items():
        np.testing.assert_array_equal(array, before[name])


def test_an_unknown_view_is_refused():
    with pytest.raises(UsageError, match="unknown view 'both'") as caught:
        view_size("both", (64, 48))
    assert all(view in caught.value.hint for view in VIEWS)
    with pytest.raises(UsageError, match="unknown view 'both'"):
        compose("both", **trio((64, 48)))


def test_infrared_is_black_where_its_camera_does_not_see():
    plane = np.full((48, 64), 200, np.uint8)
    bgr = np.full((48, 64, 3), 90, np.uint8)
    seen = np.zeros((48, 64), np.uint8)
    seen[:, 32:] = 255
    for palette in ("white-hot", "black-hot"):
        pictures = {"ir_on_vis": plane, "vis_bgr": bgr, "fused": bgr, "palette": palette}
        shown = compose("ir", **pictures, seen=seen)
        assert (shown[:, :32] == 0).all()
        whole = compose("ir", **pictures)
        np.testing.assert_array_equal(shown[:, 32:], whole[:, 32:])
