"""Line through offsets: rate, outliers, jumps, and what is claimed about its error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fusion_rt.clock_offset.drift import ClockDrift, Drift

S = 1_000_000_000


def follow(
    drift: ClockDrift,
    seconds: range,
    told_ms: Callable[[int], float],
    plus_minus_ms: float = 3.0,
) -> int:
    """Add an offset for each second; how many jumps were seen."""
    return sum(drift.add(second * S, told_ms(second), plus_minus_ms) for second in seconds)


def line(drift: ClockDrift, second: int) -> Drift:
    found = drift.at(second * S)
    assert found is not None
    return found


def windows_noise(seed: int, count: int) -> np.ndarray:
    """Errors of 1 ms, of which windows that overlap share a part."""
    rng = np.random.default_rng(seed)
    return np.convolve(rng.normal(size=count + 20), np.full(10, 0.1**0.5), "same")


@pytest.mark.parametrize("ppm", [0, 40, -120, 500])
def test_rate_after_five_minutes(ppm):
    rate_errors, offset_errors, inside = [], [], []
    for seed in range(10):
        drift, noise = ClockDrift(), windows_noise(seed, 300)
        jumps = follow(drift, range(300), lambda t, n=noise: 40 + ppm * 1e-3 * t + n[t])
        found = line(drift, 300)
        rate_errors.append(abs(found.ppm - ppm))
        offset_errors.append(abs(found.offset_ms - 40 - ppm * 0.3))
        inside.append(rate_errors[-1] <= found.ppm_plus_minus)
        assert jumps == 0
    assert np.percentile(rate_errors, 95) <= 5
    assert max(offset_errors) <= 2
    assert np.mean(inside) >= 0.9


def test_the_first_offset_stands_alone():
    drift = ClockDrift()
    assert drift.at(0) is None
    follow(drift, range(1), lambda _: 25.0)
    found = line(drift, 0)
    assert found.windows == 1
    assert found.offset_ms == pytest.approx(25)
    assert found.plus_minus_ms >= 3
    assert found.ppm == pytest.approx(0, abs=1)


def test_the_claim_widens_while_nothing_is_told():
    drift = ClockDrift()
    follow(drift, range(20), lambda _: 25.0)
    widths = [line(drift, second).plus_minus_ms for second in (20, 60, 300, 1200)]
    assert widths == sorted(widths)
    assert widths[-1] > 20  # +-66 ppm over 20 min are 80 ms


@pytest.mark.parametrize("ppm", [60, -300])
def test_shaken_once_a_minute_the_difference_is_a_rate_and_no_jump(ppm):
    drift, noise = ClockDrift(), windows_noise(1, 300)
    for minute in range(5):
        seconds = range(60 * minute, 60 * minute + 12)
        assert follow(drift, seconds, lambda t: 40 + ppm * 1e-3 * t + noise[t]) == 0
        assert not drift.contradicted
    found = line(drift, 300)
    assert found.ppm == pytest.approx(ppm, abs=5)
    assert found.ppm_plus_minus < 20
    assert found.offset_ms == pytest.approx(40 + ppm * 0.3, abs=2)


def test_windows_each_five_seconds_count_although_frames_shift_their_middles():
    drift = ClockDrift()
    for index in range(10):
        drift.add(5 * S * index - 30_000_000 * (index % 2), 10.0, 3.0)
    assert line(drift, 50).windows == 10


def test_single_outliers_change_nothing():
    clean, dirty = ClockDrift(), ClockDrift()
    noise = windows_noise(0, 200)
    follow(clean, range(200), lambda t: 10 + noise[t])
    jumps = follow(dirty, range(200), lambda t: 10 + noise[t] + (170 if t % 23 == 20 else 0))
    assert jumps == 0
    assert line(dirty, 200).offset_ms == pytest.approx(line(clean, 200).offset_ms, abs=0.5)


def test_a_jump_of_the_clock_begins_a_new_line():
    drift, noise = ClockDrift(), windows_noise(0, 200)
    jumps = follow(drift, range(200), lambda t: (10 if t < 100 else 140) + noise[t])
    assert jumps == 1
    assert not drift.contradicted
    found = line(drift, 200)
    assert found.offset_ms == pytest.approx(140, abs=2)
    assert found.windows < 25


def test_strays_that_contradict_each_other_are_no_jump():
    drift = ClockDrift()
    follow(drift, range(60), lambda _: 10.0)
    assert not drift.contradicted
    assert follow(drift, range(60, 90), lambda t: 100.0 if t % 2 else -150.0) == 0
    assert drift.contradicted
    assert line(drift, 90).offset_ms == pytest.approx(10, abs=1)


def test_time_that_stands_or_runs_back_is_left_out():
    drift = ClockDrift()
    follow(drift, range(10, 30), lambda _: 10.0)
    before = line(drift, 30)
    assert not drift.add(12 * S, 400.0, 3.0)
    assert line(drift, 30) == before


def test_memory_is_bounded_and_the_old_forgotten():
    drift = ClockDrift()
    # The rate changes as the camera warms up; only the last 20 minutes count.
    follow(drift, range(0, 7200, 5), lambda t: 0.03 * min(t, 3600))
    found = line(drift, 7200)
    assert found.windows <= 20 * 60 // 5 + 1
    assert found.ppm == pytest.approx(0, abs=0.5)


def test_a_recording_is_kept_whole():
    drift = ClockDrift(keep_ns=None)
    follow(drift, range(0, 7200, 5), lambda t: 0.03 * t)
    assert line(drift, 3600).windows == 7200 // 5


def test_cleared_it_knows_nothing():
    drift = ClockDrift()
    follow(drift, range(10), lambda _: 10.0)
    drift.clear()
    assert drift.at(10 * S) is None
