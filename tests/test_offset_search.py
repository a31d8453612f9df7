"""The best lag between two motions: its sign, what it may not depend on, what speaks against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shaken import Camera, Path, measured, only_in, shake, swing

from fusion_rt.clock_offset.motion import Steps
from fusion_rt.clock_offset.search import Fit, search


def fit_of(
    path: Path, ir: Camera, vis: Camera, seconds: float = 10.0, mirrored: bool = False
) -> Fit:
    rng = np.random.default_rng(0)
    ir_steps = measured(path, ir, rng, seconds)
    if mirrored:
        ir_steps = replace(ir_steps, moved=ir_steps.moved * [-1, 1])
    fit = search(ir_steps, measured(path, vis, rng, seconds))
    assert fit is not None
    return fit


def hand(seed: int = 3) -> Path:
    return shake(np.random.default_rng(seed))


@pytest.mark.parametrize("offset_ms", [-400, -60, 0, 35, 250])
@pytest.mark.parametrize(
    ("ir_fps", "vis_fps"), [(30, 30), (9, 30), (25, 30), (60, 25)], ids=lambda fps: f"{fps}fps"
)
def test_infrared_stamps_that_are_later_give_a_positive_offset(ir_fps, vis_fps, offset_ms):
    ir = Camera(ir_fps, offset_ms, phase=0.3, jitter_ms=2, loss=0.05)
    fit = fit_of(hand(), ir, Camera(vis_fps))
    assert fit.offset_s * 1e3 == pytest.approx(offset_ms, abs=2)
    assert fit.spread_s < 2e-3
    assert fit.correlation > 0.9


@pytest.mark.parametrize(
    ("ir", "mirrored"),
    [
        pytest.param(Camera(offset_ms=70, scale=2.2), False, id="longer-focal-length"),
        pytest.param(Camera(offset_ms=70, roll=np.pi), False, id="upside-down"),
        pytest.param(Camera(offset_ms=70, roll=0.2), False, id="rolled"),
        pytest.param(Camera(offset_ms=70, roll=np.pi / 2), False, id="on-its-side"),
        pytest.param(Camera(offset_ms=70), True, id="mirrored"),
    ],
)
def test_how_the_camera_is_mounted_does_not_matter(ir, mirrored):
    assert fit_of(hand(), ir, Camera(), mirrored=mirrored).offset_s == pytest.approx(
        0.070, abs=0.002
    )


def test_steps_without_weight_and_gaps_are_left_out():
    rng, path = np.random.default_rng(0), hand()
    ir = measured(path, Camera(offset_ms=40), rng)
    vis = measured(path, Camera(), rng)
    wild = np.arange(len(vis)) % 10 == 3
    moved, weight = vis.moved.copy(), vis.weight.copy()
    moved[wild], weight[wild] = 0.3, 0.1
    keep = (np.arange(len(vis)) < 100) | (np.arange(len(vis)) > 145)
    vis = Steps(vis.begin_ns[keep], vis.end_ns[keep], moved[keep], weight[keep])
    fit = search(ir, vis)
    assert fit is not None
    assert fit.offset_s == pytest.approx(0.040, abs=0.002)
    # An interval that touches a wild step or the gap of 1.5 s is not compared.
    assert 4.5 < fit.covered_s < 8.5


def test_periodic_motion_has_a_rival():
    path = swing(np.random.default_rng(0), hz=2.0, round_=0.5)
    assert fit_of(path, Camera(offset_ms=30), Camera()).rival > 0.95
    assert fit_of(hand(), Camera(offset_ms=30), Camera()).rival < 0.7


def test_a_single_jolt_is_one_part():
    path = only_in(hand(), [(4.1, 4.8)])
    assert fit_of(path, Camera(), Camera()).parts < 2
    assert fit_of(hand(), Camera(), Camera()).parts > 7


def test_spread_grows_with_the_error_of_the_steps():
    few, many = (
        fit_of(hand(), Camera(error=error), Camera(error=error)).spread_s for error in (5e-5, 2e-3)
    )
    assert many > 3 * few


@pytest.mark.parametrize("seconds", [0.05, 2.0, 3.9])
def test_too_little_common_time_gives_nothing(seconds):
    rng = np.random.default_rng(0)
    assert search(*(measured(hand(), Camera(), rng, seconds) for _ in range(2))) is None


def test_times_that_do_not_meet_give_nothing():
    rng = np.random.default_rng(0)
    ir = measured(hand(), Camera(offset_ms=60_000), rng)
    assert search(ir, measured(hand(), Camera(), rng)) is None
