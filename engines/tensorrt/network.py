"""From an ONNX file to TensorRT's network: parsed, checked, and of one size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import contract
from ..errors import EngineError
from ..models import ModelFile
from .flavour import Flavour
from .runtime import Shape

_SHOWN_ERRORS = 4


def parse(flavour: Flavour, network: Any, logger: Any, model: ModelFile) -> None:
    """Fill ``network`` from the model's file.

    Raises:
        EngineError: the file cannot be read, or the parser does not take it; lists its errors.
    """
    parser = flavour.module.OnnxParser(network, logger)
    try:
        content = model.path.read_bytes()
    except OSError as error:
        raise EngineError(f"model file {model.path}: {error.strerror}") from error
    if parser.parse(content):
        return
    errors = [_parser_error(parser.get_error(index)) for index in range(parser.num_errors)]
    more = f"; and {len(errors) - _SHOWN_ERRORS} more" if len(errors) > _SHOWN_ERRORS else ""
    raise EngineError(
        f"{flavour.title} does not take {model.path}: "
        f"{'; '.join(errors[:_SHOWN_ERRORS]) or 'it does not say why'}{more}",
        hint="give a model exported by fusion-rt",
    )


def _parser_error(error: Any) -> str:
    """For instance "node 'stem' (Conv): ..."; versions before 10 know the node's number alone."""
    text = " ".join(str(error.desc()).split())[:200]
    if hasattr(error, "node_name") and error.node_name():
        return f"node '{error.node_name()}' ({error.node_operator()}): {text}"
    return f"node {error.node()}: {text}" if error.node() >= 0 else text


def check_tensors(
    flavour: Flavour, network: Any, model: ModelFile, shapes: dict[str, Shape]
) -> None:
    """Refuse a network that has other tensors than `engines.contract` says.

    Raises:
        EngineError: says what it has.
    """
    names = [network.get_input(index).name for index in range(network.num_inputs)]
    if sorted(names) != sorted(shapes):
        variant = "grid" if contract.GRID in shapes else "plain"
        taken = ", ".join(names) or "nothing"
        raise EngineError(
            f"{model.path} takes {taken}; a {variant} model takes {', '.join(shapes)}",
            hint=f"give a {variant} model exported by fusion-rt",
        )
    outputs = [network.get_output(index) for index in range(network.num_outputs)]
    uint8 = flavour.module.DataType.UINT8
    if [tensor.name for tensor in outputs] != [contract.FUSED] or outputs[0].dtype != uint8:
        given = ", ".join(f"{tensor.name} ({tensor.dtype.name})" for tensor in outputs)
        raise EngineError(
            f"{model.path} gives {given} instead of {contract.FUSED} (UINT8)",
            hint="give a model exported by fusion-rt",
        )


def hold_shapes(network: Any, shapes: dict[str, Shape]) -> None:
    """Make the network one of fixed shapes, which are open in the file.

    The builder then tunes for one size, and no optimization profile is needed: before TensorRT 10
    contexts could not share one, so that a plan had room for one pair at a time.
    """
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        tensor.shape = shapes[tensor.name]


def check_precision(flavour: Flavour, network: Any, model: ModelFile, precision: str) -> None:
    """Refuse a file that holds another precision than was asked for.

    The precision is the file's: nothing else tells a strongly typed builder what to compute in, and
    it would build FP32 from the wrong file without a word.

    Raises:
        EngineError: says what the file holds.
    """
    held = held_precision(flavour, network)
    if held != precision:
        raise EngineError(
            f"{model.path} holds an {held} network, not an {precision} one",
            hint=f"choose --precision {held}, or export the model in {precision}",
        )


def held_precision(flavour: Flavour, network: Any) -> str:
    """ "int8" with quantized tensors, else "fp16" with tensors of half precision, else "fp32"."""
    if is_quantized(flavour, network):
        return "int8"
    return "fp16" if is_half(flavour, network) else "fp32"


def is_quantized(flavour: Flavour, network: Any) -> bool:
    """Whether values go through INT8 somewhere."""
    kinds = flavour.module.LayerType
    return any(layer.type in (kinds.QUANTIZE, kinds.DEQUANTIZE) for layer in layers(network))


def is_half(flavour: Flavour, network: Any) -> bool:
    """Whether some tensor is of half precision."""
    half = flavour.module.DataType.HALF
    return any(tensor.dtype == half for layer in layers(network) for tensor in outputs_of(layer))


def layers(network: Any) -> Iterator[Any]:
    """All layers in order."""
    return (network.get_layer(index) for index in range(network.num_layers))


def outputs_of(layer: Any) -> list[Any]:
    """All outputs of a layer."""
    return [layer.get_output(index) for index in range(layer.num_outputs)]


def inputs_of(layer: Any) -> list[Any]:
    """All inputs of a layer; those left out are not among them."""
    given = (layer.get_input(index) for index in range(layer.num_inputs))
    return [tensor for tensor in given if tensor is not None]
