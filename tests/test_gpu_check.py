"""The check of a GPU machine: verdicts, limits in time, the summary, and a run where no GPU is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gpu_check import Result, Step, judged, run_step, summary

ROOT = Path(__file__).parents[1]
CHECK = ROOT / "benchmarks" / "gpu_check.py"


@pytest.mark.parametrize(
    ("name", "code", "output", "verdict", "words"),
    [
        ("tests", 0, "....\n3 passed, 2 skipped in 1 s\n", "OK", "3 passed, 2 skipped in 1 s"),
        ("tests", 0, "43 skipped in 0.1 s", "skipped", "43 skipped in 0.1 s"),
        ("tests", 1, "1 failed, 3 passed", "failed", "1 failed, 3 passed"),
        (
            "probe tensorrt",
            3,
            "No module named 'tensorrt'",
            "skipped",
            "No module named 'tensorrt'",
        ),
        ("bench", 3, "what", "failed", "what"),
        ("bench", 1, "error: no GPU\nhint: get one", "failed", "error: no GPU"),
        ("bench", -6, "a\nb", "failed", "ended by SIGABRT; last words: b"),
        ("driver", 0, "", "OK", "said nothing"),
    ],
)
def test_verdict(name, code, output, verdict, words):
    assert judged(name, code, output) == (verdict, words)


def step(code, limit_s=60.0, **more):
    return Step("a step", (sys.executable, "-c", code), limit_s, **more)


def test_step_sees_its_paths_and_its_words_are_kept(tmp_path):
    log = tmp_path / "log"
    (tmp_path / "own_module.py").write_text("WORDS = 'found it'")
    code = "import own_module; print(own_module.WORDS)"
    result = run_step(step(code, paths=[tmp_path]), os.environ, 60, log)
    assert (result.verdict, result.words) == ("OK", "found it")
    result = run_step(step("print('second')"), os.environ, 60, log)
    assert result.words == "second"
    assert log.read_text().count("===== a step") == 2
    assert "found it" in log.read_text()


def test_step_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)"
    )
    result = run_step(step(code, limit_s=4), os.environ, 60, tmp_path / "log")
    assert result.verdict == "failed"
    assert result.words.startswith("took longer than 4 s; last words: ")
    pid = result.words.rsplit(" ", 1)[1]
    # The child is not ours to wait for, and a killed process takes a moment to end.
    deadline = time.monotonic() + 60
    while not has_ended(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert has_ended(pid)


def has_ended(pid):
    """Whether the process is gone, or dead and only not yet collected."""
    try:
        stat = (Path("/proc") / pid / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rsplit(")", 1)[1].split()[0] == "Z"


def test_step_for_which_no_time_is_left(tmp_path):
    result = run_step(step("print(1)"), os.environ, 0.0, tmp_path / "log")
    assert (result.verdict, result.words) == ("skipped", "no time was left")


def test_summary_counts():
    text = summary([Result("a", "OK", 1.0, "fine"), Result("b", "failed", 2.0, "x | y")])
    assert "| a | OK | 1 | fine |" in text
    assert "| b | failed | 2 | x / y |" in text
    assert "1 OK, 1 failed, 0 skipped" in text


def test_run_without_a_gpu(tmp_path):
    options = ("--steps", "machine,probe,tests", "--tensorrt", f"tensorrt={tmp_path}")
    done = subprocess.run(
        [sys.executable, CHECK, tmp_path / "out", *options],
        capture_output=True,
        text=True,
        timeout=200,
        # No GPU where there is one, and a TensorRT that cannot be loaded.
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    text = (tmp_path / "out" / "summary.md").read_text()
    assert text.strip() in done.stdout
    rows = {line.split(" | ")[0].lstrip("| "): line for line in text.splitlines()[4:]}
    assert "| OK |" in rows["packages"]
    for name in ("probe tensorrt", "probe tensorrt-rtx", f"probe tensorrt in {tmp_path.name}"):
        assert "| OK |" not in rows[name]
    assert "| skipped |" in rows["tests"]
    assert "numpy" in (tmp_path / "out" / "log.txt").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--steps", "machine,nonsense"), "no such step: nonsense"),
        (("--tensorrt", "tensorrt=/not/there"), "is not NAME=FOLDER"),
        (("--tensorrt", "other=/tmp"), "is not NAME=FOLDER"),
    ],
)
def test_wrong_usage(tmp_path, options, words):
    done = subprocess.run(
        [sys.executable, CHECK, tmp_path, *options], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert words in done.stderr
