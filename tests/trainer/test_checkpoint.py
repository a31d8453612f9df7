from __future__ import annotations

import threading

import pytest
import torch

from trainer.checkpoint import load_checkpoint, load_model, save_checkpoint
from trainer.errors import CheckpointError
from trainer.network import FusionNet


def test_state_comes_back(tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"step": 7, "model": {"w": torch.arange(3.0)}, "settings": {"a": [1]}})
    state = load_checkpoint(path)
    assert state["step"] == 7
    assert state["settings"] == {"a": [1]}
    assert state["model"]["w"].tolist() == [0, 1, 2]


def test_failed_write_keeps_the_previous_one(tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"step": 7})
    with pytest.raises(TypeError):
        save_checkpoint(path, {"step": 8, "lock": threading.Lock()})
    assert load_checkpoint(path)["step"] == 7
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_file_is_refused(tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"model": torch.zeros(1000)})
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(CheckpointError, match="cannot be read") as caught:
        load_checkpoint(path)
    assert caught.value.hint


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="not there"):
        load_checkpoint(tmp_path / "last.pt")


@pytest.mark.parametrize("content", [{"format": 0}, {"w": 1}, [1, 2]])
def test_other_formats_are_refused(tmp_path, content):
    path = tmp_path / "other.pt"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="no checkpoint of format"):
        load_checkpoint(path)


def test_network_comes_back(tmp_path):
    model = FusionNet()
    save_checkpoint(tmp_path / "last.pt", {"model": model.state_dict()})
    loaded = load_model(tmp_path / "last.pt")
    assert not loaded.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


@pytest.mark.parametrize("state", [{"step": 1}, {"model": {"w": torch.zeros(1)}}])
def test_other_networks_are_refused(tmp_path, state):
    save_checkpoint(tmp_path / "last.pt", state)
    with pytest.raises(CheckpointError, match="another network"):
        load_model(tmp_path / "last.pt")
