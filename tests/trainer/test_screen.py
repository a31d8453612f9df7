"""The bar of a training: work in between is shown, and is no time of the task."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from trainer import screen
from trainer.screen import Screen


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(screen, "time", clock)
    return clock


def lines(capsys) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_work_in_between_is_no_time_of_the_task(clock, capsys):
    with Screen(shown=True).bar("step", 8) as bar:
        with bar.aside("validating", 2) as done:  # before the first: comes once
            clock.now += 100
            done()
            done()
        for _ in range(2):
            clock.now += 3
            bar.advance()
        with bar.aside("validating", 2) as done:
            clock.now += 8
            done()
            done()
        for _ in range(2):
            clock.now += 7
            bar.advance()
    *asides, first, last = lines(capsys)
    assert asides == ["validating 1/2"]  # the second of it came at once, the other was short
    assert first.startswith("step 1/8  3.00 s each, left 0:00:21")
    # 13 s of steps and 8 s in between for three; the 100 s before them do not come again.
    assert last.startswith("step 3/8  4.33 s each, left 0:00:35")


def test_work_in_between_stands_where_the_figures_stand():
    told = Screen(shown=True)
    out = io.StringIO()
    told._console = Console(file=out, force_terminal=True, width=120)
    with told.bar("step", 2) as bar:
        bar.note("loss 0.5")
        with bar.aside("validating", 20) as done:
            for _ in range(12):
                done()
            bar._progress.refresh()
            assert "validating 12/20" in out.getvalue()
        out.truncate(0)
        bar._progress.refresh()
        assert "loss 0.5" in out.getvalue()
        assert "validating" not in out.getvalue()


def test_processes_that_do_not_lead_are_silent(capsys):
    with Screen(shown=False).bar("step", 2) as bar, bar.aside("validating", 1) as done:
        done()
        bar.advance()
    assert lines(capsys) == []
