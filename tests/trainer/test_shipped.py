from __future__ import annotations

import onnx
import pytest
from networks import OURS, random_network

from trainer import shipped
from trainer.checkpoint import save_checkpoint
from trainer.errors import CheckpointError


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    """The folder of checkpoints, with weights of each network."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for kind in OURS:
        state = {"network": kind, "model": random_network(kind).state_dict()}
        save_checkpoint(folder / f"{kind}.pt", state)
    monkeypatch.setattr(shipped, "CHECKPOINTS", folder)
    return folder


def test_every_model_is_written_in_both_variants(checkpoints, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    paths = shipped.export_shipped(out)
    assert sorted(paths) == sorted(out.iterdir())
    names = {"bts.onnx", "bts-grid.onnx", "bts-lite.onnx", "bts-lite-grid.onnx"}
    assert {path.name for path in paths} == names
    for path in paths:
        notes = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        assert notes["name"] == path.stem.removesuffix("-grid")
        assert notes["version"] == shipped.VERSIONS[notes["name"]]
        assert notes["variant"] == ("grid" if path.stem.endswith("-grid") else "plain")
        assert f"{notes['name']}.md" in notes["licence"]
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in shipped.export_shipped(out)] == before


def test_missing_checkpoint_is_refused(checkpoints, tmp_path):
    (checkpoints / "bts-lite.pt").unlink()
    with pytest.raises(CheckpointError, match="not there"):
        shipped.export_shipped(tmp_path)


def test_command_names_the_files(checkpoints, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shipped, "MODELS", tmp_path)
    assert shipped.main() == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    (checkpoints / "bts.pt").write_bytes(b"damaged")
    assert shipped.main() == 1
    told = capsys.readouterr().err.splitlines()
    assert "cannot be read" in told[0]
    assert len(told) == 2
