"""The back ends: what each computes in, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import classical, nvidia, onnxruntime, openvino
from .base import Engine
from .cache_dir import root_or_none
from .gate import admit
from .models import ModelFile, find_model, find_variant
from .report import Report, Stop, never
from .tensorrt.flavour import NAMES as TENSORRT_NAMES
from .tensorrt.flavour import PRECISIONS as TENSORRT_PRECISIONS


@dataclass(frozen=True)
class Request:
    """What to open; attributes as `registry.open_engine` takes them."""

    model: str
    size_wh: tuple[int, int]
    ir_size_wh: tuple[int, int] | None
    device: int
    report: Report
    check: bool
    stop: Stop = never


@dataclass(frozen=True)
class BackEnd:
    """One back end.

    Attributes:
        precisions: that it computes in.
        auto: of these, what "auto" tries, fastest first; only such as look like FP32.
        open: opens it in one precision; raises what `registry.open_engine` raises.
    """

    precisions: tuple[str, ...]
    auto: tuple[str, ...]
    open: Callable[[Request, str], Engine]


def _tensorrt(flavour: str) -> BackEnd:
    def opened(request: Request, precision: str) -> Engine:
        nvidia.check_driver()
        from .tensorrt.open import open_tensorrt  # of use with a driver only

        return open_tensorrt(
            flavour,
            find_model(request.model),
            request.size_wh,
            precision,
            ir_size_wh=request.ir_size_wh,
            device=request.device,
            report=request.report,
            check=request.check,
            stop=request.stop,
        )

    return BackEnd(TENSORRT_PRECISIONS, ("fp16", "fp32"), opened)


def _on_processor(
    build: Callable[[ModelFile, tuple[int, int], str, Report], Engine],
) -> Callable[[Request, str], Engine]:
    """Opens, and lets the engine pass once it was compared with the reference."""

    def opened(request: Request, precision: str) -> Engine:
        root_or_none(request.report)  # which tells where there is no place
        model = find_model(request.model)
        file = find_variant(model, precision="int8") if precision == "int8" else model
        engine = build(model, request.size_wh, precision, request.report)
        if not request.check:
            return engine
        try:
            admit(
                engine,
                model,
                file,
                lambda size_wh: build(model, size_wh, precision, request.report),
                request.report,
                request.stop,
            )
        except BaseException:
            engine.close()
            raise
        return engine

    return opened


# Best first. The order of the processors' is the measured one: on x86-64 OpenVINO leads ONNX
# Runtime at equal precision, and further in bf16 (docs/measurements). INT8 is quicker still and
# further from FP32 than bf16 is, so it is taken by name only. The model-free engine is
# never taken by itself: it shows another picture.
BACK_ENDS: dict[str, BackEnd] = {
    **{name: _tensorrt(name) for name in TENSORRT_NAMES},
    openvino.NAME: BackEnd(
        openvino.PRECISIONS, ("bf16", "fp32"), _on_processor(openvino.OpenVinoEngine)
    ),
    onnxruntime.NAME: BackEnd(
        onnxruntime.PRECISIONS,
        ("fp32",),
        _on_processor(lambda model, wh, prec, _: onnxruntime.OnnxRuntimeEngine(model, wh, prec)),
    ),
    classical.NAME: BackEnd(
        classical.PRECISIONS,
        classical.PRECISIONS,
        lambda request, _: classical.ClassicalEngine(request.size_wh),
    ),
}
CANDIDATES = (*TENSORRT_NAMES, openvino.NAME, onnxruntime.NAME)
PRECISIONS = ("fp16", "int8", "bf16", "fp32")
