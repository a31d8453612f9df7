"""The place of the cache, and files that are there wholly or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from engines.cache_dir import cache_root, file_sha256, root_or_none, trim_folder, write_whole
from engines.errors import EngineError


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param(
            {"FUSION_RT_CACHE": "/a/own", "XDG_CACHE_HOME": "/b"}, "/a/own", id="own-name-wins"
        ),
        pytest.param({"FUSION_RT_CACHE": "~/own"}, "/home/of/own", id="home-sign-is-expanded"),
        pytest.param({"XDG_CACHE_HOME": "/b"}, "/b/fusion-rt", id="shared-cache-folder"),
        pytest.param(
            {"XDG_CACHE_HOME": "b"}, "/home/of/.cache/fusion-rt", id="relative-one-is-not-taken"
        ),
        pytest.param({"FUSION_RT_CACHE": ""}, "/home/of/.cache/fusion-rt", id="empty-is-unset"),
    ],
)
def test_root_follows_the_environment(monkeypatch, variables, expected):
    monkeypatch.setenv("HOME", "/home/of")
    for name in ("FUSION_RT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_root() == Path(expected)


def test_relative_own_folder_is_of_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FUSION_RT_CACHE", "mine")
    assert cache_root() == tmp_path / "mine"


def test_root_that_is_a_file_is_refused(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FUSION_RT_CACHE", str(tmp_path / "file"))
    with pytest.raises(EngineError, match="is not a folder") as caught:
        cache_root()
    assert "export FUSION_RT_CACHE=" in caught.value.hint


def test_without_a_place_there_is_none_and_it_is_told_once(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FUSION_RT_CACHE", str(tmp_path / "file"))
    lines = []
    assert root_or_none(lines.append) is None
    assert root_or_none(lines.append) is None
    (line,) = lines
    assert "is not a folder; nothing is kept" in line
    assert "export FUSION_RT_CACHE=" in line


def test_place_that_cannot_be_looked_at(monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", closed)
    with pytest.raises(EngineError, match=r"cannot read .*: Permission denied"):
        cache_root()


def test_file_is_replaced_whole_and_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b.json"
    write_whole(path, b"first and long")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert [entry.name for entry in path.parent.iterdir()] == ["b.json"]


def test_failed_write_leaves_the_old_file_and_no_part(tmp_path):
    target = tmp_path / "taken"
    target.mkdir()  # a file cannot take the place of a folder
    with pytest.raises(EngineError, match=r"cannot write .*taken"):
        write_whole(target, b"data")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]
    (tmp_path / "file").write_text("kept")
    with pytest.raises(EngineError, match=r"cannot write .*below"):
        write_whole(tmp_path / "file" / "below", b"data")
    assert (tmp_path / "file").read_text() == "kept"


def test_hash_is_of_the_content(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert file_sha256(path) == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(EngineError, match=r"cannot read .*gone: No such file"):
        file_sha256(tmp_path / "gone")


def test_trimming_keeps_the_newest_and_what_others_removed_is_no_fault(tmp_path):
    for index in range(3):
        path = tmp_path / f"{index}.blob"
        path.write_bytes(bytes(10))
        os.utime(path, (1e9 + index, 1e9 + index))
    (tmp_path / "other.txt").write_bytes(bytes(10))
    trim_folder(tmp_path, "*.blob", 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.blob", "other.txt"]
    (tmp_path / "3.blob").symlink_to(tmp_path / "gone")
    trim_folder(tmp_path, "*.blob", 100)
    assert (tmp_path / "2.blob").exists()
