from __future__ import annotations

import errno
import re
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from training_data import SIDE, small_settings, use_tiny_network, write_pairs, write_picture

from trainer import session
from trainer.checkpoint import load_checkpoint, load_model, save_checkpoint
from trainer.errors import CheckpointError, DataError, ResumeError, TrainerError, WriteError
from trainer.loop import train
from trainer.losses import LossWeights
from trainer.step_log import read_log


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Data and saliency for all tests of this file."""
    return write_pairs(tmp_path_factory.mktemp("data")), tmp_path_factory.mktemp("saliency")


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    """Two pairs to judge by."""
    return write_pairs(tmp_path_factory.mktemp("held-out"), 2, seed=50)


@pytest.fixture(scope="module")
def tiny():
    """A small network in place of the real one."""
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_network(patch)
        yield


@pytest.fixture(scope="module")
def finished(places, held_out, tiny, tmp_path_factory):
    """Folder of a whole training with validation."""
    out = tmp_path_factory.mktemp("whole")
    settings = small_settings(places[0], out, places[1], validation=[held_out])
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
        *("last.pt", "previous.pt", "best.pt", "model.pt", "log.jsonl", "report.md", "sheet.png")
    }
    assert load_checkpoint(finished / "model.pt")["step"] == 4
    lines = read_log(finished / "log.jsonl")
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4]
    judged = {line["step"]: line["validation"]["loss"] for line in lines if "validation" in line}
    assert sorted(judged) == [0, 2, 4]
    best = load_checkpoint(finished / "best.pt")
    assert best["step"] == min(judged, key=judged.get)
    assert best["validation"]["loss"] == pytest.approx(min(judged.values()), abs=1e-6)
    assert load_checkpoint(finished / "last.pt")["best"] == best["validation"]["loss"]


def test_best_is_never_worse_than_the_start(places, held_out, tiny, finished, tmp_path, capsys):
    start = finished / "model.pt"
    settings = small_settings(
        *(places[0], tmp_path, places[1]), init=start, validation=[held_out], learning_rate=1, ema=0
    )
    train(settings)
    judged = [line for line in read_log(tmp_path / "log.jsonl") if "validation" in line]
    losses = {line["step"]: line["validation"]["loss"] for line in judged}
    assert losses[0] < min(losses[2], losses[4]), "the training did no harm"
    best = load_checkpoint(tmp_path / "best.pt")
    assert best["step"] == 0
    torch.testing.assert_close(best["model"], weights(start), rtol=0, atol=0)
    said = capsys.readouterr().err
    assert f"step 0: validation loss {losses[0]:.4f}, what it begins with" in said
    assert f"step 4: validation loss {losses[4]:.4f}, the best was {losses[0]:.4f}" in said


def test_what_is_judged_shows_how_far_it_is_and_is_no_time_of_steps(
    places, held_out, tiny, tmp_path, capsys, monkeypatch
):
    now = iter(range(10**6))
    clock = SimpleNamespace(monotonic=lambda: float(next(now)))
    monkeypatch.setattr("trainer.screen._PLAIN_EVERY_S", 0.0)
    monkeypatch.setattr(session, "time", clock)
    settings = small_settings(places[0], tmp_path, places[1], validation=[held_out])
    train(settings, stop=lambda: False)
    said = capsys.readouterr().err
    assert said.count("validating 1/2\nvalidating 2/2\nstep ") == 3
    assert said.count("drawing the sheet 1/1") == 2
    # One tick of the clock for each step; what lies between two of them is not looked at.
    assert load_checkpoint(tmp_path / "last.pt")["seconds"] == 4


def test_warm_up_that_lasts_longer_than_the_training_is_told(places, tiny, tmp_path, capsys):
    train(small_settings(places[0], tmp_path / "a", places[1], steps=2, warm_up_steps=2))
    assert "note: warm_up_steps is 2, but there are only 2 steps" in capsys.readouterr().err
    train(small_settings(places[0], tmp_path / "b", places[1], steps=3, warm_up_steps=2))
    assert "warm_up_steps" not in capsys.readouterr().err


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
    assert f"fusion-rt export {finished}/model.pt" in text
    began = read_log(finished / "log.jsonl")[0]["validation"]["loss"]
    assert re.search(rf"lowest validation loss \| \S+, {began:.5f} before the first step \|", text)
    last = read_log(finished / "log.jsonl")[-2]
    assert re.search(rf"\| 4 \| {last['loss']:.5f} \|", text)
    files = re.findall(r"^\| `(\S+\.\w+)` \|", text, re.MULTILINE)
    assert all((finished / name).is_file() for name in files)


def test_sheet_shows_the_inputs_and_two_fused_pictures(finished, held_out):
    sheet = cv2.imread(str(finished / "sheet.png"))
    ir = cv2.imread(str(held_out / "ir" / "1.png"))  # the second of two
    assert sheet.shape[1] > 4 * 220
    _, _, (left, top), _ = cv2.minMaxLoc(cv2.matchTemplate(sheet, ir, cv2.TM_SQDIFF))
    np.testing.assert_array_equal(sheet[top : top + 200, left : left + 220], ir)


@pytest.mark.parametrize("done", [1, 2, 3])
def test_stop_and_resume_give_the_weights_of_one_run(
    places, held_out, tiny, finished, tmp_path, done
):
    asked = iter(range(20))
    pictures = 3 + 2  # asked while reading, too
    settings = small_settings(places[0], tmp_path, places[1], validation=[held_out])
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


def test_finished_training_may_be_resumed_without_a_step(
    finished, places, held_out, tiny, tmp_path
):
    shutil.copytree(finished, tmp_path / "out")
    settings = small_settings(places[0], tmp_path / "out", places[1], validation=[held_out])
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

    done = iter(range(4))

    def breaks(self, batch, rate, stop):
        bad = batch._replace(ir=batch.ir * float("nan")) if next(done) == 1 else batch
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
    alone = {**dict.fromkeys(LossWeights().model_dump(), 0.0), "salience": 3.0}
    settings = small_settings(places[0], tmp_path, places[1], weights=alone, steps=1)
    train(settings.model_copy(update={"phases": settings.phases[:1]}))
    (line,) = read_log(tmp_path / "log.jsonl")
    assert line["loss"] == pytest.approx(3 * line["salience"], abs=1e-5)


def never_read(monkeypatch):
    """Fails when a picture is read."""

    def read(*_):
        raise AssertionError("pictures were read first")

    monkeypatch.setattr("trainer.pictures.read_content", read)


def no_init(settings, tmp_path):
    return settings.model_copy(update={"init": tmp_path / "none.pt"})


def empty_teacher(settings, tmp_path):
    (tmp_path / "empty.pt").touch()
    return settings.model_copy(update={"teacher": tmp_path / "empty.pt"})


def out_below_a_file(settings, tmp_path):
    (tmp_path / "file").touch()
    return settings.model_copy(update={"out": tmp_path / "file" / "out"})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(no_init, r"none\.pt is not there", id="start"),
        pytest.param(empty_teacher, r"empty\.pt cannot be read: the file is empty", id="teacher"),
        pytest.param(out_below_a_file, "cannot write .*file/out", id="place"),
    ],
)
def test_cheap_faults_come_before_the_pictures(places, tiny, tmp_path, monkeypatch, spoil, words):
    never_read(monkeypatch)
    settings = small_settings(places[0], tmp_path / "out", places[1])
    with pytest.raises(TrainerError, match=words) as caught:
        train(spoil(settings, tmp_path))
    assert caught.value.hint


def test_damaged_state_is_told_before_the_pictures_and_the_one_before_it_goes_on(
    places, held_out, tiny, finished, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    (out / "last.pt").write_bytes(b"")
    settings = small_settings(places[0], out, places[1], validation=[held_out])
    with monkeypatch.context() as patch:
        never_read(patch)
        with pytest.raises(CheckpointError, match="the file is empty") as caught:
            train(settings, resume=True)
    assert f"mv {out}/previous.pt {out}/last.pt" in caught.value.hint
    assert load_checkpoint(out / "previous.pt")["step"] == 3
    (out / "previous.pt").rename(out / "last.pt")
    assert not train(settings, resume=True).stopped
    assert_equal_weights(out / "last.pt", finished / "last.pt")


def test_damaged_log_does_not_hinder_going_on(places, held_out, tiny, finished, tmp_path, capsys):
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    lines = (out / "log.jsonl").read_text().splitlines()
    (out / "log.jsonl").write_text("\n".join([lines[0], "\x00\x00", *lines[2:]]) + "\n")
    train(small_settings(places[0], out, places[1], validation=[held_out]), resume=True)
    assert f"note: left out of {out}/log.jsonl: 1 damaged line\n" in capsys.readouterr().err
    assert len(read_log(out / "log.jsonl")) == len(lines) - 1


def test_folder_that_goes_away_is_told_in_words(places, tiny, tmp_path, monkeypatch):
    out = tmp_path / "out"
    real = session.Updater.__call__

    def removed(self, batch, rate, stop):
        shutil.rmtree(out)
        return real(self, batch, rate, stop)

    monkeypatch.setattr(session.Updater, "__call__", removed)
    with pytest.raises(WriteError, match=rf"cannot write {out}/\S+: no such file") as caught:
        train(small_settings(places[0], out, places[1]))
    assert caught.value.hint


def test_full_disk_is_told_in_words_and_the_last_state_stays(places, tiny, tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    settings = small_settings(places[0], tmp_path, places[1])
    asked = iter(range(20))
    train(settings, stop=lambda: next(asked) >= 3 + 1)
    monkeypatch.setattr("trainer.checkpoint.write_whole", full)
    with pytest.raises(WriteError, match=r"cannot write \S+last\.pt: no space left") as caught:
        train(settings, resume=True)
    assert caught.value.hint == "free some space"
    assert load_checkpoint(tmp_path / "last.pt")["step"] == 2


def test_other_validation_pairs_and_threads_are_told(
    places, held_out, tiny, finished, tmp_path, capsys
):
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    state = load_checkpoint(out / "last.pt")
    assert state["made_with"]["threads"] == "1"
    save_checkpoint(
        out / "last.pt",
        {**state, "best": -1.0, "made_with": {**state["made_with"], "threads": "3"}},
    )
    for use, note in ((held_out, False), (write_pairs(tmp_path / "v", 1, seed=70), True)):
        train(small_settings(places[0], out, places[1], validation=[use]), resume=True)
        said = capsys.readouterr().err
        assert "note: begun with threads 3, goes on with 1; the weights will differ" in said
        assert ("note: the validation pairs are others" in said) is note


def test_pairs_that_are_trained_on_do_not_judge(places, tiny, tmp_path):
    settings = small_settings(places[0], tmp_path, places[1], validation=[places[0]])
    with pytest.raises(DataError, match="3 of 3 validation pairs are trained on"):
        train(settings)


def test_filter_is_learned_under_a_bar_and_may_be_stopped(places, tiny, tmp_path, capsys):
    settings = small_settings(places[0], tmp_path, tmp_path / "maps", saliency="projection")
    with pytest.raises(KeyboardInterrupt):
        train(settings, stop=lambda: True)
    assert list((tmp_path / "maps").iterdir()) == []
    train(settings)
    assert "filter of the saliency 4/4" in capsys.readouterr().err


def test_report_says_what_a_network_begins_as(finished):
    text = (finished / "report.md").read_text()
    assert "| began as | mixing by brightness and texture alone |" in text
