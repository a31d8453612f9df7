"""The GPU benchmark without a GPU: rounds, figures, goals, reports, and what it says here."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from gpu_bench.case import Case, Effort, Turn, cases_of
from gpu_bench.clock import repeat, runs_in
from gpu_bench.engine_turn import measure_engine
from gpu_bench.figures import percentiles, row_of
from gpu_bench.goals import goals_of
from gpu_bench.report import markdown, write_report
from gpu_bench.rounds import Record, run_rounds
from gpu_bench.worker import CaseFailed, Worker
from gpu_speed import result_of
from recording_cuda import Gpu, RecordingRuntime
from roofline import Floor, Rates, Work

from engines.registry import open_engine
from engines.tensorrt.engine import TensorRtEngine
from fusion_rt.timing import Histogram

ROOT = Path(__file__).parents[1]
WH = (96, 64)
CASE = Case("tensorrt", "bts", "fp16", (640, 480))
SHORT = Effort(rounds=3, seconds=0.01, warm_up_s=0.01)


def histogram(*values_ms):
    found = Histogram()
    for value in values_ms:
        found.add(value)
    return found


@pytest.mark.parametrize(
    ("samples", "p50", "p95", "p99"),
    [
        pytest.param(list(range(1, 101)), 50, 95, 99, id="hundred"),
        pytest.param([3.0], 3, 3, 3, id="one"),
        pytest.param([1.0] * 98 + [9.0, 9.0], 1, 1, 9, id="two-late-ones-of-a-hundred"),
    ],
)
def test_percentiles(samples, p50, p95, p99):
    found = percentiles(samples)
    assert (found["p50"], found["p95"], found["p99"]) == (p50, p95, p99)


def test_no_samples_have_no_percentiles():
    assert percentiles([]) is None


def test_repeating_lasts_as_long_as_asked_but_has_enough_calls():
    seen = []
    assert len(repeat(seen.append, 0.0)) == 20
    assert seen == list(range(20))
    assert sum(repeat(lambda index: None, 0.01)) >= 10


@pytest.mark.parametrize(
    ("seconds", "each_ms", "runs"),
    [(1.0, 10.0, 100), (1.0, 1000.0, 20), (10.0, 0.0, 20_000)],
)
def test_runs_that_go_into_a_time(seconds, each_ms, runs):
    assert runs_in(seconds, each_ms) == runs


def test_torch_has_fp16_alone():
    cases = list(cases_of(("tensorrt", "torch eager"), ("bts",), ("fp16", "int8"), [WH]))
    assert [(case.way, case.precision) for case in cases] == [
        ("tensorrt", "fp16"),
        ("torch eager", "fp16"),
        ("tensorrt", "int8"),
    ]


class Scripted:
    """Measures nothing; fails where it is told to."""

    def __init__(self, unprepared=(), fails_at=None):
        self.unprepared, self.fails_at = unprepared, fails_at or {}
        self.taken = []

    def prepare(self, case):
        if case.model in self.unprepared:
            raise CaseFailed("it does not build")
        return {"version": "10"}

    def turn(self, case, effort):
        self.taken.append(case.model)
        if self.taken.count(case.model) == self.fails_at.get(case.model):
            raise CaseFailed("the GPU was lost")
        return Turn(engine_ms=[1.0], facts={"notes": "slow"})


def cases(*models):
    return [Case("tensorrt", model, "fp16", WH) for model in models]


def test_cases_take_turns_there_and_back():
    measures, seen = Scripted(), []
    records = run_rounds(
        cases("a", "b", "c"),
        SHORT,
        measures,
        lambda records: seen.append([len(record.turns) for record in records]),
    )
    assert measures.taken == ["a", "b", "c", "c", "b", "a", "a", "b", "c"]
    assert seen == [[0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 3]]
    assert [record.facts for record in records] == [{"version": "10", "notes": "slow"}] * 3


def test_case_that_fails_is_out_and_the_rest_goes_on():
    measures = Scripted(unprepared=("a",), fails_at={"b": 2})
    records = run_rounds(cases("a", "b", "c"), SHORT, measures, lambda records: None)
    assert measures.taken == ["b", "c", "c", "b", "c"]
    assert [(len(record.turns), record.error) for record in records] == [
        (0, "it does not build"),
        (1, "the GPU was lost"),
        (3, ""),
    ]


def test_figures_of_a_case():
    turns = [
        Turn([0.4] * 3, [0.6] * 3, 2000.0, 1900.0, histogram(1.0, 1.0), 1, 3 << 20),
        Turn([0.4] * 3, [0.6] * 2 + [0.9], 1000.0, 980.0, histogram(3.0), 0, 5 << 20),
        Turn([0.4] * 3, [0.6] * 3, 2000.0, 2000.0, histogram(1.0), 0, 4 << 20),
    ]
    floor = Floor(bytes_ms=0.1, layered_ms=1.0, matrix_ms=0.2)
    work = Work(2_000_000, 20_000_000, {"fp16": 10**9}, 0)
    row = row_of(Record(CASE, turns, {"version": "10.3"}), work, floor)
    assert row["engine_alone_ms"]["p99"] == 0.4
    assert row["engine_alone_fps"] == pytest.approx(2500)
    assert (row["fuse_ms"]["p50"], row["fuse_ms"]["p99"]) == (0.6, 0.9)
    assert row["fuse_over_engine"] == pytest.approx(1.5)
    assert (row["stream_fps"], row["pipeline_fps"]) == (2000, 1900)  # medians
    assert row["pipeline_of_stream"] == pytest.approx(0.98)  # of 0.95, 0.98 and 1
    assert row["pipeline_of_engine"] == pytest.approx(1900 / 2500)
    assert row["live_ms"]["p50"] == pytest.approx(1, rel=0.01)
    assert row["live_ms"]["p99"] == pytest.approx(3, rel=0.01)
    assert (row["live_dropped"], row["device_mib"]) == (1, 5)
    assert (row["floor_ms"], row["engine_over_floor"]) == (0.2, pytest.approx(2))
    assert (row["version"], row["error"], row["rounds"]) == ("10.3", None, 3)


def test_figures_of_a_case_that_was_never_measured():
    row = row_of(Record(CASE, error="it does not build"), None, None)
    assert row["error"] == "it does not build"
    measured = {key: value for key, value in row.items() if key.endswith(("_ms", "_fps", "_mib"))}
    assert set(measured.values()) == {None}


def goal_row(**changes):
    row = {
        "way": "tensorrt",
        "model": "bts",
        "precision": "fp16",
        "size": [640, 480],
        "engine_alone_ms": {"p50": 0.4},
        "fuse_ms": {"p50": 0.6, "p99": 0.8},
        "pipeline_of_stream": 0.96,
        "pipeline_fps": 1600.0,
    }
    return row | changes


GOALS_MET = [True] * 5


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        pytest.param({}, GOALS_MET, id="all"),
        pytest.param(
            {"engine_alone_ms": {"p50": 0.55}, "fuse_ms": {"p50": 0.8, "p99": 0.9}},
            [False, True, True, True, True],
            id="slow-engine",
        ),
        pytest.param(
            {"fuse_ms": {"p50": 0.75, "p99": 0.9}}, [True, False, True, True, True], id="slow-call"
        ),
        pytest.param(
            {"fuse_ms": {"p50": 0.6, "p99": 0.95}}, [True, True, False, True, True], id="jitter"
        ),
        pytest.param(
            {"pipeline_of_stream": 0.9}, [True, True, True, False, True], id="pipeline-share"
        ),
        pytest.param({"pipeline_fps": 1400.0}, [True, True, True, True, False], id="pipeline-rate"),
        pytest.param({"pipeline_of_stream": 0.95, "pipeline_fps": 1500}, GOALS_MET, id="just"),
        pytest.param(
            dict.fromkeys(("engine_alone_ms", "fuse_ms", "pipeline_of_stream", "pipeline_fps")),
            [None] * 5,
            id="not-measured",
        ),
    ],
)
def test_goals(changes, met):
    goals = goals_of([goal_row(**changes)])
    assert [goal.met for goal in goals] == met
    assert {goal.engine for goal in goals} == {"tensorrt bts"}


@pytest.mark.parametrize(
    "changes", [{"way": "trtexec"}, {"precision": "int8"}, {"size": [1280, 720]}]
)
def test_goals_are_set_for_one_kind_of_case(changes):
    assert goals_of([goal_row(**changes)]) == []


def test_turn_of_an_engine_on_a_recorded_gpu():
    gpus = []

    def opener():
        gpus.append(Gpu())
        return TensorRtEngine(
            b"plan",
            WH,
            flavour=SimpleNamespace(name="tensorrt", version="10.3.0", title="TensorRT 10.3.0"),
            model="bts",
            precision="fp16",
            open_cuda=gpus[-1].open_cuda,
            runtime=RecordingRuntime(gpus[-1], WH),
        )

    turn = measure_engine(opener, WH, SHORT)
    assert len(gpus) == 3  # alone, in the pipeline, live
    assert all(gpu.open == [] for gpu in gpus)
    assert set(turn.engine_ms) == {0.25}
    assert len(turn.engine_ms) >= 20
    assert len(turn.fuse_ms) >= 20
    assert turn.stream_fps > 0
    assert turn.pipeline_fps > 0
    assert turn.live.count > 0
    assert turn.live_dropped >= 0
    assert turn.device_bytes >= 0
    assert turn.facts["version"] == "10.3.0"


@pytest.fixture
def worker():
    found = Worker()
    yield found
    found.close()


@pytest.mark.parametrize(
    ("function", "arguments", "words"),
    [
        pytest.param(math.sqrt, (-1.0,), "ValueError: ", id="an-error"),
        pytest.param(open_engine, ("nonsense",), "unknown engine 'nonsense' .*known", id="of-ours"),
        pytest.param(os._exit, (3,), "ended with exit code 3", id="it-ends"),
        pytest.param(os.abort, (), "ended by SIGABRT", id="it-aborts"),
        pytest.param(time.sleep, (600,), "longer than 1 s and was ended", id="it-hangs"),
    ],
)
def test_worker_starts_anew_after_a_failure(worker, function, arguments, words):
    first = worker.call(os.getpid, limit_s=60)
    assert first == worker.call(os.getpid, limit_s=60) != os.getpid()
    with pytest.raises(CaseFailed, match=words):
        worker.call(function, *arguments, limit_s=1 if function is time.sleep else 60)
    assert worker.call(os.getpid, limit_s=60) != first


FACTS = {
    "date": "2026-01-01 12:00 UTC",
    "gpu": {
        "gpu": "NVIDIA X",
        "compute_capability": "9.0",
        "memory_gib": 80.0,
        "driver": "580.1",
        "cuda_of_driver": "13.0",
        "packages": {"tensorrt": "10.3", "torch": None},
    },
    "machine": {"processor": "a processor", "cores": 16, "python": "3.12"},
    "rounds": 3,
    "seconds": 0.3,
    "missing": {"trtexec": "trtexec is not on the PATH"},
}


def test_report_holds_figures_failures_and_what_is_missing(tmp_path):
    good = Turn([0.4], [0.6], 2000.0, 1900.0, histogram(1.0), 0, 3 << 20, {"notes": "no graph"})
    records = [
        Record(CASE, [good], {"version": "10.3", "notes": "no graph"}),
        Record(Case("tensorrt", "bts", "int8", (640, 480)), error="too little | memory"),
    ]
    rates = Rates(3e12, {"fp16": 7e14}, {"matrix": "torch sees no GPU"})
    result = result_of(records, rates, FACTS, finished=True)
    write_report(tmp_path, result)
    data = json.loads((tmp_path / "gpu_speed.json").read_text())
    assert [row["error"] for row in data["rows"]] == [None, "too little | memory"]
    assert {row["gpu"] for row in data["rows"]} == {"NVIDIA X"}
    assert {row["driver"] for row in data["rows"]} == {"580.1"}
    assert data["rows"][0]["version"] == "10.3"
    assert data["rows"][0]["floor_bytes_ms"] > 0
    assert len(data["goals"]) == 5
    text = (tmp_path / "gpu_speed.md").read_text()
    for words in (
        "# Speed on NVIDIA X",
        "compute capability 9.0",
        "driver 580.1",
        "trtexec is not on the PATH",
        "matrix rate unknown: torch sees no GPU",
        "bts in int8: too little | memory",
        "bts in fp16: no graph",
        "0.400 / 0.400 / 0.400",
        "| tensorrt bts | engine alone, p50, at most 0.5 ms | 0.4 | met |",
    ):
        assert words in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {5, 15, 13}
    assert "not finished" not in text
    assert "not finished" in markdown({**result, "finished": False})


def test_without_a_gpu_it_says_why(tmp_path):
    script = ROOT / "benchmarks" / "gpu_speed.py"
    done = subprocess.run(
        [sys.executable, script, "--quick", "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        # No program to measure with, and no GPU where there is one.
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "PATH": str(tmp_path)},
    )
    assert done.returncode == 1, done.stderr
    for way in ("tensorrt", "tensorrt-rtx", "torch eager", "torch.compile", "trtexec"):
        assert f"not measured, {way}: " in done.stderr
    assert "nothing can be measured here" in done.stderr
    assert not (tmp_path / "out").exists()
