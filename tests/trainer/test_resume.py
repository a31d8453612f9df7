from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from trainer.averaging import WeightAverage
from trainer.checkpoint import load_checkpoint, save_checkpoint
from trainer.distributed import World
from trainer.errors import CheckpointError, ResumeError
from trainer.randomness import random_state
from trainer.resume import check_place, read_training, resume_random, resume_training
from trainer.state import Identity, TrainingState, save_training, save_weights

RECIPE = {"steps": 4, "phases": [[0.5, 192, 4]]}
IDENTITY = Identity("bts", RECIPE, "abc", "xyz", {"torch": "2.9.0", "device": "cpu"})
CPU = torch.device("cpu")


def resumed(path, state, identity=IDENTITY):
    """Notes of going on."""
    kept = read_training(path, identity.network, identity.settings)
    return resume_training(path, kept, state, identity)


def fresh(width: int = 3) -> TrainingState:
    model = nn.Linear(2, width)
    optimizer = torch.optim.AdamW(model.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    return TrainingState(model, optimizer, scaler, WeightAverage(model, 0.9))


@pytest.fixture
def saved(tmp_path):
    """A training after one step, and the file that keeps it."""
    state = fresh()
    state.model(torch.ones(1, 2)).sum().backward()
    state.optimizer.step()
    state.average.update(state.model)
    state.step, state.seconds, state.best = 1, 2.5, 0.125
    path = tmp_path / "last.pt"
    save_training(path, state, IDENTITY, [random_state(CPU)])
    return path, state


def change(path, **fields):
    save_checkpoint(path, {**load_checkpoint(path), **fields})


def test_everything_comes_back(saved):
    path, state = saved
    other = fresh()
    assert resumed(path, other) == []
    assert (other.step, other.seconds, other.best) == (1, 2.5, 0.125)
    assert other.average.updates == 1
    for ours, theirs in ((other.model, state.model), (other.shown, state.shown)):
        torch.testing.assert_close(ours.state_dict(), theirs.state_dict(), rtol=0, atol=0)
    found, wanted = other.optimizer.state_dict(), state.optimizer.state_dict()
    torch.testing.assert_close(found["state"], wanted["state"], rtol=0, atol=0)
    assert not torch.equal(other.model.weight, other.shown.weight)


def test_random_generators_go_on_where_they_were(saved):
    path, state = saved
    save_training(path, state, IDENTITY, [random_state(CPU)])
    expected = random.random(), np.random.rand(), float(torch.rand(1))  # noqa: NPY002
    resume_random(path, load_checkpoint(path), World(), CPU)
    assert (random.random(), np.random.rand(), float(torch.rand(1))) == expected  # noqa: NPY002


def test_export_gets_the_average_and_little_more(saved, tmp_path):
    _, state = saved
    save_weights(tmp_path / "model.pt", state.shown, IDENTITY, step=1)
    kept = load_checkpoint(tmp_path / "model.pt")
    torch.testing.assert_close(kept["model"], state.average.model.state_dict(), rtol=0, atol=0)
    assert kept["network"] == "bts"
    assert "optimizer" not in kept


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        pytest.param({**RECIPE, "steps": 5}, "steps", id="other-value"),
        pytest.param({**RECIPE, "new": None}, "new", id="we-have-one-more"),
        pytest.param({"steps": 4}, "phases", id="they-have-one-more"),
    ],
)
def test_other_settings_are_refused_and_named(saved, settings, names):
    with pytest.raises(CheckpointError, match=f"other settings: {names}$"):
        resumed(saved[0], fresh(), replace(IDENTITY, settings=settings))


def test_other_data_are_refused(saved):
    with pytest.raises(CheckpointError, match="other training data") as caught:
        resumed(saved[0], fresh(), replace(IDENTITY, data="abd"))
    assert "--out" in caught.value.hint


def test_other_network_is_refused(saved):
    with pytest.raises(CheckpointError, match="holds another network"):
        resumed(saved[0], fresh(width=4))


def test_other_network_by_name_is_refused(saved):
    with pytest.raises(CheckpointError, match="holds the network bts, but bts-lite"):
        resumed(saved[0], fresh(), replace(IDENTITY, network="bts-lite"))


