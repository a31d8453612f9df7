"""The live pairer on small time tables: modes, silence, disorder, limits on every wait."""

from __future__ import annotations

import pytest
from fakes import MS, frame
from live_pairs import IR, START_MS, VIS, Theatre, every, without

from fusion_rt.frame import FrameFlags
from fusion_rt.live_pairing import LivePairer, OffsetLine, PairingRules, PairingState

FPS_30 = {IR: 30.0, VIS: 30.0}
FPS_9_30 = {IR: 9.0, VIS: 30.0}
P30 = 1000 / 30


def theatre(fps=FPS_30, **changes):
    return Theatre(LivePairer(nominal_fps=fps), **changes)


@pytest.mark.parametrize(
    ("ir", "vis", "shown", "dropped"),
    [
        pytest.param([0, 33, 67], [2, 35, 69], ["0+2", "33+35", "67+69"], [], id="in-step"),
        pytest.param([0, 33, 67], [15, 48], ["0+15", "33+48"], [], id="half-a-period-apart"),
        pytest.param(
            [10, 43],
            [0, 17, 47],
            ["10+17", "43+47"],
            ["vis 0 unmatched"],
            id="nearer-one-wins",
        ),
        pytest.param(
            [0, 33, 67, 100],
            [2, 69, 102],
            ["0+2", "67+69", "100+102"],
            ["ir 33 unmatched"],
            id="lost-frame-costs-its-partner-alone",
        ),
        pytest.param(
            [0, 33, 67],
            [2, 35, (35, 60), 69],
            ["0+2", "33+35", "67+69"],
            ["vis 35 duplicate"],
            id="same-stamp-again",
        ),
        pytest.param(
            [0, 33, 67, 100],
            [2, 69, (35, 69.5), 102],
            ["0+2", "67+69", "100+102"],
            ["ir 33 unmatched", "vis 35 late"],
            id="swapped-after-a-newer-one-was-shown",
        ),
        pytest.param(
            [0, (33, 80), (67, 80), (100, 110)],
            [2, 69, (35, 69.5), 102],
            ["0+2", "33+35", "67+69", "100+102"],
            [],
            id="swapped-in-time-for-a-slow-partner",
        ),
        pytest.param(
            [(0, 60), (33, 93), (67, 127)],
            [1, 34, 68],
            ["0+1", "33+34", "67+68"],
            [],
            id="one-camera-is-late-by-two-frames",
        ),
    ],
)
def test_nearest(ir, vis, shown, dropped):
    story = theatre().play(ir, vis)
    assert (story.shown, story.dropped) == (shown, dropped)


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        pytest.param("nearest", "0+10 111+110 222+210 333+343", id="nearest"),
        pytest.param("latest", "0+10 111+110 222+210 333+310", id="latest-as-it-comes"),
        pytest.param("ir-leads", "0+10 111+110 222+210 333+343", id="infrared-leads"),
        pytest.param(
            "vis-leads",
            "0+10 0+43 0+77 111+110 111+143 111+177 222+210 222+243 222+277 222+310 333+343",
            id="every-visible-frame-is-shown",
        ),
    ],
)
def test_modes_at_9_and_30_frames_per_second(mode, shown):
    """Infrared at 0, 111, ...; visible at 10, 43, 77, ...; both arrive at once."""
    vis = [10, 43, 77, 110, 143, 177, 210, 243, 277, 310, 343]
    story = theatre(FPS_9_30, mode=mode).play([0, 111, 222, 333], vis, until_ms=380)
    assert " ".join(story.shown) == shown


def test_a_swapped_frame_carries_the_flag_late():
    vis = [2, 69, (35, 69.5), 102]
    story = theatre().play([0, (33, 80), (67, 80), (100, 110)], vis)
    assert {name: flags for name, flags in story.flags.items() if flags} == {"35": FrameFlags.LATE}


def test_mode_latest_gives_up_what_a_newer_one_overtakes():
    story = theatre(mode="latest").play([0, 33, 67], [70])
    assert story.shown == ["67+70"]
    assert story.dropped == ["ir 0 unmatched", "ir 33 unmatched"]


