"""The threads of a run: lossless replay, live drops, ends by input, by wish and by failure."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from fakes import FakeEngine, FakeSource

from calibration.errors import RigError
from calibration.rig import Rig
from engines.errors import EngineError
from fusion_rt.config import load_settings
from fusion_rt.errors import SinkError, SourceError, TruncatedSourceError, UsageError
from fusion_rt.frame import Sensor
from fusion_rt.pipeline import Pipeline
from fusion_rt.registration.alignment import Alignment

WH = (64, 64)
STEP_MS = 1000 / 30


def make(ir, vis, opener=None, rig=None, overrides=()):
    return Pipeline(
        ir,
        vis,
        opener or (lambda: FakeEngine(vis.info.size_wh)),
        rig=rig,
        settings=load_settings(None, list(overrides)),
    )


def streams(count=20, vis_offset_ms=2.0, **kwargs):
    times = [i * STEP_MS for i in range(count)]
    return (
        FakeSource(Sensor.IR, times, WH, **kwargs),
        FakeSource(Sensor.VIS, [t + vis_offset_ms for t in times], WH),
    )


def check_conservation(pipeline):
    frames = pipeline.ledger.summary()
    for name in ("ir", "vis"):
        dropped = sum(counts[name] for counts in frames["dropped"].values())
        assert frames[f"captured_{name}"] == frames["fused"] + dropped
    for sensor in Sensor:
        assert pipeline.ledger.in_flight(sensor) == 0


def no_thread_left():
    names = ("capture-ir", "capture-vis", "register", "fuse")
    return not [t for t in threading.enumerate() if t.name in names]


def test_replay_fuses_every_pair_in_order_and_closes_everything():
    ir, vis = streams(50)
    engines = []

    def opener():
        engines.append(FakeEngine(WH))
        return engines[-1]

    pipeline = make(ir, vis, opener)
    seen = []
    outcome = pipeline.run(lambda pair: seen.append((pair.captured_ns, pair.fused[0, 0].tolist())))
    assert [f[:2] for _, f in seen] == [[i, i] for i in range(50)]
    assert [t for t, _ in seen] == sorted(t for t, _ in seen)
    assert (outcome.stopped, outcome.broken) == (False, ())
    assert pipeline.ledger.summary()["fused"] == 50
    assert pipeline.stats.skew.percentile(50) == pytest.approx(2.0, rel=0.01)
    assert ir.closed >= 1
    assert vis.closed >= 1
    assert [engine.closed for engine in engines] == [1]
    check_conservation(pipeline)
    assert no_thread_left()


def test_slow_engine_loses_nothing_in_replay():
    ir, vis = streams(30)
    pipeline = make(ir, vis, lambda: FakeEngine(WH, on_fuse=lambda _: time.sleep(0.003)))
    pipeline.run(lambda pair: None)
    assert pipeline.ledger.summary()["fused"] == 30


def test_replay_repeats_exactly_whichever_thread_is_faster():
    results = []
    for delays in ((0.0, 0.002), (0.002, 0.0)):
        rng = np.random.default_rng(5)
        ir_ms = [i * 40 + float(rng.uniform(-9, 9)) for i in range(40)]
        vis_ms = [i * STEP_MS + float(rng.uniform(-9, 9)) for i in range(48)]
        ir = FakeSource(Sensor.IR, ir_ms, WH, 25, fault=lambda _, d=delays[0]: time.sleep(d))
        vis = FakeSource(Sensor.VIS, vis_ms, WH, 30, fault=lambda _, d=delays[1]: time.sleep(d))
        pipeline = make(ir, vis)
        seen = []
        pipeline.run(lambda pair, seen=seen: seen.append((pair.ir.seq, pair.vis.seq)))
        check_conservation(pipeline)
        results.append((seen, pipeline.ledger.summary()))
    assert results[0] == results[1]
    assert len(results[0][0]) > 30


def test_realtime_pace_drops_what_a_slow_engine_cannot_take_and_counts_it():
    ir, vis = streams(30)
    pipeline = make(
        ir,
        vis,
        lambda: FakeEngine(WH, on_fuse=lambda _: time.sleep(0.1)),
        overrides=["pace=realtime"],
    )
    begun = time.monotonic()
    pipeline.run(lambda pair: None)
    frames = pipeline.ledger.summary()
    assert frames["captured_ir"] == frames["captured_vis"] == 30
    assert 0 < frames["fused"] < 30
    assert frames["dropped"]["overwritten"]["vis"] > 0
    assert time.monotonic() - begun >= 29 * STEP_MS / 1000
    check_conservation(pipeline)


def test_sixteen_bit_infrared_reaches_the_engine_as_eight_bit():
    ir, vis = streams(3)
    original = ir.read

    def read():
        frame = original()
        if frame is None:
            return None
        counts = np.linspace(8000, 9000, 64 * 64).astype(np.uint16).reshape(64, 64)
        return type(frame)(counts, frame.captured_ns, frame.seq, frame.begun_ns, frame.arrived_ns)

    ir.read = read
    seen = []
    make(ir, vis).run(lambda pair: seen.append(pair.fused[..., 0]))
    assert len(seen) == 3
    assert (seen[0][0, 0], seen[0][-1, -1]) == (0, 255)


def test_rig_warps_the_infrared_and_gives_the_engine_its_weight():
    shift = np.array([[1, 0, 100], [0, 1, 0], [0, 0, 1]], np.float64)
    ir = FakeSource(Sensor.IR, [0.0, 33.0], (64, 64))
    vis = FakeSource(Sensor.VIS, [0.0, 33.0], (200, 64))
    seen = []
    pipeline = make(ir, vis, rig=Rig((64, 64), (200, 64), shift))
    pipeline.run(lambda pair: seen.append(pair.fused))
    assert seen[1].shape == (64, 200, 3)
    assert seen[1][30, 130, 2] == 255
    assert seen[1][30, 20, 2] == 0
    assert pipeline.registration.now.coverage == pytest.approx(64 / 200, abs=0.02)


def test_sizes_that_do_not_fit_are_refused_before_any_thread_starts():
    ir = FakeSource(Sensor.IR, [0.0], (64, 64))
    vis = FakeSource(Sensor.VIS, [0.0], (128, 64))
    with pytest.raises(UsageError, match="64x64 and visible 128x64"):
        make(ir, vis)
    assert no_thread_left()


def fail_at(index, error):
    def fault(i):
        if i == index:
            raise error

    return fault


def test_failing_source_ends_the_run_with_its_error():
    ir, vis = streams(200, fault=fail_at(5, SourceError("cable pulled", hint="plug it in")))
    pipeline = make(ir, vis)
    with pytest.raises(SourceError, match="cable pulled"):
        pipeline.run(lambda pair: None)
    check_conservation(pipeline)
    assert no_thread_left()


def test_failing_engine_ends_the_run_with_its_error():
    ir, vis = streams(200)
    opener = lambda: FakeEngine(WH, on_fuse=fail_at(3, EngineError("lost device")))  # noqa: E731
    pipeline = make(ir, vis, opener)
    with pytest.raises(EngineError, match="lost device"):
        pipeline.run(lambda pair: None)
    check_conservation(pipeline)
    assert no_thread_left()


def test_engine_that_does_not_open_ends_the_run():
    def opener():
        raise EngineError("no such model")

    ir, vis = streams(200)
    pipeline = make(ir, vis, opener)
    with pytest.raises(EngineError, match="no such model"):
        pipeline.run(lambda pair: None)
    check_conservation(pipeline)
    assert no_thread_left()


def test_failing_warp_ends_the_run_with_its_error(monkeypatch):
    ir, vis = streams(200)
    pipeline = make(ir, vis)

    def infrared(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Alignment, "infrared", infrared)
    with pytest.raises(RuntimeError, match="out of memory"):
        pipeline.run(lambda pair: None)
    check_conservation(pipeline)
    assert no_thread_left()


def test_failing_sink_ends_the_run_with_its_error():
    ir, vis = streams(200)
    seen = []

    def consume(pair):
        seen.append(pair)
        if len(seen) == 4:
            raise SinkError("disk full")

    pipeline = make(ir, vis)
    with pytest.raises(SinkError, match="disk full"):
        pipeline.run(consume)
    assert pipeline.ledger.summary()["fused"] == 3
    check_conservation(pipeline)
    assert no_thread_left()


def test_stop_ends_a_long_run_early_and_accounts_for_what_was_under_way():
    ir, vis = streams(100_000)
    pipeline = make(ir, vis)
    seen = []

    def consume(pair):
        seen.append(pair.vis.seq)
        if len(seen) == 10:
            pipeline.stop()

    outcome = pipeline.run(consume)
    assert outcome.stopped
    assert len(seen) == 10
    assert pipeline.ledger.summary()["captured_ir"] < 100
    check_conservation(pipeline)
    assert no_thread_left()


def test_stopping_calls_nothing_unmatched():
    for _ in range(20):
        ir, vis = streams(10_000)
        pipeline = make(ir, vis)
        pipeline.run(lambda pair, p=pipeline: p.stop() if pair.vis.seq == 3 else None)
        assert pipeline.ledger.summary()["dropped"]["unmatched"] == {"ir": 0, "vis": 0}
        check_conservation(pipeline)


def test_live_run_ends_when_no_pair_can_come_any_more():
    ir = FakeSource(Sensor.IR, [0.0, STEP_MS], WH)
    vis = FakeSource(Sensor.VIS, [i * STEP_MS for i in range(3000)], WH)  # 100 s
    pipeline = make(ir, vis, overrides=["pace=realtime"])
    pipeline.run(lambda pair: None)
    assert pipeline.ledger.summary()["captured_vis"] < 3000
    check_conservation(pipeline)


def test_rig_that_shows_the_infrared_nowhere_is_refused():
    far = np.array([[1, 0, 5000], [0, 1, 0], [0, 0, 1]], np.float64)
    ir, vis = streams(2)
    with pytest.raises(RigError, match="nowhere"):
        make(ir, vis, rig=Rig(WH, WH, far))


def test_truncated_recording_is_fused_up_to_the_break():
    error = TruncatedSourceError("ir.mp4 breaks off after frame 6")
    ir, vis = streams(20, fault=fail_at(7, error))
    pipeline = make(ir, vis)
    outcome = pipeline.run(lambda pair: None)
    assert outcome.broken == (error,)
    frames = pipeline.ledger.summary()
    assert frames["fused"] == 7
    assert frames["dropped"]["alone"]["vis"] == 13
    check_conservation(pipeline)


def test_source_without_frames_is_an_error():
    ir, vis = FakeSource(Sensor.IR, []), FakeSource(Sensor.VIS, [0.0, 33.0])
    with pytest.raises(SourceError, match="fake:ir holds no frame"):
        make(ir, vis).run(lambda pair: None)


def test_idle_is_called_while_nothing_is_finished():
    ir, vis = streams(2)
    idle_twice = threading.Event()
    calls = []

    def idle():
        calls.append(1)
        if len(calls) == 2:
            idle_twice.set()

    # The engine does not finish before idle was called twice; without that the run would fail.
    def on_fuse(_):
        assert idle_twice.wait(30)

    make(ir, vis, lambda: FakeEngine(WH, on_fuse=on_fuse)).run(lambda pair: None, idle)


@pytest.mark.parametrize(
    ("ir_fps", "vis_fps", "expected_ms"),
    [(30.0, 30.0, 21.667), (9.0, 60.0, 10.833), (None, 25.0, 26.0), (None, None, 20.0)],
)
def test_tolerance_follows_the_faster_camera(ir_fps, vis_fps, expected_ms):
    ir = FakeSource(Sensor.IR, [0.0], fps=ir_fps)
    vis = FakeSource(Sensor.VIS, [0.0], fps=vis_fps)
    assert make(ir, vis).max_skew_ms == pytest.approx(expected_ms, abs=1e-3)
