from __future__ import annotations

import os
import stat

import pytest

from fusion_rt.errors import SinkError
from fusion_rt.sinks.text import check_writable, write_bytes, write_text


@pytest.mark.parametrize("there", [True, False])
def test_file_is_written_and_nothing_else_is_left(tmp_path, there):
    path = tmp_path / "out" / "a.csv"
    if there:
        path.parent.mkdir()
        path.write_text("older")
    check_writable(path)
    assert path.exists() is there
    write_text(path, "größer")
    assert path.read_bytes() == "größer".encode()
    assert os.listdir(path.parent) == ["a.csv"]


def test_new_file_has_the_usual_rights(tmp_path):
    write_bytes(tmp_path / "a", b"")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize("work", [check_writable, lambda path: write_bytes(path, b"new")])
def test_files_of_the_user_that_look_temporary_stay(tmp_path, work):
    names = ["a.part.csv", "a.csv.part"]
    for name in names:
        (tmp_path / name).write_text("mine")
    work(tmp_path / "a.csv")
    assert all((tmp_path / name).read_text() == "mine" for name in names)


@pytest.mark.parametrize("work", [check_writable, lambda path: write_bytes(path, b"new")])
def test_pipe_is_refused_and_stays(tmp_path, work):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(SinkError, match="pipe: it is a device or the like") as caught:
        work(pipe)
    assert caught.value.hint
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_link_stays_and_its_file_is_written(tmp_path):
    target, link = tmp_path / "far" / "target", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    write_bytes(link, b"first")
    write_bytes(link, b"second")
    assert link.is_symlink()
    assert target.read_bytes() == b"second"
    assert os.listdir(target.parent) == ["target"]


def test_folder_is_refused(tmp_path):
    with pytest.raises(SinkError, match="there is a folder of that name"):
        check_writable(tmp_path)


def test_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "a").write_bytes(b"older")
    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(SinkError, match="a: disk full"):
        write_bytes(tmp_path / "a", b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"older")]
