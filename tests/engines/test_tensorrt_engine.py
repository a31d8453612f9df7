"""The TensorRT engine on a recorded GPU: bytes through slots, weight, grid, order, closing."""

from __future__ import annotations

import threading
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from recording_cuda import Gpu, RecordingRuntime, network

from engines.errors import EngineError
from engines.tensorrt.engine import TensorRtEngine

WH = (80, 64)
IR_WH = (96, 72)
FLAVOUR = SimpleNamespace(name="tensorrt", version="10.3.0", title="TensorRT 10.3.0")


def opened(gpu, ir_size_wh=None, runtime=None, **options):
    return TensorRtEngine(
        b"plan",
        WH,
        flavour=FLAVOUR,
        model="bts",
        precision="fp16",
        ir_size_wh=ir_size_wh,
        open_cuda=gpu.open_cuda,
        runtime=runtime or RecordingRuntime(gpu, WH, ir_size_wh),
        **options,
    )


def pair(seed, ir_wh=WH):
    rng = np.random.default_rng(seed)
    ir = rng.integers(0, 256, (ir_wh[1], ir_wh[0]), np.uint8)
    return ir, rng.integers(0, 256, (WH[1], WH[0], 3), np.uint8)


def white():
    return np.full((WH[1], WH[0]), 255, np.uint8)


WAYS = [
    pytest.param({}, {}, id="graph"),
    pytest.param({}, {"graph": False}, id="plain"),
    pytest.param({"capturing_works": False}, {}, id="capture-fails"),
    pytest.param({"integrated": True}, {}, id="mapped-graph"),
    pytest.param({"integrated": True}, {"graph": False}, id="mapped-plain"),
    pytest.param({}, {"slots": 1}, id="one-slot"),
    pytest.param({}, {"slots": 3}, id="three-slots"),
]


@pytest.mark.parametrize(("machine", "options"), WAYS)
def test_bytes_go_through_and_come_back(machine, options):
    gpu = Gpu(**machine)
    with opened(gpu, **options) as engine:
        for seed in range(5):
            ir, vis = pair(seed)
            np.testing.assert_array_equal(engine.fuse(ir, vis), network(ir, vis, white()))
    assert gpu.open == []


@pytest.mark.parametrize(("machine", "options"), WAYS)
def test_pairs_under_way_keep_apart_and_come_in_order(machine, options):
    with opened(Gpu(**machine), **options) as engine:
        pairs = [pair(seed) for seed in range(7)]
        expected = [network(ir, vis, white()) for ir, vis in pairs]
        fused = []
        for ir, vis in pairs:
            if engine.under_way == engine.slots:
                fused.append(engine.collect())
            engine.submit(ir, vis)
        while engine.under_way:
            fused.append(engine.collect())
    np.testing.assert_array_equal(fused, expected)


def test_two_pairs_are_under_way_before_the_first_is_waited_for():
    gpu = Gpu()
    with opened(gpu) as engine:
        del gpu.calls[:]
        engine.submit(*pair(1))
        engine.submit(*pair(2))
        assert [len(stream.pending) for stream in gpu.streams[1:]] == [5, 5]
        engine.collect()
        engine.collect()
        assert gpu.calls == ["launch", "record", "launch", "record", "wait", "wait"]


def test_a_pair_enqueued_call_by_call():
    gpu = Gpu()
    with opened(gpu, graph=False) as engine:
        del gpu.calls[:]
        engine.fuse(*pair(1))
        assert gpu.calls == ["upload", "upload", "enqueue", "download", "record", "wait"]


def test_mapped_memory_is_never_copied():
    gpu = Gpu(integrated=True)
    with opened(gpu, IR_WH) as engine:
        engine.set_grid(np.zeros((WH[1], WH[0], 2), np.float32))
        engine.set_weight(np.zeros((WH[1], WH[0]), np.uint8))
        engine.fuse(*pair(1, IR_WH))
    assert {"upload", "download", "new device memory"} & set(gpu.calls) == set()


def test_waiting_sleeps_only_where_processor_and_gpu_share_their_power(monkeypatch):
    asked = []
    for integrated in (False, True):
        gpu = Gpu(integrated=integrated)
        with opened(gpu) as engine:
            asked.append([slot._done.blocking for slot in engine._session.slots])
    assert asked == [[False, False], [True, True]]


def test_arrays_may_change_once_a_pair_is_submitted():
    with opened(Gpu()) as engine:
        ir, vis = pair(1)
        expected = network(ir, vis, white())
        engine.submit(ir, vis)
        ir[:], vis[:] = 0, 0
        np.testing.assert_array_equal(engine.collect(), expected)


