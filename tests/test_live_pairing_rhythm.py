"""Period, regularity, latency and silence of one camera, as measured from its frames."""

from __future__ import annotations

import random

import pytest
from fakes import MS

from fusion_rt.live_pairing.rhythm import Rhythm


def observed(stamps_ms, nominal_fps=None, latency_ms=5.0):
    rhythm = Rhythm(nominal_fps)
    for stamp_ms in stamps_ms:
        rhythm.observe(round(stamp_ms * MS), round((stamp_ms + latency_ms) * MS))
    return rhythm


def regular(period_ms, count, first_ms=0.0):
    return [first_ms + index * period_ms for index in range(count)]


@pytest.mark.parametrize(
    ("stamps", "nominal_fps", "period_ms"),
    [
        pytest.param([], None, None, id="nothing-known"),
        pytest.param([0], None, None, id="one-frame-is-no-period"),
        pytest.param([0, 40], None, 40, id="two-frames"),
        pytest.param([], 25.0, 40, id="nominal"),
        pytest.param([0, 66], 25.0, 40, id="nominal-until-five-steps-are-known"),
        pytest.param(regular(33, 6), 25.0, 33, id="measured-after-five-steps"),
        pytest.param([0, 33, 99, 132, 165, 3000, 3033], None, 33, id="losses-and-pauses"),
        pytest.param([0, 66, 33, 99, 132, 165], None, 33, id="swapped"),
        pytest.param([*regular(33, 60), *regular(66, 6, 60 * 33 - 33 + 66)], None, 66, id="halved"),
        pytest.param([*regular(33, 60), *regular(16, 6, 59 * 33 + 16)], None, 16, id="doubled"),
        pytest.param(
            [*regular(33, 60), 59 * 33 + 99, 59 * 33 + 198, *regular(33, 9, 59 * 33 + 231)],
            None,
            33,
            id="two-gaps-are-no-other-rate",
        ),
    ],
)
def test_period(stamps, nominal_fps, period_ms):
    found = observed(stamps, nominal_fps).period_ns
    assert found == (None if period_ms is None else pytest.approx(period_ms * MS))


@pytest.mark.parametrize("jitter_ms", [2, 20])
def test_jitter_above_the_period_does_not_stretch_it(jitter_ms):
    rng = random.Random(3)
    stamps = [time + rng.uniform(-jitter_ms, jitter_ms) for time in regular(1000 / 60, 3000)]
    rhythm = Rhythm(None)
    periods = []
    for stamp in stamps:
        rhythm.observe(round(stamp * MS), 0)
        periods.append(rhythm.period_ns)
    settled = [period / MS for period in periods[100:]]
    assert sum(settled) / len(settled) == pytest.approx(1000 / 60, rel=0.05)


@pytest.mark.parametrize(
    ("stamps", "shortest_ms"),
    [
        pytest.param(regular(33, 20), 0, id="too-few-frames"),
        pytest.param(regular(33, 40), 33, id="regular"),
        pytest.param([*regular(33, 40), *regular(33, 6, 39 * 33 + 30)], 27, id="3-ms-early"),
        pytest.param([*regular(33, 40), *regular(33, 6, 39 * 33 + 9)], 0, id="far-too-early"),
    ],
)
def test_shortest_step_ahead(stamps, shortest_ms):
    assert observed(stamps).shortest_ns == pytest.approx(shortest_ms * MS)


@pytest.mark.parametrize(
    ("stamps", "nominal_fps", "silent_ms"),
    [
        pytest.param([], None, 100, id="nothing-known"),
        pytest.param([], 9.0, 333.333, id="nominal"),
        pytest.param(regular(16, 40), None, 100, id="never-below-100-ms"),
        pytest.param(regular(111, 40), None, 333, id="three-periods"),
        pytest.param([*regular(33, 40), *regular(200, 3, 39 * 33 + 200)], None, 600, id="slowing"),
    ],
)
def test_silence(stamps, nominal_fps, silent_ms):
    assert observed(stamps, nominal_fps).silent_after_ns == pytest.approx(silent_ms * MS, rel=1e-5)


def test_latency_is_the_median_and_the_least_of_the_last():
    rhythm = Rhythm(None)
    for index in range(40):
        rhythm.observe(index * 30 * MS, (index * 30 + (5 if index % 3 else 50)) * MS)
    assert rhythm.latency_ns == 5 * MS
    rhythm.observe(1200 * MS, 1202 * MS)
    assert rhythm.least_latency_ns == 2 * MS


def test_another_clock_makes_no_step_and_no_latency():
    rhythm = observed(regular(33, 40))
    rhythm.clock_changed()
    rhythm.observe(9_000_000 * MS, 9_000_100 * MS)
    assert rhythm.period_ns == 33 * MS
    assert rhythm.latency_ns == 100 * MS
