from __future__ import annotations

import pytest
import torch
from torch import nn

from trainer.checkpoint import load_checkpoint, save_checkpoint
from trainer.errors import CheckpointError
from trainer.resume import resume_training, save_training

RECIPE = {"steps": 4, "phases": [[0.5, 192, 4]]}


def parts(width: int = 3) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Linear(2, width)
    return model, torch.optim.AdamW(model.parameters(), 0.1)


@pytest.fixture
def saved(tmp_path):
    """A model after one step, and the file that keeps it."""
    model, optimizer = parts()
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    path = tmp_path / "last.pt"
    save_training(path, model, optimizer, settings=RECIPE, data="abc", step=1)
    return path, model, optimizer


def change(path, **fields):
    save_checkpoint(path, {**load_checkpoint(path), **fields})


def test_everything_comes_back(saved, capsys):
    path, model, optimizer = saved
    fresh, fresh_optimizer = parts()
    assert resume_training(path, fresh, fresh_optimizer, settings=RECIPE, data="abc") == 1
    torch.testing.assert_close(fresh.state_dict(), model.state_dict(), rtol=0, atol=0)
    found, wanted = fresh_optimizer.state_dict(), optimizer.state_dict()
    torch.testing.assert_close(found["state"], wanted["state"], rtol=0, atol=0)
    assert capsys.readouterr().out == ""


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
        resume_training(saved[0], *parts(), settings=settings, data="abc")


def test_other_data_are_refused(saved):
    with pytest.raises(CheckpointError, match="other training data") as caught:
        resume_training(saved[0], *parts(), settings=RECIPE, data="abd")
    assert "--out" in caught.value.hint


def test_other_network_is_refused(saved):
    with pytest.raises(CheckpointError, match="holds another network"):
        resume_training(saved[0], *parts(width=4), settings=RECIPE, data="abc")


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"optimizer": {"state": {}, "param_groups": []}}, id="other-optimizer"),
        pytest.param({"optimizer": {}}, id="empty-optimizer"),
        pytest.param({"model": [1, 2]}, id="model-is-a-list"),
        pytest.param({"step": "many"}, id="step-is-no-number"),
    ],
)
def test_damaged_parts_are_refused(saved, fields):
    path = saved[0]
    change(path, **fields)
    with pytest.raises(CheckpointError, match="is damaged"):
        resume_training(path, *parts(), settings=RECIPE, data="abc")


def test_foreign_checkpoint_is_refused(tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"model": parts()[0].state_dict(), "step": 3})
    with pytest.raises(CheckpointError, match="data, optimizer, settings, torch missing"):
        resume_training(path, *parts(), settings=RECIPE, data="abc")


def test_other_torch_is_said(saved, capsys):
    path = saved[0]
    change(path, torch="1.2.3")
    assert resume_training(path, *parts(), settings=RECIPE, data="abc") == 1
    assert "begun with torch 1.2.3" in capsys.readouterr().out
