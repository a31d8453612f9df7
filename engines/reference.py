"""The engine that is right by definition: the FP32 file, computed on the processor."""

from __future__ import annotations

from . import onnxruntime, openvino
from .base import Engine, EngineInfo
from .errors import BackendUnavailable
from .models import ModelFile

PRECISION = "fp32"

# ONNX Runtime is there on every kind of processor. At 1920x1080 it took 3.7 GiB of memory for the
# larger shipped model, OpenVINO 1.8, so that OpenVINO comes first for large pictures.
_ORDER = (onnxruntime.NAME, openvino.NAME)
_MOST_PIXELS = 1280 * 1024


def is_reference(info: EngineInfo) -> bool:
    """Whether an engine is the reference itself, so that there is nothing to compare it with.

    OpenVINO in FP32 is compared with ONNX Runtime, and is the reference where that is missing.
    """
    return info.name == onnxruntime.NAME and info.precision == PRECISION


def open_reference(model: ModelFile, size_wh: tuple[int, int]) -> Engine:
    """Open the reference of a model.

    Args:
        model: plain variant, FP32.
        size_wh: width and height in px.

    Raises:
        BackendUnavailable: neither ONNX Runtime nor OpenVINO is there.
        EngineError: the model does not load.
    """
    order = _ORDER if size_wh[0] * size_wh[1] <= _MOST_PIXELS else _ORDER[::-1]
    reasons = []
    for name in order:
        try:
            if name == onnxruntime.NAME:
                return onnxruntime.OnnxRuntimeEngine(model, size_wh, PRECISION)
            return openvino.OpenVinoEngine(model, size_wh, PRECISION)
        except BackendUnavailable as error:
            reasons.append(f"{name}: {error}")
    raise BackendUnavailable(
        f"there is nothing to compare an engine with ({'; '.join(reasons)})",
        hint="pip install onnxruntime",
    )
