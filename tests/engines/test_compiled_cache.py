"""Compiled models from one start to the next, and what happens to damaged ones."""

from __future__ import annotations

import os

import pytest

from engines import compiled_cache
from engines.compiled_cache import CompiledCache
from engines.errors import EngineError

BLOB = bytes(range(256)) * 8


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("FUSION_RT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_stored_is_loaded():
    one = CompiledCache("bts-bf16", {"version": "1"})
    assert one.load() is None
    one.store(BLOB)
    assert CompiledCache("bts-bf16", {"version": "1"}).load() == BLOB
    assert CompiledCache("bts-bf16", {"version": "2"}).load() is None


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:20], id="shorter-than-its-hash"),
        pytest.param(lambda data: data[:-1], id="cut-off"),
        pytest.param(lambda data: data + b"\x00", id="longer"),
        pytest.param(lambda data: data[:99] + b"\xff" + data[100:], id="one-byte"),
    ],
)
def test_damaged_file_is_not_loaded(damage):
    one = CompiledCache("bts-bf16", {})
    one.store(BLOB)
    one.path.write_bytes(damage(one.path.read_bytes()))
    assert one.load() is None
    one.store(BLOB)
    assert one.load() == BLOB


def test_those_unused_for_longest_go(monkeypatch):
    caches = [CompiledCache("bts", {"number": index}) for index in range(4)]
    for age, one in enumerate(caches[:3]):
        one.store(BLOB)
        os.utime(one.path, (1e9 - age, 1e9 - age))
    assert caches[2].load() == BLOB  # used now, so the last to go
    monkeypatch.setattr(compiled_cache, "_MOST_BYTES", 3 * (len(BLOB) + 32))
    caches[3].store(BLOB)
    assert [one.load() is not None for one in caches] == [True, False, True, True]


def test_place_that_cannot_be_written_is_named(cache):
    cache.write_text("in the way")
    nowhere = CompiledCache("bts", {})
    nowhere.store(BLOB)
    assert nowhere.load() is None
    cache.unlink()
    cache.mkdir()
    (cache / "openvino").write_text("in the way")
    one = CompiledCache("bts", {})
    assert one.load() is None
    with pytest.raises(EngineError, match="cannot write"):
        one.store(BLOB)