DAMAGES = [
    pytest.param({"optimizer": {"state": {}, "param_groups": []}}, id="other-optimizer"),
    pytest.param({"optimizer": {}}, id="empty-optimizer"),
    pytest.param({"raw": [1, 2]}, id="weights-are-a-list"),
    pytest.param({"model": {"w": 1}}, id="weights-are-numbers"),
    pytest.param({"network": ["x"]}, id="name-is-a-list"),
    pytest.param({"step": "many"}, id="step-is-no-number"),
    pytest.param({"settings": [1]}, id="settings-are-a-list"),
    pytest.param({"made_with": None}, id="made-with-nothing"),
    pytest.param({"best": "low"}, id="best-is-no-number"),
    pytest.param({"random": {}}, id="random-is-no-list"),
    pytest.param({"random": [{}]}, id="random-is-empty"),
    pytest.param({"random": [[1]]}, id="random-is-a-number"),
]


def go_on(path):
    resumed(path, fresh())
    resume_random(path, load_checkpoint(path), World(), CPU)


@pytest.mark.parametrize("fields", DAMAGES)
def test_damaged_parts_are_refused_with_the_way_back(saved, fields):
    path = saved[0]
    save_training(path, saved[1], IDENTITY, [random_state(CPU)])
    change(path, **fields)
    words = r"last\.pt (is damaged|holds no|names no)"
    with pytest.raises(CheckpointError, match=words) as caught:
        go_on(path)
    assert f"mv {path.with_name('previous.pt')} {path}, then --resume" in caught.value.hint


def test_way_back_works(saved):
    path, state = saved
    state.step = 2
    save_training(path, state, IDENTITY, [random_state(CPU)])
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(CheckpointError, match="cannot be read"):
        resumed(path, fresh())
    path.with_name("previous.pt").rename(path)
    other = fresh()
    assert resumed(path, other) == []
    assert other.step == 1


def test_first_state_has_no_way_back(saved):
    saved[0].write_bytes(b"")
    with pytest.raises(CheckpointError, match="the file is empty") as caught:
        resumed(saved[0], fresh())
    assert caught.value.hint == "give another --out to begin anew"


def scaled(scale: float | None) -> TrainingState:
    """A fresh training with a loss scale, or without."""
    state = fresh()
    state.scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, enabled=scale is not None)
    return state


@pytest.mark.parametrize(
    ("begun", "goes_on", "scale"),
    [
        pytest.param(None, 64.0, 64.0, id="begun-without-a-scale"),
        pytest.param(64.0, None, 1.0, id="goes-on-without"),
        pytest.param(64.0, 2.0, 64.0, id="with-in-both"),
    ],
)
def test_precision_may_change(tmp_path, begun, goes_on, scale):
    path = tmp_path / "last.pt"
    save_training(path, scaled(begun), IDENTITY, [random_state(CPU)])
    state = scaled(goes_on)
    resumed(path, state)
    assert state.scaler.get_scale() == scale


def test_other_validation_pairs_make_the_best_anew(saved):
    other = fresh()
    notes = resumed(saved[0], other, replace(IDENTITY, judged_on="other"))
    assert other.best is None
    assert [note.split(";")[0] for note in notes] == ["the validation pairs are others than before"]


def test_finished_weights_are_no_state_to_go_on_with(saved, tmp_path):
    path = tmp_path / "model.pt"
    save_weights(path, saved[1].shown, IDENTITY, step=3)
    with pytest.raises(CheckpointError, match=r"not the state of .*optimizer.* missing"):
        resumed(path, fresh())


def test_other_torch_is_said(saved):
    now = replace(IDENTITY, made_with={"torch": "2.10.0", "device": "cpu", "threads": "2"})
    notes = resumed(saved[0], fresh(), now)
    assert [note.split(";")[0] for note in notes] == ["begun with torch 2.9.0, goes on with 2.10.0"]


@pytest.mark.parametrize(
    ("there", "resume", "words"),
    [
        pytest.param(True, False, "is there already", id="in-the-way"),
        pytest.param(False, True, "nothing to go on with", id="missing"),
    ],
)
def test_going_on_must_be_asked_for(tmp_path, there, resume, words):
    path = tmp_path / "last.pt"
    path.touch() if there else None
    with pytest.raises(ResumeError, match=words) as caught:
        check_place(path, resume)
    assert "--resume" in caught.value.hint
    assert "--out" in caught.value.hint


@pytest.mark.parametrize("there", [True, False])
def test_going_on_and_beginning_are_allowed(tmp_path, there):
    path = tmp_path / "last.pt"
    path.touch() if there else None
    check_place(path, resume=there)