@pytest.mark.parametrize("mode", ["nearest", "latest", "ir-leads", "vis-leads"])
@pytest.mark.parametrize("dies", [IR, VIS])
def test_when_one_camera_dies_the_other_is_shown_alone_until_it_is_back(mode, dies):
    """Both at 30 frames/s, 5 ms apart; one is silent from 1 s to 3 s."""
    times = {IR: every(P30, 150), VIS: every(P30, 150, first_ms=5)}
    times[dies] = without(times[dies], lambda time: 1000 < time < 3000)
    last_ms = max(arrival for stamp, arrival in times[dies] if stamp < 2000)
    back_ms = min(arrival for stamp, arrival in times[dies] if stamp > 2000)
    stage = theatre(mode=mode)
    story = stage.play(times[IR], times[VIS])
    alive = VIS if dies is IR else IR
    alone = [(w, t) for w, t in zip(story.shown, story.at_ms, strict=True) if "+" not in w]
    assert all(what.startswith(alive.value) for what, _ in alone)
    # A leader's frame without a partner is shown alone earlier: it does not wait that long.
    first_ms = alone[0][1]
    if mode == f"{alive.value}-leads":
        assert last_ms < first_ms < last_ms + 100
    else:
        assert first_ms == pytest.approx(last_ms + 100)
    # What waited comes out then; from then on each at its own arrival.
    shown_ms = {f"{alive.value} {stamp:.4g}": arrival for stamp, arrival in times[alive]}
    for what, at_ms in alone:
        assert at_ms == pytest.approx(max(shown_ms[what], first_ms), abs=P30 / 2 + 0.01)
    # In mode latest a frame that waits is overtaken by the next one.
    from_ms = last_ms + (95 if mode == "latest" else 10)
    expected = [arrival for _, arrival in times[alive] if from_ms < arrival < back_ms]
    assert len(alone) >= len(expected)
    # Back: of its frames at most one finds no partner.
    after = [t for w, t in zip(story.shown, story.at_ms, strict=True) if "+" in w and t >= back_ms]
    assert after[0] <= back_ms + P30 + 0.1
    assert len(after) >= 150 - 90 - 2
    assert stage.pairer.state is PairingState.PAIRED


@pytest.mark.parametrize(
    ("fps", "limit_ms"),
    [
        pytest.param(60, 100, id="never-before-100-ms"),
        pytest.param(30, 100, id="three-periods-are-100-ms"),
        pytest.param(9, 3000 / 9, id="three-periods-of-a-slow-camera"),
    ],
)
def test_silence_is_told_by_the_silent_cameras_own_period(fps, limit_ms):
    count = fps * 2
    vis = every(20, 300, first_ms=3)
    story = Theatre().play(every(1000 / fps, count), vis)
    last_ms = (count - 1) * 1000 / fps
    first_ms = min(
        at
        for what, at in zip(story.shown, story.at_ms, strict=True)
        if "+" not in what and at > last_ms
    )
    assert first_ms == pytest.approx(last_ms + limit_ms, abs=0.01)


def test_a_camera_that_never_comes_is_silent_from_the_start():
    stage = Theatre()
    story = stage.play([], every(P30, 12))
    assert story.shown == [f"vis {t:.4g}" for t, _ in every(P30, 12)]
    assert max(story.at_ms[:4]) == pytest.approx(100)
    assert stage.pairer.state is PairingState.IR_SILENT


def test_both_silent():
    stage = theatre()
    stage.play(every(P30, 10), every(P30, 10), until_ms=1000)
    assert stage.pairer.state is PairingState.BOTH_SILENT
    assert stage.pairer.due_ns is None


def test_a_camera_that_only_repeats_itself_is_silent():
    vis = [*every(P30, 30), *[(29 * P30, 29 * P30 + i * P30) for i in range(1, 30)]]
    stage = theatre()
    story = stage.play(every(P30, 60, first_ms=1), vis)
    assert stage.pairer.state is PairingState.VIS_SILENT
    assert sum("ir" in what for what in story.shown) == 30
    assert len(story.dropped) == 29


def test_frames_on_their_way_when_the_other_camera_returns_are_shown_alone():
    """Visible frames take 120 ms. When infrared is back, four of them are of before its return."""
    ir = without(every(P30, 120), lambda time: 1000 < time < 3000)
    vis = every(P30, 120, first_ms=5, lag_ms=120)
    story = theatre().play(ir, vis)
    # At the start, too, the first four came too late: infrared was shown alone by then.
    assert story.dropped == [f"vis {t:.4g} unmatched" for t in (5, 5 + P30, 5 + 2 * P30, 105)]
    back = story.shown.index(next(w for w in story.shown if w.startswith("3000+")))
    assert story.shown[back - 1] == f"vis {89 * P30 + 5:.4g}"


