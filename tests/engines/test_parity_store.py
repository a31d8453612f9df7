"""Verdicts from one start to the next; damaged files mean another comparison, never a failure."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace

import pytest

from engines import parity_store
from engines.errors import EngineError
from engines.parity import Parity
from engines.parity_store import VerdictKey

KEY = VerdictKey("openvino", "2026.1", "some CPU", "ab" * 32, "cd" * 32, "bf16", (320, 240))
PARITY = Parity(52.25, math.inf, 3, 9, 4, "onnxruntime 1.20 fp32", "the picture is black")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("FUSION_RT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_remembered_is_recalled():
    assert KEY.recall() is None
    KEY.remember(PARITY)
    assert KEY.recall() == PARITY
    KEY.remember(replace(PARITY, worst=10))
    assert KEY.recall().worst == 10


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"engine": "other"}, id="engine"),
        pytest.param({"version": "2026.2"}, id="version"),
        pytest.param({"device": "another CPU"}, id="device"),
        pytest.param({"model_sha256": "ef" * 32}, id="model"),
        pytest.param({"file_sha256": "ef" * 32}, id="file"),
        pytest.param({"precision": "int8"}, id="precision"),
        pytest.param({"size_wh": (640, 480)}, id="size"),
        pytest.param({"pairs": KEY.pairs + 1}, id="pairs"),
    ],
)
def test_another_key_has_another_verdict(change):
    KEY.remember(PARITY)
    assert replace(KEY, **change).recall() is None


def damaged(text):
    data = json.loads(text)
    return [
        pytest.param("", id="empty"),
        pytest.param(text[: len(text) // 2], id="cut-off"),
        pytest.param("[]", id="a-list"),
        pytest.param(json.dumps({**data, "key": {}}), id="of-another-key"),
        pytest.param(json.dumps({**data, "parity": {"psnr_db": 99}}), id="keys-are-missing"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("\x00" * 40, id="zeros"),
    ]


@pytest.mark.parametrize(
    "content", damaged(json.dumps({"key": {"schema": 1}, "parity": PARITY.as_data()}))
)
def test_damaged_file_is_no_verdict(content):
    KEY.remember(PARITY)
    KEY.path.write_text(content)
    assert KEY.recall() is None
    KEY.remember(PARITY)
    assert KEY.recall() == PARITY


def test_bytes_that_are_no_text():
    KEY.remember(PARITY)
    KEY.path.write_bytes(b"\xff\xfe\x00")
    assert KEY.recall() is None


def test_place_that_cannot_be_written(cache):
    cache.mkdir()
    (cache / "parity").write_text("in the way")
    assert KEY.recall() is None
    with pytest.raises(EngineError, match="cannot write"):
        KEY.remember(PARITY)
    assert KEY.recall() == PARITY  # for the rest of this process
    assert replace(KEY, version="2").recall() is None
    (cache / "parity").unlink()
    KEY.remember(replace(PARITY, worst=10))
    assert KEY.recall().worst == 10


def test_without_a_place_the_verdict_lasts_as_long_as_the_process(monkeypatch, cache):
    monkeypatch.setattr(parity_store, "_unkept", {})
    cache.write_text("in the way")
    key = replace(KEY, version="nowhere")
    assert key.recall() is None
    key.remember(PARITY)
    assert key.recall() == PARITY


def test_oldest_verdicts_go(monkeypatch):
    keys = [replace(KEY, version=str(index)) for index in range(5)]
    for age, key in enumerate(keys[:4]):
        key.remember(PARITY)
        os.utime(key.path, (1e9 - age, 1e9 - age))
    size = keys[0].path.stat().st_size
    monkeypatch.setattr(parity_store, "_MOST_BYTES", 3 * size)
    keys[4].remember(PARITY)
    assert [key.recall() is not None for key in keys] == [True, True, False, False, True]
