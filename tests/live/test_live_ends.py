"""How a live run fares with its engine and its sinks, and how it ends."""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque

import numpy as np
import pytest
from fakes import FakeEngine
from live.live_run import LiveRun, waited
from live.virtual_cameras import MS, WH, Device

from calibration.rig import Rig
from engines.errors import EngineError, Stopped
from fusion_rt import fuse
from fusion_rt.errors import SinkError
from fusion_rt.frame import FrameFlags, Sensor
from fusion_rt.live import pipeline
from fusion_rt.live.cameras import LiveCameras
from fusion_rt.live.pipeline import LivePipeline
from fusion_rt.preview import Preview

IR, VIS = Sensor.IR, Sensor.VIS
pytestmark = pytest.mark.usefixtures("quick_reconnect")


class SlowEngine(FakeEngine):
    """Works on one pair after the other beside its caller, as a GPU does."""

    def __init__(self, seconds: float, slots: int = 1) -> None:
        super().__init__(WH)
        self.slots = slots
        self.seconds = seconds
        self.released = threading.Event()
        self._ready_s: deque[float] = deque()
        self._busy_until_s = 0.0

    def _begin(self, ir, vis):
        self._busy_until_s = max(self._busy_until_s, time.monotonic()) + self.seconds
        self._ready_s.append(self._busy_until_s)
        super()._begin(ir, vis)

    def _finish(self):
        self.released.wait(max(0.0, self._ready_s.popleft() - time.monotonic()))
        return super()._finish()


def for_ever(run: LiveRun):
    yield run.next("fused", 10**6)


@pytest.mark.parametrize("slots", [1, 2])
def test_delay_stays_the_same_when_cameras_are_four_times_faster_than_the_engine(slots):
    run = LiveRun(opener=lambda: SlowEngine(0.04, slots))  # 25 a second, from 100 and 125

    def story():
        yield run.next("fused", 45)

    run.play(story())
    ages = [shown.age_ms for shown in run.shown]
    early, late = statistics.median(ages[5:20]), statistics.median(ages[-15:])
    assert late < early + 40  # one more waiting pair would show
    assert late < 250
    overwritten = run.cameras.ledger.summary()["dropped"]["overwritten"]
    assert overwritten["ir"] > 45
    assert overwritten["vis"] > 45
    assert run.levels[-1] == "good"


def test_engine_that_opens_slowly_is_down_and_then_good():
    ready = threading.Event()

    def opener():
        assert ready.wait(20)
        return FakeEngine(WH)

    run = LiveRun(opener=opener)

    def story():
        yield run.feels("down", "^the engine is not ready$")
        yield run.next("nothing")
        ready.set()
        yield run.feels("good")
        yield run.next("fused")

    run.play(story())
    assert run.levels == ["down", "good"]


def test_camera_that_goes_while_the_engine_opens_is_told_too():
    ready = threading.Event()

    def opener():
        assert ready.wait(20)
        return FakeEngine(WH)

    run = LiveRun(opener=opener)

    def story():
        run.ir.plugged = False
        yield run.feels("down", "^the engine is not ready; infrared camera lost")
        ready.set()
        yield run.feels("degraded", "^infrared camera lost")
        yield run.next("vis")

    run.play(story())


def test_engine_that_hangs_is_told(monkeypatch):
    monkeypatch.setattr(pipeline, "_NOTHING_NS", 200_000_000)
    engine = SlowEngine(0)
    run = LiveRun(opener=lambda: engine)

    def story():
        yield run.next("fused")
        engine.seconds = 20
        yield run.feels("down", r"^nothing was fused for \d s$")
        engine.seconds = 0
        engine._busy_until_s = 0
        engine.released.set()
        yield run.feels("good")

    run.play(story())


