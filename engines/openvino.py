"""OpenVINO: the fast way on x86-64 processors."""

from __future__ import annotations

import io
import time
from types import ModuleType
from typing import Any

import numpy as np

from . import contract
from .base import Engine, EngineInfo
from .cache_dir import file_sha256
from .compiled_cache import CompiledCache
from .errors import BackendUnavailable, EngineError
from .models import ModelFile, check_inputs, find_variant
from .optional import require
from .report import Report, silent, tell_once

NAME = "openvino"
PRECISIONS = ("bf16", "int8", "fp32")


class OpenVinoEngine(Engine):
    """The model compiled by OpenVINO for one size on the processor.

    Latency hint: all cores work on one pair, as a live picture wants. A stream for each core was
    only 6 % more throughput on two cores, with two pairs under way at a time
    (docs/measurements).
    """

    def __init__(
        self,
        model: ModelFile,
        size_wh: tuple[int, int],
        precision: str,
        report: Report = silent,
    ) -> None:
        """Take the compiled model from the cache, or compile and keep it.

        Args:
            model: plain variant, FP32.
            size_wh: width and height in px.
            precision: "fp32"; "bf16", the same file computed in bf16; "int8", its quantised
                sibling, whose other layers are computed in bf16 where the processor has it.
            report: told when the compiled model cannot be kept.

        Raises:
            BackendUnavailable: the package is missing or does not work.
            EngineError: the model does not load, has no quantised sibling, or bf16 on a processor
                without it.
        """
        super().__init__(size_wh)
        begun = time.perf_counter()
        ov = require("openvino", remedy="pip install openvino, or choose --engine onnxruntime")
        try:
            core = ov.Core()
            device = core.get_property("CPU", "FULL_DEVICE_NAME")
            abilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        except RuntimeError as error:
            raise BackendUnavailable(
                f"OpenVINO does not work here: {_first_line(error)}",
                hint="pip install --force-reinstall openvino, or choose --engine onnxruntime",
            ) from error
        config = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _arithmetic(precision, abilities),
        }
        file = model if precision != "int8" else find_variant(model, precision="int8")
        cache = CompiledCache(
            f"{model.name}-{precision}-{size_wh[0]}x{size_wh[1]}",
            {
                "file": file_sha256(file.path),
                "openvino": ov.__version__,
                "device": device,
                "abilities": sorted(abilities),
                "size": size_wh,
                "config": config,
            },
        )
        compiled = _from_cache(core, cache, config)
        if compiled is None:
            compiled = _compile(core, file, size_wh, config)
            _keep(compiled, cache, report)
        self._ov: ModuleType = ov
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
        return self._ov.Tensor(array, shared_memory=True)

    def close(self) -> None:
        """See `Engine.close`."""
        self._request = None


def _arithmetic(precision: str, abilities: list[str]) -> str:
    """OpenVINO's name of the numbers to compute in.

    Raises:
        EngineError: bf16 was asked for on a processor that does not compute in it.
    """
    has_bf16 = "BF16" in abilities
    if precision == "bf16" and not has_bf16:
        raise EngineError(
            "this processor does not compute in bf16", hint="choose --precision fp32 or auto"
        )
    return "bf16" if has_bf16 and precision != "fp32" else "f32"


def _compile(core: Any, file: ModelFile, size_wh: tuple[int, int], config: dict[str, str]) -> Any:
    width, height = size_wh
    try:
        graph = core.read_model(file.path)
        check_inputs(file, [tensor.any_name for tensor in graph.inputs])
        graph.reshape(
            {
                contract.IR: [1, 1, height, width],
                contract.VIS: [1, height, width, 3],
                contract.WEIGHT: [1, 1, height, width],
            }
        )
        return core.compile_model(graph, "CPU", config)
    except RuntimeError as error:
        raise EngineError(
            f"OpenVINO cannot load {file.path}: {_first_line(error)}",
            hint="give a model exported by fusion-rt",
        ) from error


def _from_cache(core: Any, cache: CompiledCache, config: dict[str, str]) -> Any | None:
    """The compiled model; None where it is not there or OpenVINO does not take it any more."""
    blob = cache.load()
    if blob is None:
        return None
    try:
        return core.import_model(io.BytesIO(blob), "CPU", config)
    except RuntimeError:  # it is compiled anew, and the file replaced
        return None


def _keep(compiled: Any, cache: CompiledCache, report: Report) -> None:
    """Write to the cache; a start that cannot is slower next time, but not wrong."""
    try:
        cache.store(compiled.export_model().read())
    except EngineError as error:
        tell_once(report, f"the compiled model is not kept for the next start: {error}")
    except RuntimeError as error:
        reason = _first_line(error)
        told = f"the compiled model is not kept for the next start: OpenVINO says {reason}"
        tell_once(report, told)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