@pytest.mark.parametrize("lag_ms", [0, 40, 150])
@pytest.mark.parametrize("phase", [0.0, 0.1, 0.3, 0.45])
def test_regular_cameras_never_wait_for_more_than_the_later_frame(lag_ms, phase):
    ir, vis = every(P30, 90), every(P30, 90, first_ms=phase * P30, lag_ms=lag_ms)
    story = Theatre().play(ir, vis)
    arrival = {f"{stamp:.4g}": arrives for stamp, arrives in [*ir, *vis]}
    for what, at_ms in list(zip(story.shown, story.at_ms, strict=True))[40:]:
        assert at_ms == pytest.approx(max(arrival[name] for name in what.split("+")), abs=1e-3)


@pytest.mark.parametrize("mode", ["nearest", "ir-leads", "vis-leads"])
def test_leader_modes_and_nearest_wait_no_longer_after_an_hour_than_at_the_beginning(mode):
    """Frames at 25 and 30 per second, the latter late by 80 ms: nothing piles up."""
    stage = Theatre(mode=mode)
    waits = []
    for index in range(3000):
        stage.push(IR, index * 40)
        stage.push(VIS, index * 40 - 50, index * 40 + 30)
        waits.append(stage.pairer.in_flight(IR) + stage.pairer.in_flight(VIS))
    assert max(waits[100:200]) == max(waits[-100:]) <= 6


def test_an_offset_takes_effect_with_the_next_frame():
    stage = theatre()
    stage.play([0, 33], [1, 34])
    stage.pairer.configure(ir_offset_ns=40 * MS)
    story = stage.play([(107, 67), (140, 100)], [68, 101])
    assert story.shown == ["0+1", "33+34", "107+68", "140+101"]
    assert story.skews_ms == [1, 1, 1, 1]


def test_a_tolerance_takes_effect_with_the_next_frame():
    stage = theatre(max_skew_ns=5 * MS)
    stage.play([0, 33], [10, 43])
    assert stage.story.shown == []
    stage.pairer.configure(max_skew_ns=12 * MS)
    stage.play([67, 100], [77, 110], until_ms=140)
    assert stage.story.shown == ["67+77", "100+110"]
    stage.pairer.configure(max_skew_ns=None)
    stage.play([133], [150])
    assert stage.pairer.max_skew_ns > 15 * MS


@pytest.mark.parametrize("mode", ["latest", "ir-leads", "vis-leads"])
def test_the_mode_takes_effect_with_the_next_frame(mode):
    stage = theatre(FPS_9_30)
    for start, name in ((0, "vis-leads"), (1000, mode), (2000, "nearest")):
        stage.pairer.configure(mode=name)
        stage.play(every(111.1, 9, start), every(P30, 30, start + 3))
        assert stage.pairer.rules.mode == name
    assert len(stage.story.shown) == pytest.approx({"vis-leads": 69}.get(mode, 48), abs=3)


def test_an_unknown_mode_is_refused_and_changes_nothing():
    pairer = LivePairer()
    with pytest.raises(ValueError, match="fastest"):
        pairer.configure(mode="fastest")
    with pytest.raises(TypeError, match="max_skew_ms"):
        pairer.configure(max_skew_ms=3)
    assert pairer.rules == PairingRules()


def test_a_clock_that_drifts_is_followed_by_a_line():
    """The infrared clock is 30 ms ahead and gains 500 ppm: half a period in 33 s."""
    gain = 1 + 500e-6
    line = OffsetLine(30 * MS, 500 / gain, (START_MS + 30) * MS)
    ir = [(30 + t * gain, t) for t, _ in every(P30, 3600)]
    vis = every(P30, 3600, first_ms=4)
    story = Theatre(ir_offset_ns=line).play(ir, vis)
    assert len(story.shown) >= 3599
    assert all(skew == pytest.approx(4, abs=1e-3) for skew in story.skews_ms)
    assert Theatre(ir_offset_ns=30 * MS).play(ir, vis).skews_ms != pytest.approx(4, abs=1)


def test_offset_line():
    line = OffsetLine(offset_ns=1000, drift_ppm=-250.0, since_ns=5_000_000)
    assert [line(5_000_000), line(9_000_000), line(1_000_000)] == [1000, 0, 2000]


@pytest.mark.parametrize("rates", [(25, 30), (30, 25)])
@pytest.mark.parametrize("ppm", [-500, 0, 137])
def test_free_running_25_and_30_hz_have_the_skew_of_the_theory(rates, ppm):
    ir = every(1000 / rates[0] / (1 + ppm * 1e-6), 4 * 60 * rates[0], first_ms=3)
    story = Theatre().play(ir, every(1000 / rates[1], 4 * 60 * rates[1]))
    assert len(story.skews_ms) >= 4 * 60 * 25 - 5
    mean = sum(abs(skew) for skew in story.skews_ms) / len(story.skews_ms)
    assert mean <= 1.05 * P30 / 4


