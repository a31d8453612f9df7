"""The soak test finds what grows, claims nothing else, and reads a run rightly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soak_report
from soak_report import Injected, findings, read_lines, unaccounted
from soak_stats import Trend, trend, verdict

SECOND_NS = 1_000_000_000
_SOAK = Path(soak_report.__file__).with_name("soak.py")


def steady(rng):
    return rng.normal(0, 0.5, 1200)


def waves(rng):
    """Up and down once in two minutes, as faults in turn make it."""
    t = np.arange(1200)
    return 3 * np.sin(2 * np.pi * t / 120 + rng.uniform(0, 6)) + rng.normal(0, 0.5, t.size)


def spikes(rng):
    return rng.normal(0, 0.5, 1200) + 100 * (rng.random(1200) < 0.1)


def slow_noise(rng):
    """Each value leans on the one before; its memory lasts about 20 s."""
    noise, values = rng.normal(0, 0.3, 1200), np.zeros(1200)
    for index in range(1, values.size):
        values[index] = 0.95 * values[index - 1] + noise[index]
    return values


@pytest.mark.parametrize("noise", [steady, waves, spikes, slow_noise])
@pytest.mark.parametrize("per_hour", [0.0, 60.0, -60.0])
def test_bounds_hold_the_planted_slope(noise, per_hour):
    t_s = np.arange(1200)
    held = 0
    for seed in range(5):
        values = 300 + per_hour * t_s / 3600 + noise(np.random.default_rng(seed))
        found = trend(t_s, values, block_s=160)
        assert found.per_hour == pytest.approx(per_hour, abs=8)
        assert (found.low > 0) == (per_hour > 0) or per_hour == 0
        held += found.low <= per_hour <= found.high
    assert held >= 4


def test_growth_in_steps_is_found():
    t_s = np.arange(1200)
    found = trend(t_s, 20 + 4 * (t_s // 60), block_s=160)
    assert found.per_hour == pytest.approx(240, rel=0.05)
    assert found.low > 200


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(np.full(600, 26), (0, 0, 0, 26), id="nothing-moves"),
        pytest.param(np.where(np.arange(600) % 7, 5.0, np.nan), (0, 0, 0, 5), id="holes"),
    ],
)
def test_even_series(values, expected):
    found = trend(np.arange(600), values, block_s=60)
    assert (found.per_hour, found.low, found.high, found.level) == expected


@pytest.mark.parametrize("count", [0, 1, 7])
def test_too_short_is_said(count):
    assert trend(range(count), [1.0] * count, block_s=10) is None
    assert verdict(None, "MiB", 10) == "too short to tell"


@pytest.mark.parametrize(
    ("slope", "word"),
    [
        pytest.param((20, 15, 25), "GROWS", id="surely-up"),
        pytest.param((2, 1, 3), "GROWS", id="surely-up-though-little"),
        pytest.param((1, -2, 4), "no growth", id="around-none"),
        pytest.param((-9, -12, -6), "no growth", id="down"),
        pytest.param((5, -20, 30), "undecided", id="bounds-too-wide"),
    ],
)
def test_verdict(slope, word):
    assert verdict(Trend(*slope, level=100), "MiB", limit=10).startswith(word)


def change(at_s, level):
    return {"at_ns": round(at_s * SECOND_NS), "level": level, "why": []}


@pytest.mark.parametrize(
    ("changes", "good_again_s"),
    [
        pytest.param([(0, "good"), (11, "down"), (16.5, "good")], 1.5, id="after-a-while"),
        pytest.param([(0, "good"), (11, "down"), (13, "good")], 0.0, id="before-its-end"),
        pytest.param([(0, "good")], 0.0, id="never-ill"),
        pytest.param([(0, "good"), (11, "down"), (17, "degraded")], None, id="never-good-again"),
        pytest.param([(0, "good"), (11, "down"), (31, "good")], None, id="in-the-next-fault"),
        pytest.param(
            [(0, "good"), (11, "down"), (16, "good"), (17, "down"), (18, "good")],
            1.0,
            id="first-time-counts",
        ),
    ],
)
def test_recovery(changes, good_again_s):
    faults = [Injected("pulled", 10 * SECOND_NS, 15 * SECOND_NS)]
    faults += [Injected("frozen", 30 * SECOND_NS, 32 * SECOND_NS)]
    lines = [change(*one) for one in changes]
    found = findings([], lines, faults, None, warm_up_s=0, block_s=60)["faults"]["pulled"]
    assert found["never_good_again"] == (good_again_s is None)
    if good_again_s is not None:
        assert found["good_again_s"] == {"median": good_again_s, "most": good_again_s}


def test_frames_that_vanish_are_counted():
    frames = {
        "captured_ir": 100,
        "captured_vis": 90,
        "fused": 80,
        "reused": {"ir": 0, "vis": 5},
        "shown_alone": {"ir": 10, "vis": 0},
        "dropped": {"surplus": {"ir": 6, "vis": 3}, "stopped": {"ir": 1, "vis": 1}},
    }
    assert unaccounted(frames) == {"ir": 3, "vis": 11}


def test_ten_seconds_with_simulated_cameras(tmp_path):
    out = tmp_path / "soak.json"
    options = ["--cameras", "simulated", "--engine", "classical", "--faults", "--every", "8"]
    options += ["--minutes", "0.17", "--warm-up", "2"]
    done = subprocess.run(
        [sys.executable, str(_SOAK), *options, "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert out.exists(), done.stderr + out.with_suffix(".log").read_text("utf-8")
    figures = json.loads(out.read_text("utf-8"))
    samples, changes = read_lines(out.with_suffix(".jsonl"))
    assert figures["exit_code"] == 0
    assert figures["unaccounted"] == {"ir": 0, "vis": 0}
    assert figures["faults"]["infrared lost"]["times"] == 1
    assert figures["reconnects"]["ir"] == 1
    assert [line["level"] for line in changes].count("degraded") >= 1
    assert sum(sample["fused"] for sample in samples) > 5
    assert set(figures["slopes"]) == {key for key, _, _ in soak_report.SERIES}
    assert "exit code 0" in done.stdout
