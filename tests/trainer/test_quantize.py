"""INT8 files: Q/DQ nodes as TensorRT asks for them, and a picture near that of FP32."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from model_files import (
    fused_by,
    onnxruntime_session,
    pair_inputs,
    tensor_types,
    tensorrt_rtx_plan,
)
from networks import OURS, random_network
from onnx import TensorProto, numpy_helper

from engines.contract import FUSED, GRID, IR, OPSET, VIS, WEIGHT
from engines.parity import judge
from engines.parity_measure import measure
from engines.parity_pairs import parity_pairs
from trainer.errors import ExportError
from trainer.export import export_onnx
from trainer.onnx_deploy import deploy_model
from trainer.quantize import measure_ranges, quantized_tensors, to_int8

VARIANTS = ["plain", "grid"]
LARGE = {
    "bts": [
        *(f"encoder_{camera}.block{i}.conv" for camera in ("ir", "vis") for i in (1, 2)),
        *(f"decoder.block{i}.conv" for i in (1, 2)),
        "decoder.head",
    ],
    "bts-lite": [*(f"body.{i}.conv" for i in range(3)), "head"],
}


@pytest.fixture(scope="module")
def ranges():
    """Measured on the pairs that the pictures are compared on, in another size."""
    feeds = [pair_inputs(*pair) for pair in parity_pairs((128, 96))]
    return {kind: measure_ranges(*deploy_model(random_network(kind)), feeds) for kind in OURS}


@pytest.fixture(scope="module")
def files(ranges, tmp_path_factory):
    """Each network in FP32 and INT8 and both variants."""
    folder = tmp_path_factory.mktemp("int8")
    paths = {}
    for kind in OURS:
        for variant in VARIANTS:
            for precision in ("fp32", "int8"):
                path = paths[kind, variant, precision] = folder / f"{kind}-{variant}-{precision}"
                export_onnx(random_network(kind), path, variant, precision, ranges=ranges[kind])
    return paths


def nodes_by_output(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in model.graph.node for name in node.output}


def constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


@pytest.mark.parametrize("kind", OURS)
def test_large_convolutions_are_quantised_and_no_others(kind):
    assert sorted(quantized_tensors(*deploy_model(random_network(kind)))) == sorted(LARGE[kind])


@pytest.mark.parametrize("kind", OURS)
def test_ranges_are_those_of_the_tensors(kind, ranges):
    """Looked at one by one, with the tensors as outputs of the model."""
    proto, rough = deploy_model(random_network(kind))
    names = sorted(set(quantized_tensors(proto, rough).values()))
    assert sorted(ranges[kind]) == names
    for name in names:
        proto.graph.output.append(onnx.helper.make_tensor_value_info(name, 1, None))
    session = onnxruntime_session(proto.SerializeToString())
    found = [session.run(names, pair_inputs(*pair)) for pair in parity_pairs((128, 96))]
    for place, name in enumerate(names):
        largest = max(np.abs(values[place]).max() for values in found)
        assert ranges[kind][name] == pytest.approx(largest, rel=1e-3)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", OURS)
def test_nodes_are_as_tensorrt_asks(files, ranges, kind, variant):
    model = onnx.load(files[kind, variant, "int8"])
    onnx.checker.check_model(model, full_check=True)
    assert [entry.version for entry in model.opset_import] == [OPSET]
    makers, values, types = nodes_by_output(model), constants(model), tensor_types(model)
    given = {node.name: node for node in model.graph.node}
    for layer in LARGE[kind]:
        data, kernel, bias = (makers.get(name) for name in given[layer].input)
        assert data.op_type == kernel.op_type == "DequantizeLinear"
        assert bias is None, "the bias stays a float constant"
        quantize = makers[data.input[0]]
        assert quantize.op_type == "QuantizeLinear"
        assert types[quantize.input[0]] == TensorProto.FLOAT
        source = quantize.input[0].removesuffix(".float")
        scale, zero = (values[name] for name in quantize.input[1:])
        assert scale == pytest.approx(ranges[kind][source] / 127, rel=0.01)
        assert (zero.dtype, int(zero)) == (np.int8, 0)
        weights, scales, zeros = (values[name] for name in kernel.input)
        assert weights.dtype == zeros.dtype == np.int8
        assert scales.shape == (len(weights),)
        assert not zeros.any()
        assert (np.abs(weights.astype(int)).max((1, 2, 3)) >= 126).all()
    assert sum(node.op_type == "QuantizeLinear" for node in model.graph.node) == len(LARGE[kind])
    for node in model.graph.node:  # nothing between a convolution and the ReLU behind it
        if node.op_type == "QuantizeLinear":
            assert makers[node.input[0]].op_type != "Conv"


@pytest.mark.parametrize("kind", OURS)
def test_rest_is_half_and_pictures_are_float(files, kind):
    types = tensor_types(onnx.load(files[kind, "plain", "int8"]))
    half = ["share_prior", "head" if kind == "bts-lite" else "attention.channel.gate"]
    assert types[half[0]] == TensorProto.FLOAT16
    assert types["ir_plane"] == types["share"] == types["luma"] == TensorProto.FLOAT
    if kind == "bts":
        assert types["attention"] == TensorProto.FLOAT16
    assert {types[name] for name in (IR, VIS, WEIGHT, FUSED)} == {TensorProto.UINT8}


@pytest.mark.parametrize("size_wh", [(64, 64), (101, 77), (200, 152)])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", OURS)
def test_picture_is_near_that_of_fp32(files, kind, variant, size_wh):
    pairs = parity_pairs(size_wh)
    exact, small = (
        fused_by(files[kind, variant, end], pairs, variant == "grid") for end in ("fp32", "int8")
    )
    assert judge(measure(small, exact, pairs), "int8") is None
    assert any((one != other).any() for one, other in zip(small, exact, strict=True)), "not INT8"


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", OURS)
def test_openvino_computes_it_in_int8(files, kind, variant):
    openvino = pytest.importorskip("openvino", reason="openvino is not there")
    (ir, vis), *_ = pairs = parity_pairs((200, 152))[:1]
    inputs = pair_inputs(ir, vis, variant == "grid")
    core = openvino.Core()
    model = core.read_model(files[kind, variant, "int8"])
    model.reshape({name: list(array.shape) for name, array in inputs.items()})
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    kernels = [
        node.get_rt_info()["primitiveType"].astype(str)
        for node in compiled.get_runtime_model().get_ops()
        if node.get_rt_info()["layerType"].astype(str) == "Convolution"
    ]
    assert sum("i8" in kernel.lower() for kernel in kernels) >= len(LARGE[kind])
    exact = fused_by(files[kind, variant, "fp32"], pairs, variant == "grid")
    assert judge(measure([compiled(inputs)[FUSED][0]], exact, pairs), "int8") is None


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", OURS)
def test_tensorrt_rtx_builds_it(files, kind, variant):
    smallest, usual = (
        pair_inputs(*parity_pairs(size_wh)[0], variant == "grid")
        for size_wh in ((64, 64), (640, 480))
    )
    path = files[kind, variant, "int8"]
    assert tensorrt_rtx_plan(path, smallest, usual).nbytes > path.stat().st_size / 2


@pytest.mark.parametrize("kind", OURS)
def test_both_variants_hold_the_same(files, kind):
    plain, grid = (constants(onnx.load(files[kind, variant, "int8"])) for variant in VARIANTS)
    assert plain.keys() == grid.keys()
    for name, values in plain.items():
        np.testing.assert_array_equal(values, grid[name], err_msg=name)
    assert GRID not in plain


@pytest.mark.parametrize("kind", OURS)
def test_same_ranges_give_the_same_bytes(files, ranges, tmp_path, kind):
    again = tmp_path / "again.onnx"
    export_onnx(random_network(kind), again, "grid", "int8", ranges=ranges[kind])
    assert again.read_bytes() == files[kind, "grid", "int8"].read_bytes()
    assert again.stat().st_size < 0.45 * files[kind, "grid", "fp32"].stat().st_size


def test_model_that_is_quantised_stays_as_it_was(ranges):
    proto, rough = deploy_model(random_network("bts-lite"))
    before = proto.SerializeToString(deterministic=True)
    to_int8(proto, rough, ranges["bts-lite"])
    assert proto.SerializeToString(deterministic=True) == before


def test_ranges_of_another_network_are_refused(ranges):
    with pytest.raises(ExportError, match=r"another network: .*attention") as caught:
        to_int8(*deploy_model(random_network("bts-lite")), ranges["bts"])
    assert "--calibration" in caught.value.hint
