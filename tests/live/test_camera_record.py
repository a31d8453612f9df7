"""What is known of one camera: phases, words, counts; and how long to wait before the next try."""

from __future__ import annotations

import numpy as np
import pytest

from fusion_rt.frame import Frame, Sensor
from fusion_rt.live.backoff import Backoff
from fusion_rt.live.camera_record import CameraRecord, Phase
from fusion_rt.live.fit import fitted, misfit
from fusion_rt.live.standin import StandIns
from fusion_rt.sources.base import SourceInfo

MS, S = 1_000_000, 1_000_000_000
START = 5_000 * S


def info(fps=None, clock="driver"):
    return SourceInfo("v4l2:/dev/video0", "v4l2", Sensor.IR, (8, 6), fps=fps, clock=clock)


def frame(seq, captured_ns, image=None):
    image = np.zeros((6, 8), np.uint8) if image is None else image
    return Frame(image, captured_ns, seq, captured_ns, captured_ns)


def running(fps=25.0, count=10, stuck_after_ns=10 * S):
    """A camera that has delivered so many frames, and the time of its last."""
    record = CameraRecord("infrared", START, stuck_after_ns)
    record.opened(info(), START)
    now = START
    for seq in range(count):
        now = START + round(seq * S / fps)
        record.frame(frame(seq, now), now)
    return record, now


def test_nothing_is_known_at_first():
    state = CameraRecord("infrared", START, 10 * S).state(START + S)
    assert (state.phase, state.why, state.frames, state.fps) == (Phase.CONNECTING, "", 0, None)
    assert (state.last_frame_ns, state.clock, state.running) == (None, "", False)
    assert state.words == "connecting"


def test_running_camera():
    record, now = running()
    state = record.state(now + 10 * MS)
    assert state.running
    assert state.fps == pytest.approx(25)
    assert (state.frames, state.missing, state.reconnects) == (10, 0, 0)
    assert (state.last_frame_ns, state.clock) == (now, "driver")
    assert state.words == "running"


@pytest.mark.parametrize(
    ("fps", "waited_ms", "phase"),
    [
        pytest.param(60, 99, Phase.RUNNING, id="60-a-second-99-ms"),
        pytest.param(60, 101, Phase.SILENT, id="60-a-second-101-ms"),
        pytest.param(9, 330, Phase.RUNNING, id="9-a-second-330-ms"),
        pytest.param(9, 340, Phase.SILENT, id="9-a-second-340-ms"),
        pytest.param(30, 9_900, Phase.SILENT, id="nothing-for-long"),
    ],
)
def test_silent_after_three_periods_and_at_least_a_tenth_of_a_second(fps, waited_ms, phase):
    record, now = running(fps)
    record.alive(now + waited_ms * MS)
    assert record.state(now + waited_ms * MS).phase is phase


def test_silence_is_told_with_its_length_and_since_when():
    record, now = running()
    record.alive(now + 2 * S)
    state = record.state(now + 2 * S)
    assert (state.words, state.since_ns) == ("silent (no picture for 2.0 s)", now)


def test_nominal_rate_counts_until_one_is_measured():
    record = CameraRecord("visible", START, 10 * S)
    record.opened(info(fps=5), START)
    record.frame(frame(0, START), START)
    assert record.state(START + 500 * MS).phase is Phase.RUNNING
    assert record.state(START + 700 * MS).phase is Phase.SILENT


def test_lost_and_back_is_one_reconnect():
    record, now = running()
    record.lost("unplugged", now + S)
    record.lost("not there", now + 2 * S)
    state = record.state(now + 3 * S)
    assert (state.phase, state.words) == (Phase.LOST, "lost (not there)")
    assert (state.since_ns, state.reconnects) == (now + S, 0)
    record.opened(info(), now + 3 * S)
    assert record.state(now + 3 * S).phase is Phase.LOST  # nothing came yet
    record.frame(frame(0, now + 4 * S), now + 4 * S)
    state = record.state(now + 4 * S)
    assert (state.phase, state.why, state.reconnects) == (Phase.RUNNING, "", 1)
    assert state.missing == 0  # it counts anew


def test_camera_that_comes_back_with_misfits_first_is_a_reconnect_too():
    record, now = running()
    record.lost("unplugged", now)
    record.opened(info(), now)
    record.misfit(frame(0, now), "other shape", now)
    assert record.state(now).words == "misfit (other shape)"
    record.frame(frame(1, now), now)
    assert record.state(now).reconnects == 1


def test_camera_that_was_never_there_is_connecting_and_no_reconnect():
    record = CameraRecord("infrared", START, 10 * S)
    record.lost("connection refused", START + S)
    assert record.state(START + S).words == "connecting (connection refused)"
    record.opened(info(), START + S)
    record.frame(frame(0, START + 2 * S), START + 2 * S)
    assert record.state(START + 2 * S).reconnects == 0


