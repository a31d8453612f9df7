"""Live pairs against a truth that goes through all frames; counts that add up at every step."""

from __future__ import annotations

import random
import threading
import time

import pytest
from fakes import MS, frame
from live_pairs import IR, VIS, Theatre
from pair_judge import judge_leading, judge_nearest
from pair_streams import START_NS, Alone, Camera, Fate, Made, Run, arrivals, play
from pair_truth import CASES, run_case

from fusion_rt.frame import Sensor
from fusion_rt.ledger import DropReason
from fusion_rt.limits import Limits
from fusion_rt.live_pairing import LivePairer, PairingMode, PairingRules, PairingState
from fusion_rt.pairing import FrameMatcher, Pairer

# With all cases: 200,000. `benchmarks/pair_truth.py` makes a million by the same code.
PAIRS_A_CASE = 200_000 // len(CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_wrong_pair_and_no_frame_unaccounted(case):
    tally = run_case(case, PAIRS_A_CASE, seed=7)
    assert tally.wrong == []
    assert (tally.missed, tally.overdue, tally.unaccounted, tally.stuck) == (0, 0, 0, 0)
    assert tally.pairs >= PAIRS_A_CASE
    assert tally.out_of_step == 0
    # The faults were there, and told for what they are.
    assert tally.alone > tally.pairs / 50
    assert tally.dropped[DropReason.LATE] > 0
    assert set(tally.dropped) <= {
        DropReason.UNMATCHED,
        DropReason.SURPLUS,
        DropReason.LATE,
        DropReason.CLOCK_JUMP,  # swapped over a freeze
    }


FAULTS = {"loss": 0.05, "swap": 0.02, "freeze_every_s": 20.0}


@pytest.mark.parametrize("jitter_ms", [0, 2, 20])
@pytest.mark.parametrize("latencies_ms", [(5, 5), (5, 120), (60, 10)], ids=str)
@pytest.mark.parametrize("rates", [(9, 30), (25, 30), (30, 60), (60, 30)], ids=str)
@pytest.mark.parametrize("leader", [IR, VIS])
def test_every_frame_of_a_leader_is_shown_with_the_nearest(leader, rates, latencies_ms, jitter_ms):
    rng = random.Random(f"{leader}{rates}{latencies_ms}{jitter_ms}")
    jitters = {"stamp_jitter_ms": jitter_ms, "arrival_jitter_ms": jitter_ms}
    cameras = [
        Camera(fps, latency_ms=latency, **jitters, **FAULTS)
        for fps, latency in zip(rates, latencies_ms, strict=True)
    ]
    ir, vis = (arrivals(camera, 60, rng, rng.uniform(0, 50)) for camera in cameras)
    run = play(LivePairer(PairingRules(PairingMode(f"{leader.value}-leads"))), ir, vis)
    leader_fps = rates[0] if leader is IR else rates[1]
    verdict = judge_leading(run, leader, leader_fps, max(rates))
    assert verdict.wrong == []
    assert (run.overdue, run.unaccounted) == ([], 0)
    assert all(fate.left_ns >= 0 for fates in run.fates.values() for fate in fates)
    dropped = {fate.dropped for fate in run.fates[leader]} - {None}
    assert dropped <= {DropReason.LATE, DropReason.CLOCK_JUMP}


