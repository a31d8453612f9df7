"""What to build a plan for."""

from __future__ import annotations

from dataclasses import dataclass

from ..base import check_size
from ..errors import EngineError
from ..models import ModelFile, find_variant
from .flavour import PRECISIONS
from .target import Target


@dataclass(frozen=True)
class BuildRequest:
    """What to build.

    Attributes:
        model: the FP32 plain file, as `engines.models.find_model` gives it.
        precision: "fp16", "int8" or "fp32".
        size_wh: of the visible picture, in px.
        target: the GPU to build for.
        ir_size_wh: of the infrared camera's own picture, in px, to warp inside the graph; None
            for infrared that lies on the visible picture.
    """

    model: ModelFile
    precision: str
    size_wh: tuple[int, int]
    target: Target
    ir_size_wh: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise EngineError(
                f"no plan computes in {self.precision}", hint=f"choose {', '.join(PRECISIONS)}"
            )
        for size_wh in (self.size_wh, self.ir_size_wh):
            if size_wh is not None:
                check_size(size_wh)

    def file(self) -> ModelFile:
        """The ONNX file of that precision and variant.

        Raises:
            EngineError: it is missing.
        """
        grid = self.ir_size_wh is not None
        return find_variant(self.model, precision=self.precision, grid=grid)

    def __str__(self) -> str:
        """For instance "bts fp16 640x480, infrared 320x256"."""
        warp = "" if self.ir_size_wh is None else ", infrared {}x{}".format(*self.ir_size_wh)
        width, height = self.size_wh
        return f"{self.model.name} {self.precision} {width}x{height}{warp}"
