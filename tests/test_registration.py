"""The warp puts each infrared pixel where the homography says, and knows where it sees nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.rig import Rig, stretch
from fusion_rt.errors import UsageError
from fusion_rt.registration.rig_fit import fit_rig
from fusion_rt.registration.running import Registration

SHIFT = np.array([[1, 0, 20], [0, 1, 10], [0, 0, 1]], np.float64)
TILTED = np.array([[2.1, 0.05, 60], [-0.04, 2.0, -90], [2e-5, 1e-5, 1]], np.float64)


def test_identity_changes_nothing_and_copies_nothing():
    registration = Registration(Rig.identity((80, 64)))
    ir = np.arange(80 * 64, dtype=np.uint8).reshape(64, 80)
    assert registration.now.infrared(ir) is ir
    assert (registration.now.weight == 255).all()
    assert registration.now.coverage == 1.0
    assert registration.now.seen is None


def test_whole_pixel_shift_is_exact_inside():
    rng = np.random.default_rng(1)
    ir = rng.integers(0, 256, (64, 80), np.uint8)
    warped = Registration(Rig((80, 64), (160, 120), SHIFT)).now.infrared(ir)
    assert warped.shape == (120, 160)
    np.testing.assert_array_equal(warped[10:74, 20:100], ir)


def test_beyond_the_view_the_picture_is_mirrored():
    ir = np.random.default_rng(1).integers(0, 256, (64, 80), np.uint8)
    warped = Registration(Rig((80, 64), (160, 120), SHIFT)).now.infrared(ir)
    np.testing.assert_array_equal(warped[10:74, :20], ir[:, 19::-1])


def test_homography_with_perspective_lands_within_a_twentieth_of_a_pixel():
    # A smooth picture whose grey level is its own x coordinate tells where each pixel came from.
    xs, ys = np.meshgrid(np.arange(256), np.arange(200))
    rig = Rig((256, 200), (640, 360), TILTED)
    registration = Registration(rig)
    points = np.array([[x, y, 1] for x in (400, 300, 200) for y in (40, 150, 260)], np.float64).T
    source = np.linalg.inv(TILTED) @ points
    source = (source / source[2])[:2].T
    warped_x = registration.now.infrared(xs.astype(np.uint8))
    warped_y = registration.now.infrared(ys.astype(np.uint8))
    for (x, y, _), (u, v) in zip(points.T.astype(int), source, strict=True):
        assert warped_x[y, x] == pytest.approx(u, abs=0.55)  # half a grey level of rounding
        assert warped_y[y, x] == pytest.approx(v, abs=0.55)
    map_x, map_y = cv2.split(registration.now.pixel_map)
    for (x, y, _), (u, v) in zip(points.T.astype(int), source, strict=True):
        assert (map_x[y, x], map_y[y, x]) == pytest.approx((u, v), abs=1e-3)


def test_weight_is_zero_outside_full_inside_and_soft_between():
    registration = Registration(Rig((80, 64), (160, 120), SHIFT))
    weight = registration.now.weight
    assert (weight[:9] == 0).all()
    assert (weight[:, :19] == 0).all()
    assert weight[42, 60] == 255
    row = weight[42].astype(int)
    assert (np.diff(row[15:40]) >= 0).all()
    assert len(set(row[18:30])) >= 3
    assert registration.now.coverage == 80 * 64 / (160 * 120)
    expected = np.zeros((120, 160), bool)
    expected[10:74, 20:100] = True  # the 80 x 64 picture, 20 px to the right and 10 down
    np.testing.assert_array_equal(registration.now.seen > 0, expected)


def test_seam_is_a_smooth_step_over_six_hundredths_of_the_width():
    shift = np.array([[1, 0, 100], [0, 1, 0], [0, 0, 1]], np.float64)
    row = Registration(Rig((1000, 800), (1000, 800), shift)).now.weight[400].astype(int)
    # The view begins at column 100 and the seam is 60 px wide.
    assert row[99] == 0
    assert row[129] == pytest.approx(255 * 0.5, abs=1)  # half-way
    assert row[114] == pytest.approx(255 * (3 * 0.25**2 - 2 * 0.25**3), abs=1)  # smooth, not linear
    assert row[152] < 255
    assert row[159] == 255


def test_border_shared_by_both_pictures_has_no_seam():
    rig = Rig((80, 64), (160, 128), np.array(stretch((80, 64), (160, 128))))
    assert (Registration(rig).now.weight == 255).all()


def test_what_lies_behind_the_camera_is_outside():
    # Seen from the visible picture, the infrared camera's horizon crosses it at x = 300.
    H_ir_vis = np.array([[0.2, 0, 0], [0, 0.2, 0], [-1 / 300, 0, 1]])
    rig = Rig((64, 64), (400, 100), np.linalg.inv(H_ir_vis))
    map_x, map_y = cv2.split(Registration(rig).now.pixel_map)
    assert np.isfinite(map_x).all()
    assert np.isfinite(map_y).all()
    weight = Registration(rig).now.weight
    assert (weight[:, 300:] == 0).all()
    assert weight[50, 100] == 255


def test_warp_agrees_with_opencv_warp_perspective():
    rng = np.random.default_rng(3)
    ir = cv2.GaussianBlur(rng.integers(0, 256, (200, 256), np.uint8), (0, 0), 3)
    registration = Registration(Rig((256, 200), (640, 360), TILTED))
    expected = cv2.warpPerspective(
        ir, TILTED, (640, 360), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    inside = registration.now.weight == 255
    difference = np.abs(registration.now.infrared(ir).astype(int) - expected)[inside]
    assert inside.sum() > 50_000
    assert difference.max() <= 2  # OpenCV 4 rounds to 1/32 px, 5 does not


@pytest.mark.parametrize(
    ("trust", "share"),
    [
        pytest.param(1.0, 1, id="all"),
        pytest.param(0.5, 0.5, id="half"),
        pytest.param(0.0, 0, id="none"),
    ],
)
def test_weight_follows_the_trust_everywhere(trust, share):
    registration = Registration(Rig((80, 64), (160, 120), SHIFT))
    before = registration.now.weight.copy()
    weight = registration.now.weight_at(trust)
    assert (weight.dtype, weight.shape) == (np.uint8, before.shape)
    np.testing.assert_allclose(weight, share * before.astype(float), atol=0.5)
    np.testing.assert_array_equal(registration.now.weight, before)


@pytest.mark.parametrize(
    ("rig", "place", "found"),
    [
        pytest.param(Rig.identity((160, 120)), (0, 0), (0, 0), id="identity-corner"),
        pytest.param(Rig.identity((160, 120)), (159, 119), (159, 119), id="identity-last-px"),
        pytest.param(Rig((80, 64), (160, 120), SHIFT), (20, 10), (0, 0), id="first-px-of-the-view"),
        pytest.param(
            Rig((80, 64), (160, 120), SHIFT), (99, 73), (79, 63), id="last-px-of-the-view"
        ),
        pytest.param(Rig((80, 64), (160, 120), SHIFT), (19, 10), None, id="left-of-the-view"),
        pytest.param(Rig((80, 64), (160, 120), SHIFT), (20, 74), None, id="below-the-view"),
        pytest.param(Rig((80, 64), (160, 120), SHIFT), (-1, 5), None, id="beyond-the-picture"),
        pytest.param(Rig((80, 64), (160, 120), SHIFT), (160, 5), None, id="beyond-it-on-the-right"),
        pytest.param(Rig((80, 64), (160, 120), SHIFT), (5, 120), None, id="beneath-it"),
    ],
)
def test_place_in_the_infrared_picture(rig, place, found):
    assert Registration(rig).now.place_in_ir(*place) == found


def test_place_is_where_the_warp_takes_its_picture_from():
    rig = Rig((256, 200), (640, 360), TILTED)
    registration = Registration(rig)
    map_x, map_y = cv2.split(registration.now.pixel_map)
    seen = np.ones((360, 640), bool) if registration.now.seen is None else registration.now.seen > 0
    for y in range(0, 360, 7):
        for x in range(0, 640, 7):
            found = registration.now.place_in_ir(x, y)
            assert (found is not None) == bool(seen[y, x])
            if found is not None:
                u, v = map_x[y, x].clip(0, 255), map_y[y, x].clip(0, 199)
                assert abs(found[0] - u) <= 0.51
                assert abs(found[1] - v) <= 0.51


def test_equal_sizes_need_no_rig():
    assert fit_rig(None, (640, 480), (640, 480)).is_identity


def test_unequal_sizes_without_a_rig_get_one_to_start_from():
    with pytest.raises(UsageError, match=r"infrared is 640x512 and visible 1280x720") as caught:
        fit_rig(None, (640, 512), (1280, 720))
    assert "--rig" in caught.value.hint
    assert "[640, 512]" in caught.value.hint


@pytest.mark.parametrize(
    ("ir_wh", "vis_wh", "message"),
    [
        ((320, 256), (1280, 720), "infrared pictures of 640x512, but this source has 320x256"),
        ((640, 512), (1920, 1080), "visible pictures of 1280x720, but this source has 1920x1080"),
    ],
)
def test_rig_for_other_sizes_is_refused(ir_wh, vis_wh, message):
    with pytest.raises(UsageError, match=message):
        fit_rig(Rig((640, 512), (1280, 720), TILTED), ir_wh, vis_wh)
