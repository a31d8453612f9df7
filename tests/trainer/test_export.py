from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
import torch

from engines.contract import FUSED, GRID, IR, OPSET, VIS, WEIGHT
from trainer.checkpoint import save_checkpoint
from trainer.deploy import DeployGraph
from trainer.errors import ExportError
from trainer.export import export_onnx, main
from trainer.network import FusionNet

SIZES = [
    pytest.param((64, 64), id="smallest"),
    pytest.param((101, 77), id="odd"),
    pytest.param((640, 480), id="vga"),
]


@pytest.fixture(scope="module")
def net() -> FusionNet:
    """A network whose picture has contrast, as a trained one has."""
    torch.manual_seed(11)
    net = FusionNet().eval()
    probe = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        raw = net.decoder.head.weight
        raw /= net(probe, probe.flip(3)).std() * 6
        net.decoder.head.bias += 0.5 - net(probe, probe.flip(3)).mean()
    return net


@pytest.fixture(scope="module", params=["plain", "grid"])
def model(request, net, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / f"{request.param}.onnx"
    export_onnx(net, path, request.param, version="3", recipe="none", licence="free")
    return request.param, path


def feed(variant: str, size_wh: tuple[int, int], weight: int | None) -> dict[str, np.ndarray]:
    """A smooth scene with a warm block and noise, in colour; weight None is a ramp."""
    width, height = size_wh
    rng = np.random.default_rng(width)
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    colours = np.stack([255 * x, 255 * y, 128 + 100 * np.sin(9 * x + 5 * y)], -1)
    vis = np.clip(colours + rng.normal(0, 12, colours.shape), 0, 255).astype(np.uint8)
    ir = np.clip(60 + 40 * y + rng.normal(0, 9, y.shape), 0, 255).astype(np.uint8)
    ir[height // 4 : height // 2, width // 3 : width // 2] = 235
    ramp = np.broadcast_to(np.linspace(0, 255, width), y.shape).astype(np.uint8)
    weights = ramp if weight is None else np.full_like(ramp, weight)
    inputs = {IR: ir[None, None], VIS: vis[None], WEIGHT: weights[None, None]}
    if variant == "grid":
        inputs[IR] = inputs[IR][:, :, ::2, ::2].copy()
        grid = np.stack([x * 2.4 - 1.2, y * 2.2 - 1.1], -1)  # a part lies outside
        inputs[GRID] = grid[None].astype(np.float32)
    return inputs


def by_torch(net: FusionNet, inputs: dict[str, np.ndarray]) -> np.ndarray:
    tensors = {name: torch.from_numpy(array) for name, array in inputs.items()}
    with torch.no_grad():
        return DeployGraph(net)(**tensors).numpy()


def by_onnxruntime(path, inputs):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run([FUSED], inputs)[0]


def by_openvino(path, inputs):
    openvino = pytest.importorskip("openvino", reason="openvino is not there")
    core = openvino.Core()
    model = core.read_model(path)
    model.reshape({name: list(array.shape) for name, array in inputs.items()})
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled(inputs)[FUSED]


def worst(a: np.ndarray, b: np.ndarray) -> int:
    assert a.shape == b.shape
    assert a.dtype == b.dtype == np.uint8
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("run", [by_onnxruntime, by_openvino])
@pytest.mark.parametrize("size_wh", SIZES)
def test_back_ends_show_the_picture_of_torch(net, model, run, size_wh):
    variant, path = model
    inputs = feed(variant, size_wh, weight=None)
    expected = by_torch(net, inputs)
    assert expected.std() > 20, "a flat picture would prove nothing"
    assert worst(run(path, inputs), expected) <= 1


@pytest.mark.parametrize("run", [by_onnxruntime, by_openvino])
@pytest.mark.parametrize("weight", [0, 255])
def test_weight_at_its_ends(net, model, run, weight):
    variant, path = model
    inputs = feed(variant, (101, 77), weight)
    found = run(path, inputs)
    if weight == 0:
        np.testing.assert_array_equal(found, inputs[VIS])
    else:
        assert worst(found, by_torch(net, inputs)) <= 1
        assert worst(found, inputs[VIS]) > 20


def test_graph_is_small_and_says_what_it_is(model):
    variant, path = model
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    kinds = Counter(node.op_type for node in proto.graph.node)
    assert not kinds.keys() & {"Shape", "Gather", "Constant", "Identity", "Unsqueeze", "Reshape"}
    assert kinds["Conv"] == 15  # luma, 2 encoders of 3, attention of 5, decoder of 3
    assert kinds["GridSample"] == (variant == "grid")
    assert [entry.version for entry in proto.opset_import] == [OPSET]
    notes = {entry.key: entry.value for entry in proto.metadata_props}
    assert notes == {
        "name": "bts",
        "version": "3",
        "variant": variant,
        "recipe": "none",
        "licence": "free",
    }


def test_same_weights_give_the_same_bytes(net, tmp_path):
    first, second = tmp_path / "first.onnx", tmp_path / "second.onnx"
    for path in (first, second):
        export_onnx(net, path, recipe="r", licence="l")
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < 240_000


def test_unknown_variant_is_refused(net, tmp_path):
    with pytest.raises(ExportError, match="'tilted'") as caught:
        export_onnx(net, tmp_path / "a.onnx", "tilted")
    assert "plain, grid" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_train_mode_is_refused(tmp_path):
    with pytest.raises(ExportError, match="train mode"):
        export_onnx(FusionNet().train(), tmp_path / "a.onnx")


def test_diverged_weights_are_refused(tmp_path):
    net = FusionNet().eval()
    net.encoder_ir.stem.weight.data[3, 0, 1, 1] = float("nan")
    with pytest.raises(ExportError, match=r"encoder_ir\.stem\.weight"):
        export_onnx(net, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_failed_write_leaves_nothing_behind(net, tmp_path):
    taken = tmp_path / "a.onnx"
    taken.mkdir()
    with pytest.raises(OSError, match="directory"):
        export_onnx(net, taken)
    assert list(tmp_path.iterdir()) == [taken]


def test_command_writes_the_model_of_a_checkpoint(net, tmp_path):
    save_checkpoint(tmp_path / "last.pt", {"model": net.state_dict()})
    command = [str(tmp_path / "last.pt"), str(tmp_path / "a.onnx"), "--variant", "grid"]
    assert main([*command, "--recipe", "r"]) == 0
    export_onnx(net, tmp_path / "b.onnx", "grid", recipe="r")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_command_says_what_is_wrong(tmp_path, capsys):
    assert main([str(tmp_path / "none.pt"), str(tmp_path / "a.onnx")]) == 1
    shown = capsys.readouterr().err
    assert "none.pt is not there" in shown
    assert len(shown.splitlines()) == 2


def test_tensorrt_rtx_builds_it(model):
    trt = pytest.importorskip("tensorrt_rtx", reason="tensorrt_rtx is not there")
    variant, path = model
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    flags = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, logger)
    parsed = parser.parse(path.read_bytes())
    assert parsed, [str(parser.get_error(i)) for i in range(parser.num_errors)]
    profile = builder.create_optimization_profile()
    sizes = [feed(variant, size_wh, 255) for size_wh in ((64, 64), (640, 480))]
    for name in sizes[0]:
        low, high = (inputs[name].shape for inputs in sizes)
        profile.set_shape(name, low, high, high)
    config = builder.create_builder_config()
    config.add_optimization_profile(profile)
    config.num_compute_capabilities = 1  # a GPU to build for; none need be there
    config.set_compute_capability(trt.ComputeCapability.SM89, 0)
    plan = builder.build_serialized_network(network, config)
    assert plan is not None
    assert plan.nbytes > 100_000
