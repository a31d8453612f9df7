"""The fuse stage: pairs that overlap, an engine that warps, a preview until the engine is ready."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest
from fakes import FakeEngine, FakeSource, frame, picture
from rigs import pair_rig

from calibration.rig import Rig
from engines.errors import EngineError, Stopped
from engines.report import silent
from fusion_rt import fuse
from fusion_rt.channel import Channel
from fusion_rt.config import load_settings
from fusion_rt.errors import SinkError
from fusion_rt.frame import FramePair, Sensor
from fusion_rt.fuse import FuseStage
from fusion_rt.ledger import DropReason, Ledger
from fusion_rt.pipeline import Pipeline
from fusion_rt.preview import Preview
from fusion_rt.registration.running import Registration

WH = (64, 64)
HALF = Rig((64, 64), (128, 96), np.diag([2.0, 1.5, 1.0]))


class SlottedEngine(FakeEngine):
    """Holds up to ``slots`` pairs; writes down what is under way after each call."""

    def __init__(self, size_wh=WH, slots=2, fail_collect=None):
        super().__init__(size_wh)
        self.slots = slots
        self.depths = []
        self._fail_collect = fail_collect
        self._collected = 0

    def _begin(self, ir, vis):
        super()._begin(ir, vis)
        self.depths.append(self.under_way + 1)

    def _finish(self):
        if self._collected == self._fail_collect:
            raise EngineError("the GPU was lost")
        self._collected += 1
        return super()._finish()


class WarpingEngine(SlottedEngine):
    """Takes infrared pictures as they came; fused is the visible's first channel."""

    def __init__(self, size_wh, ir_size_wh):
        super().__init__(size_wh)
        self.warps, self.ir_size_wh = True, ir_size_wh
        self.shapes = set()
        self.grids = 0

    def _place_grid(self, grid):
        self.grid = grid
        self.grids += 1

    def _run(self, ir, vis):
        self.shapes.add(ir.shape)
        return np.dstack([vis[..., 0]] * 3)


def pipeline_of(opener, count=30, *, preview=None, rig=None, overrides=(), vis_wh=WH):
    times = [i * 1000 / 30 for i in range(count)]
    ir = FakeSource(Sensor.IR, times, WH)
    vis = FakeSource(Sensor.VIS, times, vis_wh)
    settings = load_settings(None, list(overrides))
    return Pipeline(ir, vis, opener, rig=rig, settings=settings, preview=preview)


def everything_counted(pipeline):
    frames = pipeline.ledger.summary()
    dropped = sum(counts["ir"] for counts in frames["dropped"].values())
    return frames["captured_ir"] == frames["fused"] + dropped


def test_pairs_overlap_and_stay_in_order():
    engine = SlottedEngine()
    pipeline = pipeline_of(lambda: engine)
    levels = []
    pipeline.run(lambda pair: levels.append(int(pair.fused[0, 0, 0])))
    assert levels == list(range(30))
    assert max(engine.depths) == 2
    assert everything_counted(pipeline)


def test_engine_lost_with_pairs_under_way_ends_the_run_and_counts_them():
    pipeline = pipeline_of(lambda: SlottedEngine(fail_collect=5))
    with pytest.raises(EngineError, match="the GPU was lost"):
        pipeline.run(lambda pair: None)
    assert pipeline.ledger.summary()["fused"] <= 5
    assert everything_counted(pipeline)


def test_engine_that_warps_gets_the_infrared_as_it_came():
    engine = WarpingEngine(HALF.vis_wh, HALF.ir_wh)
    pipeline = pipeline_of(lambda: engine, rig=HALF, vis_wh=HALF.vis_wh)
    pairs = []
    pipeline.run(pairs.append)
    assert engine.shapes == {(64, 64)}
    np.testing.assert_array_equal(engine.grid, Registration(HALF).now.grid)
    assert pairs[-1].ir_on_vis is None  # nobody has asked for it
    assert pipeline.registration.warped(pairs[-1]).shape == (96, 128)


