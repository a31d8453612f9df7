from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch

from trainer import loop
from trainer.checkpoint import load_checkpoint, load_model
from trainer.errors import CheckpointError, TrainerError
from trainer.loop import Phase, TrainSettings, learning_rate, main, train
from trainer.losses import LossWeights
from trainer.network import FusionNet
from trainer.pairs import Sample

SIDE = 177
SETTINGS = TrainSettings(
    steps=4,
    warm_up_steps=2,
    phases=(Phase(0.5, SIDE, 2), Phase(0.5, SIDE + 1, 3)),
    bf16=False,
    checkpoint_every=1,
)


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three pairs: a textured visible scene, and infrared with one warm block."""
    folder = tmp_path_factory.mktemp("data")
    for kind in ("ir", "vis"):
        (folder / kind).mkdir()
    for number in range(3):
        rng = np.random.default_rng(number)
        vis = rng.normal(110, 40, (200, 220, 3))
        ir = rng.normal(60, 4, (200, 220))
        ir[60:120, 50 + 30 * number : 100 + 30 * number] = 230
        for kind, plane in (("ir", ir), ("vis", cv2.GaussianBlur(vis, (0, 0), 2))):
            image = np.clip(plane, 0, 255).astype(np.uint8)
            assert cv2.imwrite(str(folder / kind / f"{number}.png"), image)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("saliency")


@pytest.fixture(scope="module")
def finished(data, cache, tmp_path_factory):
    return train([data], tmp_path_factory.mktemp("whole"), SETTINGS, cache=cache)


def test_checkpoint_holds_a_usable_network(finished):
    model = load_model(finished)
    with torch.no_grad():
        fused = model(torch.rand(1, 1, 64, 64), torch.rand(1, 1, 64, 64))
    assert fused.shape == (1, 1, 64, 64)
    assert torch.isfinite(fused).all()
    assert load_checkpoint(finished)["step"] == 4


def test_log_names_each_term(finished):
    lines = [json.loads(line) for line in (finished.parent / loop.LOG).read_text().splitlines()]
    assert lines[-1]["step"] == 4
    assert {"loss", "salience", "texture", "gradient", "range", "border", "rate"} <= lines[
        -1
    ].keys()


@pytest.mark.parametrize(
    "done", [pytest.param(1, id="in-the-first-phase"), pytest.param(3, id="in-the-second")]
)
def test_same_seed_gives_the_same_weights_also_across_a_stop(
    data, cache, finished, tmp_path, monkeypatch, done
):
    steps = iter(range(10))
    real_step = loop.train_step

    def stops(*args):
        if next(steps) == done:
            raise KeyboardInterrupt
        return real_step(*args)

    monkeypatch.setattr(loop, "train_step", stops)
    with pytest.raises(KeyboardInterrupt):
        train([data], tmp_path, SETTINGS, cache=cache)
    monkeypatch.undo()
    assert load_checkpoint(tmp_path / loop.CHECKPOINT)["step"] == done
    resumed = load_checkpoint(train([data], tmp_path, SETTINGS, cache=cache))
    whole = load_checkpoint(finished)
    for name, tensor in whole["model"].items():
        torch.testing.assert_close(resumed["model"][name], tensor, rtol=0, atol=0)
    assert resumed["step"] == whole["step"] == 4


def test_phases_do_not_repeat_each_others_cuts(data, cache, tmp_path, monkeypatch):
    seen = []

    def note(model, optimizer, batch, *args):
        seen.append(batch.ir)
        return {"loss": 0.0}

    monkeypatch.setattr(loop, "train_step", note)
    phases = (Phase(0.5, SIDE, 2), Phase(0.5, SIDE, 2))
    train([data], tmp_path, replace(SETTINGS, phases=phases), cache=cache)
    assert [len(batch) for batch in seen] == [2, 2, 2, 2]
    assert not any(torch.equal(one, other) for one, other in zip(seen[:2], seen[2:], strict=True))


def test_gradient_is_clipped():
    torch.manual_seed(0)
    model = FusionNet()
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    planes = [torch.rand(2, 1, SIDE, SIDE) for _ in range(3)]
    batch = Sample(*planes, ["a", "b"])
    loop.train_step(model, optimizer, batch, 1e-3, 0, replace(SETTINGS, clip_norm=0.01))
    norm = torch.stack([p.grad.square().sum() for p in model.parameters()]).sum().sqrt()
    assert float(norm) == pytest.approx(0.01, rel=1e-3)


def test_black_infrared_does_not_stop_the_training(data, cache, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    black = np.zeros((200, 220), np.uint8)
    for number in range(3):
        assert cv2.imwrite(str(tmp_path / "data" / "ir" / f"{number}.png"), black)
    settings = replace(SETTINGS, steps=1, phases=(Phase(1.0, SIDE, 1),))
    path = train([tmp_path / "data"], tmp_path / "out", settings, cache=cache)
    assert all(torch.isfinite(t).all() for t in load_checkpoint(path)["model"].values())


def test_batch_statistics_are_never_used(finished):
    state = load_checkpoint(finished)["model"]
    means = [tensor for name, tensor in state.items() if name.endswith("running_mean")]
    assert len(means) == 14  # 6 blocks of two or three branches
    assert all(torch.count_nonzero(mean) == 0 for mean in means)


def test_training_improves_on_its_start(data, cache, tmp_path, monkeypatch):
    losses = []
    real_step = loop.train_step

    def note(*args):
        losses.append(real_step(*args)["loss"])
        return {"loss": losses[-1]}

    monkeypatch.setattr(loop, "train_step", note)
    settings = TrainSettings(steps=12, warm_up_steps=1, phases=(Phase(1.0, SIDE, 1),), bf16=False)
    train([data], tmp_path, settings, cache=cache)
    assert np.mean(losses[-3:]) < 0.9 * np.mean(losses[:3])


def test_checkpoint_of_other_settings_is_not_continued(data, cache, finished):
    other = replace(SETTINGS, learning_rate=1e-5)
    with pytest.raises(CheckpointError, match="other settings: learning_rate"):
        train([data], finished.parent, other, cache=cache)


def test_checkpoint_of_other_data_is_not_continued(data, cache, finished, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    assert cv2.imwrite(str(tmp_path / "data" / "vis" / "1.png"), np.zeros((200, 220), np.uint8))
    with pytest.raises(CheckpointError, match=r"last\.pt was made with other training data"):
        train([tmp_path / "data"], finished.parent, SETTINGS, cache=cache)


def test_loss_that_is_not_finite_stops_and_names_the_batch(data, cache, tmp_path):
    settings = replace(SETTINGS, weights=LossWeights(gradient=float("inf")))
    with pytest.raises(TrainerError, match=r"step 0: loss (inf|nan).*ir/\d\.png"):
        train([data], tmp_path, settings, cache=cache)
    assert not (tmp_path / loop.CHECKPOINT).exists()


def test_learning_rate_warms_up_and_falls():
    settings = TrainSettings(steps=1000, learning_rate=1.0, warm_up_steps=10)
    rates = [learning_rate(step, settings) for step in range(1000)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(rates[9], rel=1e-3)
    assert rates[-1] == pytest.approx(0.01, rel=1e-2)
    assert all(a >= b for a, b in pairwise(rates[10:]))


def test_phases_end_where_their_shares_say():
    assert TrainSettings(steps=1000).ends() == [800, 1000]


def test_command_says_what_is_wrong(tmp_path, capsys):
    code = main(["--data", str(tmp_path / "none"), "--out", str(tmp_path / "out")])
    shown = capsys.readouterr()
    assert code == 1
    assert "none/ir is not a folder" in shown.err
    assert "DIR/ir and DIR/vis" in shown.err
