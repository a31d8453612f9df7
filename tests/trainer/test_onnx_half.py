"""FP16 files: typed as meant, and the picture of the FP32 ones."""

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
from networks import KINDS, OURS, random_network
from onnx import TensorProto

from engines.contract import FUSED, GRID, IR, OPSET, VIS, WEIGHT
from engines.parity import judge
from engines.parity_measure import measure
from engines.parity_pairs import parity_pairs
from trainer.errors import ExportError
from trainer.export import export_onnx
from trainer.onnx_deploy import deploy_model

HALF, FLOAT = TensorProto.FLOAT16, TensorProto.FLOAT
VARIANTS = ["plain", "grid"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Each network in both precisions and variants."""
    folder = tmp_path_factory.mktemp("half")
    paths = {}
    for kind in KINDS:
        for variant in VARIANTS:
            for precision in ("fp32", "fp16"):
                path = paths[kind, variant, precision] = folder / f"{kind}-{variant}-{precision}"
                export_onnx(random_network(kind), path, variant, precision)
    return paths


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_tensor_has_the_type_that_is_meant(files, kind, variant):
    model = onnx.load(files[kind, variant, "fp16"])
    onnx.checker.check_model(model, full_check=True)
    assert [entry.version for entry in model.opset_import] == [OPSET]
    rough = deploy_model(random_network(kind), variant).rough
    types = tensor_types(model)
    floats = {name: kind for name, kind in types.items() if kind in (HALF, FLOAT)}
    for node in model.graph.node:
        kinds = {floats[name] for name in (*node.input, *node.output) if name in floats}
        if node.op_type == "Cast":
            assert len(kinds) == 2 or TensorProto.UINT8 in {types[n] for n in node.input} | {
                types[n] for n in node.output
            }
        elif node.op_type == "Resize":
            assert types[node.input[0]] == types[node.output[0]] == HALF
        elif node.op_type != "Shape":
            assert kinds <= {HALF if node.name in rough else FLOAT}, node.name
    for name in ("ir_plane", "vis_y", "share", "mixed", "luma", "fused_float", "fused_clip"):
        assert types.get(name, FLOAT) == FLOAT
    given = {IR, VIS, WEIGHT, FUSED}
    assert {types[name] for name in given} == {TensorProto.UINT8}
    assert (types[GRID] == FLOAT) if variant == "grid" else GRID not in types


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("kind", "casts"),
    [
        # bytes in 3, places to half 2, prior 3 and network back, bytes out
        pytest.param("bts", 12, id="bts"),  # its encoders take the planes
        pytest.param("bts-lite", 10, id="bts-lite"),
        pytest.param("published", 7, id="published"),  # its network gives the luma itself
    ],
)
def test_types_change_at_few_places(files, kind, variant, casts):
    nodes = onnx.load(files[kind, variant, "fp16"]).graph.node
    assert sum(node.op_type == "Cast" for node in nodes) == casts


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_stored_in_half_the_bytes(files, kind):
    sizes = [files[kind, "plain", end].stat().st_size for end in ("fp32", "fp16")]
    assert sizes[1] < 0.6 * sizes[0]


@pytest.mark.parametrize("size_wh", [(64, 64), (101, 77), (200, 152)])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_picture_is_that_of_fp32(files, kind, variant, size_wh):
    pairs = parity_pairs(size_wh)
    exact, half = (
        fused_by(files[kind, variant, end], pairs, variant == "grid") for end in ("fp32", "fp16")
    )
    assert judge(measure(half, exact, pairs), "fp16") is None
    assert any((one != other).any() for one, other in zip(half, exact, strict=True)), "not FP16"


def extremes() -> list[tuple[np.ndarray, np.ndarray]]:
    """Black and white in all combinations, single-pixel stripes and noise of 0 and 255."""
    rng = np.random.default_rng(0)
    flat = [
        (np.full((77, 101), ir, np.uint8), np.full((77, 101, 3), vis, np.uint8))
        for ir in (0, 255)
        for vis in (0, 255)
    ]
    stripes = np.zeros((77, 101), np.uint8)
    stripes[:, ::2] = 255
    noise = rng.integers(0, 2, (77, 101, 4), np.uint8) * 255
    return [
        *flat,
        (stripes, np.repeat(255 - stripes[..., None], 3, 2)),
        (stripes, np.full((77, 101, 3), 255, np.uint8)),
        (noise[..., 0].copy(), noise[..., 1:].copy()),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_extreme_pictures_do_not_overflow(files, kind):
    pairs = extremes()
    exact, half = (fused_by(files[kind, "plain", end], pairs) for end in ("fp32", "fp16"))
    worst = [np.abs(a.astype(int) - b).max() for a, b in zip(exact, half, strict=True)]
    assert max(worst) <= 2


@pytest.mark.parametrize("kind", OURS)
def test_onnx_runtime_does_round_to_half(files, kind):
    """What the comparisons above rest on: it computes as the definition of the format says."""
    from onnx.reference import ReferenceEvaluator

    model = onnx.load(files[kind, "plain", "fp16"])
    watched = ["share_prior", "carry_prior", "detail"]
    watched.append("head" if kind == "bts-lite" else "decoder.head")
    for name in watched:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, HALF, None))
    inputs = pair_inputs(*parity_pairs((64, 64))[0])
    found = onnxruntime_session(model.SerializeToString()).run([FUSED, *watched], inputs)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = ReferenceEvaluator(model).run([FUSED, *watched], inputs)
    assert np.abs(found[0].astype(int) - expected[0]).max() <= 1
    for ours, theirs in zip(found[1:], expected[1:], strict=True):
        assert ours.dtype == theirs.dtype == np.float16
        steps = np.abs(ours.astype(float) - theirs) / np.spacing(np.abs(theirs).max())
        assert steps.max() <= 16  # the definition rounds the sums of a convolution as well


def test_weight_beyond_half_is_refused(tmp_path):
    net = random_network("bts-lite")
    net.stem.weight.data[0, 0, 0, 0] = 1e5
    export_onnx(net, tmp_path / "a.onnx")
    with pytest.raises(ExportError, match=r"'stem\.weight' holds 1e\+05") as caught:
        export_onnx(net, tmp_path / "b.onnx", precision="fp16")
    assert "FP32" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", OURS)
def test_tensorrt_rtx_builds_it(files, kind, variant):
    smallest, usual = (
        pair_inputs(*parity_pairs(size_wh)[0], variant == "grid")
        for size_wh in ((64, 64), (640, 480))
    )
    path = files[kind, variant, "fp16"]
    assert tensorrt_rtx_plan(path, smallest, usual).nbytes > path.stat().st_size / 2
