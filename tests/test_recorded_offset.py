"""Offset of a recorded pair: over all windows, and unknown where they contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from shaken import Camera, measured, only_in, seen, shake, still, textured

from fusion_rt.frame import Frame
from fusion_rt.motion import Steps
from fusion_rt.recorded_offset import estimate_offset, offset_of_motion


def recorded(
    seconds: float, ir: Camera, path=None, vis: Camera | None = None, seed: int = 0
) -> tuple[Steps, Steps]:
    rng = np.random.default_rng(seed)
    path = path or shake(rng)
    return measured(path, ir, rng, seconds), measured(path, vis or Camera(), rng, seconds)


def shifted(steps: Steps, by_ns: np.ndarray) -> Steps:
    by_ns = np.rint(by_ns).astype(np.int64)
    return Steps(steps.begin_ns + by_ns, steps.end_ns + by_ns, steps.moved, steps.weight)


@pytest.mark.parametrize("seconds", [8, 12, 60])
def test_offset_of_a_recording(seconds):
    state = offset_of_motion(*recorded(seconds, Camera(25, 120, phase=0.4)))
    assert state.sure
    assert state.offset_ms == pytest.approx(120, abs=2)
    assert state.plus_minus_ms < 4


def test_rate_of_a_long_recording_and_offset_at_its_middle():
    ir, vis = recorded(300, Camera(25, 100, phase=0.4))
    ir = shifted(ir, ir.begin_ns * 80e-6)
    state = offset_of_motion(ir, vis)
    assert state.ppm == pytest.approx(80, abs=5)
    assert state.ppm_plus_minus < 10
    assert state.at_ns == pytest.approx(150e9, abs=3e9)
    assert state.offset_ms == pytest.approx(100 + 80e-6 * 150e3, abs=2)


def test_shaken_in_a_part_only():
    rng = np.random.default_rng(2)
    path = only_in(shake(rng), [(20, 32)], seconds=61)
    state = offset_of_motion(*recorded(60, Camera(30, -70, phase=0.4), path))
    assert state.sure
    assert state.offset_ms == pytest.approx(-70, abs=2)
    assert " of 12 windows of motion" in state.why


def test_a_clock_that_was_set_meanwhile():
    ir, vis = recorded(60, Camera(30, 0, phase=0.4))
    ir = shifted(ir, np.where(ir.begin_ns > 30e9, 150e6, 0))
    state = offset_of_motion(ir, vis)
    assert not state.sure
    assert state.offset_ms is None
    assert "jumps" in state.why


@pytest.mark.parametrize(
    ("ir", "vis", "why"),
    [
        pytest.param(*recorded(30, Camera(), still), "stand still", id="static"),
        pytest.param(*recorded(2, Camera()), "less than 4 s", id="too-short"),
        pytest.param(*recorded(10, Camera(30, 100_000)), "do not overlap", id="times-apart"),
    ],
)
def test_unknown_says_why(ir, vis, why):
    state = offset_of_motion(ir, vis)
    assert not state.sure
    assert why in state.why


def test_frames_are_read_once_and_let_go():
    rng = np.random.default_rng(3)
    scene, path = textured(rng, (360, 300)), shake(rng)
    alive = {"now": 0, "most": 0}

    class Counted(Frame):
        def __del__(self) -> None:
            alive["now"] -= 1

    def counted(camera: Camera) -> Iterator[Frame]:
        for frame in seen(scene, path, camera, rng, 7.0, wh=(192, 144)):
            alive["now"] += 1
            alive["most"] = max(alive["now"], alive["most"])
            yield Counted(frame.image, frame.captured_ns, frame.seq, 0, 0)

    state = estimate_offset(counted(Camera(15, 40, phase=0.3)), counted(Camera(30)))
    assert state.offset_ms == pytest.approx(40, abs=3)
    assert alive["most"] <= 3


def test_no_frames_at_all():
    assert "infrared camera shows nothing new" in estimate_offset([], []).why
