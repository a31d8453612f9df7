"""16-bit counts to grey levels: known tables, damping in recording time."""

from __future__ import annotations

import numpy as np
import pytest

from fusion_rt.thermal import LinearAgc, linear_table, percentile_range


def ramp(low: int, high: int) -> np.ndarray:
    return np.linspace(low, high, 10_000).round().astype(np.uint16).reshape(100, 100)


def test_range_is_cut_at_the_percentiles():
    low, high = percentile_range(ramp(10_000, 20_000), 1, 99)
    assert low == pytest.approx(10_100, abs=3)
    assert high == pytest.approx(19_900, abs=3)


@pytest.mark.parametrize(
    ("count", "level"),
    [(0, 0), (1000, 0), (1500, 128), (2000, 255), (65535, 255), (1200, 51)],
)
def test_linear_table(count, level):
    assert linear_table(1000, 2000, min_span=64)[count] == level


def test_a_flat_scene_is_not_blown_up():
    table = linear_table(5000, 5010, min_span=100)
    assert int(table[5010]) - int(table[5000]) == pytest.approx(25, abs=1)
    assert int(table[5005]) == pytest.approx(127, abs=1)


def test_first_frame_sets_the_range():
    picture = LinearAgc(0, 100).apply(ramp(8000, 9000), captured_ns=0)
    assert picture.dtype == np.uint8
    assert (picture.min(), picture.max()) == (0, 255)


def test_a_hot_object_dims_the_rest_slowly():
    scene = ramp(8000, 9000)
    hot = scene.copy()
    hot[:10] = 20_000
    agc = LinearAgc(0, 100, damping_s=0.5)
    before = agc.apply(scene, 0)
    first = agc.apply(hot, 33_000_000)
    later = agc.apply(hot, 5_000_000_000)
    middle = (50, 50)
    assert 0.3 * before[middle] < first[middle] < before[middle]
    assert later[middle] < 0.15 * before[middle]


def test_both_ends_of_the_range_follow_by_the_time_constant():
    """A step of the scene, seen after 250, 500 and 1000 ms at a time constant of 500 ms."""
    first, second = ramp(8000, 9000), ramp(10_000, 14_000)
    agc = LinearAgc(0, 100, damping_s=0.5)
    agc.apply(first, 0)
    for captured_ms in (250, 500, 1000):
        picture = agc.apply(second, captured_ms * 1_000_000)
        share = 1 - np.exp(-captured_ms / 500)
        low, high = 8000 + share * 2000, 9000 + share * 5000
        expected = np.clip((second.astype(float) - low) * 255 / (high - low), 0, 255)
        assert np.abs(picture - expected).max() <= 1.5


@pytest.mark.parametrize(
    ("damping_s", "captured_ms"),
    [pytest.param(0.0, 33, id="no-damping"), pytest.param(0.5, -40, id="time-goes-backwards")],
)
def test_the_range_is_taken_over_at_once(damping_s, captured_ms):
    agc = LinearAgc(0, 100, damping_s=damping_s)
    agc.apply(ramp(8000, 9000), 0)
    picture = agc.apply(ramp(10_000, 14_000), captured_ms * 1_000_000)
    assert (picture.min(), picture.max()) == (0, 255)
    assert int(picture[50, 0]) == pytest.approx(127, abs=2)


def test_damping_follows_recording_time_and_so_repeats_exactly():
    frames = [ramp(8000 + 40 * i, 9000 + 90 * i) for i in range(5)]
    runs = []
    for _ in range(2):
        agc = LinearAgc()
        runs.append([agc.apply(f, i * 33_000_000) for i, f in enumerate(frames)])
    for one, two in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, two)
