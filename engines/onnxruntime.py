"""ONNX Runtime: works on every processor."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from . import contract
from .base import Engine, EngineInfo, stretched_grid
from .errors import EngineError
from .models import ModelFile, check_inputs, find_variant
from .optional import require
from .processor import processor_name

NAME = "onnxruntime"
# INT8 took half as long again as FP32 for the larger shipped model on x86-64 with VNNI.
PRECISIONS = ("fp32",)


class OnnxRuntimeEngine(Engine):
    """The FP32 model run by ONNX Runtime on the processor."""

    def __init__(
        self,
        model: ModelFile,
        size_wh: tuple[int, int],
        precision: str = "fp32",
        ir_size_wh: tuple[int, int] | None = None,
    ) -> None:
        """Open.

        Args:
            model: plain variant, FP32.
            size_wh: width and height in px.
            precision: "fp32".
            ir_size_wh: of the camera's own infrared picture, to warp it inside the graph by the
                grid variant's sibling; None for infrared that lies on the visible picture.

        Raises:
            BackendUnavailable: the package is missing.
            EngineError: the model does not load, or has no grid variant.
        """
        super().__init__(size_wh, ir_size_wh)
        begun = time.perf_counter()
        ort = require("onnxruntime", remedy="pip install onnxruntime, or choose --engine classical")
        file = find_variant(model, grid=self.warps)
        options = ort.SessionOptions()
        # Idle workers must not spin: decoding and encoding need the cores between two pairs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session: Any = ort.InferenceSession(
                str(file.path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exception classes are not public
            raise EngineError(
                f"ONNX Runtime cannot load {file.path}: {' '.join(str(error).split())[:300]}",
                hint="give a model exported by fusion-rt",
            ) from error
        if not self.warps:
            check_inputs(file, [tensor.name for tensor in self._session.get_inputs()])
        self._grid = {contract.GRID: stretched_grid(size_wh)[None]} if self.warps else {}
        self.info = EngineInfo(
            name=NAME,
            version=ort.__version__,
            device=processor_name(),
            model=model.name,
            precision=precision,
            size_wh=size_wh,
            open_ms=(time.perf_counter() - begun) * 1e3,
        )

    def _place_grid(self, grid: np.ndarray) -> None:
        self._grid = {contract.GRID: np.ascontiguousarray(grid[None])}

    def _run(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        inputs = {
            contract.IR: ir[None, None],
            contract.VIS: vis[None],
            contract.WEIGHT: self.weight[None, None],
            **self._grid,
        }
        try:
            return self._session.run([contract.FUSED], inputs)[0][0]
        except Exception as error:  # its exception classes are not public
            raise EngineError(
                f"ONNX Runtime failed while fusing: {' '.join(str(error).split())[:300]}",
                hint="try --engine openvino",
            ) from error

    def close(self) -> None:
        """See `Engine.close`."""
        self._session = None
