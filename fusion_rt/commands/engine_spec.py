"""An engine as one word of the command line: ENGINE[:MODEL[:PRECISION]]."""

from __future__ import annotations

from dataclasses import dataclass

from engines.registry import AUTO, check_names, engine_names

from ..config import EngineSettings
from ..errors import UsageError


@dataclass(frozen=True)
class EngineSpec:
    """An engine to open.

    Attributes:
        engine: its name.
        model: shipped name, or path of an ONNX file.
        precision: to compute in.
    """

    engine: str
    model: str
    precision: str

    def __str__(self) -> str:
        return f"{self.engine}:{self.model}:{self.precision}"


def parse_spec(text: str) -> EngineSpec:
    """Read ``ENGINE[:MODEL[:PRECISION]]``; what is left away or empty is as in the settings.

    For instance "openvino", "openvino:bts-lite", "openvino::int8", "onnxruntime:my/own.onnx:fp32".

    Raises:
        UsageError: no engine, or more than three parts.
        UnknownNameError, EngineError: a name that is not known, or a precision that the engine
            does not have.
    """
    parts = text.split(":")
    if not parts[0] or len(parts) > 3:
        raise UsageError(
            f"cannot read the engine '{text}'",
            hint="write ENGINE[:MODEL[:PRECISION]], for instance openvino:bts:bf16; engines: "
            + ", ".join(engine_names()),
        )
    defaults = EngineSettings()
    model, precision = (*parts[1:], "", "")[:2]
    spec = EngineSpec(parts[0], model or defaults.model, precision or AUTO)
    check_names(spec.engine, spec.model, spec.precision)
    return spec
