from __future__ import annotations

import re
from collections import Counter

import numpy as np
import onnx
import pytest
import torch
from model_files import onnxruntime_session, tensorrt_rtx_plan
from networks import KINDS, OURS, random_network
from training_data import write_pairs

from engines.contract import FUSED, GRID, IR, OPSET, VIS, WEIGHT
from trainer.build import Network
from trainer.checkpoint import save_checkpoint
from trainer.deploy import DeployGraph
from trainer.errors import ExportError
from trainer.export import export_onnx, main
from trainer.lite import LiteNet
from trainer.network import FusionNet
from trainer.reparam import reparameterize

SIZES = [pytest.param((64, 64), id="smallest"), pytest.param((101, 77), id="odd")]
VGA = (640, 480)


@pytest.fixture(scope="module")
def nets() -> dict[str, Network]:
    """Networks whose pictures have contrast, as a trained one's have."""
    return {kind: random_network(kind) for kind in KINDS}


@pytest.fixture(scope="module")
def files(nets, tmp_path_factory):
    """Each network in both variants."""
    folder = tmp_path_factory.mktemp("models")
    paths = {}
    for kind, net in nets.items():
        for variant in ("plain", "grid"):
            path = paths[kind, variant] = folder / f"{kind}-{variant}.onnx"
            notes = {"name": kind, "version": "3", "recipe": "none", "licence": "free"}
            export_onnx(net, path, variant, **notes)
    return paths


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


def by_torch(net: Network, inputs: dict[str, np.ndarray]) -> np.ndarray:
    tensors = {name: torch.from_numpy(array) for name, array in inputs.items()}
    with torch.no_grad():
        return DeployGraph(net)(**tensors).numpy()


def by_onnxruntime(path, inputs):
    return onnxruntime_session(path).run([FUSED], inputs)[0]


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


def check(net, path, variant, size_wh, run):
    inputs = feed(variant, size_wh, weight=None)
    expected = by_torch(net, inputs)
    assert expected.std() > 20, "a flat picture would prove nothing"
    assert worst(expected, inputs[VIS]) > 20
    assert worst(run(path, inputs), expected) <= 1


@pytest.mark.parametrize("run", [by_onnxruntime, by_openvino])
@pytest.mark.parametrize("variant", ["plain", "grid"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size_wh", SIZES)
def test_back_ends_show_the_picture_of_torch(nets, files, kind, variant, run, size_wh):
    check(nets[kind], files[kind, variant], variant, size_wh, run)


@pytest.mark.parametrize("run", [by_onnxruntime, by_openvino])
@pytest.mark.parametrize(("kind", "variant"), [("bts", "grid"), ("bts-lite", "plain")])
def test_back_ends_show_it_at_full_size(nets, files, kind, variant, run):
    check(nets[kind], files[kind, variant], variant, VGA, run)


@pytest.mark.parametrize("run", [by_onnxruntime, by_openvino])
@pytest.mark.parametrize("kind", OURS)
def test_carried_detail_is_that_of_torch(tmp_path, kind, run):
    """The networks above carry about what the prior does; this one all and nothing by turns."""
    net = random_network(kind)
    inputs = feed("plain", (101, 77), 255)
    before = by_torch(net, inputs)
    head = net.head if isinstance(net, LiteNet) else net.decoder.head
    for part in (head.weight.data, head.bias.data):
        part[-len(part) // 3 :] *= 100
    expected = by_torch(net, inputs)
    assert worst(expected, before) >= 4
    export_onnx(net, tmp_path / "a.onnx")
    assert worst(run(tmp_path / "a.onnx", inputs), expected) <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_one_session_takes_pictures_of_every_size(nets, files, kind):
    session = onnxruntime_session(files[kind, "plain"])
    for size_wh in ((96, 64), (65, 97), (80, 111), (112, 79), (96, 64)):
        inputs = feed("plain", size_wh, weight=None)
        found = session.run([FUSED], inputs)[0]
        assert worst(found, by_torch(nets[kind], inputs)) <= 1, size_wh


@pytest.mark.parametrize("run", [by_onnxruntime, by_openvino])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [0, 255])
def test_weight_at_its_ends(nets, files, kind, run, weight):
    inputs = feed("plain", (101, 77), weight)
    found = run(files[kind, "plain"], inputs)
    if weight == 0:
        np.testing.assert_array_equal(found, inputs[VIS])
    else:
        assert worst(found, by_torch(nets[kind], inputs)) <= 1
        assert worst(found, inputs[VIS]) > 20


@pytest.mark.parametrize("variant", ["plain", "grid"])
@pytest.mark.parametrize(
    ("kind", "convolutions"),
    [
        # gradients 3, prior 2, carried detail 3, 2 encoders of 3, attention of 3, decoder of 3
        pytest.param("bts", 20, id="bts"),
        pytest.param("published", 14, id="published"),  # the gate's two are used twice
        # gradients 3, prior 2, carried detail 3, stem, 3 blocks, head
        pytest.param("bts-lite", 13, id="bts-lite"),
    ],
)
def test_graph_is_small_and_says_what_it_is(files, kind, variant, convolutions):
    proto = onnx.load(files[kind, variant])
    onnx.checker.check_model(proto, full_check=True)
    kinds = Counter(node.op_type for node in proto.graph.node)
    assert not kinds.keys() & {"Gather", "Constant", "Identity", "Unsqueeze", "Reshape"}
    # to fill the last places and cut what was grown off again; in the gate of "bts" as well
    assert kinds["Shape"] == {"bts": 2, "bts-lite": 1, "published": 0}[kind]
    assert kinds["Conv"] == convolutions
    assert kinds["GridSample"] == (variant == "grid")
    assert [entry.version for entry in proto.opset_import] == [OPSET]
    notes = {entry.key: entry.value for entry in proto.metadata_props}
    assert notes == {
        "name": kind,
        "version": "3",
        "variant": variant,
        "precision": "fp32",
        "recipe": "none",
        "licence": "free",
    }


@pytest.mark.parametrize(
    ("kind", "most"), [("bts", 260_000), ("published", 240_000), ("bts-lite", 100_000)]
)
def test_same_weights_give_the_same_bytes(nets, tmp_path, kind, most):
    first, second = tmp_path / "first.onnx", tmp_path / "second.onnx"
    for path in (first, second):
        export_onnx(nets[kind], path, recipe="r", licence="l")
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < most


@pytest.mark.parametrize("kind", KINDS)
def test_both_forms_of_a_network_give_the_same_file(nets, tmp_path, kind):
    export_onnx(nets[kind], tmp_path / "training.onnx")
    export_onnx(reparameterize(nets[kind]), tmp_path / "deploy.onnx")
    assert (tmp_path / "training.onnx").read_bytes() == (tmp_path / "deploy.onnx").read_bytes()


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        pytest.param({"variant": "tilted"}, "'tilted'", "plain, grid", id="variant"),
        pytest.param({"precision": "fp8"}, "'fp8'", "fp32, fp16, int8", id="precision"),
        pytest.param({"precision": "int8"}, "needs the ranges", "--calibration", id="no-ranges"),
        pytest.param(
            {"precision": "int8", "ranges": {"stem": 1.0}}, "another network", "anew", id="ranges"
        ),
    ],
)
def test_what_cannot_be_exported(nets, tmp_path, asked, message, hint):
    with pytest.raises(ExportError, match=message) as caught:
        export_onnx(nets["bts-lite"], tmp_path / "a.onnx", **asked)
    assert hint in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [FusionNet, LiteNet])
