"""TensorRT on a real GPU: building, running and parity, slots, graphs, weight, grid, closing."""

from __future__ import annotations

import threading
from contextlib import closing
from functools import cache

import numpy as np
import pytest

from engines.errors import EngineError
from engines.gate import compare_with_reference
from engines.models import find_model
from engines.parity import judge
from engines.parity_pairs import parity_pairs
from engines.tensorrt.build import BuildRequest, build_plan
from engines.tensorrt.cuda import CudaError, OutOfDeviceMemory
from engines.tensorrt.cuda_pycuda import open_device
from engines.tensorrt.engine import TensorRtEngine
from engines.tensorrt.runtime import PlanRejected
from engines.tensorrt.target import target_of

WH = (320, 240)
IR_WH = (256, 192)
MODEL = "bts-lite"


@pytest.fixture(scope="module")
def plan_of(gpu, flavour):
    """Builds a plan, once for each precision and variant."""

    @cache
    def build(precision, ir_size_wh):
        memory_mib = gpu.total_bytes // 2**20
        target = target_of(flavour, gpu.name, gpu.compute_capability, memory_mib)
        request = BuildRequest(find_model(MODEL), precision, WH, target, ir_size_wh)
        return build_plan(
            flavour,
            request,
            lambda progress: None,
            lambda: False,
            on_device=lambda: closing(open_device(gpu.index)),
        ).plan

    return build


@pytest.fixture
def opened(flavour, plan_of):
    def open_engine(precision="fp16", ir_size_wh=None, **options):
        return TensorRtEngine(
            plan_of(precision, ir_size_wh),
            WH,
            flavour=flavour,
            model=MODEL,
            precision=precision,
            ir_size_wh=ir_size_wh,
            **options,
        )

    return open_engine


WAYS = [
    pytest.param({}, id="two-slots-graph"),
    pytest.param({"graph": False}, id="two-slots-plain"),
    pytest.param({"slots": 1}, id="one-slot-graph"),
    pytest.param({"slots": 3, "graph": False}, id="three-slots-plain"),
]


@pytest.mark.parametrize("ir_size_wh", [None, IR_WH], ids=["plain", "grid"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_picture_is_the_references(opened, precision, ir_size_wh):
    with opened(precision, ir_size_wh) as engine:
        parity = compare_with_reference(engine, find_model(MODEL))
        assert judge(parity, precision) is None


@pytest.mark.parametrize("options", WAYS)
def test_slots_and_graphs_change_no_picture(opened, options):
    pairs = parity_pairs(WH) * 3
    with opened(slots=1, graph=False) as engine:
        expected = [engine.fuse(*pair) for pair in pairs]
    fused = []
    with opened(**options) as engine:
        assert engine.slots == options.get("slots", 2)
        assert engine.info.notes == ()  # the graph was captured where it was asked for
        for pair in pairs:
            if engine.under_way == engine.slots:
                fused.append(engine.collect())
            engine.submit(*pair)
        while engine.under_way:
            fused.append(engine.collect())
    np.testing.assert_array_equal(fused, expected)


def test_weight_changes_while_pairs_are_under_way(opened):
    ir, vis = parity_pairs(WH)[0]
    nothing = np.zeros((WH[1], WH[0]), np.uint8)
    with opened() as engine:
        whole = engine.fuse(ir, vis)
        engine.submit(ir, vis)
        engine.set_weight(nothing)
        engine.submit(ir, vis)
        np.testing.assert_array_equal(engine.collect(), whole)
        np.testing.assert_array_equal(engine.collect(), vis)
    assert np.abs(whole.astype(int) - vis).max() > 10  # it did fuse


def test_grid_changes_while_pairs_are_under_way(opened):
    ir = np.zeros((IR_WH[1], IR_WH[0]), np.uint8)
    ir[:, IR_WH[0] // 2 :] = 250
    vis = np.full((WH[1], WH[0], 3), 60, np.uint8)
    with opened(ir_size_wh=IR_WH) as engine:
        first = engine.fuse(ir, vis)
        engine.submit(ir, vis)
        x, y = (np.linspace(-1, 1, count, dtype=np.float32) for count in WH)
        engine.set_grid(np.dstack(np.meshgrid(-x, y)))
        engine.submit(ir, vis)
        np.testing.assert_array_equal(engine.collect(), first)
        mirrored = engine.collect()
    left, right = slice(0, WH[0] // 4), slice(-WH[0] // 4, None)
    assert first[:, left].mean() < first[:, right].mean() - 5
    assert mirrored[:, left].mean() > mirrored[:, right].mean() + 5


def test_closing_with_pairs_under_way_and_opening_again(opened):
    pair = parity_pairs(WH)[0]
    for _ in range(3):
        engine = opened()
        engine.submit(*pair)
        engine.submit(*pair)
        engine.close()
        engine.close()
    with opened() as engine:
        engine.fuse(*pair)


def test_two_engines_at_once_on_one_thread(opened):
    pair = parity_pairs(WH)[0]
    first, second = opened(), opened()
    expected = first.fuse(*pair)
    np.testing.assert_array_equal(second.fuse(*pair), expected)
    first.close()  # not the newest one first
    np.testing.assert_array_equal(second.fuse(*pair), expected)
    second.close()


def test_engines_on_two_threads(opened):
    pairs = parity_pairs(WH)
    with opened() as engine:
        expected = [engine.fuse(*pair) for pair in pairs]
    seen = []

    def run():
        with opened() as engine:
            seen.append([engine.fuse(*pair) for pair in pairs * 10][-len(pairs) :])

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 2
    for fused in seen:
        np.testing.assert_array_equal(fused, expected)


def test_device_time_of_the_network_is_told(opened):
    with opened() as engine:
        times_ms = engine.network_ms(20)
        assert len(times_ms) == 20
        assert all(time_ms > 0 for time_ms in times_ms)
        engine.fuse(*parity_pairs(WH)[0])


def test_foreign_bytes_are_no_plan(flavour):
    with pytest.raises(PlanRejected, match="cannot load the plan"):
        TensorRtEngine(b"no plan" * 100, WH, flavour=flavour, model=MODEL, precision="fp16")


def test_plan_for_another_size(flavour, plan_of):
    with pytest.raises(PlanRejected):
        TensorRtEngine(
            plan_of("fp16", None), (160, 120), flavour=flavour, model=MODEL, precision="fp16"
        )


def test_gpu_that_is_not_there(opened):
    with pytest.raises(EngineError, match="there is no GPU 99"):
        opened(device=99)


def test_compiled_kernels_are_kept(opened, flavour, tmp_path):
    path = tmp_path / "kernels"
    with opened(kernels=path) as engine:
        expected = engine.fuse(*parity_pairs(WH)[0])
    assert path.exists() == (flavour.name == "tensorrt-rtx")
    with opened(kernels=path) as engine:
        assert engine.info.notes == ()
        np.testing.assert_array_equal(engine.fuse(*parity_pairs(WH)[0]), expected)


def test_memory_that_is_not_there(gpu):
    with closing(open_device(gpu.index)) as cuda, pytest.raises((OutOfDeviceMemory, CudaError)):
        cuda.allocate(4 * gpu.total_bytes)


def test_memory_is_given_back(gpu, opened):
    with closing(open_device(gpu.index)) as cuda:
        with opened() as engine:
            engine.fuse(*parity_pairs(WH)[0])
        before = cuda.memory()[0]
        for _ in range(5):
            with opened() as engine:
                engine.fuse(*parity_pairs(WH)[0])
        assert before - cuda.memory()[0] < 16 * 2**20
