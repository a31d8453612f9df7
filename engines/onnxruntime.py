"""ONNX Runtime: works on every processor."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from . import contract
from .base import Engine, EngineInfo
from .errors import EngineError
from .models import ModelFile, check_inputs
from .optional import require
from .processor import processor_name

NAME = "onnxruntime"
PRECISIONS = ("fp32",)


class OnnxRuntimeEngine(Engine):
    """The model run by ONNX Runtime on the processor, in the precision of its file."""

    def __init__(self, model: ModelFile, size_wh: tuple[int, int], precision: str) -> None:
        """Open.

        Args:
            model: plain variant, FP32.
            size_wh: width and height in px.
            precision: "auto" or "fp32", which are the same here.

        Raises:
            BackendUnavailable: the package is missing.
            EngineError: the model does not load.
        """
        super().__init__(size_wh)
        begun = time.perf_counter()
        ort = require("onnxruntime", remedy="pip install onnxruntime, or choose --engine classical")
        options = ort.SessionOptions()
        # Idle workers must not spin: decoding and encoding need the cores between two pairs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session: Any = ort.InferenceSession(
                str(model.path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exception classes are not public
            raise EngineError(
                f"ONNX Runtime cannot load {model.path}: {' '.join(str(error).split())[:300]}",
                hint="give a model exported by fusion-rt",
            ) from error
        check_inputs(model, [tensor.name for tensor in self._session.get_inputs()])
        self.info = EngineInfo(
            name=NAME,
            version=ort.__version__,
            device=processor_name(),
            model=model.name,
            precision="fp32",
            size_wh=size_wh,
            open_ms=(time.perf_counter() - begun) * 1e3,
        )

    def _run(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        inputs = {
            contract.IR: ir[None, None],
            contract.VIS: vis[None],
            contract.WEIGHT: self.weight[None, None],
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