def test_engine_that_warps_gets_another_grid_only_when_the_alignment_changes():
    rig = pair_rig(ir_wh=(64, 64), vis_wh=(128, 96), focal=(80.0, 130.0), distance_m=4.0)
    engine = WarpingEngine(rig.vis_wh, rig.ir_wh)
    pipeline = pipeline_of(lambda: engine, 60, rig=rig, vis_wh=rig.vis_wh)
    registration, pairs = pipeline.registration, []

    def consume(pair):
        pairs.append(pair)
        if len(pairs) == 10:
            registration.set_distance(0.5)
            registration.settle()

    pipeline.run(consume)
    assert [pair.alignment.number for pair in pairs] == sorted(p.alignment.number for p in pairs)
    assert {pair.alignment.number for pair in pairs} == {1, 2}
    assert engine.grids == 2
    np.testing.assert_array_equal(engine.grid, registration.now.grid)
    np.testing.assert_array_equal(engine.weight, registration.now.weight)


# --- pairs as live cameras give them: one picture alone, infrared that is not to be trusted -------

REGISTRATION = Registration(Rig(WH, WH, np.array([[1, 0, 8], [0, 1, 4], [0, 0, 1]], np.float64)))


def live_pair(index, alone=None, trust=1.0):
    """Registered; its pictures have the level of its number."""
    ir, vis = (picture(sensor, WH, index) for sensor in Sensor)
    frames = [frame(33 * index, index, image) for image in (ir, vis)]
    pair = FramePair(*frames, ir_8bit=ir, vis_bgr=vis, alone=alone, ir_trust=trust)
    REGISTRATION.warped(pair)
    return pair


class Stage:
    """The stage alone, with the pairs that it gets and those that come out."""

    def __init__(self, engine, pairs, capacity=100):
        self.ledger = Ledger()
        self.given = Channel(100, "block")
        self.channel = Channel(capacity, "latest")
        self.stopping = threading.Event()
        for pair in pairs:
            for sensor in Sensor:
                if pair.alone in (None, sensor):
                    self.ledger.captured(sensor)
            self.given.put(pair)
        self.given.end()
        self.stage = FuseStage(
            lambda: engine, REGISTRATION, self.given, self.channel, self.ledger, self.stopping, None
        )

    def run(self):
        self.stage.start()
        self.stage.join(20)
        assert not self.stage.is_alive()
        return self.rest(self.channel)

    def rest(self, channel):
        found = []
        while (pair := channel.take()) is not None:
            found.append(pair)
        return found

    def everything_counted(self, shown):
        for pair in shown:
            self.ledger.shown(pair)
        for pair in self.rest(self.given):
            self.ledger.dropped_pair(pair, DropReason.STOPPED)
        return [self.ledger.in_flight(sensor) for sensor in Sensor] == [0, 0]


MIXED = [None, None, Sensor.VIS, None, Sensor.IR, Sensor.IR, None, Sensor.VIS, None, None, None]


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_lone_pictures_keep_their_place_among_pairs_under_way(slots):
    stage = Stage(SlottedEngine(slots=slots), [live_pair(i, s) for i, s in enumerate(MIXED)])
    shown = stage.run()
    assert [pair.vis.seq for pair in shown] == list(range(len(MIXED)))
    assert [pair.alone for pair in shown] == MIXED
    for pair in shown:
        assert {"fuse_begun", "fused"} <= set(pair.stamps_ns)
    assert stage.everything_counted(shown)


def test_lone_pictures_are_shown_as_they_are():
    engine = SlottedEngine()
    shown = Stage(engine, [live_pair(9, Sensor.VIS), live_pair(7, Sensor.IR)]).run()
    np.testing.assert_array_equal(shown[0].fused, picture(Sensor.VIS, WH, 9))
    assert shown[0].fused is shown[0].vis_bgr  # without a copy
    inside = REGISTRATION.now.seen > 0
    assert (shown[1].fused[inside] == 7).all()
    assert not shown[1].fused[~inside].any()  # nothing mirrored beyond the infrared's view
    assert engine.depths == []  # it had nothing to do


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_each_pair_is_fused_with_its_own_trust(slots):
    trust = [1.0, 1.0, 0.5, 0.5, 0.25, 0.0, 0.0, 1.0, 1.0, 0.75]
    pairs = [live_pair(index, trust=value) for index, value in enumerate(trust)]
    shown = Stage(SlottedEngine(slots=slots), pairs).run()
    assert [pair.vis.seq for pair in shown] == list(range(len(trust)))
    for pair, value in zip(shown, trust, strict=True):
        # The engine writes the weight that it had into the red channel.
        np.testing.assert_array_equal(pair.fused[..., 2], REGISTRATION.now.weight_at(value))


