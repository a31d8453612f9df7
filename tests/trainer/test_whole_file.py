from __future__ import annotations

import os

import pytest

from trainer.errors import WriteError
from trainer.whole_file import check_folder, replace_whole, write_whole, writing


def test_content_is_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    path = tmp_path / "a"
    order = []
    sync, move = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (order.append("sync"), sync(number)))
    monkeypatch.setattr(os, "replace", lambda *names: (order.append("move"), move(*names)))
    write_whole(path, b"new")
    assert order == ["sync", "move"]
    assert path.read_bytes() == b"new"


def test_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def half(temporary):
        temporary.write_bytes(b"ne")
        raise OSError("stopped")

    with pytest.raises(OSError, match="stopped"):
        replace_whole(path, half)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


def test_pipe_is_refused_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a plain file"):
        write_whole(tmp_path / "pipe", b"")
    assert not (tmp_path / "pipe").is_file()
    assert os.listdir(tmp_path) == ["pipe"]


def test_link_stays_and_its_file_is_written(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_what_hinders_is_told_with_the_path_and_a_remedy(tmp_path):
    path = tmp_path / "none" / "a"
    words = rf"cannot write {path}: no such file"
    with pytest.raises(WriteError, match=words) as caught, writing(path):
        write_whole(path, b"")
    assert caught.value.hint


def test_folder_to_come_is_asked_for_and_nothing_is_left(tmp_path):
    check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["file", "file/out"])
def test_folder_that_cannot_be_is_refused(tmp_path, below):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match=r"cannot write .*: not a directory") as caught:
        check_folder(tmp_path / below)
    assert caught.value.hint
