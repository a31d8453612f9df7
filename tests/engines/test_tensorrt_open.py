"""From a request to an engine that may be used: cache, rebuilding, comparison, with stand-ins.

The library and the GPU are stand-ins; cache, reference and comparison are the real ones.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import nullcontext

import numpy as np
import pytest
from fake_tensorrt import FILES, PLAIN, fake_tensorrt

from engines import report
from engines.base import Engine, EngineInfo
from engines.errors import BackendUnavailable, EngineError, PictureRefused, Stopped
from engines.models import find_model
from engines.onnxruntime import OnnxRuntimeEngine
from engines.plan_cache import PlanCache
from engines.plan_key import PlanKey
from engines.tensorrt import flavour as flavours
from engines.tensorrt import messages, unkept
from engines.tensorrt.cuda import DeviceFacts
from engines.tensorrt.open import Parts, open_tensorrt
from engines.tensorrt.runtime import PlanRejected
from engines.tensorrt.unkept import held_plan, hold_plan

WH = (96, 64)
FACTS = DeviceFacts(0, "NVIDIA X", "8.6", 8 << 30, integrated=False, driver=(13, 0))
MODEL = find_model("bts-lite")


pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(messages, "_loggers", {})
    monkeypatch.setattr(unkept, "_plans", OrderedDict())
    monkeypatch.setattr(unkept, "_verdicts", {})
    monkeypatch.setattr(report, "_told", set())
    monkeypatch.setenv("FUSION_RT_CACHE", str(tmp_path / "cache"))


class Context:
    def __init__(self, gpu):
        self.gpu = gpu
        gpu.current += 1

    def close(self):
        self.gpu.current -= 1


class StandInEngine(Engine):
    """Shows what the reference shows, or what it is told to."""

    def __init__(self, plan, size_wh, gpu, **given):
        super().__init__(size_wh, given["ir_size_wh"])
        self.info = EngineInfo(
            "tensorrt", "11", "NVIDIA X", given["model"], given["precision"], size_wh, 1.0
        )
        self.given, self.gpu = given, gpu
        self.reference = OnnxRuntimeEngine(MODEL, size_wh, "fp32", given["ir_size_wh"])

    def _place_grid(self, grid):
        self.reference.set_grid(grid)

    def _run(self, ir, vis):
        picture = self.reference.fuse(ir, vis)
        return np.zeros_like(picture) if self.gpu.black else picture

    def close(self):
        self.gpu.closed += 1
        self.reference.close()


class Gpu:
    """Counts what is built and loaded; ``rejects`` plans at loading so often."""

    def __init__(self, rejects=0, black=False, inputs=PLAIN, phases=None):
        self.rejects, self.black = rejects, black
        self.current = self.closed = self.loaded = 0
        self.trt = fake_tensorrt("11.4.0.106", FILES["fp16"], inputs=inputs, phases=phases)

    @property
    def parts(self):
        return Parts(
            load=lambda name: flavours.flavour_of(name, self.trt),
            facts=lambda index: FACTS,
            open_cuda=lambda index: Context(self),
            engine=self.load,
        )

    @property
    def built(self):
        return sum(call[0] == "build" for call in self.trt.calls)

    def load(self, plan, size_wh, **given):
        self.loaded += 1
        if self.loaded <= self.rejects:
            raise PlanRejected("the plan does not load")
        return StandInEngine(plan, size_wh, self, **given)

    def open(self, lines=None, **more):
        report = (lambda line: None) if lines is None else lines.append
        return open_tensorrt("tensorrt", MODEL, WH, "fp16", report=report, parts=self.parts, **more)


def test_first_start_builds_and_compares_the_second_does_neither():
    gpu, first, second = Gpu(), [], []
    with gpu.open(first) as engine:
        assert engine.info.parity is not None
        assert engine.given["kernels"] is None
    with gpu.open(second) as engine:
        assert engine.info.parity is not None
    assert gpu.built == 1
    assert gpu.current == 0  # the context of the build was given back
    assert any(line.startswith("building bts-lite fp16 96x64") for line in first)
    assert any(line.startswith("checking bts-lite fp16") for line in first)
    assert second == []


@pytest.mark.parametrize("black", [False, True], ids=["passes", "is-refused"])
@pytest.mark.parametrize("place", ["file", "below-a-file"])
def test_where_nothing_can_be_kept_this_process_builds_and_compares_once(
    monkeypatch, tmp_path, place, black
):
    (tmp_path / "file").write_text("")
    root = tmp_path / "file" / ("" if place == "file" else "cache")
    monkeypatch.setenv("FUSION_RT_CACHE", str(root))
    gpu, first, second = Gpu(black=black), [], []
    for lines in (first, second):
        with pytest.raises(PictureRefused, match="black") if black else nullcontext():
            gpu.open(lines).close()
    assert (gpu.built, gpu.loaded, gpu.closed) == (1, 2, 2)
    told = [line for line in first if "FUSION_RT_CACHE=" in line]
    assert len(told) == 1
    assert first.index(told[0]) < first.index("building bts-lite fp16 96x64")
    assert any(line.startswith("checking") for line in first)
    assert second == []


def test_cache_that_cannot_be_read_costs_a_build(monkeypatch):
    def closed(_):
        raise EngineError("cannot read plans: Permission denied", hint="mend it")

    monkeypatch.setattr(PlanCache, "entries", closed)
    gpu, lines = Gpu(), []
    gpu.open(lines).close()
    assert gpu.built == 1
    assert any(line.startswith("cannot read plans") for line in lines)


def test_two_plans_are_held_in_memory(tmp_path):
    keys = [
        PlanKey("m", "", "tensorrt", "11", "X", "8.6", WH, None, precision)
        for precision in ("fp16", "int8", "fp32")
    ]
    for key in keys:
        hold_plan(tmp_path, key, key.precision.encode())
    assert [held_plan(tmp_path, key) for key in keys] == [None, b"int8", b"fp32"]
    assert held_plan(tmp_path / "other", keys[2]) is None


def test_stopped_building_leaves_no_plan():
    gpu = Gpu(phases=[("Timing", 10_000_000)])
    with pytest.raises(Stopped):
        gpu.open(stop=lambda: True)
    assert PlanCache().plans() == []


def test_stopped_comparison_closes_the_engine_and_keeps_the_plan():
    gpu, lines = Gpu(), []
    with pytest.raises(Stopped):
        gpu.open(lines, stop=lambda: any(line.endswith("pair 1 of 4") for line in lines))
    assert gpu.closed == 1
    (plan,) = PlanCache().plans()
    assert plan.parity is None


def test_plan_that_does_not_load_is_built_anew_once():
    gpu = Gpu()
    gpu.open().close()
    gpu.rejects, lines = gpu.loaded + 1, []
    gpu.open(lines).close()
    assert gpu.built == 2
    assert any("does not load" in line and "anew" in line for line in lines)


def test_fresh_plan_that_does_not_load_is_not_built_again():
    gpu = Gpu(rejects=5)
    with pytest.raises(PlanRejected):
        gpu.open()
    assert gpu.built == gpu.loaded == 1


def test_black_picture_is_refused_in_words_and_stays_refused():
    gpu = Gpu(black=True)
    for _ in range(2):
        with pytest.raises(PictureRefused, match="black"):
            gpu.open()
    assert gpu.built == 1
    assert gpu.closed == 2
    (plan,) = PlanCache().plans()
    assert "black" in plan.parity["fault"]


def test_unchecked_opens_whatever_it_shows():
    gpu = Gpu(black=True)
    with gpu.open(check=False) as engine:
        assert engine.info.parity is None


def test_plan_that_warps_is_compared_warping():
    gpu = Gpu(inputs=[*PLAIN, ("grid", "FLOAT")])
    with gpu.open(ir_size_wh=(80, 72)) as engine:
        assert engine.warps
        assert engine.info.parity.fault == ""
    (plan,) = PlanCache().plans()
    assert plan.key.ir_size_wh == (80, 72)


@pytest.mark.parametrize(
    ("part", "error"),
    [
        pytest.param("load", BackendUnavailable("no package"), id="package"),
        pytest.param("facts", BackendUnavailable("no driver"), id="driver"),
        pytest.param("engine", EngineError("out of memory"), id="loading"),
    ],
)
def test_failures_come_through(part, error):
    def fail(*_, **__):
        raise error

    gpu = Gpu()
    parts = Parts(**{**vars(gpu.parts), part: fail})
    with pytest.raises(type(error), match=str(error)):
        open_tensorrt("tensorrt", MODEL, WH, "fp16", parts=parts)
