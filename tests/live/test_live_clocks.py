"""The cameras' clocks in a run: offered, used, set by the user; and a thread that fails."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from fusion_rt.clock_offset.estimate import OffsetState
from fusion_rt.frame import Frame, Sensor
from fusion_rt.live import clocks as module
from fusion_rt.live.clocks import Clocks
from fusion_rt.live_pairing import LivePairer, OffsetLine
from fusion_rt.run_settings import ClockSettings

IR, VIS = Sensor.IR, Sensor.VIS
MS = 1_000_000
SURE = OffsetState(32.4, 1.2, ppm=12.0, ppm_plus_minus=8.0, quality=0.9, sure=True, why="ok")


class Worker:
    """Stands in for the thread."""

    def __init__(self, stopping):
        self.stopping = stopping
        self.state = OffsetState()
        self.error = None
        self.called = []

    def __getattr__(self, name):
        return lambda *given: self.called.append((name, *given))


class Time:
    def __init__(self):
        self.now_s = 1000.0

    def monotonic(self):
        return self.now_s


@pytest.fixture
def at(monkeypatch):
    """The time, and no thread of its own."""
    clock = Time()
    monkeypatch.setattr(module, "OffsetWorker", Worker)
    monkeypatch.setattr(module, "time", clock)
    return clock


def settings(**values):
    return ClockSettings(**values)


def frame():
    return Frame(np.zeros((4, 4), np.uint8), 0, 0, 0, 0)


@pytest.mark.usefixtures("at")
def test_nothing_is_said_and_done_while_nothing_is_known():
    clocks = Clocks(settings())
    assert clocks.words(0.0) == ""
    assert clocks.offset_to_apply(0.0) is None
    assert clocks.summary()["ir_offset_ms"] is None


@pytest.mark.usefixtures("at")
def test_better_offset_is_offered_and_not_used():
    clocks = Clocks(settings())
    clocks._worker.state = SURE
    assert clocks.words(0.0) == (
        "infrared clock +32.4 ms ahead (±1.2): set pairing.ir_offset_ms: 32.4"
    )
    assert clocks.offset_to_apply(0.0) is None
    assert clocks.words(31.0) == ""  # near enough
    assert clocks.summary() == {
        "ir_offset_ms": 32.4,
        "plus_minus_ms": 1.2,
        "ppm": 12.0,
        "sure": True,
        "why": "ok",
        "used_ms": None,
        "used_ppm": None,
    }


@pytest.mark.usefixtures("at")
@pytest.mark.parametrize(("ppm", "told"), [(12.0, False), (-40.0, True)])
def test_drift_that_matters_is_told_with_the_offer(ppm, told):
    clocks = Clocks(settings())
    clocks._worker.state = replace(SURE, ppm=ppm, ppm_plus_minus=8.0)
    drift = "; it drifts by -40 ppm, clock.apply: auto follows that"
    assert clocks.words(0.0).endswith(drift) is told


def test_better_offset_is_used_where_that_is_set_but_not_too_often(at):
    clocks = Clocks(settings(apply="auto"))
    clocks._worker.state = SURE
    assert clocks.offset_to_apply(0.0) == OffsetLine(32_400_000, 12.0, 32_400_000)
    assert clocks.offset_to_apply(0.0) is None  # it is used already
    assert clocks.words(0.0) == ""
    assert (clocks.summary()["used_ms"], clocks.summary()["used_ppm"]) == (32.4, 12.0)
    clocks._worker.state = OffsetState(offset_ms=60.0, plus_minus_ms=1.0, sure=True, at_ns=5)
    at.now_s += 1
    assert clocks.offset_to_apply(0.0) is None
    at.now_s += 20
    assert clocks.offset_to_apply(0.0) == OffsetLine(60_000_000, 0.0, 60_000_005)


def test_drift_that_is_known_is_followed_without_another_change(at):
    """50 ppm make 3 ms in a minute; a line that knows them stays right for an hour."""
    changes = {}
    for name, ppm in (("known", 50.0), ("unknown", None)):
        clocks = Clocks(settings(apply="auto"))
        changes[name], pairer = 0, LivePairer()
        for second in range(0, 3600, 5):
            true_ms = 32.4 + 50e-3 * second
            state = replace(SURE, offset_ms=true_ms, ppm=ppm, at_ns=second * 10**9)
            clocks._worker.state = state
            at.now_s += 5
            line = clocks.offset_to_apply(0.0)
            if line is not None:
                changes[name] += 1
                pairer.configure(ir_offset_ns=line)
            ir_ns = second * 10**9 + round(true_ms * MS)
            assert pairer.rules.ir_offset_at(ir_ns) == pytest.approx(true_ms * MS, abs=3.5 * MS)
    assert changes["known"] == 1
    assert changes["unknown"] > 30


def test_offset_that_the_user_sets_counts_from_then_on(at):
    clocks = Clocks(settings(apply="auto"))
    clocks._worker.state = SURE
    assert clocks.offset_to_apply(0.0).offset_ns == 32_400_000
    clocks.forget_applied()
    at.now_s += 20
    assert clocks.offset_to_apply(31.0) is None  # his is near enough
    assert clocks.offset_to_apply(0.0).offset_ns == 32_400_000


@pytest.mark.usefixtures("at")
def test_nothing_runs_where_it_is_switched_off_until_it_is_switched_on():
    clocks = Clocks(settings(estimate=False))
    clocks._worker.state = SURE
    clocks.observe(IR, frame())
    assert clocks._worker.called == []
    assert (clocks.words(0.0), clocks.summary()) == ("", None)
    clocks.configure(settings())
    clocks.configure(settings())
    clocks.observe(IR, frame())
    assert [name for name, *_ in clocks._worker.called] == ["start", "offer"]
    clocks.configure(settings(estimate=False))
    clocks.observe(IR, frame())
    assert len(clocks._worker.called) == 2
    assert clocks.words(0.0) == ""


@pytest.mark.usefixtures("at")
def test_pause_is_handed_on_when_it_changes():
    clocks = Clocks(settings())
    for paused in (False, True, True, False, False):
        clocks.pause(paused)
    clocks.restart()
    assert clocks._worker.called[1:] == [("pause", True), ("pause", False), ("restart",)]


@pytest.mark.usefixtures("at")
def test_failure_of_its_thread_is_told():
    clocks = Clocks(settings())
    clocks._worker.error = ZeroDivisionError("division by zero")
    assert clocks.words(0.0) == "the clocks are not compared any more: division by zero"


def test_thread_ends_with_the_clocks_and_its_failure_ends_nothing_else():
    before = threading.active_count()
    clocks = Clocks(settings())
    assert threading.active_count() == before + 1
    clocks.observe(IR, frame())
    clocks.observe(VIS, Frame(np.zeros((0, 0, 3), np.uint8), 0, 0, 0, 0))  # cannot be worked on
    clocks._worker.join(5)
    assert clocks._worker.error is not None
    clocks.observe(IR, frame())
    clocks.close()
    clocks.close()
    assert threading.active_count() == before


def test_clocks_that_were_never_started_can_be_closed():
    Clocks(settings(estimate=False)).close()