def test_equal_rates_at_half_a_period_do_not_change_sides_with_the_jitter():
    jitter = [0.04 * P30 * ((index * 7919) % 200 / 100 - 1) for index in range(600)]
    ir = [index * P30 + jitter[index] for index in range(300)]
    vis = [(index + 0.5) * P30 + jitter[599 - index] for index in range(300)]
    story = Theatre().play(ir, vis)
    assert len(story.shown) >= 298
    assert len(story.dropped) <= 2


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        pytest.param(30, 15, IR, id="infrared-halves-its-rate"),
        pytest.param(30, 60, VIS, id="visible-doubles-its-rate"),
        pytest.param(60, 30, VIS, id="visible-halves-its-rate"),
        pytest.param(25, 9, IR, id="infrared-falls-to-9"),
    ],
)
def test_a_rate_that_changes_is_followed_within_ten_frames(before, after, changes):
    other = VIS if changes is IR else IR
    turn_ms = 60 * 1000 / before
    times = {
        changes: [*every(1000 / before, 60), *every(1000 / after, 3 * after, turn_ms)],
        other: every(P30, 30 * 5, first_ms=4),
    }
    stage = Theatre()
    times = {sensor: [t for t in of if t[0] < turn_ms + 2000] for sensor, of in times.items()}
    story = stage.play(times[IR], times[VIS])
    settled_ms = turn_ms + 10 * 1000 / after
    after_turn = [
        what for what, at in zip(story.shown, story.at_ms, strict=True) if at > settled_ms
    ]
    pairs = [what for what in after_turn if "+" in what]
    assert len(after_turn) == len(pairs)  # no camera is taken for silent
    expected = (turn_ms + 2000 - settled_ms) / 1000 * min(after, 30)
    assert len(pairs) == pytest.approx(expected, abs=2)
    assert stage.pairer.summary()["period_ms"][changes.value] == pytest.approx(1000 / after)


@pytest.mark.parametrize(
    ("rules", "lag_ms", "shift_ms"),
    [
        pytest.param({}, 0, 5000, id="stamps-five-seconds-apart"),
        pytest.param({}, 1500, 0, id="one-camera-late-by-more-than-a-second"),
        pytest.param({"ir_offset_ns": 3000 * MS}, 0, 0, id="offset-set-wrong"),
        pytest.param({"max_skew_ns": 1 * MS}, 0, 0, id="tolerance-too-small"),
    ],
)
def test_cameras_that_never_fit_show_the_visible_one_instead_of_a_standstill(
    rules, lag_ms, shift_ms
):
    ir = [(stamp + shift_ms, arrival) for stamp, arrival in every(P30, 450, lag_ms=lag_ms)]
    stage = Theatre(**rules)
    story = stage.play([t for t in ir if t[1] < 10_000], every(P30, 300, first_ms=8))
    assert stage.pairer.state is PairingState.OUT_OF_STEP
    assert all(what.startswith("vis ") for what in story.shown)
    late = [at for at in story.at_ms if at > 2000]
    assert len(late) == pytest.approx(8 * 30, abs=3)


def test_cameras_that_fit_again_are_paired_again():
    stage = theatre(ir_offset_ns=-4000 * MS)
    stage.play(every(P30, 180), every(P30, 180, 3))
    assert stage.pairer.state is PairingState.OUT_OF_STEP
    stage.pairer.configure(ir_offset_ns=0)
    story = stage.play(every(P30, 30, 6000), every(P30, 30, 6003))
    assert stage.pairer.state is PairingState.PAIRED
    assert len([what for what in story.shown if "+" in what]) >= 29


def test_stamps_that_fit_again_by_themselves_are_noticed():
    """Infrared is late by 1.5 s at first; then its link gets faster, by 300 ms each second."""
    ir = [(t, t + max(5.0, 1500 - t * 0.3)) for t, _ in every(P30, 300)]
    stage = theatre()
    story = stage.play(ir, every(P30, 300, 3))
    paired = [at for what, at in zip(story.shown, story.at_ms, strict=True) if "+" in what]
    alone = [at for what, at in zip(story.shown, story.at_ms, strict=True) if "+" not in what]
    assert len([at for at in alone if 500 < at < 2500]) >= 2 * 30 - 1
    assert len([at for at in paired if at > 4500]) >= 5.5 * 30 - 2
    assert max(alone) < min(paired)
    assert stage.pairer.state is PairingState.PAIRED


