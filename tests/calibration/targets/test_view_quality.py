"""Which views are kept, and in which words others are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from boards import CHESSBOARD

from calibration.targets.detection import Detection
from calibration.targets.quality import StillWatch, complaints, motion_px

PX = CHESSBOARD.points()[:, :2] * 800 + 50
GOOD = Detection(PX, "normal", (640, 512), edge_px=3, contrast=100, noise=10, sigma_px=0.05)
MS = 1_000_000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({}, None, id="good"),
        pytest.param({"edge_px": 9.0}, "not sharp, edges are 9.0 px", id="blurred"),
        pytest.param({"noise": 80.0}, "contrast is only 1.2 times the noise", id="faint"),
        pytest.param({"sigma_px": 0.5}, "uncertain by 0.50 px", id="far"),
    ],
)
def test_complaints(change, words):
    found = complaints(replace(GOOD, **change), "infrared")
    if words is None:
        assert found == []
    else:
        (line,) = found
        assert line.startswith("infrared: ")
        assert words in line


def test_motion_is_that_of_the_farthest_part():
    turned = (PX - PX.mean(0)) @ np.array([[1, 0.01], [-0.01, 1]]) + PX.mean(0)
    farthest = 0.01 * np.linalg.norm(PX - PX.mean(0), axis=1).max()
    assert motion_px(PX, turned) == pytest.approx(farthest, rel=1e-6)


def test_noise_of_corners_is_little_motion():
    rng = np.random.default_rng(0)
    assert motion_px(PX, PX + rng.normal(0, 0.3, PX.shape)) < 0.45


def test_motion_of_unknown_points_is_not_small():
    assert motion_px(PX, np.full_like(PX, np.nan)) == float("inf")


def test_kept_after_being_still():
    watch = StillWatch()
    said = [watch.observe(GOOD, GOOD, at * MS) for at in (0, 200, 400, 500, 600)]
    assert said[0] == ["hold still for 0.5 s more"]
    assert said[2] == ["hold still for 0.1 s more"]
    assert said[3] == said[4] == []


def test_slow_drift_is_motion_too():
    """0.1 px from picture to picture is 0.6 px over the time in which it has to be still."""
    watch = StillWatch()
    said = [
        watch.observe(GOOD, replace(GOOD, px=PX + 0.1 * step), step * 60 * MS) for step in range(30)
    ]
    assert all(said)
    assert any("the board moved" in line for line in said[-1] + said[-2] + said[-6])


def test_lost_board_begins_anew():
    watch = StillWatch()
    watch.observe(GOOD, GOOD, 0)
    assert "infrared" in watch.observe(None, GOOD, 300 * MS)[0]
    assert "visible" in watch.observe(GOOD, None, 350 * MS)[0]
    assert "either picture" in watch.observe(None, None, 380 * MS)[0]
    assert watch.observe(GOOD, GOOD, 600 * MS) == ["hold still for 0.5 s more"]


def test_shutter_event_and_a_second_after_it():
    watch = StillWatch()
    watch.observe(GOOD, GOOD, 0)
    assert "calibrates itself" in watch.observe(GOOD, GOOD, 900 * MS, shutter=True)[0]
    assert watch.observe(GOOD, GOOD, 1800 * MS) == ["infrared: calibrates itself, wait 0.1 s"]
    assert watch.observe(GOOD, GOOD, 1901 * MS) == []


def test_restart_after_a_picture():
    watch = StillWatch()
    watch.observe(GOOD, GOOD, 0)
    watch.restart()
    assert watch.observe(GOOD, GOOD, 800 * MS) == ["hold still for 0.5 s more"]


def test_two_looks_do_not_prove_stillness():
    """A board that swings to and fro may lie in the same place at both."""
    watch = StillWatch()
    assert watch.observe(GOOD, GOOD, 0) == ["hold still for 0.5 s more"]
    assert watch.observe(GOOD, GOOD, 700 * MS) == ["hold still"]
    assert watch.observe(GOOD, GOOD, 1400 * MS) == []