def test_results_are_the_callers_own():
    with opened(Gpu(), slots=1) as engine:
        first = engine.fuse(*pair(1))
        kept = first.copy()
        engine.fuse(*pair(2))
        np.testing.assert_array_equal(first, kept)
        first[:] = 0  # may be written to


def test_inputs_may_be_read_only_and_not_contiguous():
    ir, vis = pair(1)
    expected = network(ir, vis, white())
    ir.setflags(write=False)
    with opened(Gpu()) as engine:
        np.testing.assert_array_equal(engine.fuse(ir, np.asfortranarray(vis)), expected)


def test_all_slots_taken():
    gpu = Gpu()
    with opened(gpu) as engine:
        engine.submit(*pair(1))
        engine.submit(*pair(2))
        with pytest.raises(EngineError, match="2 pairs are under way") as caught:
            engine.submit(*pair(3))
        assert "collect" in caught.value.hint
        with pytest.raises(EngineError, match="would mix them up"):
            engine.fuse(*pair(3))
        ir, vis = pair(1)
        np.testing.assert_array_equal(engine.collect(), network(ir, vis, white()))


def test_nothing_to_collect():
    with opened(Gpu()) as engine, pytest.raises(EngineError, match="no pair is under way"):
        engine.collect()


def test_another_weight_counts_from_the_next_pair_on():
    gpu = Gpu()
    half = np.full((WH[1], WH[0]), 15, np.uint8)
    with opened(gpu) as engine:
        (ir1, vis1), (ir2, vis2) = pair(1), pair(2)
        engine.submit(ir1, vis1)
        engine.set_weight(half)
        engine.submit(ir2, vis2)
        np.testing.assert_array_equal(engine.collect(), network(ir1, vis1, white()))
        np.testing.assert_array_equal(engine.collect(), network(ir2, vis2, half))


def test_another_weight_waits_for_the_pairs_and_goes_up_once():
    gpu = Gpu()
    with opened(gpu) as engine:
        engine.submit(*pair(1))
        engine.submit(*pair(2))
        del gpu.calls[:]
        engine.set_weight(np.full((WH[1], WH[0]), 9, np.uint8))
        assert gpu.calls == ["wait", "wait", "upload", "synchronize"]


def test_the_same_weight_does_not_go_up_again():
    gpu = Gpu()
    with opened(gpu) as engine:
        engine.submit(*pair(1))
        del gpu.calls[:]
        engine.set_weight(white())
        assert gpu.calls == []


def test_a_weight_may_change_after_it_was_given():
    weight = np.full((WH[1], WH[0]), 3, np.uint8)
    ir, vis = pair(1)
    with opened(Gpu(integrated=True)) as engine:
        engine.set_weight(weight)
        weight[:] = 255
        np.testing.assert_array_equal(
            engine.fuse(ir, vis), network(ir, vis, np.full_like(weight, 3))
        )


@pytest.mark.parametrize("integrated", [False, True], ids=["discrete", "integrated"])
def test_grid_warps_on_the_device_and_can_be_replaced(integrated):
    gpu = Gpu(integrated=integrated)
    rng = np.random.default_rng(0)
    grid = rng.uniform(-1, 1, (WH[1], WH[0], 2)).astype(np.float32)
    (ir1, vis1), (ir2, vis2) = pair(1, IR_WH), pair(2, IR_WH)
    with opened(gpu, IR_WH) as engine:
        assert engine.warps
        assert engine.ir_size_wh == IR_WH
        engine.set_grid(grid)
        np.testing.assert_array_equal(engine.fuse(ir1, vis1), network(ir1, vis1, white(), grid))
        engine.submit(ir1, vis1)
        engine.set_grid(-grid)
        engine.submit(ir2, vis2)
        np.testing.assert_array_equal(engine.collect(), network(ir1, vis1, white(), grid))
        np.testing.assert_array_equal(engine.collect(), network(ir2, vis2, white(), -grid))
        del gpu.calls[:]
        engine.set_grid(-grid)
        assert gpu.calls == []


def test_without_a_grid_the_infrared_is_stretched_over_the_picture():
    doubled = (2 * WH[0], 2 * WH[1])
    small = pair(1)[0]
    vis = pair(2)[1]
    with opened(Gpu(), doubled) as engine:
        fused = engine.fuse(np.kron(small, np.ones((2, 2), np.uint8)), vis)
    np.testing.assert_array_equal(fused, network(small, vis, white()))


def test_engine_without_grid_refuses_one():
    with opened(Gpu()) as engine, pytest.raises(EngineError, match="lies on the visible") as caught:
        engine.set_grid(np.zeros((WH[1], WH[0], 2), np.float32))
    assert "infrared camera's size" in caught.value.hint