def test_another_engine_fuses_until_the_engine_is_ready(monkeypatch):
    monkeypatch.setattr(fuse, "_PREVIEW_AFTER_S", 0.0)
    prepared = threading.Event()
    run = LiveRun()
    made = LivePipeline.__init__

    def with_preview(self, *given, **named):
        preview = Preview("quick", lambda: FakeEngine(WH), lambda give_up: prepared.wait(20))
        made(self, *given, **named, preview=preview)

    monkeypatch.setattr(LivePipeline, "__init__", with_preview)

    def story():
        yield run.next("fused")
        assert run.health.level.value == "good"
        prepared.set()
        yield lambda: run.pipeline.previewed.pairs < len(run.shown)
        yield run.next("fused")

    run.play(story())
    assert 8 <= run.pipeline.previewed.pairs < len(run.shown)


class FailingEngine(FakeEngine):
    """Fails at the twentieth call of one of its methods."""

    def __init__(self, slots: int, at: str) -> None:
        super().__init__(WH)
        self.slots = slots
        self._at, self._left = at, 20

    def _fail(self, at: str) -> None:
        if at == self._at:
            self._left -= 1
            if self._left <= 0:
                raise EngineError("the GPU was lost")

    def _begin(self, ir, vis):
        self._fail("submit")
        super()._begin(ir, vis)

    def _finish(self):
        self._fail("collect")
        return super()._finish()

    def set_weight(self, weight):
        self._fail("weight")
        super().set_weight(weight)


@pytest.mark.parametrize("slots", [1, 2])
@pytest.mark.parametrize("at", ["submit", "collect"])
def test_failing_engine_ends_the_run_with_its_error_and_closes_the_cameras(at, slots):
    engine = FailingEngine(slots, at)
    run = LiveRun(opener=lambda: engine)
    with pytest.raises(EngineError, match="the GPU was lost"):
        run.play(for_ever(run))
    assert engine.closed == 1
    assert run.cameras.ledger.summary()["fused"] <= 20


def test_engine_that_fails_when_it_takes_a_weight_ends_the_run():
    engine = FailingEngine(1, "weight")
    engine._left = 2  # the first is set when it was opened
    run = LiveRun(opener=lambda: engine, settings={"thermal": {"shutter": "fade"}})

    def story():
        yield run.next("fused")
        run.ir.flags = FrameFlags.SHUTTER
        yield run.next("fused", 10**6)

    with pytest.raises(EngineError, match="the GPU was lost"):
        run.play(story())


def test_engine_that_does_not_open_ends_the_run():
    def opener():
        raise EngineError("no such model", hint="take another")

    run = LiveRun(opener=opener)
    with pytest.raises(EngineError, match="no such model"):
        run.play(for_ever(run))
    assert run.cameras.ledger.summary()["fused"] == 0


@pytest.mark.parametrize("alone", [None, IR, VIS], ids=["fused", "ir-alone", "vis-alone"])
def test_failing_sink_ends_the_run_with_its_error(alone):
    shown = []

    def consume(pair, health):
        shown.append(pair.alone)
        if shown.count(alone) == 10:
            raise SinkError("the disk is full")

    run = LiveRun(consume=consume)

    def story():
        yield run.next("fused", 3)
        if alone is not None:
            run.device(VIS if alone is IR else IR).plugged = False
        yield run.next("fused", 10**6)

    with pytest.raises(SinkError, match="the disk is full"):
        run.play(story())
    assert run.cameras.ledger.summary()["dropped"]["stopped"][(alone or VIS).value] >= 1


def test_stop_before_any_camera_is_there():
    run = LiveRun()
    run.ir.plugged = run.vis.plugged = False
    run.cameras.start()
    begun = threading.active_count()
    asked = []
    sizes = run.cameras.sizes(lambda: asked.append(1) or len(asked) > 5, run.said.append)
    run.cameras.close()
    assert sizes is None
    for stage in run.cameras.stages:
        stage.join(5)
    assert threading.active_count() == begun - 2


def test_stop_while_the_engine_opens():
    pause = threading.Event()

    def opener():
        while not run.pipeline.ending:
            assert not pause.wait(0.01)
        raise Stopped("stopped while building")

    run = LiveRun(opener=opener)

    def story():
        yield run.next("nothing")

    run.play(story())
    assert run.stopped
    assert run.pipeline.engine_info is None