@pytest.mark.parametrize(("slots", "hungry"), [(1, False), (2, True)])
def test_no_pair_is_asked_for_while_one_is_about_to_be_begun(slots, hungry):
    """It would have to wait for the engine; the engine may take long to take a new weight."""
    found = []

    class Looking(SlottedEngine):
        def set_weight(self, weight):
            found.append(stage.stage.hungry)
            super().set_weight(weight)

    stage = Stage(Looking(slots=slots), [live_pair(0, trust=0.5)])
    stage.run()
    assert found == [False, hungry]  # not before it is open, either


def test_trust_that_stays_is_given_to_the_engine_once():
    weights = []

    class Counting(FakeEngine):
        def set_weight(self, weight):
            weights.append(int(weight.max()))
            super().set_weight(weight)

    trust = [1.0, 1.0, 0.5, 0.5, 0.5, 1.0, 1.0]
    Stage(Counting(WH), [live_pair(i, trust=t) for i, t in enumerate(trust)]).run()
    assert weights == [255, 128, 255]


class Breaks(SlottedEngine):
    def __init__(self, at, slots):
        super().__init__(slots=slots)
        self._at = at

    def set_weight(self, weight):
        if self._at == "weight" and weight.max() < 255:
            raise EngineError("no memory left")
        super().set_weight(weight)

    def _begin(self, ir, vis):
        if self._at == "submit" and ir.max() == 4:
            raise EngineError("no memory left")
        super()._begin(ir, vis)

    def _finish(self):
        fused = super()._finish()
        if self._at == "collect" and fused[..., 1].max() == 4:
            raise EngineError("no memory left")
        return fused


@pytest.mark.parametrize("slots", [1, 2])
@pytest.mark.parametrize("at", ["weight", "submit", "collect"])
@pytest.mark.parametrize("alone", [None, Sensor.VIS], ids=["fused", "alone-next"])
def test_every_frame_is_counted_when_the_engine_breaks(at, slots, alone):
    pairs = [live_pair(i) for i in range(4)]
    pairs += [live_pair(4, trust=0.5), live_pair(5, alone), live_pair(6)]
    stage = Stage(Breaks(at, slots), pairs)
    shown = stage.run()
    assert isinstance(stage.stage.error, EngineError)
    assert [pair.vis.seq for pair in shown] in ([0, 1, 2], [0, 1, 2, 3])
    assert stage.everything_counted(shown)


@pytest.mark.parametrize("alone", [None, Sensor.IR, Sensor.VIS])
def test_every_frame_is_counted_when_the_reader_has_gone(alone):
    stage = Stage(FakeEngine(WH), [live_pair(index, alone) for index in range(5)])
    stage.channel.close()
    stage.stage.start()
    stage.stage.join(20)
    assert stage.stage.error is None  # told to stop, in the ordinary way
    assert stage.everything_counted([])


def test_what_newer_pictures_overtake_is_counted():
    pairs = [live_pair(i, s) for i, s in enumerate(MIXED)]
    stage = Stage(FakeEngine(WH), pairs, capacity=1)
    shown = stage.run()
    assert [pair.vis.seq for pair in shown] == [len(MIXED) - 1]
    dropped = stage.ledger.summary()["dropped"]["overwritten"]
    assert dropped == {"ir": len(MIXED) - 3, "vis": len(MIXED) - 3}
    assert stage.everything_counted(shown)


class PreviewEngine(FakeEngine):
    """White pictures."""

    def __init__(self):
        super().__init__(WH)
        self.info = dataclasses.replace(self.info, name="white")

    def _run(self, ir, vis):
        return np.full_like(vis, 255)


