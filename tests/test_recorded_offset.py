"""Offset of a recorded pair: over all windows, and unknown where they contradict each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from shaken import Camera, measured, only_in, seen, shake, still, textured, together

from fusion_rt.clock_offset.motion import Steps
from fusion_rt.clock_offset.recorded import motion_of, offset_of_motion
from fusion_rt.frame import Frame

S = 1_000_000_000


def recorded(
    seconds: float, ir: Camera, path=None, vis: Camera | None = None, seed: int = 0
) -> tuple[Steps, Steps]:
    rng = np.random.default_rng(seed)
    path = path or shake(rng)
    return measured(path, ir, rng, seconds), measured(path, vis or Camera(), rng, seconds)


def set_by(steps: Steps, at_s: float, by_ms: float) -> Steps:
    """The clock of the camera was set while it ran."""
    by_ns = np.where(steps.begin_ns > at_s * S, round(by_ms * 1e6), 0)
    return Steps(steps.begin_ns + by_ns, steps.end_ns + by_ns, steps.moved, steps.weight)


@pytest.mark.parametrize("seconds", [8, 12, 60])
def test_offset_of_a_recording(seconds):
    state = offset_of_motion(*recorded(seconds, Camera(25, 120, phase=0.4)))
    assert state.sure
    assert state.offset_ms == pytest.approx(120, abs=2)
    assert state.plus_minus_ms < 4


def test_rate_of_a_long_recording_and_offset_at_its_middle():
    ir, vis = recorded(300, Camera(25, 100, phase=0.4, ppm=80))
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
    assert " of 11 windows of motion" in state.why


def test_a_clock_that_was_set_meanwhile():
    ir, vis = recorded(60, Camera(30, 0, phase=0.4))
    state = offset_of_motion(set_by(ir, 30, 150), vis)
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


def test_two_windows_that_contradict_each_other():
    """Both are sure, but the clock was set between them while nothing moved."""
    rng = np.random.default_rng(4)
    path = only_in(shake(rng), [(0, 9), (31, 40)], seconds=42)
    ir, vis = recorded(40, Camera(30, 0, phase=0.4), path)
    state = offset_of_motion(set_by(ir, 20, 150), vis)
    assert not state.sure
    assert "jumps" in state.why


def test_one_window_of_many_has_to_be_confirmed():
    """The cameras move together for ten seconds, and each by itself before and after."""
    rng = np.random.default_rng(1)
    common = only_in(shake(rng), [(20, 30)], seconds=61)
    apart = [only_in(shake(rng, 0.15), [(0, 19.5), (30.5, 60)], seconds=61) for _ in range(2)]
    ir = measured(together(common, apart[0]), Camera(25, 30, phase=0.4), rng, 60)
    vis = measured(together(common, apart[1]), Camera(), rng, 60)
    state = offset_of_motion(ir, vis)
    assert not state.sure
    assert re.search(r"one window of 11 says \+(29|30|31) ms, and no other confirms it", state.why)


def test_told_long_before_the_middle():
    path = only_in(shake(np.random.default_rng(2)), [(0, 14)], seconds=601)
    state = offset_of_motion(*recorded(600, Camera(15, 30, phase=0.4), path, Camera(15)))
    assert not state.sure
    assert "from which the clocks may have drifted" in state.why


@pytest.mark.parametrize("late_s", [25, -25], ids=["infrared-begins-late", "visible-begins-late"])
@pytest.mark.parametrize("since_start_s", [0, 1e6], ids=["from-zero", "monotonic-clock"])
def test_one_recording_begins_later(late_s, since_start_s):
    ir, vis = recorded(60, Camera(25, 120, phase=0.4, ppm=40))
    ir, vis = (steps.moved_by(round(since_start_s * S)) for steps in (ir, vis))
    cut_ns = round((since_start_s + abs(late_s)) * S)
    if late_s > 0:
        ir = ir.between(cut_ns, int(ir.end_ns[-1]))
    else:
        vis = vis.between(cut_ns, int(vis.end_ns[-1]))
    state = offset_of_motion(ir, vis)
    middle_s = since_start_s + 42.5
    assert state.sure
    assert state.at_ns == pytest.approx(middle_s * S, abs=0.5 * S)
    assert state.offset_ms == pytest.approx(120 + 40e-6 * 42.5e3, abs=2)


@pytest.mark.parametrize("apart_s", [0.8, -7.4, 31.25])
def test_recordings_that_were_started_by_hand(apart_s):
    rng = np.random.default_rng(6)
    path = shake(rng)
    vis = measured(path, Camera(), rng, 60)
    ir = measured(lambda t: path(np.asarray(t) - apart_s), Camera(25, phase=0.4), rng, 60)
    state = offset_of_motion(ir, vis)
    assert state.sure
    assert state.offset_ms == pytest.approx(1000 * apart_s, abs=2)


@pytest.mark.parametrize("seconds", [8, 14, 30])
@pytest.mark.parametrize("band_hz", [(0.5, 8.0), (0.1, 0.6)], ids=["hands", "slow"])
def test_motions_that_have_nothing_in_common(seconds, band_hz):
    for seed in range(8):
        rng = np.random.default_rng([seed, seconds])
        ir, vis = (
            measured(shake(rng, 0.1, band_hz), Camera(fps), rng, seconds) for fps in (25, 30)
        )
        assert not offset_of_motion(ir, vis).sure, seed


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

    state = offset_of_motion(
        motion_of(counted(Camera(15, 40, phase=0.3))), motion_of(counted(Camera(30)))
    )
    assert state.offset_ms == pytest.approx(40, abs=3)
    assert alive["most"] <= 3


def test_no_frames_at_all():
    assert "infrared camera shows nothing new" in offset_of_motion(motion_of([]), motion_of([])).why
