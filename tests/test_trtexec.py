"""trtexec is given what each version knows, and its times are read; by a stand-in for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gpu_bench.case import Case, Effort
from gpu_bench.trtexec import check_trtexec, measure_trtexec, prepare_trtexec

from engines.errors import BackendUnavailable, EngineError

ROOT = Path(__file__).parents[1]
CASE = Case("trtexec", "bts-lite", "fp16", (640, 480))
PROGRAM = """#!{python}
import json, os, sys
given = sys.argv[1:]
if given == ["--help"]:
    sys.exit(print({help!r}))
with open({log!r}, "a") as log:
    log.write(json.dumps(given) + chr(10))
print("&&&& RUNNING TensorRT.trtexec [TensorRT v101600] # trtexec")
for option in given:
    name, _, value = option.partition("=")
    if name in ("--saveEngine", "--exportTimes"):
        with open(value, "w") as file:
            file.write({times!r})
if {fails}:
    print("[I] so far so good")
    print("[E] Error[4]: the network is too good")
    print("&&&& FAILED TensorRT.trtexec")
    sys.exit(1)
"""


@pytest.fixture
def trtexec(tmp_path, monkeypatch):
    """Puts a program of that name on the PATH; gives what it was called with."""
    log = tmp_path / "calls"

    def place(known="", times='[{"computeMs": 0.5}, {"computeMs": 0.25}]', fails=False):
        path = tmp_path / "trtexec"
        words = {"help": known, "times": times, "fails": fails, "log": str(log)}
        path.write_text(PROGRAM.format(python=sys.executable, **words))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])

    def calls():
        return [json.loads(line) for line in log.read_text().splitlines()]

    place.calls = calls
    return place


def test_it_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendUnavailable, match="not on the PATH"):
        check_trtexec()


@pytest.mark.parametrize(
    ("known", "precision", "flags"),
    [
        ("--fp16 --int8 --noTF32", "fp16", {"--fp16"}),
        ("--fp16 --int8 --noTF32", "int8", {"--fp16", "--int8"}),
        ("--fp16 --int8 --noTF32", "fp32", {"--noTF32"}),
        ("--fp16 --int8 --noTF32 --stronglyTyped", "int8", {"--stronglyTyped"}),
        ("--fp16 --int8 --noTF32 --stronglyTyped", "fp32", {"--stronglyTyped", "--noTF32"}),
        ("--noTF32", "fp16", set()),
    ],
    ids=["8.6-fp16", "8.6-int8", "8.6-fp32", "10-int8", "10-fp32", "11-fp16"],
)
def test_precision_as_the_version_knows_it(trtexec, tmp_path, known, precision, flags):
    trtexec(known)
    case = Case("trtexec", "bts-lite", precision, (640, 480))
    assert prepare_trtexec(case, tmp_path, 0) == {"version": "101600"}
    (given,) = trtexec.calls()
    every = {"--fp16", "--int8", "--noTF32", "--stronglyTyped"}
    assert every & set(given) == flags
    shapes = "ir:1x1x480x640,vis:1x480x640x3,weight:1x1x480x640"
    assert {f"--{end}Shapes={shapes}" for end in ("min", "opt", "max")} <= set(given)


def test_times_of_each_launch_are_read(trtexec, tmp_path):
    trtexec()
    prepare_trtexec(CASE, tmp_path, 0)
    turn = measure_trtexec(CASE, tmp_path, Effort(1, 0.5, 0.25), 1)
    assert turn.engine_ms == [0.5, 0.25]
    assert turn.fuse_ms == []
    built, run = trtexec.calls()
    saved = next(word for word in built if word.startswith("--saveEngine="))
    assert saved.replace("save", "load") in run
    assert {"--useCudaGraph", "--duration=0.5", "--warmUp=250", "--device=1"} <= set(run)


def test_its_last_error_is_told(trtexec, tmp_path):
    trtexec(fails=True)
    with pytest.raises(EngineError, match=r"exit code 1: .*the network is too good"):
        prepare_trtexec(CASE, tmp_path, 0)


@pytest.mark.parametrize("times", ["", "{}", "[{}]", "[1]"])
def test_times_that_cannot_be_read(trtexec, tmp_path, times):
    trtexec(times=times)
    with pytest.raises(EngineError, match="no times that can be read"):
        measure_trtexec(CASE, tmp_path, Effort(1, 0.5), 0)


def test_whole_benchmark_by_the_stand_in(trtexec, tmp_path):
    trtexec()
    done = subprocess.run(
        [
            *(sys.executable, ROOT / "benchmarks" / "gpu_speed.py", "--quick"),
            *("--ways", "tensorrt,trtexec", "--models", "bts-lite", "--out", tmp_path / "out"),
        ],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out" / "gpu_speed.json").read_text())
    assert result["finished"]
    assert list(result["missing"]) == ["tensorrt"]
    assert [row["precision"] for row in result["rows"]] == ["fp16", "int8", "fp32"]
    for row in result["rows"]:
        assert (row["rounds"], row["error"], row["version"]) == (2, None, "101600")
        assert row["engine_alone_ms"] == {"p50": 0.25, "p95": 0.5, "p99": 0.5, "mean": 0.375}
        assert row["fused_mb"] > 2
        assert row["floor_ms"] is None
    assert len(trtexec.calls()) == 3 * (1 + 2)
    assert (tmp_path / "out" / "gpu_speed.md").read_text().strip() in done.stdout
    assert "measuring" in done.stderr
