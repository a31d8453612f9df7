from __future__ import annotations

import hashlib

import onnx
import pytest
from networks import OURS, random_network
from training_data import write_pairs

from trainer import shipped
from trainer.checkpoint import load_model, save_checkpoint
from trainer.errors import CheckpointError, ExportError
from trainer.post_training import calibrate, save_calibration

ENDS = ["", "-grid", "-fp16", "-grid-fp16", "-int8", "-grid-int8"]
FILES = {f"{kind}{end}.onnx" for kind in OURS for end in ENDS}


@pytest.fixture(autouse=True)
def few_cards(monkeypatch):
    monkeypatch.setattr("trainer.post_training.CARDS", 2)
    monkeypatch.setattr("trainer.post_training.FEWEST", 1)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"), 1)


@pytest.fixture
def checkpoints(few_cards, pairs, tmp_path, monkeypatch):
    """The folder of checkpoints, with weights of each network and ranges for INT8."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for kind in OURS:
        path = folder / f"{kind}.pt"
        save_checkpoint(path, {"network": kind, "model": random_network(kind).state_dict()})
        measured = calibrate(load_model(path), [pairs])
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        save_calibration(folder / f"{kind}-calibration.yaml", measured, digest)
    monkeypatch.setattr(shipped, "CHECKPOINTS", folder)
    return folder


def test_every_model_is_written_in_all_variants_and_precisions(checkpoints, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    paths = shipped.export_shipped(out)
    assert sorted(paths) == sorted(out.iterdir())
    assert {path.name for path in paths} == FILES
    for path in paths:
        notes = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        grid, precision = notes["variant"] == "grid", notes["precision"]
        end = ("-grid" if grid else "") + ("" if precision == "fp32" else f"-{precision}")
        assert path.name == f"{notes['name']}{end}.onnx"
        assert notes["version"] == shipped.VERSIONS[notes["name"]]
        assert f"{notes['name']}.md" in notes["licence"]
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in shipped.export_shipped(out)] == before


def test_calibration_is_kept_for_the_next_time(checkpoints, pairs, tmp_path):
    kept = {path: path.read_bytes() for path in checkpoints.glob("*.yaml")}
    for path in kept:
        path.unlink()
    out = tmp_path / "out"
    out.mkdir()
    before = [path.read_bytes() for path in shipped.export_shipped(out, [pairs])]
    assert {path: path.read_bytes() for path in checkpoints.glob("*.yaml")} == kept
    assert [path.read_bytes() for path in shipped.export_shipped(out)] == before


@pytest.mark.parametrize(
    ("suffix", "kind", "message"),
    [
        pytest.param(".pt", CheckpointError, "not there", id="checkpoint"),
        pytest.param("-calibration.yaml", ExportError, "cannot be read", id="ranges"),
    ],
)
def test_missing_file_is_refused_before_anything_is_written(
    checkpoints, tmp_path, suffix, kind, message
):
    (checkpoints / f"bts-lite{suffix}").unlink()
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(kind, match=message):
        shipped.export_shipped(out)
    assert list(out.iterdir()) == []


def test_ranges_of_earlier_weights_are_refused(checkpoints, tmp_path):
    state = random_network("bts-lite", seed=1).state_dict()
    save_checkpoint(checkpoints / "bts-lite.pt", {"network": "bts-lite", "model": state})
    with pytest.raises(ExportError, match="other weights") as caught:
        shipped.export_shipped(tmp_path)
    assert "python -m trainer.shipped --calibration" in caught.value.hint


def test_command_names_the_files(checkpoints, pairs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shipped, "MODELS", tmp_path)
    assert shipped.main([]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(FILES)
    assert shipped.main(["--calibration", str(pairs / "nothing")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2
    (checkpoints / "bts.pt").write_bytes(b"damaged")
    assert shipped.main([]) == 1
    told = capsys.readouterr().err.splitlines()
    assert "cannot be read" in told[0]
    assert len(told) == 2
