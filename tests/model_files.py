"""What tests do with ONNX files: run them, build them, look at the types inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest

from engines.contract import FUSED, GRID, IR, VIS, WEIGHT


def pair_inputs(ir: np.ndarray, vis: np.ndarray, grid: bool = False) -> dict[str, np.ndarray]:
    """A pair (H, W) and (H, W, 3) as a model takes it, with full weight; the grid moves nothing."""
    height, width = ir.shape
    inputs = {IR: ir[None, None], VIS: vis[None]}
    inputs[WEIGHT] = np.full((1, 1, height, width), 255, np.uint8)
    if grid:
        x, y = (2 * (np.arange(side) + 0.5) / side - 1 for side in (width, height))
        inputs[GRID] = np.stack(np.meshgrid(x, y), -1)[None].astype(np.float32)
    return inputs


def onnxruntime_session(model: Path | bytes):
    """The model in ONNX Runtime on the processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def fused_by(model: Path | bytes, pairs, grid: bool = False) -> list[np.ndarray]:
    """Fused pictures (H, W, 3) of ONNX Runtime."""
    session = onnxruntime_session(model)
    return [session.run([FUSED], pair_inputs(*pair, grid))[0][0] for pair in pairs]


def fused_by_openvino(model: Path, pairs) -> list[np.ndarray]:
    """Fused pictures (H, W, 3) of OpenVINO, the rest of an INT8 file in FP32."""
    openvino = pytest.importorskip("openvino", reason="openvino is not there")
    core, pictures = openvino.Core(), []
    for pair in pairs:
        inputs = pair_inputs(*pair)
        graph = core.read_model(model)
        graph.reshape({name: list(array.shape) for name, array in inputs.items()})
        compiled = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        pictures.append(compiled(inputs)[FUSED][0])
    return pictures


def tensor_types(model: onnx.ModelProto) -> dict[str, int]:
    """Element type of every tensor that is computed or given, by name."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    infos = (*graph.input, *graph.value_info, *graph.output)
    types = {info.name: info.type.tensor_type.elem_type for info in infos}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


def tensorrt_rtx_plan(
    path: Path, smallest: Mapping[str, np.ndarray], usual: Mapping[str, np.ndarray]
):
    """The plan that TensorRT-RTX builds of a strongly typed network, for any size between two.

    Built for compute capability 8.9; no GPU need be there. Skips where the package is missing.
    """
    trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt_rtx is not there")
    warnings: list[str] = []

    class Logger(trt.ILogger):
        def log(self, severity, message):
            if severity <= trt.ILogger.Severity.WARNING:
                warnings.append(message)

    logger = Logger()
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    parsed = parser.parse(path.read_bytes())
    assert parsed, [str(parser.get_error(i)) for i in range(parser.num_errors)]
    profile = builder.create_optimization_profile()
    for name, array in usual.items():
        profile.set_shape(name, smallest[name].shape, array.shape, array.shape)
    config = builder.create_builder_config()
    config.add_optimization_profile(profile)
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM89, 0)
    plan = builder.build_serialized_network(network, config)
    assert plan is not None, warnings
    assert not [line for line in warnings if "UINT8 zero_point" in line], "read as int8 instead"
    return plan