def preview_pipeline(prepared, opened, report=silent, **kwargs):
    """The preview shows white pictures, the engine itself is a `FakeEngine`."""

    def opener():
        opened.set()
        return FakeEngine(WH)

    preview = Preview("quick", PreviewEngine, prepared, report)
    return pipeline_of(opener, preview=preview, **kwargs)


@pytest.fixture
def preview_at_once(monkeypatch):
    """No wait for the preparation."""
    monkeypatch.setattr(fuse, "_PREVIEW_AFTER_S", 0.0)


@pytest.mark.usefixtures("preview_at_once")
def test_preview_is_shown_until_the_engine_is_ready_and_no_pair_of_a_recording_is_lost():
    shown, opened = threading.Event(), threading.Event()
    levels, said = [], []

    def prepare(give_up):
        assert shown.wait(60)  # the first preview has been seen

    pipeline = preview_pipeline(prepare, opened, said.append, count=250)

    def consume(pair):
        levels.append(int(pair.fused[0, 0, 0]))
        if not shown.is_set():
            shown.set()
            return
        if not opened.is_set():
            opened.wait(0.05)  # leave pairs for the engine itself

    pipeline.run(consume)
    switch = pipeline.previewed.pairs
    assert levels[:switch] == [255] * switch
    assert levels[switch:] == list(range(switch, 250))
    assert 0 < switch < 250
    assert (pipeline.previewed.engine.name, pipeline.engine_info.name) == ("white", "fake")
    assert said == [
        "showing quick until the engine is ready",
        f"the engine is ready, after {switch} pairs by quick",
    ]
    assert everything_counted(pipeline)


@pytest.mark.usefixtures("preview_at_once")
def test_live_pairs_that_come_while_the_engine_is_loaded_are_dropped_and_counted():
    shown = threading.Event()

    def prepare(give_up):
        assert shown.wait(60)

    def overwritten():
        return pipeline.ledger.summary()["dropped"]["overwritten"]["vis"]

    def opener():
        before, pause = overwritten(), threading.Event()
        for _ in range(2000):  # loading lasts until live pairs were given up
            if overwritten() >= before + 3:
                return FakeEngine(WH)
            pause.wait(0.01)
        raise AssertionError("no pair was given up")

    preview = Preview("quick", PreviewEngine, prepare)
    pipeline = pipeline_of(opener, count=60, preview=preview, overrides=["pace=realtime"])
    levels = []

    def consume(pair):
        levels.append(int(pair.fused[0, 0, 0]))
        shown.set()

    pipeline.run(consume)
    frames = pipeline.ledger.summary()
    assert 255 in levels
    assert levels[-1] != 255
    assert overwritten() >= 3
    assert frames["captured_ir"] == frames["captured_vis"] == 60
    assert frames["fused"] == len(levels)
    for name in ("ir", "vis"):
        assert frames["fused"] + sum(d[name] for d in frames["dropped"].values()) == 60


def test_engine_that_is_ready_at_once_needs_no_preview(monkeypatch):
    monkeypatch.setattr(fuse, "_PREVIEW_AFTER_S", 60.0)

    def no_preview():
        raise AssertionError("the preview was opened")

    said = []
    preview = Preview("quick", no_preview, lambda give_up: None, said.append)
    pipeline = pipeline_of(lambda: FakeEngine(WH), preview=preview)
    levels = []
    pipeline.run(lambda pair: levels.append(int(pair.fused[0, 0, 0])))
    assert levels == list(range(30))
    assert pipeline.previewed is None
    assert said == []


def opening(pipeline, stop, *, asked):
    """Opens for as long as nobody wants the end; asks for it itself where told so."""
    if asked:
        pipeline().stop()
    pause = threading.Event()
    while not stop():
        assert not pause.wait(0.01)
    raise Stopped("stopped while building")


def test_stop_ends_a_run_whose_engine_is_being_opened():
    def opener():
        opening(lambda: pipeline, lambda: pipeline.ending, asked=True)

    pipeline = pipeline_of(opener)
    outcome = pipeline.run(lambda pair: None)
    assert outcome.stopped
    assert pipeline.engine_info is None
    assert everything_counted(pipeline)