def test_gaps_in_the_camera_s_own_count_are_missing_frames():
    record, now = running(count=3)
    record.frame(frame(7, now + 40 * MS), now + 40 * MS)
    assert record.state(now + 40 * MS).missing == 4
    record.frame(frame(6, now + 50 * MS), now + 50 * MS)  # out of order: nothing more is missing
    assert record.state(now + 50 * MS).missing == 4


def test_frames_that_are_no_pictures_are_not_missing_and_show_life():
    record, now = running(count=3, stuck_after_ns=S)
    for seq in range(3, 60):
        now += 40 * MS
        record.passed_over(frame(seq, now), now)
    state = record.state(now)
    assert (state.missing, state.frames) == (0, 3)
    assert state.phase is Phase.SILENT  # but not stuck
    record.frame(frame(60, now), now)
    assert record.state(now).missing == 0


@pytest.mark.parametrize("sign", ["alive", "opened", "lost", "misfit", "frame"])
def test_stuck_when_the_reading_thread_gives_no_sign(sign):
    record, now = running(stuck_after_ns=2 * S)
    assert record.state(now + 2 * S).phase is Phase.SILENT
    state = record.state(now + 4 * S)
    assert (state.phase, state.words) == (
        Phase.STUCK,
        "stuck (its driver has not answered for 4 s)",
    )
    at = now + 4 * S
    given = {"opened": (info(),), "lost": ("gone",), "frame": (frame(11, at),)}
    given["misfit"] = (frame(11, at), "other shape")
    getattr(record, sign)(*given.get(sign, ()), at)
    assert record.state(at + S).phase is not Phase.STUCK


def test_stuck_before_the_first_frame():
    assert CameraRecord("infrared", START, 10 * S).state(START + 11 * S).phase is Phase.STUCK


def test_clock_may_be_learned_later():
    record, now = running()
    record.learned(info(clock="sender"))
    assert record.state(now).clock == "sender"


def test_note_is_kept_until_it_is_taken_back():
    record, now = running()
    record.note("scaled")
    assert record.state(now).note == "scaled"
    record.note("")
    assert record.state(now).note == ""


def test_record_of_days_stays_small():
    record, now = running(count=2)
    for seq in range(2, 5000):
        record.frame(frame(seq, now + seq * MS), now + seq * MS)
    assert len(record._intervals) < 100


# --- back-off -------------------------------------------------------------------------------------


def test_back_off_doubles_up_to_below_a_second_and_begins_anew():
    backoff = Backoff()
    assert [backoff.next_s() for _ in range(5)] == [0.2, 0.4, 0.8, 0.8, 0.8]
    backoff.reset()
    assert backoff.next_s() == 0.2


def test_camera_that_refuses_us_is_asked_more_and_more_seldom():
    """A wrong password tried every second locks the account of many a camera."""
    backoff = Backoff()
    waits = [backoff.next_s(refused=True) for _ in range(9)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]
    assert backoff.next_s() == 0.8  # gone now: it may be back at any time
    assert backoff.next_s(refused=True) == 1.6


# --- other sizes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wh", "want_wh", "fits"),
    [
        pytest.param((640, 480), (640, 480), True, id="the-same"),
        pytest.param((320, 240), (640, 480), True, id="half"),
        pytest.param((1280, 960), (640, 480), True, id="twice"),
        pytest.param((1366, 768), (1280, 720), True, id="nearly-the-same-shape"),
        pytest.param((640, 512), (640, 480), False, id="5:4-for-4:3"),
        pytest.param((1280, 720), (640, 480), False, id="16:9-for-4:3"),
        pytest.param((480, 640), (640, 480), False, id="on-its-side"),
    ],
)
def test_only_the_same_shape_fits(wh, want_wh, fits):
    given = frame(0, 0, np.zeros(wh[::-1], np.uint8))
    words = misfit(given, want_wh)
    assert (words == "") is fits
    if not fits:
        assert words == f"it sends {wh[0]}x{wh[1]}, this run is for {want_wh[0]}x{want_wh[1]}"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("wh", [(16, 12), (4, 3)])
def test_other_size_is_scaled_and_all_else_stays(wh, dtype):
    given = Frame(np.full(wh[::-1], 200, dtype), 7, 3, 5, 9)
    found = fitted(given, (8, 6))
    assert found.size_wh == (8, 6)
    assert found.image.dtype == dtype
    assert (found.image == 200).all()
    assert (found.captured_ns, found.seq, found.begun_ns, found.arrived_ns) == (7, 3, 5, 9)


def test_right_size_is_not_copied():
    given = frame(0, 0)
    assert fitted(given, (8, 6)) is given


# --- stand-ins ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sensor", list(Sensor))
def test_stand_in_is_black_and_of_the_right_size(sensor):
    given = frame(4, START)
    pair = StandIns((8, 6), (16, 12)).pair(sensor, given)
    assert pair.alone is sensor
    assert pair.frames == (given,)
    assert pair.skew_ns == 0
    assert pair.captured_ns == START
    black = pair.vis if sensor is Sensor.IR else pair.ir
    assert black.image.shape == ((12, 16, 3) if sensor is Sensor.IR else (6, 8))
    assert not black.image.any()
