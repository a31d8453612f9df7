"""What a plan holds for: when one of these differs, it must be built anew."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

SCHEMA: Final = 2  # of the key, of the file beside a plan, and of how plans are built

_LABELS = {
    "model_sha256": "model file",
    "version": "version",
    "gpu": "GPU",
    "compute_capability": "compute capability",
}


@dataclass(frozen=True)
class PlanKey:
    """Everything that a plan depends on.

    Attributes:
        model: name of the model.
        model_sha256: of the ONNX file it was built from.
        flavour: "tensorrt" or "tensorrt-rtx".
        version: of that package.
        gpu: name of the GPU; "any" where the compute capability is enough.
        compute_capability: for instance "8.6", or "portable".
        size_wh: of the visible picture, in px.
        ir_size_wh: of the infrared picture, where the plan warps it; else None.
        precision: "fp16", "int8" or "fp32".
        schema: of all this.
    """

    model: str
    model_sha256: str
    flavour: str
    version: str
    gpu: str
    compute_capability: str
    size_wh: tuple[int, int]
    ir_size_wh: tuple[int, int] | None
    precision: str
    schema: int = SCHEMA

    @property
    def digest(self) -> str:
        """64 hex digits that differ when any field does."""
        text = json.dumps(self.as_data(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def stem(self) -> str:
        """Start of the names of its files: readable, and its own."""
        warp = "" if self.ir_size_wh is None else f"-ir{_size(self.ir_size_wh)}"
        words = f"{self.model}-{_size(self.size_wh)}{warp}-{self.precision}-{self.flavour}"
        return f"{re.sub(r'[^A-Za-z0-9.-]+', '_', words)[:120]}-{self.digest[:16]}"

    @property
    def job(self) -> tuple[object, ...]:
        """What its user asked for; two plans with the same job stand in for each other."""
        return (self.model, self.size_wh, self.ir_size_wh, self.precision, self.flavour)

    def as_data(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        data = asdict(self)
        data["size_wh"] = list(self.size_wh)
        data["ir_size_wh"] = None if self.ir_size_wh is None else list(self.ir_size_wh)
        return data

    @staticmethod
    def from_data(data: Any) -> PlanKey:
        """The reverse of `as_data`.

        Raises:
            ValueError: not written by this schema, or not what it would have written.
        """
        if not isinstance(data, dict) or set(data) != {field.name for field in fields(PlanKey)}:
            raise ValueError("it does not say what the plan was built for")
        if data["schema"] != SCHEMA:
            raise ValueError(f"it is of schema {data['schema']}, this is {SCHEMA}")
        texts = {name: data[name] for name in _TEXTS}
        if not all(isinstance(text, str) for text in texts.values()):
            raise ValueError("it holds no text where a name belongs")
        return PlanKey(
            **texts,
            size_wh=_read_size(data["size_wh"]),
            ir_size_wh=None if data["ir_size_wh"] is None else _read_size(data["ir_size_wh"]),
        )

    def difference(self, older: PlanKey) -> str:
        """Why a plan of the same job does not fit, for people: "version 10.3.0 -> 10.7.0"."""
        changed = []
        for name, label in _LABELS.items():
            before, now = getattr(older, name), getattr(self, name)
            if before == now:
                continue
            if name == "model_sha256":
                changed.append("the model file was changed")
            else:
                changed.append(f"{label} {before} -> {now}")
        return ", ".join(changed)


_TEXTS = (
    "model",
    "model_sha256",
    "flavour",
    "version",
    "gpu",
    "compute_capability",
    "precision",
)


def _size(size_wh: tuple[int, int]) -> str:
    return "{}x{}".format(*size_wh)


def _read_size(value: Any) -> tuple[int, int]:
    if isinstance(value, list) and [type(side) for side in value] == [int, int]:
        return value[0], value[1]
    raise ValueError(f"{value!r} is no size")
