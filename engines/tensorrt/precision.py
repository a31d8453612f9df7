"""In which precision a plan computes: as its file says, on every flavour."""

from __future__ import annotations

from typing import Any

from .flavour import Flavour
from .network import inputs_of, is_half, is_quantized, layers, outputs_of


def set_precision(flavour: Flavour, network: Any, config: Any, precision: str) -> None:
    """Tell the builder what the types in the file do not.

    With strong typing that is nothing but this: FP32 means FP32, while the library would round the
    factors of its products to TF32 by itself.

    Args:
        flavour: that builds.
        network: parsed.
        config: of the builder.
        precision: of the file: "fp16", "int8" or "fp32".
    """
    if precision == "fp32":
        config.clear_flag(flavour.module.BuilderFlag.TF32)
    if flavour.typing == "weak":
        _allow_what_is_held(flavour, network, config)


def _allow_what_is_held(flavour: Flavour, network: Any, config: Any) -> None:
    """Weak typing: allow the types that the file holds, and keep what it keeps in FP32 there.

    Without a flag the builder widens everything to FP32. With FP16 allowed it may also narrow what
    the exporter kept wide because it overflows or loses too much, so those layers are held to
    FP32: preferred, as a layer that has no such implementation would otherwise fail the build.
    Quantized tensors need no such hold: only what the file quantizes becomes INT8.
    """
    trt = flavour.module
    if is_quantized(flavour, network):
        config.set_flag(trt.BuilderFlag.INT8)
    if not is_half(flavour, network):
        return
    config.set_flag(trt.BuilderFlag.FP16)
    config.set_flag(trt.BuilderFlag.PREFER_PRECISION_CONSTRAINTS)
    for layer in layers(network):
        if _is_wide(trt, layer):
            layer.precision = trt.DataType.FLOAT
            for index in range(layer.num_outputs):
                layer.set_output_type(index, trt.DataType.FLOAT)


def _is_wide(trt: Any, layer: Any) -> bool:
    """Whether the layer computes, and does so in FP32 from FP32.

    Its first input tells: others may be shapes. Constants, casts and quantization have a type of
    their own, which is not to be set.
    """
    kinds = trt.LayerType
    fixed = (kinds.CONSTANT, kinds.CAST, kinds.IDENTITY, kinds.QUANTIZE, kinds.DEQUANTIZE)
    inputs = inputs_of(layer)
    if layer.type in fixed or not inputs:
        return False
    return all(tensor.dtype == trt.DataType.FLOAT for tensor in (inputs[0], *outputs_of(layer)))
