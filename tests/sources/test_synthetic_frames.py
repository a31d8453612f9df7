from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from fusion_rt.errors import SourceError
from fusion_rt.frame import Sensor
from fusion_rt.sources.synthetic import SceneSettings, SyntheticSource, open_synthetic
from fusion_rt.sources.uri import parse_uri

SMALL = SceneSettings(seconds=1.0, ir_wh=(160, 128), vis_wh=(320, 180), ir_fps=10, vis_fps=20)
SENSORS = [pytest.param(Sensor.IR, id="infrared"), pytest.param(Sensor.VIS, id="visible")]


@pytest.fixture(scope="module")
def cameras():
    return {sensor: SyntheticSource(SMALL, sensor) for sensor in Sensor}


def test_visible_source_delivers_all_frames_then_none():
    uri = parse_uri("synthetic:?seconds=0.5&vis_size=320x180&vis_fps=20")
    with open_synthetic(uri, Sensor.VIS) as source:
        assert (source.info.kind, source.info.size_wh, source.info.bit_depth) == (
            "synthetic",
            (320, 180),
            8,
        )
        assert (source.info.fps, source.info.frame_count) == (20.0, 10)
        before_ns = time.monotonic_ns()
        frames = [source.read() for _ in range(10)]
        assert source.read() is None
        assert source.read() is None
    assert [f.seq for f in frames] == list(range(10))
    assert [f.captured_ns for f in frames] == [i * 50_000_000 for i in range(10)]
    assert all(f.image.shape == (180, 320, 3) and f.image.dtype == np.uint8 for f in frames)
    stamps = [before_ns] + [ns for f in frames for ns in (f.begun_ns, f.arrived_ns)]
    assert stamps == sorted(stamps)


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (16, np.uint16)])
def test_infrared_source_delivers_grey_of_the_asked_depth(bits, dtype):
    source = SyntheticSource(replace(SMALL, ir_bits=bits, ir_offset_ms=12.0), Sensor.IR)
    frame = source.read()
    assert (frame.image.shape, frame.image.dtype, source.info.bit_depth) == (
        (128, 160),
        dtype,
        bits,
    )
    assert frame.captured_ns == 12_000_000


def test_raw_counts_are_hundredths_of_a_kelvin():
    raw = SyntheticSource(replace(SMALL, ir_bits=16), Sensor.IR).render(4)
    assert 27_800 < np.median(raw) < 28_800  # a cool night, 5 to 15 degrees Celsius
    assert raw.max() < 32_000
    assert raw.min() > 25_000


def test_eight_bits_are_a_fixed_linear_map_of_the_counts(cameras):
    raw = SyntheticSource(replace(SMALL, ir_bits=16), Sensor.IR)
    for index in (0, 7):
        kelvin = raw.render(index) / 100.0
        wanted = np.clip((kelvin - 278.0) * (255 / 24.0), 0, 255)
        np.testing.assert_allclose(cameras[Sensor.IR].render(index), wanted, atol=0.51)


@pytest.mark.parametrize("sensor", SENSORS)
def test_frames_do_not_depend_on_the_order_of_reading(cameras, sensor):
    first = cameras[sensor]
    backwards = {i: first.render(i).copy() for i in (9, 5, 0, 3)}
    other = SyntheticSource(SMALL, sensor)
    for index in range(10):
        frame = other.read()
        if index in backwards:
            np.testing.assert_array_equal(frame.image, backwards[index])


@pytest.mark.parametrize("sensor", SENSORS)
def test_frames_change_from_one_to_the_next(cameras, sensor):
    assert np.any(cameras[sensor].render(3) != cameras[sensor].render(4))


@pytest.mark.parametrize("sensor", SENSORS)
def test_another_seed_gives_another_street(cameras, sensor):
    other = SyntheticSource(replace(SMALL, seed=2, noise=0), sensor).render(0)
    same = SyntheticSource(replace(SMALL, noise=0), sensor).render(0)
    difference = np.abs(other.astype(int) - same).mean()
    assert difference > 2.0


@pytest.mark.parametrize("sensor", SENSORS)
def test_rate_changes_which_moments_are_seen_and_nothing_else(sensor):
    quiet = replace(SMALL, noise=0)
    slow = SyntheticSource(replace(quiet, ir_fps=5, vis_fps=5), sensor)
    fast = SyntheticSource(replace(quiet, ir_fps=15, vis_fps=15), sensor)
    np.testing.assert_array_equal(slow.render(2), fast.render(6))


def test_clock_offset_leaves_the_pictures_as_they_are(cameras):
    late = SyntheticSource(replace(SMALL, ir_offset_ms=40.0), Sensor.IR)
    np.testing.assert_array_equal(late.render(5), cameras[Sensor.IR].render(5))


@pytest.mark.parametrize("sensor", SENSORS)
def test_noise_is_new_in_every_frame_and_can_be_left_out(cameras, sensor):
    still = SyntheticSource(replace(SMALL, noise=0), sensor).render(6).astype(int)
    noisy = [cameras[sensor].render(i).astype(int) for i in (6, 7)]
    calm = np.abs(np.diff(still[:4].astype(int), axis=1)).mean()
    assert np.abs(noisy[0] - still).mean() > 0.1
    if sensor is Sensor.VIS:  # in the sky nothing moves: what changes there is noise
        assert 1.0 < np.std(noisy[0][:8] - noisy[1][:8]) < 12.0
        assert calm < 6.0


def test_scene_stays_alive_for_an_hour():
    source = SyntheticSource(
        replace(SMALL, seconds=3600.0, ir_fps=1, noise=0, ir_bits=16), Sensor.IR
    )
    warm = [int((source.render(i) > 29_000).sum()) for i in (3, 601, 1802, 3599)]
    assert min(warm) > 60


def test_closed_source_says_so():
    source = SyntheticSource(SMALL, Sensor.IR)
    source.close()
    source.close()
    with pytest.raises(SourceError, match="closed"):
        source.read()
