from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from networks import random_network
from training_data import write_pairs, write_picture

from trainer.errors import DataError, ExportError
from trainer.post_training import (
    LARGEST_WH,
    PAIRS,
    Calibration,
    calibrate,
    load_calibration,
    pruned,
    save_calibration,
)
from trainer.screen import Screen

MEASURED = Calibration(3, "abc", {"stem": [0, 3, 5]}, {"stem.relu": 1.25, "body.0.conv.relu": 30.0})


@pytest.fixture(autouse=True)
def few_cards(monkeypatch):
    monkeypatch.setattr("trainer.post_training.CARDS", 2)
    monkeypatch.setattr("trainer.post_training.FEWEST", 1)


def test_channels_that_no_pair_lights_are_left_out(tmp_path, capsys):
    net = random_network("bts-lite")
    with torch.no_grad():  # every branch of a channel ends in a batch norm of its own
        for branch in (net.body[1].dense[1], net.body[1].point[1], net.body[1].identity):
            branch.weight[5:13] = 0
            branch.bias[5:13] = -1
    screen = Screen(shown=True)
    measured = calibrate(net, [write_pairs(tmp_path)], screen)
    assert len(measured.kept["body.1.conv"]) == 16
    told = capsys.readouterr().err
    left_out = sum(24 - len(channels) for channels in measured.kept.values())
    assert f"channels: {left_out} of 96 make no difference, left out" in told
    assert "layers searched for channels to leave out 4/4" in told
    ir, vis_y = torch.rand(2, 1, 1, 64, 64)
    slim = pruned(net, measured.kept)
    torch.testing.assert_close(slim(ir, vis_y), net(ir, vis_y), atol=0.02, rtol=0)


def test_few_pairs_leave_all_channels(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("trainer.post_training.FEWEST", 3)
    net, screen = random_network("bts-lite"), Screen(shown=True)
    calibrate(net, [write_pairs(tmp_path / "three", 3)], screen)
    assert "of 96 make no difference" in capsys.readouterr().err
    assert calibrate(net, [write_pairs(tmp_path / "two", 2)], screen).kept == {}
    assert "channels: all are kept, 2 pairs of at least 3" in capsys.readouterr().err


def test_same_pairs_give_the_same_ranges_wherever_they_lie(tmp_path):
    net = random_network("bts-lite")
    first, second = (calibrate(net, [write_pairs(tmp_path / name)]) for name in ("a", "b"))
    assert first == second
    assert first.pairs == 3
    assert all(value > 0 for value in first.largest.values())


def test_brighter_pairs_have_larger_ranges_and_another_hash(tmp_path):
    net = random_network("bts-lite")
    dark = write_pairs(tmp_path / "dark", 1)
    for path in dark.rglob("*.png"):
        write_picture(path, cv2.imread(str(path)) // 4)
    bright = write_pairs(tmp_path / "bright", 1)
    low, both = calibrate(net, [dark]), calibrate(net, [dark, bright])
    assert (low.pairs, both.pairs) == (1, 2)
    assert low.data != both.data
    assert all(both.largest[name] >= low.largest[name] for name in low.largest)
    assert both.largest["stem.relu"] > 1.5 * low.largest["stem.relu"]


def test_many_large_pictures_cost_no_more_than_set(tmp_path, monkeypatch):
    """At most so many pairs, spread over all of them, and of each the middle."""
    seen = []

    def watch(proto, rough, feeds):
        seen.extend((feed["ir"].shape, int(feed["ir"][0, 0, 0, 0])) for feed in feeds)
        return {}

    monkeypatch.setattr("trainer.post_training.measure_ranges", watch)
    monkeypatch.setattr("trainer.post_training._kept", lambda *args: {})
    width, height = LARGEST_WH
    for number in range(2 * PAIRS):
        ir = np.full((height + 20, width + 41), 255, np.uint8)
        ir[10:-10, 20:-21] = number
        write_picture(tmp_path / "ir" / f"{number:03}.png", ir)
        write_picture(tmp_path / "vis" / f"{number:03}.png", ir)
    assert calibrate(random_network("bts-lite"), [tmp_path]).pairs == PAIRS
    assert {shape for shape, _ in seen} == {(1, 1, height, width)}
    corners = [corner for _, corner in seen]
    assert len(set(corners)) == PAIRS
    assert np.diff(corners).tolist() == [2] * (PAIRS - 1)


def test_without_pairs(tmp_path):
    with pytest.raises(DataError):
        calibrate(random_network("bts-lite"), [tmp_path / "nowhere"])


def test_ranges_are_kept(tmp_path):
    save_calibration(tmp_path / "a.yaml", MEASURED, "1234")
    assert load_calibration(tmp_path / "a.yaml", "1234") == MEASURED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "cannot be read: No such file", id="missing"),
        pytest.param(
            "checkpoint: '99'\npairs: 1\ndata: x\nkept: {}\nlargest: {}\n",
            "other weights",
            id="stale",
        ),
        pytest.param("checkpoint: '1234'\n", "holds no calibration", id="incomplete"),
        pytest.param("nothing", "holds no calibration", id="text"),
        pytest.param("[1, 2", "holds no calibration", id="no-yaml"),
        pytest.param(b"\xff\xfe\x00", "holds no calibration", id="bytes"),
    ],
)
def test_ranges_that_cannot_be_used(tmp_path, content, message):
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ExportError, match=message) as caught:
        load_calibration(path, "1234")
    assert "--calibration PAIRS" in caught.value.hint
