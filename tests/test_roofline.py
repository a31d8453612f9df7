"""Bytes and arithmetic counted from graphs whose counts are worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from roofline import Rates, Work, count, count_model, floor_of

from engines.models import find_model, find_variant

F32, F16, U8, I64 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8, TensorProto.INT64


def model_of(nodes, inputs, outputs, constants=()):
    infos = [
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in table.items()]
        for table in (inputs, outputs)
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in dict(constants).items()]
    graph = helper.make_graph(nodes, "hand", *infos, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def work(nodes, inputs, outputs, constants=(), **lengths):
    return count_model(model_of(nodes, inputs, outputs, constants), lengths)


def test_convolution_and_its_activation_are_one_layer():
    # 3 -> 8 channels, 3x3, 10x20 pixels: 1600 values of 27 products each.
    kernel, bias = np.zeros((8, 3, 3, 3), np.float32), np.zeros(8, np.float32)
    found = work(
        [node("Conv", "x w b", "y", pads=[1, 1, 1, 1]), node("Relu", "y", "z")],
        {"x": (F32, [1, 3, "H", "W"])},
        {"z": (F32, [1, 8, "H", "W"])},
        {"w": kernel, "b": bias},
        H=10,
        W=20,
    )
    in_bytes, weight_bytes, out_bytes = 4 * 600, 4 * (216 + 8), 4 * 1600
    assert found == Work(
        fused_bytes=in_bytes + weight_bytes + out_bytes,
        layered_bytes=in_bytes + weight_bytes + out_bytes,
        matrix_flop={"fp32": 2 * 1600 * 27},
        other_flop=1600,
    )


def test_what_lies_between_layers_is_layered_only():
    # Two products of 100 values: x, x read; y written; y, x read; z written.
    found = work(
        [node("Mul", "x x", "y"), node("Add", "y x", "z")],
        {"x": (F32, [100])},
        {"z": (F32, [100])},
    )
    assert found.fused_bytes == 2 * 400
    assert found.layered_bytes == (400 + 400) + (400 + 400 + 400)
    assert found.other_flop == 200


def test_bytes_in_and_out_are_cast_by_the_layers_beside():
    found = work(
        [
            node("Cast", "x", "a", to=F16),
            node("Add", "a a", "b"),
            node("Mul", "b b", "c"),
            node("Cast", "c", "y", to=U8),
        ],
        {"x": (U8, [100])},
        {"y": (U8, [100])},
    )
    assert found.fused_bytes == 100 + 100
    assert found.layered_bytes == (100 + 200) + (200 + 100)  # the sum lies there in FP16


def test_quantized_convolution_reads_and_writes_single_bytes():
    one = {"s": np.float32(0.1), "zero": np.int8(0)}
    found = work(
        [
            node("QuantizeLinear", "x s zero", "xq"),
            node("DequantizeLinear", "xq s zero", "xd"),
            node("DequantizeLinear", "w s zero", "wd"),
            node("Conv", "xd wd", "y"),
            node("QuantizeLinear", "y s zero", "yq"),
            node("DequantizeLinear", "yq s zero", "yd"),
            node("Conv", "yd wd", "z"),
        ],
        {"x": (F32, [1, 4, 5, 5])},
        {"z": (F32, [1, 4, 5, 5])},
        {"w": np.zeros((4, 4, 1, 1), np.int8), **one},
    )
    assert found.matrix_flop == {"int8": 2 * (2 * 100 * 4)}
    # Each reads 100 values and 16 weights; the first writes bytes, the second floats.
    assert found.layered_bytes == (100 + 16 + 100) + (100 + 16 + 400)
    # x is given in floats and quantized on the way in; the scales are no layer's input.
    assert found.fused_bytes == 400 + 16 + 400


@pytest.mark.parametrize(
    ("nodes", "shapes", "constants", "flop", "other"),
    [
        pytest.param(
            [node("MatMul", "x w", "z")],
            ([2, 3], [2, 5]),
            {"w": np.zeros((3, 5), np.float32)},
            2 * 2 * 3 * 5,
            0,
            id="matrix-product",
        ),
        pytest.param(
            [node("Gemm", "x w", "z", transA=1)],
            ([3, 2], [2, 5]),
            {"w": np.zeros((3, 5), np.float32)},
            2 * 2 * 3 * 5,
            0,
            id="product-of-a-turned-matrix",
        ),
        pytest.param(
            [node("Conv", "x w", "z", group=4)],
            ([1, 4, 6, 6], [1, 4, 4, 4]),
            {"w": np.zeros((4, 1, 3, 3), np.float32)},
            2 * 64 * 9,
            0,
            id="grouped-convolution",
        ),
        pytest.param(
            [node("ConvTranspose", "x w", "z", strides=[2, 2])],
            ([1, 4, 3, 3], [1, 5, 6, 6]),
            {"w": np.zeros((4, 5, 2, 2), np.float32)},
            2 * 36 * 5 * 4,
            0,
            id="transposed-convolution",
        ),
        pytest.param(
            [node("AveragePool", "x", "z", kernel_shape=[2, 2], strides=[2, 2])],
            ([1, 1, 4, 4], [1, 1, 2, 2]),
            {},
            0,
            16,
            id="pooling-reads-its-window",
        ),
        pytest.param(
            [node("ReduceMax", "x", "z", axes=[1])],
            ([1, 8, 4], [1, 1, 4]),
            {},
            0,
            32,
            id="reduction-reads-all",
        ),
        pytest.param(
            [node("Transpose", "x", "z", perm=[1, 0])],
            ([3, 4], [4, 3]),
            {},
            0,
            0,
            id="moving-computes-nothing",
        ),
    ],
)
def test_operations_of_a_layer(nodes, shapes, constants, flop, other):
    found = work(nodes, {"x": (F32, shapes[0])}, {"z": (F32, shapes[1])}, constants)
    assert sum(found.matrix_flop.values()) == flop
    assert found.other_flop == other


def test_shape_that_is_computed_in_the_graph():
    found = work(
        [
            node("Shape", "y", "size", start=2),
            node("Sub", "size two", "end"),
            node("Slice", "x zeros end axes", "cut"),
            node("Add", "cut cut", "z"),
        ],
        {"x": (F32, [1, 1, 64, 64]), "y": (F32, [1, 1, "H", "W"])},
        {"z": (F32, [1, 1, "a", "b"])},
        {"two": np.array([2, 2]), "zeros": np.array([0, 0]), "axes": np.array([2, 3])},
        H=12,
        W=22,
    )
    assert found.other_flop == 10 * 20


def test_shape_that_stays_unknown_is_told():
    with pytest.raises(ValueError, match="shape of 'x' is not known"):
        work([node("Add", "x x", "z")], {"x": (F32, ["N"])}, {"z": (F32, ["N"])})


def test_shipped_network_by_hand():
    # Pictures of 640x480 with 8 px of margin around; kernels 3x3 but for those named. Sixteen
    # channels a layer are left of the network as trained.
    pixels = 656 * 496
    encoder = 1 * 16 * 9 + 2 * 16 * 16 * 9
    head = 16 * 12 * 16 // 4  # 4x4, three numbers for each of 2x2 px at a time
    decoder = 32 * 16 * 9 + 16 * 16 * 9 + head
    attention = 32 * 16 + 16 * 32  # 1x1: squeeze, excite
    least = 2 * pixels * (2 * encoder + decoder + attention)
    found = count(find_model("bts").path, (640, 480))
    # The rest: the spatial gate, the prior's gradients and means.
    assert least < found.matrix_flop["fp32"] < 1.03 * least
    pictures = 640 * 480 * (1 + 3 + 1 + 3)
    weights = find_model("bts").path.stat().st_size
    assert pictures < found.fused_bytes < pictures + weights


@pytest.mark.parametrize("name", ["bts", "bts-lite"])
def test_precisions_of_a_shipped_network(name):
    works = {
        precision: count(find_variant(find_model(name), precision=precision).path, (320, 256))
        for precision in ("fp32", "fp16", "int8")
    }
    totals = {precision: sum(work.matrix_flop.values()) for precision, work in works.items()}
    assert len(set(totals.values())) == 1
    # Most of the products are in the precision that the file is named after.
    for precision, work in works.items():
        assert work.matrix_flop[precision] > 0.7 * totals[precision]
    layered = [works[precision].layered_bytes for precision in ("fp32", "fp16", "int8")]
    assert layered == sorted(layered, reverse=True)
    assert all(work.layered_bytes > 10 * work.fused_bytes for work in works.values())


WORK = Work(6_000_000, 60_000_000, {"fp16": 10**9, "fp32": 10**7}, 0)


@pytest.mark.parametrize(
    ("rates", "bytes_ms", "matrix_ms", "least_ms"),
    [
        pytest.param(Rates(3e12, {"fp16": 1e15, "fp32": 1e13}, {}), 0.002, 0.002, 0.002, id="both"),
        pytest.param(Rates(3e11, {"fp16": 1e15, "fp32": 1e13}, {}), 0.02, 0.002, 0.02, id="copies"),
        pytest.param(Rates(3e12, {"fp16": 1e14, "fp32": 1e13}, {}), 0.002, 0.011, 0.011, id="flop"),
        pytest.param(Rates(3e12, {"fp16": 1e14}, {}), 0.002, None, None, id="one-type-unknown"),
        pytest.param(Rates(None, {"fp16": 1e15, "fp32": 1e13}, {}), None, 0.002, None, id="copy?"),
        pytest.param(Rates(None, {}, {}), None, None, None, id="nothing-known"),
    ],
)
def test_floor_is_the_larger_time(rates, bytes_ms, matrix_ms, least_ms):
    floor = floor_of(WORK, rates)
    assert floor.bytes_ms == pytest.approx(bytes_ms)
    assert floor.matrix_ms == pytest.approx(matrix_ms)
    assert floor.least_ms == pytest.approx(least_ms)
    assert floor.layered_ms == pytest.approx(None if bytes_ms is None else 10 * bytes_ms)
