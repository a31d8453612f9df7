"""``fusion-rt export``: files, words and refusals; what is in the files is tested elsewhere."""

from __future__ import annotations

import onnx
import pytest
import torch
from networks import random_network
from training_data import write_pairs
from typer.testing import CliRunner

from engines.models import find_model, find_variant
from fusion_rt.cli import app
from trainer.checkpoint import save_checkpoint
from trainer.export import export_onnx

ALL = ["", "-grid", "-fp16", "-grid-fp16", "-int8", "-grid-int8"]


def export(*arguments):
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "model.pt"
    model = random_network("bts-lite")
    save_checkpoint(path, {"network": "bts-lite", "model": model.state_dict()})
    return path


def test_model_is_written_and_what_comes_next_is_said(checkpoint, tmp_path):
    path = tmp_path / "new" / "mine.onnx"
    done = export(checkpoint, path)
    assert done.exit_code == 0, done.output
    export_onnx(random_network("bts-lite"), tmp_path / "same.onnx", name="mine")
    assert path.read_bytes() == (tmp_path / "same.onnx").read_bytes()
    first, written, follows = done.stderr.splitlines()
    assert first == f"starting: {checkpoint} as mine.onnx; loading torch"
    assert written == f"written: {path} ({path.stat().st_size / 1024:.0f} KiB)"
    assert follows.startswith("next: ")
    assert follows.endswith(f"fusion-rt fuse --ir IR --vis VIS --out fused --model {path}")


def test_all_files_are_where_engines_look_for_them(checkpoint, tmp_path):
    pairs = write_pairs(tmp_path / "pairs", 2)
    (pairs / "vis" / "0.png").rename(pairs / "vis" / "x.png")
    options = ["--precision", "all", "--variant", "both", "--calibration", pairs]
    done = export(checkpoint, tmp_path / "mine.onnx", *options)
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.glob("*.onnx")} == {f"mine{end}.onnx" for end in ALL}
    assert "calibration: 1 pair in" in done.stderr
    assert "infrared only: ir/0.png; visible only: vis/x.png" in done.stderr
    assert "ranges for INT8 1/1" in done.stderr
    model = find_model(str(tmp_path / "mine.onnx"))
    for precision in ("fp32", "fp16", "int8"):
        for grid in (False, True):
            found = find_variant(model, precision=precision, grid=grid)
            notes = {entry.key: entry.value for entry in onnx.load(found.path).metadata_props}
            variant = "grid" if grid else "plain"
            assert notes == {"name": "mine", "variant": variant, "precision": precision}


def test_pairs_leave_idle_channels_out_of_an_fp32_file(tmp_path, monkeypatch):
    monkeypatch.setattr("trainer.post_training.CARDS", 2)
    monkeypatch.setattr("trainer.post_training.FEWEST", 1)
    model = random_network("bts-lite")
    with torch.no_grad():  # every branch of a channel ends in a batch norm of its own
        for branch in (model.body[1].dense[1], model.body[1].point[1], model.body[1].identity):
            branch.weight[5:13] = 0
            branch.bias[5:13] = -1
    save_checkpoint(tmp_path / "m.pt", {"network": "bts-lite", "model": model.state_dict()})
    pairs, path = write_pairs(tmp_path / "pairs", 1), tmp_path / "m.onnx"
    done = export(tmp_path / "m.pt", path, "--calibration", pairs)
    assert done.exit_code == 0, done.output
    assert "make no difference, left out" in done.stderr
    kernels = {tensor.name: list(tensor.dims) for tensor in onnx.load(path).graph.initializer}
    assert kernels["body.1.conv.weight"][0] == 16
    assert kernels["body.2.conv.weight"][1] == 16


@pytest.mark.parametrize(
    ("out", "options", "written"),
    [
        pytest.param("m.onnx", ["--precision", "fp16"], "m-fp16.onnx", id="ending-is-added"),
        pytest.param("m-fp16.onnx", ["--precision", "fp16"], "m-fp16.onnx", id="ending-is-given"),
        pytest.param("m.onnx", ["--variant", "grid"], "m-grid.onnx", id="grid"),
        pytest.param(
            "m-grid-fp16.onnx",
            ["--precision", "fp16", "--variant", "grid"],
            "m-grid-fp16.onnx",
            id="both-endings-are-given",
        ),
        pytest.param("all-fp16.onnx", [], "all-fp16.onnx", id="ending-of-another-precision"),
    ],
)
def test_names_follow_precision_and_variant(checkpoint, tmp_path, out, options, written):
    done = export(checkpoint, tmp_path / out, *options)
    assert done.exit_code == 0, done.output
    assert [path.name for path in tmp_path.glob("*.onnx")] == [written]


def test_hint_of_a_missing_file_leads_to_it(checkpoint, tmp_path):
    """What `find_variant` advises, typed as it stands."""
    assert export(checkpoint, tmp_path / "mine.onnx").exit_code == 0
    wanted = tmp_path / "mine-grid-fp16.onnx"
    advised = [wanted, "--precision", "fp16", "--variant", "grid"]
    assert export(checkpoint, *advised).exit_code == 0
    model = find_model(str(tmp_path / "mine.onnx"))
    assert find_variant(model, precision="fp16", grid=True).path == wanted


def test_without_the_fp32_file_its_command_is_next(checkpoint, tmp_path):
    done = export(checkpoint, tmp_path / "m.onnx", "--precision", "fp16")
    assert f"export {checkpoint} {tmp_path / 'm.onnx'}" in done.stderr.splitlines()[-1]


def test_files_are_replaced_only_by_force(checkpoint, tmp_path):
    path = tmp_path / "mine.onnx"
    path.write_text("dear")
    done = export(checkpoint, path)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[0] == f"error: {path} is there already"
    assert "--force" in done.stderr.splitlines()[1]
    assert path.read_text() == "dear"
    assert export(checkpoint, path, "--force").exit_code == 0
    assert path.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        pytest.param(["m.onnx", "a.pt"], 2, "a.pt does not end in .onnx", "first", id="swapped"),
        pytest.param(["m.onnx", "a.onnx"], 1, "an ONNX model, not a", "bts.pt", id="model"),
        pytest.param(["none.pt", "a.onnx"], 1, "none.pt is not there", "model.pt", id="missing"),
        pytest.param(
            ["model.pt", "a.onnx", "--precision", "int8"],
            2,
            "int8 needs real pairs",
            "--calibration FOLDER",
            id="int8-without-pairs",
        ),
        pytest.param(
            ["model.pt", "a.onnx", "--precision", "all"],
            2,
            "all needs real pairs",
            "--calibration FOLDER",
            id="all-without-pairs",
        ),
        pytest.param(["model.pt", "m.onnx/a.onnx"], 1, "cannot write", "name another", id="place"),
    ],
)
def test_refusals(checkpoint, tmp_path, monkeypatch, arguments, code, error, hint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.onnx").write_bytes(b"\x08")
    done = export(*arguments)
    assert done.exit_code == code, done.output
    first, second = done.stderr.splitlines()[-2:]
    assert first.startswith("error:")
    assert error in first
    assert second.startswith("hint:")
    assert hint in second
    assert not (tmp_path / "a.onnx").exists()
