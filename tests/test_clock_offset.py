"""Offset of one window: right to 2 ms where it is told, and never told where it cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import shaken
from offset_situations import SITUATIONS, draw
from shaken import Camera, measured, only_in, seen, shake, still, swing, textured

from fusion_rt.clock_offset.estimate import OffsetState, offset_in_window
from fusion_rt.clock_offset.motion import Steps
from fusion_rt.clock_offset.recorded import motion_of

DATA = os.environ.get("FUSION_RT_DATA")


def estimate(ir_path: shaken.Path, vis_path: shaken.Path, ir: Camera) -> OffsetState:
    rng = np.random.default_rng(0)
    return offset_in_window(measured(ir_path, ir, rng), measured(vis_path, Camera(), rng))


def hand(seed: int = 3, speed: float = 0.1, band_hz: tuple[float, float] = (0.5, 8)) -> shaken.Path:
    return shake(np.random.default_rng(seed), speed, band_hz)


@pytest.mark.parametrize(
    ("ir_fps", "vis_fps", "offset_ms"),
    [(30, 30, -60), (25, 30, 90), (9, 25, 250)],
    ids=lambda value: str(value),
)
def test_offset_from_pictures_of_a_shaken_pair(ir_fps, vis_fps, offset_ms):
    rng = np.random.default_rng(ir_fps)
    scene = textured(rng, (420, 340))
    path = shake(rng)
    ir, vis = (
        motion_of(seen(image, path, camera, rng, wh=(256, 192)))
        for image, camera in (
            (255 - scene, Camera(ir_fps, offset_ms, phase=0.4)),
            (cv2.merge([scene] * 3), Camera(vis_fps)),
        )
    )
    state = offset_in_window(ir, vis)
    assert state.sure
    assert state.offset_ms == pytest.approx(offset_ms, abs=2)


def test_the_lag_of_a_microbolometer_counts_as_offset():
    """Light of the last moments, each weighing e times less after 10 ms, comes 10 ms later."""
    rng = np.random.default_rng(5)
    scene, path = textured(rng, (420, 340)), shake(rng)
    lag_s = 0.010 * np.log(1 - (np.arange(12) + 0.5) / 12)
    ir = motion_of(seen(scene, path, Camera(offset_ms=35), rng, wh=(256, 192), blur_s=lag_s))
    vis = motion_of(seen(scene, path, Camera(), rng, wh=(256, 192)))
    assert offset_in_window(ir, vis).offset_ms == pytest.approx(45, abs=2)


@pytest.mark.skipif(not DATA, reason="needs the real pictures of FUSION_RT_DATA")
@pytest.mark.parametrize(("ir_fps", "offset_ms"), [(30, 35), (25, -400), (9, 90)])
def test_offset_from_real_pictures(ir_fps, offset_ms):
    folder = Path(DATA or "") / "train" / "llvip"
    rng = np.random.default_rng(ir_fps)
    path = shake(rng)
    ir, vis = (
        motion_of(seen(cv2.imread(str(folder / kind / "010003.png"), flag), path, camera, rng))
        for kind, flag, camera in (
            ("ir", cv2.IMREAD_GRAYSCALE, Camera(ir_fps, offset_ms, scale=0.9, phase=0.7)),
            ("vis", cv2.IMREAD_COLOR, Camera()),
        )
    )
    state = offset_in_window(ir, vis)
    assert state.sure
    assert state.offset_ms == pytest.approx(offset_ms, abs=2)


@pytest.mark.parametrize(
    ("ir_path", "vis_path", "offset_ms", "why"),
    [
        pytest.param(still, still, 0, "both pictures stand still", id="nothing-moves"),
        pytest.param(still, hand(), 0, "the infrared picture stands still", id="one-moves"),
        pytest.param(hand(1), hand(2), 0, "do not move alike", id="each-moves-by-itself"),
        pytest.param(*[swing(np.random.default_rng(0), 2.0)] * 2, 30, "repeats", id="swings"),
        pytest.param(*[hand()] * 2, 800, "+800 ms apart", id="beyond-the-range"),
        pytest.param(*[only_in(hand(), [(4.1, 4.8)])] * 2, 0, "for a moment only", id="one-jolt"),
        pytest.param(*[hand(3, 0.03, (0.3, 2.0))] * 2, 0, "ms only", id="weak-and-slow"),
    ],
)
def test_unknown_says_why(ir_path, vis_path, offset_ms, why):
    state = estimate(ir_path, vis_path, Camera(offset_ms=offset_ms, phase=0.3, error=3e-4))
    assert not state.sure
    assert state.offset_ms is None
    assert state.why.startswith("unknown: ")
    assert why in state.why


def test_slow_motion_does_not_tell_the_time():
    path = shake(np.random.default_rng(4), 0.2, (0.1, 0.3))
    assert not estimate(path, path, Camera(offset_ms=30, error=3e-4)).sure


def test_nothing_to_compare():
    none = Steps(*(np.zeros(0, np.int64),) * 2, np.zeros((0, 2)), np.zeros(0))
    some = measured(hand(), Camera(), np.random.default_rng(0))
    assert "infrared camera shows nothing new" in offset_in_window(none, some).why
    assert "visible camera shows nothing new" in offset_in_window(some, none).why
    short = measured(hand(), Camera(), np.random.default_rng(0), 2.0)
    assert "less than 4 s" in offset_in_window(short, some).why


def test_only_the_newest_window_counts():
    """The clock was set after 10 of 20 s."""
    rng, path = np.random.default_rng(0), hand()
    ir = measured(path, Camera(offset_ms=200), rng, 20)
    ahead_ns = np.where(ir.begin_ns > 10_100_000_000, 120_000_000, 0)
    ir = Steps(ir.begin_ns + ahead_ns, ir.end_ns + ahead_ns, ir.moved, ir.weight)
    state = offset_in_window(ir, measured(path, Camera(), rng, 20))
    assert state.offset_ms == pytest.approx(320, abs=2)
    assert state.at_ns == pytest.approx(15e9, abs=0.2e9)


@pytest.mark.parametrize("make", SITUATIONS, ids=lambda make: make.__name__)
def test_no_answer_is_wrong(make):
    """Whatever the cameras see: an answer is right to 10 ms, or there is none."""
    for seed in range(15):
        ir, vis, true_ms = draw(make, seed)
        state = offset_in_window(ir, vis)
        if state.sure:
            assert true_ms is not None, seed
            assert state.offset_ms == pytest.approx(true_ms, abs=10), seed
        else:
            assert state.offset_ms is None


def test_well_shaken_cameras_are_answered():
    states = []
    for seed in range(40):
        ir, vis, true_ms = draw(SITUATIONS[0], seed)
        states.append((offset_in_window(ir, vis), true_ms))
    sure = [(state, true_ms) for state, true_ms in states if state.sure]
    assert len(sure) >= 37
    errors_ms = [abs(state.offset_ms - true_ms) for state, true_ms in sure]
    assert np.percentile(errors_ms, 95) < 2.5
    claims_ms = [state.plus_minus_ms for state, _ in sure]
    assert np.mean(np.array(errors_ms) <= claims_ms) > 0.9
