"""Pairs by capture time: hand-made tables, then properties on random streams."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from fakes import MS, frame

from fusion_rt.frame import Sensor
from fusion_rt.limits import Limits, MeasuredLimits
from fusion_rt.pairing import Pairer


def run(ir_ms, vis_ms, max_skew_ms, order=None, hysteresis_ns=0, ir_offset_ns=0, limits=None):
    """Pairs as (ir ms, vis ms) and unmatched as (sensor, ms)."""
    pairer = Pairer(limits or Limits(round(max_skew_ms * MS), hysteresis_ns), ir_offset_ns)
    queues = {Sensor.IR: list(ir_ms), Sensor.VIS: list(vis_ms)}
    ended = dict.fromkeys(Sensor, False)
    pairs, unmatched = [], []
    picks = iter(order) if order is not None else None
    while True:
        wanted = pairer.wanted
        if wanted is None:
            break
        sensor = wanted if picks is None else next(picks)
        if queues[sensor]:
            done = pairer.push(sensor, frame(queues[sensor].pop(0)))
        elif not ended[sensor]:
            ended[sensor] = True
            done = pairer.end(sensor)
        else:
            continue
        pairs += [(p.ir.captured_ns / MS, p.vis.captured_ns / MS) for p in done.pairs]
        unmatched += [(s.value, f.captured_ns / MS) for s, f, _ in done.unmatched]
    return pairs, unmatched


@pytest.mark.parametrize(
    ("ir", "vis", "max_skew", "pairs", "unmatched"),
    [
        pytest.param([0, 33, 66], [0, 33, 66], 5, [(0, 0), (33, 33), (66, 66)], [], id="in-step"),
        pytest.param([5, 38], [0, 33], 5, [(5, 0), (38, 33)], [], id="tolerance-is-inclusive"),
        pytest.param([6], [0], 5, [], [("vis", 0), ("ir", 6)], id="just-beyond-tolerance"),
        pytest.param(
            [0, 100],
            [0, 33, 67, 100],
            16,
            [(0, 0), (100, 100)],
            [("vis", 33), ("vis", 67)],
            id="slower-stream-sets-the-pace",
        ),
        pytest.param(
            [0, 10, 20], [6, 16], 10, [(10, 6), (20, 16)], [("ir", 0)], id="nearer-one-wins"
        ),
        pytest.param([0, 12], [6], 10, [(0, 6)], [("ir", 12)], id="first-wins-a-tie"),
        pytest.param(
            [0, 33, 66, 99],
            [0, 99],
            16,
            [(0, 0), (99, 99)],
            [("ir", 33), ("ir", 66)],
            id="gap-in-the-visible",
        ),
        pytest.param([], [0, 33], 16, [], [("vis", 0), ("vis", 33)], id="one-stream-empty"),
        pytest.param([], [], 16, [], [], id="both-empty"),
    ],
)
def test_table(ir, vis, max_skew, pairs, unmatched):
    assert run(ir, vis, max_skew) == (pairs, unmatched)


def test_offset_of_the_infrared_clock_is_taken_off():
    pairs, unmatched = run([112, 145], [100, 133], 5, ir_offset_ns=12 * MS)
    assert pairs == [(112, 100), (145, 133)]
    assert unmatched == []


def test_skew_is_told_on_one_clock():
    pairer = Pairer(Limits(5 * MS), ir_offset_ns=12 * MS)
    pairer.push(Sensor.IR, frame(112))
    pairer.push(Sensor.VIS, frame(103))
    (pair,) = pairer.end(Sensor.IR).pairs
    assert pair.skew_ns == 3 * MS


@pytest.mark.parametrize("rates", [(9, 30), (25, 30), (30, 30), (60, 25)])
@pytest.mark.parametrize("seed", range(5))
def test_random_streams_pair_mutual_nearest_and_account_for_every_frame(rates, seed):
    rng = np.random.default_rng(seed)
    streams = []
    for fps in rates:
        period = 1000 / fps
        times = np.arange(200) * period + rng.uniform(0, period)
        times += rng.uniform(-0.2, 0.2, 200) * period
        streams.append([round(float(t), 3) for t in times[rng.random(200) > 0.05]])
    ir, vis = streams
    max_skew = 0.55 * 1000 / max(rates)
    pairs, unmatched = run(ir, vis, max_skew)
    assert sorted([a for a, _ in pairs] + [t for s, t in unmatched if s == "ir"]) == pytest.approx(
        ir
    )
    assert sorted([b for _, b in pairs] + [t for s, t in unmatched if s == "vis"]) == pytest.approx(
        vis
    )
    # Every pair is within tolerance, and no frame left over is nearer to either of the two.
    free_ir = np.array([t for s, t in unmatched if s == "ir"] or [1e9])
    free_vis = np.array([t for s, t in unmatched if s == "vis"] or [1e9])
    for a, b in pairs:
        skew = abs(a - b)
        assert skew <= max_skew + 1e-6
        assert np.abs(free_ir - b).min() >= skew - 1e-6
        assert np.abs(free_vis - a).min() >= skew - 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_equal_rates_at_half_a_period_lose_no_frame_to_jitter(seed):
    rng = np.random.default_rng(seed)
    period = 1000 / 30
    steps = np.arange(300) * period
    ir = list(steps + rng.uniform(-0.04, 0.04, 300) * period)
    vis = list(steps + period / 2 + rng.uniform(-0.04, 0.04, 300) * period)
    pairs, unmatched = run(ir, vis, 0.65 * period, hysteresis_ns=round(0.2 * period * MS))
    assert len(unmatched) <= 2  # one at the start, one at the end
    assert len(pairs) >= 299
    # Without hysteresis the same streams fall apart.
    assert len(run(ir, vis, 0.65 * period)[1]) > 20


def test_free_running_25_and_30_hz_have_the_skew_of_the_theory():
    ir = [i * 40 + 3.0 for i in range(1000)]
    vis = [i * 1000 / 30 for i in range(1200)]
    pairs, _ = run(ir, vis, 0.65 * 1000 / 30, hysteresis_ns=round(0.2 * 1000 / 30 * MS))
    assert len(pairs) >= 999
    mean = np.mean([abs(a - b) for a, b in pairs])
    assert mean <= 1.05 * 1000 / 30 / 4


@pytest.mark.parametrize("seed", range(5))
def test_result_does_not_depend_on_the_order_of_arrival(seed):
    rng = np.random.default_rng(seed)
    ir = [round(i * 40 + float(rng.uniform(-8, 8)), 3) for i in range(50)]
    vis = [round(i * 33.3 + float(rng.uniform(-8, 8)), 3) for i in range(60)]
    expected = run(ir, vis, 17)
    shuffled = [Sensor.IR] * 51 + [Sensor.VIS] * 61
    rng.shuffle(shuffled)
    pairs, unmatched = run(ir, vis, 17, order=itertools.chain(shuffled, itertools.cycle(Sensor)))
    assert pairs == expected[0]
    assert sorted(unmatched) == sorted(expected[1])


def test_live_takes_a_small_skew_at_once_and_waits_for_a_large_one():
    pairer = Pairer(Limits(16 * MS, eager_ns=8 * MS))
    pairer.push(Sensor.IR, frame(0))
    assert len(pairer.push(Sensor.VIS, frame(7)).pairs) == 1
    pairer.push(Sensor.IR, frame(33))
    assert pairer.push(Sensor.VIS, frame(46)).pairs == []
    done = pairer.push(Sensor.IR, frame(50))
    assert [(p.ir.captured_ns / MS, p.vis.captured_ns / MS) for p in done.pairs] == [(50, 46)]


def test_a_silent_camera_cannot_fill_the_memory():
    pairer = Pairer(Limits(16 * MS), max_waiting=8)
    lost = []
    for index in range(20):
        lost += pairer.push(Sensor.VIS, frame(index * 33)).unmatched
    assert [f.captured_ns / MS for _, f, _ in lost] == [i * 33 for i in range(12)]  # the oldest
    assert [f.captured_ns / MS for _, f in pairer.drain()] == [i * 33 for i in range(12, 20)]


def test_pauses_do_not_widen_the_tolerance():
    """Bursts at 30 frames/s with pauses of 2 s: the average rate says nothing about a partner."""
    times = [burst * 3000 + i * 1000 / 30 for burst in range(4) for i in range(15)]
    vis = [t + 4 for t in times]
    del vis[20]
    limits = MeasuredLimits(nominal_fps=4.9, max_skew_ns=None, live=False)
    pairs, unmatched = run(times, vis, 0, limits=limits)
    assert [round(b - a, 6) for a, b in pairs] == [4.0] * 59
    ((sensor, lone),) = unmatched
    assert (sensor, lone) == ("ir", pytest.approx(times[20]))


def test_limits_follow_the_faster_stream_as_measured():
    limits = MeasuredLimits(nominal_fps=5.0, max_skew_ns=None, live=False)
    for index in range(10):
        limits.observe(Sensor.IR, index * 100 * MS)
        limits.observe(Sensor.VIS, index * 40 * MS)
        limits.observe(Sensor.VIS, index * 40 * MS)  # a repeated stamp is no interval
    assert limits.max_skew_ns == pytest.approx(0.65 * 40 * MS)
    assert limits.hysteresis_ns == pytest.approx(0.2 * 40 * MS)


def test_a_pair_without_skew_does_not_change_sides():
    """In step but for jitter: frames that happen to coincide must not reset the hysteresis."""
    limits = Limits(20 * MS, hysteresis_ns=6 * MS)
    pairs, unmatched = run([16, 33, 84, 118], [0, 33, 66, 100], 0, limits=limits)
    assert pairs == [(16, 0), (33, 33), (84, 66), (118, 100)]
    assert unmatched == []


@pytest.mark.parametrize(
    ("nominal_fps", "set_ms", "live", "expected_ms"),
    [
        pytest.param(30.0, None, False, (21.667, 6.667, -1), id="shares-of-the-period"),
        pytest.param(30.0, None, True, (21.667, 6.667, 8.333), id="live-takes-a-quarter-at-once"),
        pytest.param(30.0, 50, False, (50, 6.667, -1), id="tolerance-as-set"),
        pytest.param(None, None, False, (20, 0, -1), id="unknown-rate"),
    ],
)
def test_limits_before_the_rate_is_measured(nominal_fps, set_ms, live, expected_ms):
    limits = MeasuredLimits(nominal_fps, None if set_ms is None else set_ms * MS, live=live)
    found = (limits.max_skew_ns / MS, limits.hysteresis_ns / MS)
    assert found == pytest.approx(expected_ms[:2], abs=1e-3)
    eager_ms = limits.eager_ns / MS if live else limits.eager_ns
    assert eager_ms == pytest.approx(expected_ms[2], abs=1e-3)


def reasons(ir, vis, limits):
    pairer = Pairer(limits)
    found = []
    events = [(t, Sensor.IR) for t in ir] + [(t, Sensor.VIS) for t in vis]
    for time_ms, sensor in sorted(events):
        found += pairer.push(sensor, frame(time_ms)).unmatched
    for sensor in Sensor:
        found += pairer.end(sensor).unmatched
    return [(sensor.value, round(f.captured_ns / MS), reason.value) for sensor, f, reason in found]


def test_frames_left_over_are_told_apart():
    """Infrared at 10, visible at 30 frames/s; one infrared frame is late, and it ends early."""
    ir = [0, 100, 200, 345, 400]
    vis = [i * 100 / 3 for i in range(20)]
    del vis[10]  # at 333 ms, the late one's partner
    found = reasons(ir, vis, MeasuredLimits(30.0, 14 * MS, live=False))
    assert [f for f in found if f[2] == "unmatched"] == [("ir", 345, "unmatched")]
    alone = [t for sensor, t, reason in found if reason == "alone"]
    assert alone == [round(t) for t in vis if t > 401]
    assert {sensor for sensor, _, reason in found if reason == "surplus"} == {"vis"}
