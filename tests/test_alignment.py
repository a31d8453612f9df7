"""One state of the registration: which picture is warped, what fills the margin, corrections."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rigs import camera, pair_rig, pixels, shifted

from calibration.rig import CameraPair, Rig
from calibration.sight_lines import moved
from calibration.similarity import fit_similarity
from fusion_rt.registration.builder import AlignmentBuilder

STILL = np.eye(3)
RIG = pair_rig(distance_m=4.0)


def alignment(rig=RIG, output="vis", inverse=0.25, correction=STILL):
    return AlignmentBuilder(rig, output, repeatable=True).build(inverse, correction)


def soft_noise(shape, seed=1):
    noise = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 4)


def narrow():
    """The visible camera sees only the middle of what the infrared camera sees."""
    T = np.eye(4)
    T[0, 3] = -0.05
    flat = (0.0,) * 4
    cameras = CameraPair(camera((160, 128), 190.0, flat), camera((160, 128), 400.0, flat), T)
    return Rig((160, 128), (160, 128), None, cameras)


def test_on_the_visible_grid_the_visible_picture_is_not_touched():
    now = alignment()
    vis, ir = np.zeros((256, 320, 3), np.uint8), soft_noise((128, 160))
    assert now.size_wh == (320, 256)
    assert now.visible(vis, ir) is vis
    assert now.infrared(ir).shape == (256, 320)


def test_on_the_infrared_grid_the_infrared_picture_is_not_touched():
    now = alignment(output="ir")
    vis, ir = soft_noise((256, 320, 3)), soft_noise((128, 160))
    assert now.size_wh == (160, 128)
    assert now.infrared(ir) is ir
    places = RIG.to_vis(pixels((160, 128)), 0.25).astype(np.float32).reshape(128, 160, 2)
    exact = cv2.remap(vis, places, None, cv2.INTER_LINEAR)
    sure = now.weight == 255
    assert sure.mean() > 0.5
    assert np.abs(now.visible(vis, ir).astype(int) - exact)[sure].max() <= 2


def test_beyond_the_visible_cameras_view_the_infrared_picture_is_shown_softly():
    now = alignment(narrow(), "ir")
    vis, ir = np.full((128, 160, 3), 200, np.uint8), np.full((128, 160), 20, np.uint8)
    shown = now.visible(vis, ir)
    outside = now.seen == 0
    assert 0.5 < outside.mean() < 0.95
    assert (shown[outside] == 20).all()
    assert (shown[now.weight == 255] == 200).all()
    seam = (now.weight > 0) & (now.weight < 255)
    assert len(np.unique(shown[seam])) > 5
    assert now.vis_seen is now.seen
    assert now.ir_seen is None


@pytest.mark.parametrize("output", ["vis", "ir"])
def test_correction_moves_the_infrared_picture_as_it_says(output):
    S = shifted(5.0, -3.0, 0.01, 1.02)
    now = alignment(output=output, correction=S)
    if output == "vis":
        px = pixels((320, 256))
        truth = RIG.to_ir(moved(np.linalg.inv(S), px), 0.25)
    else:
        truth = moved(S, RIG.to_vis(pixels((160, 128)), 0.25))
    seen = np.ones(len(truth), bool) if now.seen is None else now.seen.ravel() > 0
    assert np.hypot(*(now.pixel_map.reshape(-1, 2) - truth)[seen].T).max() <= 0.02


@pytest.mark.parametrize("output", ["vis", "ir"])
def test_correction_after_a_measurement_is_the_true_one(output):
    """Cameras that moved by ``true``, looked at through a correction of ``old``."""
    true, old = shifted(6.0, -4.0, 0.004, 1.003), shifted(2.0, 1.0, -0.002, 0.999)
    now = alignment(output=output, correction=old)
    points = RIG.to_vis(pixels((9, 7)) * 15 + 20, 0.25)  # by the rig; they are at `true`
    ir = RIG.to_ir(points, 0.25)
    if output == "vis":
        in_ir, in_vis = moved(old, points), moved(true, points)
    else:
        # The visible picture is fetched from `old` of the rig's places: back from there.
        in_ir, in_vis = ir, RIG.to_ir(moved(np.linalg.inv(old), moved(true, points)), 0.25)
    found = now.correction_after(fit_similarity(in_ir, in_vis))
    # Through lenses that bend, no similarity is quite the other.
    miss = moved(found, points) - moved(true, points)
    assert np.hypot(*miss.T).max() < (1e-6 if output == "vis" else 0.15)


def test_identity_needs_no_map_and_a_correction_of_it_does():
    rig = Rig.identity((80, 64))
    assert alignment(rig).maps is None
    grid = alignment(rig).grid
    np.testing.assert_allclose(grid[0, 0], (1 / 80 - 1, 1 / 64 - 1))
    corrected = alignment(rig, correction=shifted(4.0, 0.0))
    ir = soft_noise((64, 80))
    np.testing.assert_array_equal(corrected.infrared(ir)[:, 4:], ir[:, :-4])


def test_homography_has_no_distance_and_no_band():
    now = alignment(Rig((80, 64), (80, 64), shifted(4.0, 0.0)))
    assert now.distance_m is None
    assert now.band is None


def test_band_is_seen_in_the_fused_pictures_pixels():
    """One px of the visible picture is finer than one of the infrared picture."""
    on_vis, on_ir = alignment().band, alignment(output="ir").band
    assert on_ir.near_m < on_vis.near_m < 4.0 < on_vis.far_m < on_ir.far_m


def test_place_in_the_infrared_picture_on_its_own_grid():
    now = alignment(output="ir")
    assert now.place_in_ir(17, 23) == (17, 23)
    assert now.place_in_ir(160, 0) is None
