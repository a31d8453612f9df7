from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from trainer import words
from trainer.words import counted, listed, program


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 pairs"), (1, "1 pair"), (2, "2 pairs"), (1000, "1000 pairs")]
)
def test_counts(number, text):
    assert counted(number, "pair") == text


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")],
)
def test_lists(names, text):
    assert listed(names, most=2) == text


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An environment of its own, not activated; its folder of programs."""
    folder = tmp_path / "my env" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    return folder


def install(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "fusion-rt").touch(0o755)


def test_activated_environment_needs_the_name_alone(environment, monkeypatch):
    install(environment)
    monkeypatch.setenv("PATH", str(environment))
    assert program() == "fusion-rt"


def test_environment_that_is_not_activated_is_named(environment, monkeypatch):
    install(environment)
    assert shlex.split(program()) == [str(environment / "fusion-rt")]
    monkeypatch.chdir(environment.parent.parent)
    assert shlex.split(program()) == ["my env/bin/fusion-rt"]


def test_another_program_of_that_name_is_not_meant(environment, tmp_path):
    install(environment)
    install(tmp_path / "elsewhere")
    assert words.shutil.which("fusion-rt") is not None
    assert shlex.split(program()) == [str(environment / "fusion-rt")]


def test_without_a_script_the_interpreter_runs_it(environment):
    assert shlex.split(program()) == [str(environment / "python"), "-m", "fusion_rt"]