def test_stop_ends_a_run_whose_preview_is_being_opened():
    def opener():
        opening(lambda: pipeline, lambda: pipeline.ending, asked=True)

    def prepare(give_up):
        opening(lambda: pipeline, give_up, asked=False)

    pipeline = pipeline_of(lambda: FakeEngine(WH), preview=Preview("quick", opener, prepare))
    assert pipeline.run(lambda pair: None).stopped
    assert everything_counted(pipeline)


@pytest.mark.usefixtures("preview_at_once")
def test_stop_during_the_preview_is_an_ordinary_end():
    ended = threading.Event()

    def prepare(give_up):
        try:
            opening(lambda: pipeline, give_up, asked=False)
        finally:
            ended.set()

    class SlowPreview(PreviewEngine):
        def _run(self, ir, vis):
            if pipeline.ending:  # the preparation ends before this pair does
                assert ended.wait(60)
            return super()._run(ir, vis)

    preview = Preview("quick", SlowPreview, prepare)
    pipeline = pipeline_of(lambda: FakeEngine(WH), count=2000, preview=preview)
    levels = []

    def consume(pair):
        levels.append(int(pair.fused[0, 0, 0]))
        pipeline.stop()

    assert pipeline.run(consume).stopped
    assert levels == [255]
    assert everything_counted(pipeline)


def test_failure_elsewhere_ends_the_opening_and_is_what_the_run_raises():
    def opener():
        opening(lambda: pipeline, lambda: pipeline.ending, asked=False)

    pipeline = pipeline_of(opener)

    def idle():
        raise SinkError("the window is gone")

    with pytest.raises(SinkError, match="the window is gone"):
        pipeline.run(lambda pair: None, idle)
    assert everything_counted(pipeline)


def test_opening_that_nobody_wanted_stopped_is_a_failure():
    def opener():
        raise Stopped("for no reason")

    with pytest.raises(Stopped, match="for no reason"):
        pipeline_of(opener).run(lambda pair: None)


@pytest.mark.usefixtures("preview_at_once")
def test_preview_of_a_recording_that_ends_first_does_not_wait_for_the_engine():
    asked = threading.Event()

    def prepare(give_up):
        while not give_up():
            asked.wait(0.01)
        asked.set()

    opened = threading.Event()
    pipeline = preview_pipeline(prepare, opened, count=5)
    levels = []
    pipeline.run(lambda pair: levels.append(int(pair.fused[0, 0, 0])))
    assert levels == [255] * 5
    assert pipeline.previewed.pairs == 5
    assert asked.wait(60)
    assert not opened.is_set()


def test_failed_preparation_ends_the_run_with_its_error():
    def prepare(give_up):
        raise EngineError("the engine does not build")

    pipeline = preview_pipeline(prepare, threading.Event(), count=2000)
    with pytest.raises(EngineError, match="does not build"):
        pipeline.run(lambda pair: None)
    assert everything_counted(pipeline)


def test_grid_samples_what_the_host_warps():
    """The grid, applied as ONNX GridSample defines it, against the host's own warp."""
    torch = pytest.importorskip("torch", reason="GridSample's definition is taken from torch")
    tilted = np.array([[1.9, 0.05, -4.0], [-0.03, 1.4, 3.0], [1e-4, -5e-5, 1.0]])
    registration = Registration(Rig((64, 64), (128, 96), tilted))
    ir = np.random.default_rng(3).integers(0, 256, (64, 64), np.uint8)
    sampled = torch.nn.functional.grid_sample(
        torch.from_numpy(ir)[None, None].float(),
        torch.from_numpy(registration.now.grid)[None],
        mode="bilinear",
        padding_mode="reflection",
        align_corners=False,
    )[0, 0].numpy()
    warped = registration.now.infrared(ir).astype(float)
    # OpenCV 4 places pixels to 1/32 px: up to 1/64 of a step of 255 levels in each direction.
    assert np.abs(sampled - warped).max() <= 2 * 255 / 64 + 1