def test_train_mode_is_refused(tmp_path, make):
    with pytest.raises(ExportError, match="train mode"):
        export_onnx(make().train(), tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [FusionNet, LiteNet])
def test_diverged_weights_are_refused(tmp_path, make):
    net = make().eval()
    layer, weight = next(iter(net.named_parameters()))
    weight.data[3, 0, 1, 1] = float("nan")
    with pytest.raises(ExportError, match=re.escape(f"'{layer}'")):
        export_onnx(net, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_failed_write_leaves_nothing_behind(nets, tmp_path):
    taken = tmp_path / "a.onnx"
    taken.mkdir()
    with pytest.raises(OSError, match="directory"):
        export_onnx(nets["bts-lite"], taken)
    assert list(tmp_path.iterdir()) == [taken]


@pytest.mark.parametrize("kind", ["bts", "bts-lite"])
def test_command_writes_the_model_of_a_checkpoint(nets, tmp_path, kind):
    save_checkpoint(tmp_path / "last.pt", {"network": kind, "model": nets[kind].state_dict()})
    command = [str(tmp_path / "last.pt"), str(tmp_path / "mine-grid.onnx"), "--variant", "grid"]
    assert main([*command, "--recipe", "r"]) == 0
    export_onnx(nets[kind], tmp_path / "b.onnx", "grid", name="mine", recipe="r")
    assert (tmp_path / "mine-grid.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


@pytest.mark.parametrize(
    ("stem", "options", "precision"),
    [
        pytest.param("mine-grid-fp16", ["--precision", "fp16"], "fp16", id="fp16"),
        pytest.param("mine-grid-int8", ["--precision", "int8", "--calibration"], "int8", id="int8"),
    ],
)
def test_command_writes_less_precise_files(nets, tmp_path, stem, options, precision):
    save_checkpoint(
        tmp_path / "m.pt", {"network": "bts-lite", "model": nets["bts-lite"].state_dict()}
    )
    options += [str(write_pairs(tmp_path / "pairs", 2))] * (precision == "int8")
    path = tmp_path / f"{stem}.onnx"
    assert main([str(tmp_path / "m.pt"), str(path), "--variant", "grid", *options]) == 0
    notes = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert notes == {"name": "mine", "variant": "grid", "precision": precision}


def test_int8_needs_pairs(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["a.pt", "a.onnx", "--precision", "int8"])
    assert caught.value.code == 2
    assert "--precision int8 needs --calibration" in capsys.readouterr().err


def test_command_says_what_is_wrong(tmp_path, capsys):
    assert main([str(tmp_path / "none.pt"), str(tmp_path / "a.onnx")]) == 1
    shown = capsys.readouterr().err
    assert "none.pt is not there" in shown
    assert len(shown.splitlines()) == 2


@pytest.mark.parametrize("variant", ["plain", "grid"])
@pytest.mark.parametrize(
    ("kind", "least"), [("bts", 100_000), ("published", 100_000), ("bts-lite", 40_000)]
)
def test_tensorrt_rtx_builds_it(files, kind, variant, least):
    smallest, usual = (feed(variant, size_wh, 255) for size_wh in ((64, 64), VGA))
    assert tensorrt_rtx_plan(files[kind, variant], smallest, usual).nbytes > least
