"""Time stamps of one camera that go wrong: alone, and what the live pairer makes of them."""

from __future__ import annotations

import pytest
from fakes import MS
from live_pairs import IR, VIS, Theatre, every

from fusion_rt.frame import Frame, FrameFlags
from fusion_rt.ledger import DropReason
from fusion_rt.live_pairing import LivePairer, PairingState
from fusion_rt.live_pairing.clock import CameraClock

P30 = 1000 / 30
LIMIT_NS = 100 * MS


def admit(clock, stamp_ms, arrives_ms, period_ms=30.0):
    """Its outcome in short: the stamp in ms that passed (``~`` if late), or why it did not."""
    stamp_ns, arrived_ns = round(stamp_ms * MS), round(arrives_ms * MS)
    frame = Frame(None, stamp_ns, 0, stamp_ns, arrived_ns)
    found = clock.admit(frame, period_ms and period_ms * MS, LIMIT_NS)
    if isinstance(found, DropReason):
        return found.value
    assert found.begun_ns == found.captured_ns
    return ("~" if found.flags & FrameFlags.LATE else "") + f"{found.captured_ns / MS:g}"


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        pytest.param([(0, 5), (30, 35), (60, 65)], ["0", "30", "60"], id="as-it-should-be"),
        pytest.param([(0, 5), (5030, 5035)], ["0", "5030"], id="a-gap-is-no-jump"),
        pytest.param([(0, 5), (30, 5035), (5030, 5036)], ["0", "30", "5030"], id="a-stalled-link"),
        pytest.param(
            [(0, 5), (60, 65), (30, 66), (90, 95)], ["0", "60", "~30", "90"], id="swapped"
        ),
        pytest.param([(0, 5), (0, 35), (30, 36)], ["0", "duplicate", "30"], id="same-stamp-again"),
        pytest.param(
            [(9000, 9005), (9030, 9035), (4060, 9065), (9090, 9095), (9120, 9125)],
            ["9000", "9030", "clock_jump", "9090", "9120"],
            id="one-damaged-stamp",
        ),
        pytest.param(
            [(9000, 9005), (9030, 9035), (12060, 9065), (9090, 9095)],
            ["9000", "9030", "clock_jump", "9090"],
            id="one-damaged-stamp-in-the-future",
        ),
        pytest.param(
            [(9000, 9005), (9030, 9035), (4060, 9065), (4090, 9095), (4120, 9125)],
            ["9000", "9030", "clock_jump", "9090", "9120"],
            id="five-seconds-back-and-it-stays",
        ),
        pytest.param(
            [(9000, 9005), (9030, 9035), (12060, 9065), (12090, 9095), (12120, 9125)],
            ["9000", "9030", "clock_jump", "9090", "9120"],
            id="three-seconds-ahead-and-it-stays",
        ),
        pytest.param(
            [(9000, 9005), (4030, 9035), (4060, 9065), (4090, 9095), (9120, 9125), (9150, 9155)],
            ["9000", "clock_jump", "9060", "9090", "clock_jump", "9150"],
            id="back-and-right-again",
        ),
        pytest.param(
            [(9000, 9005), (9030, 9035), (8660, 9065), (8690, 9095), (8720, 9125)],
            ["9000", "9030", "clock_jump", "8690", "8720"],
            id="to-a-time-that-is-possible-taken-as-it-comes",
        ),
        pytest.param(
            [(9000, 9005), (9, 9035), (77777, 9065), (3, 9095), (9120, 9125)],
            ["9000", "clock_jump", "clock_jump", "clock_jump", "9120"],
            id="random-stamps-never-agree",
        ),
        pytest.param(
            [(9000, 9005), (9030, 9035), (30, 14035), (60, 14065), (90, 14095)],
            ["9000", "9030", "clock_jump", "14060", "14090"],
            id="begins-at-zero-after-a-pause-of-five-seconds",
        ),
    ],
)
def test_camera_clock(frames, found):
    clock = CameraClock()
    assert [admit(clock, *times) for times in frames] == found


@pytest.mark.parametrize(
    ("stamps", "jumps", "epochs", "correction_ms"),
    [
        pytest.param([9000, 9030, 9060, 9090], 0, 0, 0, id="none"),
        pytest.param([9000, 9030, 4060, 9090], 0, 0, 0, id="one-frame-is-no-jump"),
        pytest.param([9000, 9030, 4060, 4090], 1, 0, 5000, id="corrected"),
        pytest.param([9000, 9030, 8660, 8690], 1, 1, 0, id="taken-as-it-comes"),
        pytest.param([9000, 4030, 4060, 9090, 9120], 2, 0, 0, id="corrected-and-right-again"),
        pytest.param([9000, 4030, 4060, 2090, 2120], 2, 0, 7000, id="twice"),
    ],
)
def test_jumps_are_counted(stamps, jumps, epochs, correction_ms):
    clock = CameraClock()
    for index, stamp in enumerate(stamps):
        admit(clock, stamp, 9005 + 30 * index)
    assert (clock.jumps, clock.epoch, clock.correction_ns) == (jumps, epochs, correction_ms * MS)


