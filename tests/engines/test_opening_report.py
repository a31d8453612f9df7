"""What is told while engines open."""

from __future__ import annotations

import pytest

from engines import report
from engines.report import silent, tell_once


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    monkeypatch.setattr(report, "_told", set())


def test_told_once_to_whoever_listens():
    lines = []
    for tell in (silent, lines.append, lines.append):
        tell_once(tell, "no place")
    tell_once(lines.append, "no driver")
    assert lines == ["no place", "no driver"]
