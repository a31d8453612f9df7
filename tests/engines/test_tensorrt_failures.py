"""What the TensorRT engine acquires and releases in which order, also when any call fails."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from recording_cuda import Gpu, RecordingRuntime, network

from engines.errors import EngineError
from engines.tensorrt.cuda import CudaError, OutOfDeviceMemory
from engines.tensorrt.engine import TensorRtEngine
from engines.tensorrt.runtime import PlanRejected, TensorFacts

WH = (80, 64)
IR_WH = (96, 72)
FLAVOUR = SimpleNamespace(name="tensorrt-rtx", version="1.7.1", title="TensorRT-RTX 1.7.1")
IR = np.full((72, 96), 90, np.uint8)
VIS = np.full((64, 80, 3), 33, np.uint8)
WHITE = np.full((64, 80), 255, np.uint8)


def opened(gpu, *, plan=b"plan", runtime=None, wh=WH, ir_wh=IR_WH, **options):
    return TensorRtEngine(
        plan,
        wh,
        flavour=FLAVOUR,
        model="bts",
        precision="fp16",
        ir_size_wh=ir_wh,
        open_cuda=gpu.open_cuda,
        runtime=runtime or RecordingRuntime(gpu, WH, IR_WH),
        **options,
    )


def works(engine):
    """Whether it still computes what it should."""
    grid = engine._session._shared["grid"].array[0]
    return np.array_equal(engine.fuse(IR, VIS), network(IR, VIS, WHITE, grid))


def calls_of(work, **machine):
    """Names of the calls that a piece of work makes where nothing fails."""
    gpu = Gpu(**machine)
    work(gpu)
    return gpu.calls


def numbered(calls):
    return [pytest.param(n, id=f"{n}-{name.replace(' ', '-')}") for n, name in enumerate(calls, 1)]


OPENING = calls_of(opened)
_BEGIN = [n for n, name in enumerate(OPENING, 1) if name == "begin capture"]
_END = [n for n, name in enumerate(OPENING, 1) if name == "new graph"]
# Numbers of the calls inside the capture of either slot, and of those that open the second slot.
CAPTURING = {n for begin, end in zip(_BEGIN, _END, strict=True) for n in range(begin, end + 1)}
SECOND_SLOT = set(range(_END[0] + 3, len(OPENING)))


def test_order_of_opening():
    assert calls_of(lambda gpu: opened(gpu, slots=1)) == [
        "new context",
        "memory",
        "load plan",
        "new plan",
        "new stream",
        *("new pinned memory", "new device memory") * 2,  # weight and grid
        *("upload", "synchronize") * 2,
        "new stream",
        *("new pinned memory", "new device memory") * 3,  # ir, vis and fused
        "new execution context",
        *(f"shape of {name}" for name in ("ir", "vis", "weight", "grid")),
        *(f"address of {name}" for name in ("ir", "vis", "weight", "grid", "fused")),
        "check ready",
        "new event",
        *("upload", "upload", "enqueue", "download", "synchronize"),  # warm-up
        "capturable",
        "begin capture",
        *("upload", "upload", "enqueue", "download"),
        "end capture",
        "new graph",
        *("launch", "synchronize"),
        "memory",
    ]


@pytest.mark.parametrize("integrated", [False, True], ids=["discrete", "integrated"])
def test_slots_share_weight_and_grid_and_nothing_else(integrated):
    gpu = Gpu(integrated=integrated)
    runtime = RecordingRuntime(gpu, WH, IR_WH)
    with opened(gpu, runtime=runtime):
        first, second = runtime.addresses
        same = {name for name in first if first[name] == second[name]}
        assert same == {"weight", "grid"}
        assert len({*first.values(), *second.values()}) == 8


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "plain"])
def test_released_in_the_opposite_order(graph):
    gpu = Gpu()
    engine = opened(gpu, graph=graph)
    acquired = list(gpu.open)
    engine.close()
    assert gpu.released == acquired[::-1]


def attempt(gpu):
    """The engine and None, or None and the error that opening it told."""
    try:
        return opened(gpu), None
    except EngineError as error:
        return None, error


def check_all_released_once(gpu):
    assert gpu.open == []
    assert sorted(gpu.released) == sorted(set(gpu.released))


@pytest.mark.parametrize("turn", numbered(OPENING))
def test_any_call_of_opening_fails(turn):
    gpu = Gpu(fail_at=turn)
    engine, error = attempt(gpu)
    if turn in CAPTURING:  # what can be done without
        assert engine.info.notes == (
            f"pairs are not launched as one CUDA graph: {OPENING[turn - 1]} failed",
        )
        assert works(engine)
        engine.close()
    else:
        assert (
            str(error) == f"the GPU failed while the engine was opened: {OPENING[turn - 1]} failed"
        )
        assert "dmesg" in error.hint
    check_all_released_once(gpu)


@pytest.mark.parametrize("turn", numbered(OPENING))
def test_device_is_lost_at_any_call_of_opening(turn):
    gpu = Gpu(fail_at=turn, sticky=True)
    engine, error = attempt(gpu)
    assert engine is None
    assert str(error).startswith("the GPU failed while the engine was opened: ")
    check_all_released_once(gpu)


@pytest.mark.parametrize("turn", numbered(OPENING))
def test_memory_ends_at_any_call_of_opening(turn):
    gpu = Gpu(fail_at=turn, failing=OutOfDeviceMemory)
    engine, error = attempt(gpu)
    if turn in CAPTURING or turn in SECOND_SLOT:
        (note,) = engine.info.notes
        assert f"{OPENING[turn - 1]} failed" in note
        assert engine.slots == (2 if turn in CAPTURING else 1)
        assert works(engine)
        engine.close()
    else:
        assert isinstance(error, OutOfDeviceMemory)
    if turn > 2 and error:  # before that there is no device to ask
        assert "too little GPU memory: about " in str(error)
        assert " of 8192 MiB were free" in str(error)
        assert "smaller size" in error.hint
    check_all_released_once(gpu)


def test_too_little_memory_for_two_slots():
    gpu = Gpu()
    runtime = RecordingRuntime(gpu, WH, IR_WH)
    runtime.contexts_at_most = 1
    with opened(gpu, runtime=runtime) as engine:
        assert engine.slots == 1
        assert engine.info.notes == (
            "1 of 2 pairs can be under way at a time: 5 MiB were asked for",
        )
        assert "stream 3" in gpu.released  # what the second slot had is given back at once
        assert works(engine)
        engine.submit(IR, VIS)
        with pytest.raises(EngineError, match="takes 1 at a time"):
            engine.submit(IR, VIS)


def test_too_little_memory_for_one_slot():
    gpu = Gpu()
    runtime = RecordingRuntime(gpu, WH, IR_WH)
    runtime.contexts_at_most = 0
    with pytest.raises(OutOfDeviceMemory, match=r"about 6 MiB .* \(5 MiB were asked for\)"):
        opened(gpu, runtime=runtime)
    assert gpu.open == []


@pytest.mark.parametrize(
    ("machine", "capturable", "reason"),
    [
        pytest.param(
            {"capturing_works": False}, True, "'cuda.bindings.driver' does not load", id="bindings"
        ),
        pytest.param({}, False, "TensorRT says that this plan cannot be captured", id="tensorrt"),
    ],
)
def test_without_a_graph_it_works_and_says_why(machine, capturable, reason):
    gpu = Gpu(**machine)
    runtime = RecordingRuntime(gpu, WH, IR_WH)
    runtime.says_capturable = capturable
    with opened(gpu, runtime=runtime) as engine:
        assert engine.info.notes == (f"pairs are not launched as one CUDA graph: {reason}",)
        assert works(engine)
        assert "launch" not in gpu.calls
    assert gpu.open == []


def test_graph_that_is_not_wanted_is_no_note():
    with opened(Gpu(), graph=False) as engine:
        assert engine.info.notes == ()


def two_pairs(engine):
    engine.submit(IR, VIS)
    engine.submit(IR, VIS)
    engine.set_weight(np.zeros_like(WHITE))
    engine.set_grid(np.zeros((64, 80, 2), np.float32))
    engine.collect()
    engine.submit(IR, VIS)
    engine.collect()
    engine.collect()


@pytest.mark.parametrize("sticky", [False, True], ids=["once", "lost"])
@pytest.mark.parametrize("graph", [True, False], ids=["graph", "plain"])
def test_any_call_while_fusing_fails(graph, sticky):
    gpu = Gpu()
    engine = opened(gpu, graph=graph)
    begun = len(gpu.calls)
    two_pairs(engine)
    names = gpu.calls[begun:]
    engine.close()
    assert len(names) > 10
    for turn, name in enumerate(names, 1):
        gpu = Gpu()
        engine = opened(gpu, graph=graph)
        gpu.fail_at, gpu.sticky = len(gpu.calls) + turn, sticky
        with pytest.raises(
            EngineError, match=f"the GPU was lost while fusing: {name} failed"
        ) as at:
            two_pairs(engine)
        assert "--engine openvino" in at.value.hint
        count = len(gpu.calls)
        for use in (partial(engine.set_weight, WHITE), partial(engine.network_ms, 1)):
            with pytest.raises(EngineError, match=f"lost while fusing: {name}|under way"):
                use()
        assert len(gpu.calls) == count  # a lost device is left alone
        engine.close()  # says nothing new
        engine.close()
        assert gpu.open == []


def test_lost_device_ends_collect_and_what_follows():
    gpu = Gpu()
    engine = opened(gpu)
    engine.submit(IR, VIS)
    engine.submit(IR, VIS)
    gpu.fail_at, gpu.sticky = len(gpu.calls) + 1, True
    for _ in range(2):
        with pytest.raises(EngineError, match="the GPU was lost while fusing: wait failed"):
            engine.collect()
    with pytest.raises(EngineError, match="no pair is under way"):
        engine.collect()
    with pytest.raises(EngineError, match="the GPU was lost while fusing: wait failed"):
        engine.submit(IR, VIS)
    engine.close()
    assert gpu.open == []


def test_loss_inside_a_with_block_stays_the_error_that_is_raised():
    gpu = Gpu()

    def run():
        with opened(gpu) as engine:
            gpu.fail_at, gpu.sticky = len(gpu.calls) + 1, True
            engine.fuse(IR, VIS)

    with pytest.raises(EngineError, match="the GPU was lost while fusing: launch failed"):
        run()
    assert gpu.open == []


def test_what_tensorrt_says_while_fusing_is_told():
    gpu = Gpu()
    engine = opened(gpu, graph=False)
    gpu.fail_at, gpu.failing = len(gpu.calls) + 3, EngineError
    with pytest.raises(EngineError, match=r"^enqueue failed$"):
        engine.fuse(IR, VIS)
    with pytest.raises(EngineError, match=r"^enqueue failed$"):
        engine.submit(IR, VIS)
    engine.close()
    assert gpu.open == []


def test_any_call_of_closing_fails():
    gpu = Gpu()
    engine = opened(gpu)
    engine.submit(IR, VIS)
    begun = len(gpu.calls)
    engine.close()
    names = gpu.calls[begun:]
    for turn, name in enumerate(names, 1):
        gpu = Gpu()
        engine = opened(gpu)
        engine.submit(IR, VIS)
        gpu.fail_at = len(gpu.calls) + turn
        with pytest.raises(EngineError, match=f"failed while the engine was closed: {name} failed"):
            engine.close()
        assert gpu.open == []
        engine.close()  # has nothing left to do


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"plan": b"other"}, "cannot load the plan", id="foreign-bytes"),
        pytest.param({"wh": (96, 64)}, r"does not take 'vis' of \(1, 64, 96, 3\)", id="other-size"),
        pytest.param({"ir_wh": (80, 64)}, r"does not take 'ir' of \(1, 1, 64, 80\)", id="other-ir"),
        pytest.param({"ir_wh": None}, "fused, grid, ir, vis, weight instead of", id="grid-plan"),
    ],
)
def test_plans_that_do_not_fit_are_rejected(changes, message):
    gpu = Gpu()
    with pytest.raises(PlanRejected, match=message):
        opened(gpu, **changes)
    assert gpu.open == []


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        pytest.param(
            "vis",
            TensorFacts("vis", (1, 64, 96, 3), "UINT8", True),
            r"'vis' is input UINT8 \(1, 64, 96, 3\), needed is input UINT8 \(1, 64, 80, 3\)",
            id="fixed-shape",
        ),
        pytest.param(
            "fused",
            TensorFacts("fused", (1, -1, -1, 3), "FLOAT", False),
            r"'fused' is output FLOAT .* needed is output UINT8",
            id="type",
        ),
        pytest.param(
            "ir", TensorFacts("ir", (1, -1, -1), "UINT8", True), r"'ir' is input", id="rank"
        ),
        pytest.param(
            "grid",
            TensorFacts("grid", (1, -1, -1, 2), "FLOAT", False),
            r"'grid' is output FLOAT .* needed is input FLOAT",
            id="direction",
        ),
    ],
)
def test_plans_with_other_tensors_are_rejected(name, tensor, message):
    gpu = Gpu()
    runtime = RecordingRuntime(gpu, WH, IR_WH)
    runtime.tensors = tuple(tensor if one.name == name else one for one in runtime.tensors)
    with pytest.raises(PlanRejected, match=message):
        opened(gpu, runtime=runtime)
    assert "new execution context" not in gpu.calls


def test_compiled_kernels_are_kept_for_the_next_start(tmp_path):
    path = tmp_path / "folder" / "kernels.bin"
    gpu = Gpu()
    runtime = RecordingRuntime(gpu, WH, IR_WH)
    runtime.compiled = b"first"
    with opened(gpu, runtime=runtime, kernels=path) as engine:
        assert engine.info.notes == ()
    assert runtime.given_kernels is None
    assert path.read_bytes() == b"first"
    runtime.compiled = b"second"
    with opened(gpu, runtime=runtime, kernels=path):
        assert runtime.given_kernels == b"first"
    assert path.read_bytes() == b"second"


def test_kernels_that_cannot_be_kept_are_a_note(tmp_path):
    path = tmp_path / "file" / "kernels.bin"
    (tmp_path / "file").write_text("in the way")
    runtime = RecordingRuntime(Gpu(), WH, IR_WH)
    runtime.compiled = b"kernels"
    with opened(runtime.gpu, runtime=runtime, kernels=path) as engine:
        first, second = engine.info.notes
        assert works(engine)
    assert first.startswith(f"cannot read {path}: ")
    assert second.startswith(f"cannot write {path}: ")


def test_no_kernels_no_file(tmp_path):
    with opened(Gpu(), kernels=tmp_path / "kernels.bin"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_errors_of_the_device_are_errors_of_an_engine():
    assert issubclass(CudaError, EngineError)
    assert issubclass(OutOfDeviceMemory, EngineError)
    assert issubclass(PlanRejected, EngineError)
