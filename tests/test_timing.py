"""Percentiles in fixed memory agree with exact ones; rates do not count warm-up."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fusion_rt.timing import NS_PER_S, Histogram, RateMeter


@pytest.mark.parametrize("scale_ms", [0.05, 8.0, 900.0])
@pytest.mark.parametrize("percent", [50, 95, 99])
def test_percentiles_are_exact_to_half_a_percent(scale_ms, percent):
    samples = np.random.default_rng(1).gamma(2, scale_ms, 5000)
    histogram = Histogram()
    for value in samples:
        histogram.add(float(value))
    exact = np.percentile(samples, percent, method="inverted_cdf")
    assert histogram.percentile(percent) == pytest.approx(exact, rel=0.0051)
    assert histogram.summary()["max"] == pytest.approx(samples.max(), abs=5e-4)


def test_no_samples_give_no_figures():
    assert Histogram().summary() == {"p50": None, "p95": None, "p99": None, "max": None}
    assert math.isnan(Histogram().percentile(50))


def test_values_beyond_the_scale_are_held_at_its_ends():
    histogram = Histogram()
    histogram.add(0.0)
    assert histogram.percentile(99) == 0.0
    histogram.add(1e12)
    assert histogram.max_ms == 1e12


def test_overall_rate_runs_from_first_to_last_event():
    meter = RateMeter()
    for index in range(11):
        meter.tick(5 * NS_PER_S + index * NS_PER_S // 20)
    assert meter.overall_fps == pytest.approx(20)
    assert meter.recent_fps == pytest.approx(20)


def test_recent_rate_follows_a_change_within_about_a_second():
    meter = RateMeter()
    times = [i * 0.1 for i in range(50)] + [5 + i * 0.02 for i in range(60)]
    for seconds in times:
        meter.tick(round(seconds * NS_PER_S))
    assert meter.recent_fps == pytest.approx(50, rel=0.03)


def test_rate_of_less_than_two_events_is_zero():
    meter = RateMeter()
    assert (meter.recent_fps, meter.overall_fps) == (0.0, 0.0)
    meter.tick(1)
    assert (meter.recent_fps, meter.overall_fps) == (0.0, 0.0)
