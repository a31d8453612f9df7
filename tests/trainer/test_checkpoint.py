from __future__ import annotations

import errno
import pickle
import threading
from pathlib import Path

import pytest
import torch
from networks import OURS, random_network

from trainer.build import NETWORKS, build_network
from trainer.checkpoint import load_checkpoint, load_model, save_checkpoint
from trainer.errors import CheckpointError, WriteError


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


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(lambda whole: whole[:700], "damaged", id="cut-short"),
        pytest.param(lambda whole: b"", "the file is empty", id="empty"),
        pytest.param(lambda whole: b"some text", "no checkpoint", id="text"),
        pytest.param(lambda whole: pickle.dumps(threading.Thread), "no checkpoint", id="code"),
    ],
)
def test_damaged_file_is_refused_in_our_own_words(tmp_path, damage, words):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"model": torch.zeros(1000)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError, match=rf"last\.pt cannot be read: .*{words}") as caught:
        load_checkpoint(path)
    assert caught.value.hint
    assert "weights_only" not in f"{caught.value}{caught.value.hint}"


def test_folder_that_is_gone_is_told_in_words(tmp_path):
    path = tmp_path / "gone" / "last.pt"
    with pytest.raises(WriteError, match=r"cannot write .*last\.pt: no such file") as caught:
        save_checkpoint(path, {"step": 1})
    assert "make the folder again" in caught.value.hint


def test_full_disk_is_told_in_words_and_keeps_the_previous_one(tmp_path, monkeypatch):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"step": 7})

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WriteError, match=r"cannot write .*last\.pt: no space left") as caught:
        save_checkpoint(path, {"step": 8})
    assert caught.value.hint == "free some space"
    assert load_checkpoint(path)["step"] == 7
    assert list(tmp_path.iterdir()) == [path]


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="not there"):
        load_checkpoint(tmp_path / "last.pt")


def test_model_file_is_told_from_a_checkpoint(tmp_path):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"\x08\x08")
    with pytest.raises(CheckpointError, match=r"mine\.onnx is an ONNX model, not a") as caught:
        load_model(path)
    assert "trainer/weights/bts.pt" in caught.value.hint
    assert "model.pt" in caught.value.hint


@pytest.mark.parametrize("content", [{"format": 0}, {"w": 1}, [1, 2]])
def test_other_formats_are_refused(tmp_path, content):
    path = tmp_path / "other.pt"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="no checkpoint of format"):
        load_checkpoint(path)


@pytest.mark.parametrize("kind", OURS)
def test_network_comes_back(tmp_path, kind):
    model = random_network(kind)
    save_checkpoint(tmp_path / "last.pt", {"network": kind, "model": model.state_dict()})
    loaded = load_model(tmp_path / "last.pt")
    assert type(loaded) is type(model)
    assert not any(module.training for module in loaded.modules())
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_checkpoint_is_small(tmp_path):
    for name in NETWORKS:
        path = tmp_path / f"{name}.pt"
        save_checkpoint(path, {"network": name, "model": build_network(name).state_dict()})
        assert path.stat().st_size < 1_000_000


def test_checkpoint_that_names_no_network_holds_the_large_one(tmp_path):
    save_checkpoint(tmp_path / "last.pt", {"model": build_network("bts").state_dict()})
    assert type(load_model(tmp_path / "last.pt")) is type(build_network("bts"))


@pytest.mark.parametrize(
    "state",
    [
        pytest.param({"model": {"w": torch.zeros(1)}}, id="another"),
        pytest.param(
            {"network": "bts", "model": build_network("bts-lite").state_dict()}, id="wrongly-named"
        ),
    ],
)
def test_other_networks_are_refused(tmp_path, state):
    save_checkpoint(tmp_path / "last.pt", state)
    with pytest.raises(CheckpointError, match="another network") as caught:
        load_model(tmp_path / "last.pt")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("state", "words"),
    [
        pytest.param({"step": 1}, "holds no weights", id="none"),
        pytest.param({"model": [1]}, "holds no weights", id="a-list"),
        pytest.param({"model": {"w": 1}}, "holds no weights", id="no-tensors"),
        pytest.param({"model": {}, "network": ["x"]}, "names no network", id="name-is-a-list"),
        pytest.param(
            {"model": {"w": torch.tensor([1, float("nan")])}}, "not finite: w", id="diverged"
        ),
    ],
)
def test_damaged_parts_are_refused(tmp_path, state, words):
    save_checkpoint(tmp_path / "last.pt", state)
    with pytest.raises(CheckpointError, match=words) as caught:
        load_model(tmp_path / "last.pt")
    assert caught.value.hint


def test_unknown_network_is_refused(tmp_path):
    save_checkpoint(tmp_path / "last.pt", {"network": "unet", "model": {}})
    with pytest.raises(CheckpointError, match="no network 'unet'") as caught:
        load_model(tmp_path / "last.pt")
    assert caught.value.hint == "known: bts, bts-lite"
