"""How far the pictures lie apart, from single pairs and from many."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from drift_scenes import WH, misplaced, scene, similarity

from calibration.errors import RigError
from calibration.online import Evidence, estimate, misregistration_px
from calibration.online.evidence import counts

DATA = os.environ.get("FUSION_RT_DATA")


def left_px(found: np.ndarray, truth: np.ndarray, wh: tuple[int, int] = WH) -> float:
    """How far ``found`` leaves the pictures apart."""
    return misregistration_px(found @ np.linalg.inv(truth), wh)


@pytest.mark.parametrize(
    "truth",
    [
        pytest.param(similarity(0, 0), id="nothing"),
        pytest.param(similarity(9, -7), id="a-shift"),
        pytest.param(similarity(-4.4, 2.6), id="a-shift-by-fractions"),
        pytest.param(similarity(0, 0, 1.0), id="a-turn"),
        pytest.param(similarity(0, 0, 0, 1.02), id="nearer"),
        pytest.param(similarity(5, 6, -0.8, 0.985), id="all-of-it"),
    ],
)
def test_a_known_warp_is_found_from_one_pair(truth):
    ir, vis = scene(1)
    found = estimate(misplaced(ir, truth), vis)
    assert counts(found)
    assert left_px(found.similarity, truth) < 0.5
    assert found.error_px < 1.0


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda ir: 255 - ir, id="warm-and-cold-exchanged"),
        pytest.param(lambda ir: ir // 8 + 60, id="little-contrast"),
        pytest.param(lambda ir: ir.astype(np.uint16) * 20 + 7000, id="16-bit-counts"),
    ],
)
def test_the_infrareds_levels_do_not_matter(change):
    ir, vis = scene(2)
    truth = similarity(5, 3)
    found = estimate(change(misplaced(ir, truth)), vis)
    assert counts(found)
    assert left_px(found.similarity, truth) < 0.6


@pytest.mark.parametrize(
    "ir",
    [
        pytest.param(scene(7)[0], id="another-scene"),
        pytest.param(np.full(WH[::-1], 80, np.uint8), id="a-wall"),
        pytest.param(np.random.default_rng(0).integers(0, 255, WH[::-1], np.uint8), id="noise"),
    ],
)
def test_what_has_nothing_in_common_does_not_count(ir):
    assert not counts(estimate(ir, scene(3)[1]))
    evidence = Evidence()
    evidence.add(ir, scene(3)[1])
    assert evidence.together is None


def test_the_mirror_beyond_the_infrareds_view_is_left_out():
    ir, vis = scene(4)
    seen = np.zeros(WH[::-1], bool)
    seen[:, 160:] = True
    truth = similarity(6, -4)
    laid = misplaced(ir, truth)
    laid[:, :160] = laid[:, 319:159:-1]
    found = estimate(laid, vis, seen)
    assert left_px(found.similarity, truth) < 1.0


@pytest.mark.parametrize(
    ("ir", "vis", "words"),
    [
        pytest.param((360, 480), (240, 320, 3), "does not lie on", id="other-sizes"),
        pytest.param((48, 64), (48, 64, 3), "too small", id="tiny"),
    ],
)
def test_pictures_that_cannot_be_compared_are_refused(ir, vis, words):
    with pytest.raises(RigError, match=words) as caught:
        estimate(np.zeros(ir, np.uint8), np.zeros(vis, np.uint8))
    assert caught.value.hint


def test_different_scenes_together_say_more_than_one_of_them():
    truth = similarity(-6.3, 4.7, 0.4, 0.995)
    evidence = Evidence()
    ir, vis = scene(10)
    evidence.add(misplaced(ir, truth), vis)
    one = evidence.together
    for seed in range(11, 18):
        ir, vis = scene(seed)
        evidence.add(misplaced(ir, truth), vis)
    many = evidence.together
    assert (one.scenes, many.scenes, many.frames) == (1, 8, 8)
    assert many.estimate.error_px < 0.5 * one.estimate.error_px
    assert left_px(many.estimate.similarity, truth) < 0.25
    assert many.off_px == pytest.approx(misregistration_px(truth, WH), abs=0.3)


def test_a_scene_that_stays_says_nothing_new():
    ir, vis = scene(20)
    evidence = Evidence()
    rng = np.random.default_rng(0)
    for _ in range(4):
        noisy = [
            np.clip(each + rng.normal(0, 4, each.shape), 0, 255).astype(np.uint8)
            for each in (ir, vis)
        ]
        evidence.add(*noisy)
    assert (evidence.together.scenes, evidence.together.frames) == (1, 4)
    assert evidence.together.estimate.error_px > 0.7


def test_cleared_evidence_knows_nothing():
    evidence = Evidence()
    evidence.add(*scene(1))
    assert evidence.together is not None
    evidence.clear()
    assert evidence.together is None


@pytest.mark.skipif(DATA is None, reason="FUSION_RT_DATA is not set")
def test_real_pairs_together_find_a_warp_to_half_a_pixel():
    """Against what is found on the unwarped pairs, as these are aligned to about 1 px only."""
    folder = Path(DATA) / "train" / "roadscene"
    names = sorted(path.name for path in (folder / "vis").iterdir())[::9][:16]
    truth = similarity(8.5, -6.5, 0.7, 1.01, (500, 330))
    warped, own = Evidence(), Evidence()
    for name in names:
        ir = cv2.imread(str(folder / "ir" / name), cv2.IMREAD_GRAYSCALE)
        vis = cv2.imread(str(folder / "vis" / name))
        ir, vis = (cv2.resize(each, (500, 330), interpolation=cv2.INTER_AREA) for each in (ir, vis))
        warped.add(misplaced(ir, truth), vis)
        own.add(ir, vis)
    found, before = (each.together.estimate.similarity for each in (warped, own))
    assert left_px(found, before @ truth, (500, 330)) < 0.5