@pytest.mark.parametrize("mode", list(PairingMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("seed", range(6))
def test_the_ledger_balances_at_every_step_whatever_comes(mode, seed):
    """Stamps that repeat, jump, go astray, in any order and rate, while settings change."""
    rng = random.Random(seed)
    stage = Theatre(mode=mode)
    now_ms, shift_ms = 0.0, dict.fromkeys(Sensor, 0.0)
    for _ in range(1500):
        now_ms += rng.choice([0, 3, 11, 16, 33]) + 400 * (rng.random() < 0.005)
        sensor = rng.choice(list(Sensor))
        if rng.random() < 0.004:
            shift_ms[sensor] = rng.choice([0, -5000, 700, 86_400_000, -250])
        stamp_ms = now_ms - rng.choice([0, 0, 5, 40, 90]) + shift_ms[sensor]
        stage.push(sensor, round(stamp_ms / 7) * 7, now_ms)
        if rng.random() < 0.01:
            stage.pairer.configure(
                mode=rng.choice([mode, mode, "nearest", "ir-leads"]),
                max_skew_ns=rng.choice([None, 0, 4 * MS, 200 * MS]),
                ir_offset_ns=rng.choice([0, 0, 12 * MS, -900 * MS]),
            )
    stage.tick(now_ms + 10_000)
    assert (stage.ledger.in_flight(IR), stage.ledger.in_flight(VIS)) == (0, 0)
    assert stage.pairer.drain() == []


def test_settings_may_change_from_another_thread():
    stage = Theatre()
    over = threading.Event()
    modes = [mode.value for mode in PairingMode]

    def change():
        while not over.is_set():
            for index, mode in enumerate(modes):
                stage.pairer.configure(mode=mode)
                stage.pairer.configure(max_skew_ns=index * 9 * MS or None)
                stage.pairer.configure(ir_offset_ns=lambda captured_ns: captured_ns % 1000)
                stage.pairer.summary()

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for index in range(3000):
            stage.push(IR, index * 40)
            stage.push(VIS, index * 40 + 7)
    finally:
        over.set()
        thread.join()
    assert len(stage.story.shown) >= 2900
    assert stage.pairer.rules.mode in modes


def test_recorded_and_live_pairer_are_used_in_the_same_way():
    def pairs(matcher: FrameMatcher) -> list[tuple[float, float]]:
        found, now_ns = [], time.monotonic_ns()
        for index in range(5):
            for sensor, extra in ((IR, 0), (VIS, 4)):
                item = frame(index * 33 + extra)
                now_ns += 16 * MS
                found += matcher.push(sensor, item, now_ns).pairs
                found += matcher.tick(now_ns).pairs
                assert matcher.due_ns is None or matcher.due_ns > now_ns
        assert not matcher.hopeless
        for sensor in (IR, VIS):
            assert matcher.wanted is not None
            found += matcher.end(sensor).pairs
        assert matcher.wanted is None
        assert matcher.drain() == []
        return [(p.ir.captured_ns / MS, p.vis.captured_ns / MS) for p in found]

    assert pairs(Pairer(Limits(16 * MS))) == pairs(LivePairer())


def play_30_hz(pairer, **camera):
    rng = random.Random(11)
    ir = arrivals(Camera(30, 300, **camera), 60, rng)
    return play(pairer, ir, arrivals(Camera(30, **camera), 60, rng, 12))


def test_the_truth_finds_pairs_of_the_latest_frames_wrong():
    run = play_30_hz(LivePairer(PairingRules(PairingMode.LATEST)), stamp_jitter_ms=3)
    assert len(judge_nearest(run, 100 * MS).wrong) > 50


def test_the_truth_finds_pairs_wrong_that_were_made_too_soon(monkeypatch):
    """Half a period of skew taken at once, as if that were the hysteresis."""
    monkeypatch.setattr("fusion_rt.live_pairing.desk.HYSTERESIS", 0.5)
    run = play_30_hz(LivePairer(), stamp_jitter_ms=8, loss=0.05)
    assert len(judge_nearest(run, 100 * MS).wrong) > 20


def test_the_truth_finds_pairs_missed_that_were_given_up():
    run = play_30_hz(LivePairer())
    for pair in run.pairs[100:110]:
        for fate in (run.fates[IR][pair.ir], run.fates[VIS][pair.vis]):
            fate.shown, fate.dropped, fate.tolerance_ns = -1, DropReason.UNMATCHED, 20 * MS
    gone = [(pair.ir, pair.vis) for pair in run.pairs[100:110]]
    del run.pairs[100:110]
    assert judge_nearest(run, 100 * MS).missed == gone


def fates(*times_ms, **changes):
    return [
        Fate(START_NS + t * MS, START_NS + t * MS, True, START_NS + 90 * MS, **changes)
        for t in times_ms
    ]


@pytest.mark.parametrize(
    ("ir", "vis", "pairs", "complaint"),
    [
        pytest.param([0, 33], [5, 38], [(0, 0), (1, 1)], None, id="right"),
        pytest.param([0], [25], [(0, 0)], "above the tolerance", id="too-far"),
        pytest.param([0, 33], [2, 35], [(0, 0), (0, 1)], "shown twice", id="used-twice"),
        pytest.param([0, 33], [2, 35], [(1, 1), (0, 0)], "out of order", id="goes-back"),
        pytest.param([0, 19], [20], [(0, 0)], "ir frame 1 is nearer", id="nearer-infrared"),
        pytest.param([20], [0, 19], [(0, 0)], "vis frame 1 is nearer", id="nearer-visible"),
        pytest.param([0, 14], [9], [(0, 0)], None, id="nearer-within-the-hysteresis"),
    ],
)
def test_the_truth_itself(ir, vis, pairs, complaint):
    """At 30 frames/s: tolerance 21.7 ms, hysteresis 6.7 ms."""
    run = Run({IR: fates(*ir), VIS: fates(*vis)})
    for rank, (i, v) in enumerate(pairs):
        run.fates[IR][i].shown = run.fates[VIS][v].shown = rank
        run.pairs.append(Made(i, v, START_NS + 90 * MS, round(0.65e9 / 30), rank, None))
    wrong = judge_nearest(run, 100 * MS).wrong
    if complaint is None:
        assert wrong == []
    else:
        assert any(complaint in words for words in wrong)


def test_the_truth_finds_a_frame_that_was_alone_for_no_reason():
    run = play_30_hz(LivePairer())
    assert judge_nearest(run, 100 * MS).wrong == []
    pair = run.pairs.pop(100)
    run.alone.append(Alone(VIS, pair.vis, pair.at_ns, pair.rank, 20 * MS, PairingState.PAIRED))
    assert judge_nearest(run, 100 * MS).wrong == ["vis frame 100 alone while the other was there"]


@pytest.mark.parametrize("leader", [IR, VIS])
def test_the_truth_finds_a_leaders_frame_with_another_than_the_nearest(leader):
    run = play_30_hz(LivePairer(PairingRules(PairingMode(f"{leader.value}-leads"))))
    assert judge_leading(run, leader, 30, 30).wrong == []
    if leader is IR:
        run.pairs[100].vis -= 1
    else:
        run.pairs[100].ir -= 1
    assert "is nearer" in " ".join(judge_leading(run, leader, 30, 30).wrong)
    run.pairs.pop(200)
    run.fates[leader][200].dropped = DropReason.UNMATCHED
    assert "was not shown" in " ".join(judge_leading(run, leader, 30, 30).wrong)
