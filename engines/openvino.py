"""OpenVINO: the fast way on x86-64 processors."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from . import contract
from .base import Engine, EngineInfo
from .errors import BackendUnavailable, EngineError
from .models import ModelFile, check_inputs
from .optional import require

NAME = "openvino"
PRECISIONS = ("bf16", "fp32")
_HINT = {"bf16": "bf16", "fp32": "f32"}


class OpenVinoEngine(Engine):
    """The model compiled by OpenVINO for one size on the processor.

    Latency hint: all cores work on one pair, as a live picture wants. A stream for each core was
    only 6 % more throughput on two cores, with two pairs under way at a time
    (docs/measurements).
    """

    def __init__(self, model: ModelFile, size_wh: tuple[int, int], precision: str) -> None:
        """Compile.

        Args:
            model: plain variant.
            size_wh: width and height in px.
            precision: "auto" (bf16 where the processor computes in it, else fp32), "bf16", "fp32".

        Raises:
            BackendUnavailable: the package is missing or does not work.
            EngineError: the model does not load, or bf16 on a processor without it.
        """
        super().__init__(size_wh)
        begun = time.perf_counter()
        ov = require("openvino", remedy="pip install openvino, or choose --engine onnxruntime")
        try:
            core = ov.Core()
            device = core.get_property("CPU", "FULL_DEVICE_NAME")
            precision = choose_precision(core, precision)
        except RuntimeError as error:
            raise BackendUnavailable(
                f"OpenVINO does not work here: {_first_line(error)}",
                hint="pip install --force-reinstall openvino, or choose --engine onnxruntime",
            ) from error
        width, height = size_wh
        try:
            graph = core.read_model(model.path)
            check_inputs(model, [tensor.any_name for tensor in graph.inputs])
            graph.reshape(
                {
                    contract.IR: [1, 1, height, width],
                    contract.VIS: [1, height, width, 3],
                    contract.WEIGHT: [1, 1, height, width],
                }
            )
            compiled = core.compile_model(
                graph,
                "CPU",
                {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": _HINT[precision]},
            )
        except RuntimeError as error:
            raise EngineError(
                f"OpenVINO cannot load {model.path}: {_first_line(error)}",
                hint="give a model exported by fusion-rt",
            ) from error
        self._tensor = ov.Tensor
        self._request: Any = compiled.create_infer_request()
        self.set_weight(self.weight)
        self.info = EngineInfo(
            name=NAME,
            version=ov.__version__.split("-")[0],
            device=device,
            model=model.name,
            precision=precision,
            size_wh=size_wh,
            open_ms=(time.perf_counter() - begun) * 1e3,
        )

    def set_weight(self, weight: np.ndarray) -> None:
        """See `Engine.set_weight`."""
        super().set_weight(weight)
        self._request.set_tensor(contract.WEIGHT, self._share(self.weight[None, None]))

    def _run(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        # The tensors are views of our arrays: no copy on the way in or out.
        fused = np.empty((1, *vis.shape), np.uint8)
        self._request.set_tensor(contract.IR, self._share(ir[None, None]))
        self._request.set_tensor(contract.VIS, self._share(vis[None]))
        self._request.set_tensor(contract.FUSED, self._share(fused))
        try:
            self._request.infer()
        except RuntimeError as error:
            raise EngineError(
                f"OpenVINO failed while fusing: {_first_line(error)}",
                hint="try --engine onnxruntime",
            ) from error
        return fused[0]

    def _share(self, array: np.ndarray) -> Any:
        return self._tensor(array, shared_memory=True)

    def close(self) -> None:
        """See `Engine.close`."""
        self._request = None


def choose_precision(core: Any, asked: str) -> str:
    """The precision to compute in.

    Raises:
        EngineError: bf16 was asked for on a processor that does not compute in it.
    """
    has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if asked == "auto":
        return "bf16" if has_bf16 else "fp32"
    if asked == "bf16" and not has_bf16:
        raise EngineError(
            "this processor does not compute in bf16", hint="choose --precision fp32 or auto"
        )
    return asked


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
