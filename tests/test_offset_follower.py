"""The offset from frame to frame: confirmed, kept while nothing moves, then forgotten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shaken import Camera, only_in, seen, shake, textured

from fusion_rt.clock_offset.follower import OffsetFollower, add_frame
from fusion_rt.clock_offset.motion import MotionTrack
from fusion_rt.frame import Frame, FrameFlags, Sensor

OFFSET_MS = 65
SECONDS = 34
_rng = np.random.default_rng(8)
_SCENE = textured(_rng, (320, 260))
# Shaken for 17 s, then put down.
_PATH = only_in(shake(_rng), [(0, 17)], seconds=SECONDS)


def frames() -> list[tuple[Sensor, Frame]]:
    """Both cameras in the order in which their pictures come."""
    both = []
    for sensor, camera in ((Sensor.IR, Camera(12, OFFSET_MS, phase=0.3)), (Sensor.VIS, Camera(15))):
        for frame in seen(_SCENE, _PATH, camera, _rng, SECONDS, wh=(192, 144)):
            both.append((sensor, frame))
    return sorted(both, key=lambda item: item[1].captured_ns)


@pytest.fixture(scope="module")
def recorded() -> list[tuple[Sensor, Frame]]:
    return frames()


def test_told_confirmed_and_kept(recorded):
    follower, whys, sure_s = OffsetFollower(), {}, []
    due_ns = 1_000_000_000
    for sensor, frame in recorded:
        follower.add(sensor, frame)
        if frame.captured_ns >= due_ns:
            state, second = follower.estimate(), due_ns // 10**9
            due_ns += 10**9
            whys[second] = state.why
            if state.sure:
                sure_s.append(second)
                assert state.offset_ms == pytest.approx(OFFSET_MS, abs=3)
            else:
                assert state.offset_ms is None
    assert "less than 4 s" in whys[2]
    assert any("more motion has to confirm" in why for why in whys.values())
    assert sure_s[0] <= 14
    assert sure_s == list(range(sure_s[0], sure_s[-1] + 1))
    assert sure_s[-1] >= SECONDS - 1
    assert whys[SECONDS - 1].startswith("told ")
    assert state.plus_minus_ms <= 5
    # Shutter events break the motion but leave what is known.
    follower.interrupt()
    assert follower.estimate().sure
    follower.restart()
    assert follower.estimate().why == "unknown: the infrared camera shows nothing new"


@pytest.mark.parametrize(
    ("flags", "steps"),
    [
        pytest.param(FrameFlags.NONE, 2, id="ordinary"),
        pytest.param(FrameFlags.LATE, 2, id="late"),
        pytest.param(FrameFlags.REPEATED, 1, id="repeated-is-passed-over"),
        pytest.param(FrameFlags.SHUTTER, 0, id="shutter-breaks-the-motion"),
    ],
)
def test_flags_of_the_middle_one_of_three_frames(recorded, flags, steps):
    track = MotionTrack()
    three = [frame for sensor, frame in recorded if sensor is Sensor.VIS][:3]
    for frame in (three[0], replace(three[1], flags=flags), three[2]):
        add_frame(track, frame)
    assert len(track.steps) == steps
