"""A process that runs for days takes its memory from two places alone."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from fusion_rt.live import memory

CODE = "from fusion_rt.live.memory import limit_arenas; print(limit_arenas())"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_glibc_takes_the_setting():
    """In a process of its own, as it holds for all that follows."""
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize("error", [OSError("no libc"), AttributeError("no mallopt")])
def test_other_libraries_do_not_need_it(monkeypatch, error):
    def missing(name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert memory.limit_arenas() is False
