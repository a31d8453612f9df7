"""Progress of a build: stages, time left, and the lines and words that people see."""

from __future__ import annotations

import itertools

import pytest

from engines.tensorrt import progress
from engines.tensorrt.progress import BuildProgress, BuildState
from engines.tensorrt.progress_lines import ProgressLines, describe, duration


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes when it is told to."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def go(seconds):
        now[0] += seconds

    return go


def test_time_left_is_that_of_the_slowest_stage_under_way(clock):
    state = BuildState()
    state.start_phase("Building engine", 6)
    clock(1)
    for index in range(4):
        state.step("Building engine", index)
    state.start_phase("Timing graph nodes", 40)
    clock(10)
    for index in range(10):
        state.step("Timing graph nodes", index)
    # The outer stage alone would say 11 s / 4 * 2 = 5.5 s; the inner has 30 steps of 1 s to go.
    assert state.snapshot() == BuildProgress("timing graph nodes", 10, 40, 11, 30)
    state.finish_phase("Timing graph nodes")
    assert state.snapshot() == BuildProgress("building engine", 4, 6, 11, 5.5)


def test_innermost_stage_is_named_where_no_rate_is_known(clock):
    state = BuildState()
    assert state.snapshot() == BuildProgress("reading the model", 0, 0, 0, None)
    state.start_phase("Building engine", 6)
    state.start_phase("Optimizing graph", 30)
    clock(3)
    assert state.snapshot() == BuildProgress("optimizing graph", 0, 30, 3, None)


def test_former_build_tells_the_time_left_until_it_is_over(clock):
    state = BuildState(expected_s=60)
    clock(20)
    assert state.snapshot().left_s == 40
    assert state.snapshot().share == pytest.approx(1 / 3)
    clock(50)
    assert state.snapshot().left_s is None


def test_steps_of_unknown_stages_are_no_fault(clock):
    state = BuildState()
    state.step("never begun", 3)
    state.finish_phase("never begun")
    state.start_phase("empty", 0)
    state.step("empty", 7)
    assert state.snapshot().done == 1


def test_lines_come_at_once_then_less_often_but_every_ten_seconds():
    said, moments = [], []
    lines = ProgressLines(said.append, "bts fp16 640x480")
    for second in range(1, 1200):
        lines(BuildProgress("timing", 3, 9, second, None))
        moments += [second] * (len(said) - len(moments))
    assert said[0] == "building bts fp16 640x480"
    assert said[1] == "building bts fp16 640x480: timing 3/9, 5 s so far"
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments[1:])]
    assert gaps == sorted(gaps)
    assert gaps[0] == 3
    assert gaps[-1] == 10


@pytest.mark.parametrize(
    ("progress_", "words"),
    [
        (BuildProgress("timing", 3, 9, 30.2, 80.0), "timing 3/9, 30 s so far, about 1:20 min left"),
        (BuildProgress("writing", 0, 1, 3, None), "writing, 3 s so far"),
    ],
)
def test_words(progress_, words):
    assert describe(progress_) == words


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.6, "1:00 min"), (125, "2:05 min")])
def test_duration(seconds, text):
    assert duration(seconds) == text
