"""INT8: explicit Q/DQ nodes around the network's large convolutions.

The quantiser is ONNX Runtime's, the Q/DQ form the one that TensorRT asks for: int8 and symmetric,
one scale for each tensor, one for each output channel of a kernel, bias in float, and nothing on
what a convolution gives, so that it is fused with the ReLU behind it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto

from trainer.errors import ExportError
from trainer.optional import require

# The first layers and the prior have fewer input channels: they take the pictures as they are,
# where rounding would show, and are too small to gain by it. So are the 1x1 convolutions of the
# prior and the gates, and OpenVINO rounds what goes into one for all who read it: for the gates'
# squeezing one those are the features that they multiply, which cost 15 dB.
LEAST_CHANNELS = 16

_OPTIONS = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "QuantizeBias": False,
    "OpTypesToExcludeOutputQuantization": ["Conv"],
}


def quantized_tensors(model: ModelProto, rough: Collection[str]) -> dict[str, str]:
    """What goes into the convolutions that are computed in INT8, by the convolution's name.

    Args:
        model: FP32.
        rough: nodes that stand less precision.
    """
    kernels = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    found = {}
    for node in model.graph.node:
        if node.op_type == "Conv" and node.name in rough:
            _, channels, height, _ = kernels[node.input[1]]
            if channels >= LEAST_CHANNELS and height > 1:
                found[node.name] = node.input[0]
    return found


def measure_ranges(
    model: ModelProto, rough: Collection[str], feeds: Iterable[Mapping[str, np.ndarray]]
) -> dict[str, float]:
    """Largest magnitude of each tensor to quantise, to four digits.

    Args:
        model: FP32.
        rough: as above.
        feeds: what the model takes, once for each pair.
    Raises:
        MissingPackage: ONNX Runtime is not there.
    """
    ort = require("onnxruntime.quantization", purpose="calibration")

    class Reader(ort.CalibrationDataReader):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            self._feeds: Iterator[Mapping[str, np.ndarray]] = iter(feeds)

        def get_next(self) -> Mapping[str, np.ndarray] | None:
            return next(self._feeds, None)

    with tempfile.TemporaryDirectory() as folder:
        plain, watched = Path(folder) / "plain.onnx", Path(folder) / "watched.onnx"
        onnx.save(model, plain)
        # Smallest and largest value: what lies beyond would be clipped, and a percentile clips
        # hot objects, which are few pixels but the ones that count.
        calibrator = ort.create_calibrator(
            plain,
            ["Conv"],
            augmented_model_path=str(watched),
            calibrate_method=ort.CalibrationMethod.MinMax,
        )
        calibrator.collect_data(Reader())
        found = calibrator.compute_data()
    ranges = {}
    for tensor in sorted(set(quantized_tensors(model, rough).values())):
        largest = max(float(np.abs(value).max()) for value in found[tensor].range_value)
        ranges[tensor] = float(f"{largest:.4g}")
    return ranges


def to_int8(
    model: ModelProto, rough: Collection[str], ranges: Mapping[str, float]
) -> tuple[ModelProto, frozenset[str]]:
    """The same model with its large convolutions in INT8.

    Args:
        model: FP32.
        rough: nodes that stand less precision.
        ranges: from `measure_ranges`.
    Returns:
        The model, and the nodes that still stand less precision: `rough` without those whose
        result or input is a matter of the Q/DQ nodes now, which at this opset are FP32.
    Raises:
        ExportError: the ranges belong to another network.
        MissingPackage: ONNX Runtime is not there.
    """
    tensors = quantized_tensors(model, rough)
    if set(tensors.values()) != ranges.keys():
        odd = sorted(set(tensors.values()) ^ ranges.keys())
        raise ExportError(
            f"the calibrated ranges belong to another network: {', '.join(odd[:4])}",
            hint="calibrate anew: --calibration PAIRS",
        )
    ort = require("onnxruntime.quantization", purpose="INT8")
    data = ort.calibrate.TensorsData(
        ort.CalibrationMethod.MinMax,
        {name: (np.float32(-value), np.float32(value)) for name, value in ranges.items()},
    )
    copy = ModelProto()
    copy.CopyFrom(model)
    quantizer = ort.QDQQuantizer(
        copy,
        per_channel=True,
        reduce_range=False,
        weight_qType=ort.QuantType.QInt8,
        activation_qType=ort.QuantType.QInt8,
        tensors_range=data,
        nodes_to_quantize=list(tensors),
        nodes_to_exclude=[],
        op_types_to_quantize=["Conv"],
        extra_options=_OPTIONS,
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    behind = {
        node.name
        for node in model.graph.node
        if node.op_type == "Relu" and node.input[0] in tensors
    }
    return quantizer.model.model, frozenset(rough) - tensors.keys() - behind
