"""Alignment without a board: from points, and from the pictures themselves."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drift_scenes import scene

from calibration.align import align_points
from calibration.align_pictures import align_pictures
from calibration.errors import CalibrationError
from calibration.rig import apply_homography
from calibration.rig_file import parse_rig, rig_text

IR_WH, VIS_WH = (320, 256), (1280, 720)
H = np.array([[3.0, 0.08, 140.0], [-0.05, 2.6, 30.0], [1e-4, 5e-5, 1.0]])
S = np.array([[2.7, -0.1, 200.0], [0.1, 2.7, 10.0], [0.0, 0.0, 1.0]])
SPREAD = np.array(
    [(20, 20), (300, 30), (290, 230), (30, 220), (160, 120), (90, 60), (220, 190), (60, 160)], float
)
KINDS = [pytest.param("homography", H, id="homography"), pytest.param("similarity", S, id="sim")]


@pytest.mark.parametrize(("kind", "truth"), KINDS)
def test_exact_points_give_the_exact_geometry(kind, truth):
    found = align_points(SPREAD, apply_homography(truth, SPREAD), IR_WH, VIS_WH, kind)
    np.testing.assert_allclose(found.H_vis_ir, truth, atol=1e-4)
    assert found.rms_px < 1e-3
    assert found.used.all()
    assert not found.notes


@pytest.mark.parametrize(("kind", "truth"), KINDS)
def test_a_wrong_point_is_named_and_left_out(kind, truth):
    vis = apply_homography(truth, SPREAD) + np.random.default_rng(0).normal(0, 1, SPREAD.shape)
    vis[4] += (60, -45)
    found = align_points(SPREAD, vis, IR_WH, VIS_WH, kind)
    assert np.flatnonzero(~found.used).tolist() == [4]
    assert any("point 5" in note for note in found.notes)
    assert found.rms_px < 3
    inner = np.array([(160.0, 128.0)])
    off = apply_homography(found.H_vis_ir, inner) - apply_homography(truth, inner)
    assert np.hypot(*off[0]) < 3


def test_as_many_points_as_unknowns_are_called_unproven():
    found = align_points(SPREAD[:4], apply_homography(H, SPREAD[:4]), IR_WH, VIS_WH)
    assert any("nothing tells" in note for note in found.notes)


def test_points_in_one_corner_are_called_a_guess_elsewhere():
    corner = SPREAD / 4
    found = align_points(corner, apply_homography(H, corner), IR_WH, VIS_WH)
    assert any("guess" in note for note in found.notes)


LINE = np.column_stack([np.linspace(20, 300, 6), np.linspace(20, 230, 6)])
MIXED = [5, 2, 7, 1, 0, 6, 3, 4]
ALMOST = np.vstack([LINE[:5], [(40, 200)]])


@pytest.mark.parametrize(
    ("ir", "vis", "kind", "words"),
    [
        pytest.param(SPREAD[:3], SPREAD[:3], "homography", "too few", id="three-points"),
        pytest.param(SPREAD[:1], SPREAD[:1], "similarity", "too few", id="one-point"),
        pytest.param(SPREAD[:5], SPREAD[:4], "homography", "5 points", id="one-has-no-partner"),
        pytest.param(LINE, LINE, "homography", "one line", id="on-a-line"),
        pytest.param(ALMOST, ALMOST, "homography", "one line", id="on-a-line-but-for-one"),
        pytest.param(SPREAD[[0] * 4], SPREAD[:4], "similarity", "one spot", id="one-spot"),
        pytest.param(SPREAD + np.array([200, 0]), SPREAD, "homography", "outside", id="outside"),
        pytest.param(SPREAD, SPREAD * (-1, 1) + (400, 0), "homography", "mirrored", id="mirrored"),
        pytest.param(SPREAD, 2 * SPREAD[MIXED], "similarity", "agree", id="mixed"),
    ],
)
def test_points_that_tell_nothing_are_refused(ir, vis, kind, words):
    with pytest.raises(CalibrationError, match=words) as caught:
        align_points(ir, vis, IR_WH, VIS_WH, kind)
    assert caught.value.hint


def test_the_rig_of_an_alignment_can_be_written_and_read():
    import yaml

    found = align_points(SPREAD, apply_homography(H, SPREAD), IR_WH, VIS_WH)
    again = parse_rig(yaml.safe_load(rig_text(found.rig(IR_WH, VIS_WH, 6.0))), "test")
    np.testing.assert_allclose(again.H_vis_ir, H, rtol=1e-4)
    assert again.distance_m == 6.0
    assert again.facts["quality"]["points"] == 8


def part_of(ir: np.ndarray, share: float, left_top: tuple[float, float], turn_deg: float):
    """A camera of 320x240 that sees a part of the scene, and its px to the scene's px."""
    step = ir.shape[1] * share / 320
    turn = np.deg2rad(turn_deg)
    truth = np.eye(3)
    truth[:2, :2] = step * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    truth[:2, 2] = left_top
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(ir, truth[:2], (320, 240), flags=flags), truth


@pytest.mark.parametrize(
    ("share", "left_top", "turn_deg"),
    [
        pytest.param(0.6, (90, 60), 0, id="narrow"),
        pytest.param(0.85, (40, 20), 1.5, id="wider-and-turned"),
    ],
)
def test_pictures_of_other_fields_of_view_are_aligned(share, left_top, turn_deg):
    ir, vis = scene(5, (640, 480))
    part, truth = part_of(ir, share, left_top, turn_deg)
    found = align_pictures(part, vis)
    corners = np.array([(20.0, 20.0), (300, 20), (300, 220), (20, 220)])
    off = apply_homography(found.aligned.H_vis_ir, corners) - apply_homography(truth, corners)
    assert np.hypot(*off.T).max() < 2.0
    assert found.error_px < 2.0


def test_pictures_of_different_scenes_are_refused():
    part, _ = part_of(scene(6, (640, 480))[0], 0.6, (90, 60), 0)
    with pytest.raises(CalibrationError, match="is not known") as caught:
        align_pictures(part, scene(5, (640, 480))[1])
    assert "click" in caught.value.hint
