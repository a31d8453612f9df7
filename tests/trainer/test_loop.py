from __future__ import annotations

import re
import shutil
from dataclasses import asdict

import cv2
import numpy as np
import pytest
import torch
from training_data import SIDE, small_settings, use_tiny_network, write_pairs, write_picture

from trainer import session
from trainer.checkpoint import load_checkpoint, load_model
from trainer.errors import CheckpointError, ResumeError, TrainerError
from trainer.loop import train
from trainer.losses import LossWeights
from trainer.step_log import read_log


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Data and saliency for all tests of this file."""
    return write_pairs(tmp_path_factory.mktemp("data")), tmp_path_factory.mktemp("saliency")


@pytest.fixture(scope="module")
def tiny():
    """A small network in place of the real one."""
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_network(patch)
        yield


@pytest.fixture(scope="module")
def finished(places, tiny, tmp_path_factory):
    """Folder of a whole training, judged on its own data."""
    out = tmp_path_factory.mktemp("whole")
    settings = small_settings(places[0], out, places[1], validation=[places[0]])
    assert not train(settings, machine={"processor": "a fast one"}).stopped
    return out


def weights(path, key="model"):
    return load_checkpoint(path)[key]


def assert_equal_weights(one, other):
    for key in ("model", "raw"):
        torch.testing.assert_close(weights(one, key), weights(other, key), rtol=0, atol=0)


def test_real_network_learns_and_comes_back(places, tmp_path):
    settings = small_settings(
        *(places[0], tmp_path / "out", places[1]),
        steps=10,
        warm_up_steps=1,
        phases=[{"share": 1, "crop": SIDE, "batch": 1}],
        ema=0,
        panel=0,
    )
    outcome = train(settings)
    losses = [line["loss"] for line in read_log(tmp_path / "out" / "log.jsonl")]
    assert np.mean(losses[-3:]) < 0.9 * np.mean(losses[:3])
    model = load_model(outcome.checkpoint)
    with torch.no_grad():
        fused = model(torch.rand(1, 1, 64, 64), torch.rand(1, 1, 64, 64))
    assert torch.isfinite(fused).all()
    means = [m.running_mean for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert means
    assert all(torch.count_nonzero(mean) == 0 for mean in means)  # batch statistics are not used


def test_training_leaves_its_record(finished):
    assert {path.name for path in finished.iterdir()} == {
        *("last.pt", "best.pt", "model.pt", "log.jsonl", "report.md", "sheet.png")
    }
    assert load_checkpoint(finished / "model.pt")["step"] == 4
    lines = read_log(finished / "log.jsonl")
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4]
    judged = {line["step"]: line["validation"]["loss"] for line in lines if "validation" in line}
    assert sorted(judged) == [2, 4]
    best = load_checkpoint(finished / "best.pt")
    assert best["step"] == min(judged, key=judged.get)
    assert best["validation"]["loss"] == pytest.approx(min(judged.values()), abs=1e-6)
    assert load_checkpoint(finished / "last.pt")["best"] == best["validation"]["loss"]


def test_average_is_what_is_kept(finished):
    average, raw = weights(finished / "last.pt"), weights(finished / "last.pt", "raw")
    torch.testing.assert_close(weights(finished / "model.pt"), average, rtol=0, atol=0)
    assert not torch.equal(average["mix.weight"], raw["mix.weight"])


def test_report_tells_how_to_go_on(finished):
    text = (finished / "report.md").read_text()
    state = load_checkpoint(finished / "last.pt")
    assert f"`{state['data']}`" in text
    assert "| processor | a fast one |" in text
    assert "![pairs, fused before and after](sheet.png)" in text
    assert f"python -m trainer.export {finished}/model.pt" in text
    last = read_log(finished / "log.jsonl")[-2]
    assert re.search(rf"\| 4 \| {last['loss']:.5f} \|", text)
    files = re.findall(r"^\| `(\S+\.\w+)` \|", text, re.MULTILINE)
    assert all((finished / name).is_file() for name in files)


def test_sheet_shows_the_inputs_and_two_fused_pictures(finished, places):
    sheet = cv2.imread(str(finished / "sheet.png"))
    ir = cv2.imread(str(places[0] / "ir" / "1.png"))  # the middle one of three
    assert sheet.shape[1] > 4 * 220
    _, _, (left, top), _ = cv2.minMaxLoc(cv2.matchTemplate(sheet, ir, cv2.TM_SQDIFF))
    np.testing.assert_array_equal(sheet[top : top + 200, left : left + 220], ir)


@pytest.mark.parametrize("done", [1, 2, 3])
def test_stop_and_resume_give_the_weights_of_one_run(places, tiny, finished, tmp_path, done):
    asked = iter(range(20))
    pictures = 2 * 3  # asked while reading, too
    settings = small_settings(places[0], tmp_path, places[1], validation=[places[0]])
    settings = settings.model_copy(update={"checkpoint_every": 100})
    stopped = train(settings, stop=lambda: next(asked) >= pictures + done - 1)
    assert (stopped.stopped, stopped.steps) == (True, done)
    assert load_checkpoint(tmp_path / "last.pt")["step"] == done
    assert not (tmp_path / "model.pt").exists()
    torch.rand(7)  # what happens to the generators in between must not matter
    assert not train(settings, resume=True).stopped
    assert_equal_weights(tmp_path / "last.pt", finished / "last.pt")
    steps = [line for line in read_log(tmp_path / "log.jsonl") if "loss" in line]
    assert steps == [line for line in read_log(finished / "log.jsonl") if "loss" in line]


def test_threads_that_cut_change_nothing(places, tiny, finished, tmp_path):
    settings = small_settings(places[0], tmp_path, places[1], workers=3, memory_mib=0)
    train(settings)
    assert_equal_weights(tmp_path / "last.pt", finished / "last.pt")


def test_finished_training_may_be_resumed_without_a_step(finished, places, tiny, tmp_path):
    shutil.copytree(finished, tmp_path / "out")
    settings = small_settings(places[0], tmp_path / "out", places[1], validation=[places[0]])
    assert train(settings, resume=True).steps == 4
    assert_equal_weights(tmp_path / "out" / "last.pt", finished / "last.pt")


def test_stop_while_pictures_are_read_begins_nothing(places, tiny, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(small_settings(places[0], tmp_path / "out", places[1]), stop=lambda: True)
    assert not (tmp_path / "out").exists()


def test_training_is_not_overwritten(places, tiny, finished):
    with pytest.raises(ResumeError, match=r"last\.pt is there already"):
        train(small_settings(places[0], finished, places[1]))


def test_resume_refuses_other_settings_and_data(places, tiny, finished, tmp_path):
    other = small_settings(places[0], finished, places[1], learning_rate=1e-5)
    with pytest.raises(CheckpointError, match="other settings: learning_rate"):
        train(other, resume=True)
    shutil.copytree(places[0], tmp_path / "data")
    write_picture(tmp_path / "data" / "vis" / "1.png", np.zeros((200, 220), np.uint8))
    with pytest.raises(CheckpointError, match=r"last\.pt was made with other training data"):
        train(small_settings(tmp_path / "data", finished, places[1]), resume=True)


def test_checkpoint_may_be_the_start_and_the_teacher(places, tiny, finished, tmp_path):
    start = finished / "model.pt"
    given = {"steps": 1, "phases": [{"share": 1, "crop": SIDE, "batch": 1}], "warm_up_steps": 1000}
    settings = small_settings(
        *(places[0], tmp_path, places[1]), init=start, teacher=start, ema=0, **given
    )
    train(settings)
    (line,) = read_log(tmp_path / "log.jsonl")
    assert line["teacher"] < 0.02  # it teaches itself, apart from its dropout
    for name, tensor in weights(start).items():
        torch.testing.assert_close(weights(tmp_path / "model.pt")[name], tensor, atol=1e-4, rtol=0)
    changed = settings.model_copy(update={"teacher": finished / "best.pt"})
    with pytest.raises(CheckpointError, match="other settings: teacher"):
        train(changed, resume=True)


def test_start_of_another_network_is_refused(places, tiny, finished, tmp_path):
    settings = small_settings(
        *(places[0], tmp_path, places[1]), network="bts-lite", init=finished / "model.pt"
    )
    with pytest.raises(CheckpointError, match="holds the network bts, but bts-lite is to be"):
        train(settings)


def test_nan_stops_and_names_the_batch_and_keeps_the_checkpoint(
    places, tiny, tmp_path, monkeypatch
):
    real = session.Updater.__call__

    def breaks(self, batch, rate, stop):
        bad = batch._replace(ir=batch.ir * float("nan")) if 2 in batch.cuts else batch
        return real(self, bad, rate, stop)

    monkeypatch.setattr(session.Updater, "__call__", breaks)
    cuts = r"cuts 2 \(\S+/ir/\d\.png\), 3 \(\S+/ir/\d\.png\)$"
    with pytest.raises(TrainerError, match=rf"step 1: loss nan, .* in the batch of {cuts}") as info:
        train(small_settings(places[0], tmp_path, places[1]))
    assert "last.pt is unharmed" in info.value.hint
    assert load_checkpoint(tmp_path / "last.pt")["step"] == 1


def test_black_infrared_does_not_stop_the_training(places, tmp_path):
    data = write_pairs(tmp_path / "data", 1)
    write_picture(data / "ir" / "0.png", np.zeros((200, 220), np.uint8))
    given = {"steps": 1, "phases": [{"share": 1, "crop": SIDE, "batch": 1}], "panel": 0}
    path = train(small_settings(data, tmp_path / "out", places[1], **given)).checkpoint
    assert all(torch.isfinite(tensor).all() for tensor in weights(path).values())


def test_weights_of_the_loss_reach_it(places, tiny, tmp_path):
    alone = {**dict.fromkeys(asdict(LossWeights()), 0.0), "salience": 3.0}
    settings = small_settings(places[0], tmp_path, places[1], weights=alone, steps=1)
    train(settings.model_copy(update={"phases": settings.phases[:1]}))
    (line,) = read_log(tmp_path / "log.jsonl")
    assert line["loss"] == pytest.approx(3 * line["salience"], abs=1e-5)
