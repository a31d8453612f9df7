"""Opens an engine by name, or the best one that works here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from . import classical, onnxruntime, openvino
from .base import Engine, Refusal, check_size
from .errors import BackendUnavailable, EngineError
from .models import find_model, unknown_name

AUTO = "auto"

_Opener = Callable[[str, tuple[int, int], str], Engine]

# Best first. The order is the measured one: on x86-64 OpenVINO leads ONNX Runtime at equal
# precision, and further in bf16 (docs/measurements). The model-free engine is never taken by
# itself: it shows another picture.
_OPENERS: dict[str, _Opener] = {
    openvino.NAME: lambda model, wh, prec: openvino.OpenVinoEngine(find_model(model), wh, prec),
    onnxruntime.NAME: lambda model, wh, prec: onnxruntime.OnnxRuntimeEngine(
        find_model(model), wh, prec
    ),
    classical.NAME: lambda _, wh, __: classical.ClassicalEngine(wh),
}
_PRECISIONS = {
    openvino.NAME: openvino.PRECISIONS,
    onnxruntime.NAME: onnxruntime.PRECISIONS,
    classical.NAME: classical.PRECISIONS,
}
_CANDIDATES = (openvino.NAME, onnxruntime.NAME)


def engine_names() -> list[str]:
    """All names that `open_engine` takes."""
    return [AUTO, *_OPENERS]


def precision_names() -> list[str]:
    """All precisions that some engine computes in, and "auto"."""
    return [AUTO, *sorted({name for names in _PRECISIONS.values() for name in names})]


def open_engine(
    name: str = AUTO,
    model: str = "bts",
    size_wh: tuple[int, int] = (640, 480),
    precision: str = AUTO,
) -> Engine:
    """Open an engine for pictures of one size.

    Args:
        name: "auto" takes the fastest that works here and notes in ``info.refused`` why others
            were passed over; otherwise one of `engine_names`.
        model: a shipped name or the path of an ONNX file; the classical engine needs none.
        size_wh: width and height in px.
        precision: "auto" takes the fastest of good quality; otherwise one of `precision_names`.

    Raises:
        UnknownNameError: unknown engine, model or precision.
        BackendUnavailable: its package or device is missing.
        EngineError: the size or the precision does not go, or the model does not load.
    """
    check_names(name, model, precision)
    check_size(size_wh)
    if name != AUTO:
        return _OPENERS[name](model, size_wh, precision)
    refused: list[Refusal] = []
    failure: EngineError | None = None
    for index, candidate in enumerate(_CANDIDATES):
        try:
            _check_precision(candidate, precision)
            engine = _OPENERS[candidate](model, size_wh, precision)
        except EngineError as error:
            refused.append(Refusal(candidate, str(error)))
            if failure is None and not isinstance(error, BackendUnavailable):
                failure = error
            continue
        slower = [Refusal(n, f"slower than {candidate}") for n in _CANDIDATES[index + 1 :]]
        engine.info = dataclasses.replace(engine.info, refused=(*refused, *slower))
        return engine
    if failure is not None:  # a back end is there, it is the model or setting that does not go
        raise failure
    reasons = "; ".join(f"{refusal.name}: {refusal.reason}" for refusal in refused)
    raise BackendUnavailable(
        f"no engine works here ({reasons})",
        hint="pip install openvino or onnxruntime, or fuse without a network: --engine classical",
    )


def check_names(name: str, model: str, precision: str) -> None:
    """Refuse what `open_engine` would refuse without opening anything.

    Raises:
        UnknownNameError: unknown engine, model or precision.
        EngineError: the model file cannot be read, or the engine does not have the precision.
    """
    if name not in engine_names():
        raise unknown_name("engine", name, engine_names())
    if precision not in precision_names():
        raise unknown_name("precision", precision, precision_names())
    find_model(model)
    if name != AUTO:
        _check_precision(name, precision)


def _check_precision(name: str, precision: str) -> None:
    if precision not in (AUTO, *_PRECISIONS[name]):
        raise EngineError(
            f"{name} does not compute in {precision}",
            hint=f"it offers: {', '.join((AUTO, *_PRECISIONS[name]))}",
        )