@pytest.mark.parametrize(
    ("ir", "vis", "message"),
    [
        pytest.param((64, 81), (64, 80, 3), r"'ir' is uint8 \(64, 81\)", id="ir-too-wide"),
        pytest.param((64, 80), (80, 64, 3), r"'vis' is uint8 \(80, 64, 3\)", id="vis-on-its-side"),
        pytest.param((64, 80), (64, 80), r"'vis' is uint8 \(64, 80\)", id="vis-grey"),
    ],
)
def test_wrong_shapes_reach_no_device(ir, vis, message):
    gpu = Gpu()
    with opened(gpu) as engine:
        del gpu.calls[:]
        with pytest.raises(EngineError, match=message):
            engine.submit(np.zeros(ir, np.uint8), np.zeros(vis, np.uint8))
        assert gpu.calls == []
        assert engine.under_way == 0
        engine.fuse(*pair(1))


def test_wrong_grids_are_refused():
    with opened(Gpu(), IR_WH) as engine:
        with pytest.raises(EngineError, match=r"'grid' is float64 .* takes float32 \(64, 80, 2\)"):
            engine.set_grid(np.zeros((WH[1], WH[0], 2)))
        with pytest.raises(EngineError, match=r"'ir' is uint8 \(64, 80\).*\(72, 96\)"):
            engine.submit(*pair(1))


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "plain"])
def test_nothing_is_acquired_for_a_pair(graph):
    gpu = Gpu()
    with opened(gpu, IR_WH, graph=graph) as engine:
        before = list(gpu.open)
        del gpu.calls[:]
        for seed in range(4):
            engine.submit(*pair(seed, IR_WH))
            engine.collect()
        assert gpu.open == before
        assert not [name for name in gpu.calls if name.startswith("new")]


def test_host_memory_of_a_pair_is_its_result_alone():
    gpu = Gpu()
    with opened(gpu) as engine:
        ir, vis = pair(1)
        engine.fuse(ir, vis)
        tracemalloc.start()
        try:
            engine.submit(ir, vis)
            submitting = tracemalloc.get_traced_memory()[1]
            for stream in gpu.streams:
                stream.run()
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            engine.collect()
            collecting = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
    assert submitting < 4000  # a picture is 15,360 bytes
    assert vis.nbytes <= collecting < vis.nbytes + 4000


def test_closing_with_pairs_under_way_waits_and_releases():
    gpu = Gpu()
    engine = opened(gpu)
    engine.submit(*pair(1))
    engine.submit(*pair(2))
    engine.close()
    engine.close()
    assert gpu.open == []
    assert engine.under_way == 0


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda engine: engine.submit(*pair(1)), id="submit"),
        pytest.param(lambda engine: engine.set_weight(white()), id="set-weight"),
        pytest.param(lambda engine: engine.network_ms(1), id="network-ms"),
    ],
)
def test_a_closed_engine_says_so(use):
    engine = opened(Gpu())
    engine.close()
    with pytest.raises(EngineError, match="the engine is closed"):
        use(engine)


def test_other_threads_are_refused():
    gpu = Gpu()
    with opened(gpu) as engine:
        told = []

        def elsewhere():
            for use in (lambda: engine.submit(*pair(1)), engine.close):
                with pytest.raises(EngineError, match="another thread") as caught:
                    use()
                told.append(caught.value.hint)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert told == ["open, use and close it on one thread"] * 2
        engine.fuse(*pair(1))  # still good
    assert gpu.open == []


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "plain"])
def test_the_network_alone_is_timed_without_copies(graph):
    gpu = Gpu()
    with opened(gpu, graph=graph) as engine:
        before = list(gpu.open)
        del gpu.calls[:]
        assert engine.network_ms(3) == [0.25, 0.25, 0.25]
        assert {"upload", "download"} & set(gpu.calls) == set()
        assert gpu.calls.count("launch") == (3 if graph else 0)
        assert gpu.open == before
        ir, vis = pair(1)
        np.testing.assert_array_equal(engine.fuse(ir, vis), network(ir, vis, white()))
        engine.submit(ir, vis)
        with pytest.raises(EngineError, match="pairs are under way"):
            engine.network_ms(1)


def test_facts_are_told():
    with opened(Gpu(), device=1) as engine:
        assert engine.slots == 2
        assert engine.info.name == "tensorrt"
        assert engine.info.version == "10.3.0"
        assert engine.info.device == "Pretend 1"
        assert (engine.info.model, engine.info.precision) == ("bts", "fp16")
        assert engine.info.notes == ()
        assert engine.device_bytes > 0