def test_end_lets_what_waits_go():
    stage = theatre()
    stage.play([0, 33, 67, 100], [2])
    matched = stage.pairer.end(VIS)
    assert [(s, f.captured_ns / MS - START_MS) for s, f in matched.alone] == [
        (IR, 33),
        (IR, 67),
        (IR, 100),
    ]
    assert stage.pairer.hopeless
    assert stage.pairer.wanted is IR
    stage.pairer.end(IR)
    assert stage.pairer.wanted is None


def test_drain_gives_what_waits_and_was_in_no_pair():
    stage = theatre(FPS_9_30, mode="vis-leads")
    stage.play([0, 60], [5])
    assert stage.story.shown == ["0+5"]
    ((sensor, frame),) = stage.pairer.drain()
    assert (sensor, frame.captured_ns / MS - START_MS) == (IR, 60)
    assert stage.pairer.drain() == []


def test_no_more_than_64_frames_wait():
    """Infrared lags by 0.9 s at 200 frames/s: more than the bound for memory."""
    stage = Theatre()
    most = 0
    for index in range(600):
        stage.push(VIS, index * 5)
        stage.push(IR, index * 5 - 900, index * 5 + 1)
        most = max(most, stage.pairer.in_flight(VIS))
    assert most == 64


@pytest.mark.parametrize(("leader", "fps"), [("ir", 9), ("ir", 25), ("vis", 30)])
def test_a_leader_waits_for_what_takes_longer_to_arrive(leader, fps):
    """The other camera's frames come 150 ms later; without that wait none would have a partner."""
    times = {
        leader: every(1000 / fps, 5 * fps),
        "vis" if leader == "ir" else "ir": every(P30, 150, first_ms=4, lag_ms=150),
    }
    stage = Theatre(mode=f"{leader}-leads")
    story = stage.play(times["ir"], times["vis"])
    settled = [
        (what, skew)
        for what, skew in zip((w for w in story.shown if "+" in w), story.skews_ms, strict=True)
        if float(what.split("+")[0]) > 1000
    ]
    assert len(settled) >= 4 * fps - 6
    assert max(abs(skew) for _, skew in settled) <= P30 / 2 + 4
    alone = [at for what, at in zip(story.shown, story.at_ms, strict=True) if "+" not in what]
    assert not [at for at in alone if at > 1000]


def test_frames_that_were_shown_by_a_leader_are_not_shown_again_in_another_mode():
    stage = theatre(FPS_9_30, mode="vis-leads")
    stage.play([0, 111], [2, 35, 68, 102, 112])
    assert stage.story.shown[-1] == "111+112"
    stage.pairer.configure(mode="nearest")
    story = stage.play([], [(116, 125), 150], until_ms=160)
    assert story.shown[-1] == "111+112"


def test_a_leader_does_not_wait_for_what_cannot_come_in_time():
    """Visible leads at 30 frames/s and waits half its period at most, for infrared at 9."""
    ir, vis = every(1000 / 9, 90), every(P30, 300, first_ms=1)
    story = Theatre(mode="vis-leads").play(ir, vis)
    shown = list(zip(story.shown, story.at_ms, strict=True))[200:290]
    assert len(shown) == 90
    comes_ms = [arrival for _, arrival in ir]
    arrived = {f"{stamp:.4g}": arrival for stamp, arrival in vis}
    for what, at_ms in shown:
        came_ms = arrived[what.split("+")[1]]
        soon = [time for time in comes_ms if came_ms < time < came_ms + P30 / 2]
        assert at_ms == pytest.approx(soon[0] if soon else came_ms, abs=1e-3)


def test_a_leader_takes_a_small_skew_at_once_before_anything_is_measured():
    assert theatre(FPS_9_30, mode="vis-leads").play([0], [5]).at_ms == [5]


def test_silence_that_no_tick_has_noticed_is_noticed_by_the_next_frame():
    stage = theatre()
    stage.play([0], [1, 34, 67])
    now_ns = (START_MS + 500) * MS
    matched = stage.pairer.push(IR, frame(START_MS + 500), now_ns)
    assert [f.captured_ns / MS - START_MS for _, f in matched.alone] == [34, 67, 500]
    assert matched.unmatched == []


def test_summary_for_reports():
    stage = Theatre(mode="ir-leads")
    stage.play(every(40, 60), every(P30, 72, first_ms=7, lag_ms=55))
    found = stage.pairer.summary()
    assert found["mode"] == "ir-leads"
    assert found["state"] == "paired"
    assert found["lag_ms"] == pytest.approx(55)
    assert found["period_ms"] == {"ir": pytest.approx(40), "vis": pytest.approx(P30)}
    assert found["hold_ms"] == {"ir": pytest.approx(175), "vis": pytest.approx(120)}
    assert found["clock_jumps"] == {"ir": 0, "vis": 0}