def test_stop_while_a_camera_is_away_and_one_hangs():
    run = LiveRun(stuck_s=0.5)

    def story():
        yield run.next("fused")
        run.ir.plugged = False
        run.vis.hangs = 1
        yield run.feels("down", "visible camera (stuck|lost)")
        yield lambda: run.cameras.replaced == 1

    run.play(story())
    assert run.stopped


def test_run_ends_after_the_set_time():
    run = LiveRun(settings={"seconds": 0.3})
    run.play(for_ever(run))
    assert not run.stopped
    assert run.shown


def test_driver_that_hangs_at_the_end_is_told_and_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr(pipeline, "_JOIN_S", 0.3)
    run = LiveRun()

    def story():
        yield run.next("fused")
        run.ir.hangs = 1
        yield lambda: not run.ir.hangs

    run.play(story())
    assert run.said[-1] == "capture-ir does not stop: its driver hangs"


def test_flapping_camera_leaves_nothing_behind():
    run = LiveRun()
    before = threading.active_count()

    def story():
        for _ in range(5):
            yield run.next("fused", 3)
            run.vis.plugged = False
            yield run.feels("degraded", "visible camera lost")
            yield run.next("ir", 3)
            run.vis.plugged = True
            yield run.feels("good")
        assert threading.active_count() == before + 4  # two cameras, register, fuse
        assert run.vis.opened - run.vis.closed == 1

    run.play(story())
    assert run.cameras.states()[VIS].reconnects == 5
    assert run.pipeline.history.summary()["changes"] >= 11


def test_failure_of_a_capture_thread_that_is_no_fault_of_the_camera_ends_the_run():
    def broken(frame):
        if len(run.shown) > 5:
            raise ZeroDivisionError("a fault of ours")
        return frame

    run = LiveRun(prepare=broken)
    with pytest.raises(ZeroDivisionError, match="a fault of ours"):
        run.play(for_ever(run))


def test_mode_may_change_in_mid_run():
    """In the modes in which one camera leads, frames of the other one are shown several times."""
    run = LiveRun(Device(IR, 50), Device(VIS, 120))

    def story():
        for mode in ("latest", "ir-leads", "vis-leads", "nearest"):
            pairing = run.settings.pairing.model_copy(update={"mode": mode})
            run.pipeline.apply(run.settings.model_copy(update={"pairing": pairing}))
            yield run.next("fused", 20)
            assert run.pipeline.pairing_summary()["mode"] == mode

    run.play(story())
    assert run.cameras.ledger.summary()["reused"]["ir"] > 5


def test_cameras_need_no_pipeline_to_be_closed():
    run = LiveRun()
    assert isinstance(run.cameras, LiveCameras)
    run.cameras.close()
    np.testing.assert_array_equal([len(c._items) for c in run.cameras.channels.values()], 0)


def test_time_of_the_run_is_what_its_health_adds_up_to():
    run = LiveRun()

    def story():
        yield waited(0.2)
        run.ir.plugged = False
        yield run.feels("degraded", "lost")
        yield waited(0.2)

    run.play(story())
    seconds = run.pipeline.history.summary()["seconds"]
    assert seconds["degraded"] >= 0.1
    assert sum(seconds.values()) >= 0.3


@pytest.mark.parametrize(
    ("given", "used_ms"),
    [
        pytest.param({}, 40.0, id="of-the-rig"),
        pytest.param({"ir_offset_ms": 7.5}, 7.5, id="of-the-settings"),
        pytest.param({"ir_offset_ms": 0.0}, 0.0, id="zero-is-a-word-too"),
    ],
)
def test_clock_offset_of_the_rig_is_used_unless_the_settings_tell_another(given, used_ms):
    rig = Rig(WH, WH, np.eye(3), ir_offset_ms=40.0)
    run = LiveRun(rig=rig, settings={"pairing": given})
    run.ir.stamp_ns = round(used_ms * MS)  # so that pairs are true ones with this offset alone

    def story():
        yield run.next("fused")
        assert run.pipeline is not None
        assert run.pipeline.given_offset_ms(run.settings) == used_ms

    run.play(story())
    # Cameras of 100 and 125 pictures a second: a wrong offset would show as a skew of its size.
    assert max(abs(shown.skew_ms) for shown in run.shown) < 7