def test_a_jump_before_the_rate_is_known_is_bridged_by_the_time_of_arrival():
    clock = CameraClock()
    assert admit(clock, 9000, 9005, None) == "9000"
    assert admit(clock, 30, 9035, None) == "clock_jump"
    assert admit(clock, 70, 9075, None) == "9070"


def test_a_jump_is_bridged_in_the_cameras_rhythm_though_arrivals_jitter():
    clock = CameraClock()
    found = [admit(clock, *times) for times in [(9000, 9005), (30, 9047), (60, 9079), (90, 9095)]]
    assert found == ["9000", "clock_jump", "9060", "9090"]


def test_after_a_long_pause_a_jump_is_bridged_by_the_time_of_arrival():
    clock = CameraClock()
    assert admit(clock, 9000, 9005) == "9000"
    assert admit(clock, 30, 11_015) == "clock_jump"
    assert admit(clock, 60, 11_047) == "11042"


def test_a_clock_that_was_ahead_all_the_time_is_left_alone():
    """Stamps in the future by a constant offset are for the offset setting, not for us."""
    clock = CameraClock()
    found = [admit(clock, 20_000 + 30 * index, 9000 + 30 * index) for index in range(50)]
    assert found == [f"{20_000 + 30 * index:g}" for index in range(50)]


@pytest.mark.parametrize("ppm", [-500, 500])
def test_a_clock_that_drifts_for_an_hour_does_not_jump(ppm):
    clock = CameraClock()
    for index in range(0, 3_600_000, 100):
        assert admit(clock, index * (1 + ppm * 1e-6), index + 20, 100) != "clock_jump"
    assert clock.jumps == 0


@pytest.mark.parametrize("camera", [IR, VIS])
@pytest.mark.parametrize("jump_ms", [-3_600_000, -5000, 1500, 60_000])
def test_pairs_go_on_over_a_jump(camera, jump_ms):
    """The clock is off for two seconds. Each change costs one frame; the skew stays."""
    times = {IR: every(P30, 180), VIS: every(P30, 180, first_ms=6)}
    times[camera] = [
        (stamp + jump_ms if 2000 < stamp < 4000 else stamp, arrival)
        for stamp, arrival in times[camera]
    ]
    stage = Theatre(LivePairer(nominal_fps={IR: 30.0, VIS: 30.0}))
    story = stage.play(times[IR], times[VIS])
    other = VIS if camera is IR else IR
    reasons = sorted(what.split()[0] + " " + what.split()[2] for what in story.dropped)
    assert reasons == sorted([f"{camera.value} clock_jump", f"{other.value} unmatched"] * 2)
    assert len(story.shown) == 178
    assert all(skew == pytest.approx(6, abs=1e-3) for skew in story.skews_ms)
    assert stage.pairer.summary()["clock_jumps"] == {camera.value: 2, other.value: 0}
    assert stage.pairer.summary()["clock_correction_ms"][camera.value] == 0


def test_the_correction_is_told_while_it_lasts():
    ir = [(t - 5000 if t > 1000 else t, t) for t, _ in every(P30, 60)]
    stage = Theatre()
    stage.play(ir, every(P30, 60))
    assert stage.pairer.summary()["clock_correction_ms"]["ir"] == pytest.approx(5000)


def test_a_clock_that_finds_the_right_time_is_believed():
    """Stamps of arrival at first, 300 ms late; then the camera's own: pairs are right from then."""
    ir = [(t + 300 if t < 2000 else t, t + 300) for t, _ in every(P30, 180)]
    stage = Theatre()
    story = stage.play(ir, every(P30, 190, first_ms=4), until_ms=6000)
    assert stage.pairer.summary()["clock_jumps"]["ir"] == 1
    assert stage.pairer.summary()["clock_correction_ms"]["ir"] == 0
    late = [what for what, at in zip(story.shown, story.at_ms, strict=True) if at > 2600]
    assert all("+" in what for what in late)
    assert story.skews_ms[-80:] == pytest.approx([4] * 80)


def test_garbage_stamps_count_as_silence():
    vis = [(t if t < 1000 else (t * 7919) % 100_000, t) for t, _ in every(P30, 90)]
    stage = Theatre()
    story = stage.play(every(P30, 90, first_ms=2), vis)
    assert stage.pairer.state is PairingState.VIS_SILENT
    assert sum("vis" in what and "clock_jump" in what for what in story.dropped) >= 50
