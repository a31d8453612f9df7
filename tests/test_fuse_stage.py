"""The fuse stage: pairs that overlap, an engine that warps, a preview until the engine is ready."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest
from fakes import FakeEngine, FakeSource

from calibration.rig import Rig
from engines.errors import EngineError, Stopped
from engines.report import silent
from fusion_rt import fuse
from fusion_rt.config import load_settings
from fusion_rt.errors import SinkError
from fusion_rt.frame import Sensor
from fusion_rt.pipeline import Pipeline
from fusion_rt.preview import Preview
from fusion_rt.registration import Registration

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

    def _place_grid(self, grid):
        self.grid = grid

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
    np.testing.assert_array_equal(engine.grid, Registration(HALF).grid())
    assert pairs[-1].ir_on_vis is None  # nobody has asked for it
    assert pipeline.registration.warped(pairs[-1]).shape == (96, 128)


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
        torch.from_numpy(registration.grid())[None],
        mode="bilinear",
        padding_mode="reflection",
        align_corners=False,
    )[0, 0].numpy()
    warped = registration.warp(ir).astype(float)
    # OpenCV 4 places pixels to 1/32 px: up to 1/64 of a step of 255 levels in each direction.
    assert np.abs(sampled - warped).max() <= 2 * 255 / 64 + 1
