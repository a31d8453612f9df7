from __future__ import annotations

import pytest

from fusion_rt.errors import UsageError
from fusion_rt.frame import Sensor
from fusion_rt.sources.synthetic import SceneSettings, open_synthetic, parse_settings
from fusion_rt.sources.uri import parse_uri


def test_no_option_takes_the_defaults():
    assert parse_settings(parse_uri("synthetic:")) == SceneSettings()
    assert parse_settings(parse_uri("synthetic:night-street")) == SceneSettings()


def test_every_option_reaches_its_setting():
    text = (
        "synthetic:night-street?seed=5&seconds=2.5&ir_size=320x256&vis_size=640x360"
        "&ir_fps=9&vis_fps=25&offset_ms=12&bits=16"
    )
    assert parse_settings(parse_uri(text)) == SceneSettings(
        seed=5, seconds=2.5, ir_wh=(320, 256), vis_wh=(640, 360), ir_fps=9.0, vis_fps=25.0,
        ir_offset_ms=12.0, ir_bits=16,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        pytest.param("synthetic:?sed=3", ("'sed'", "'seed'"), id="misspelt-option-names-nearest"),
        pytest.param("synthetic:?seed=-1", ("seed", "-1", "2147483647"), id="negative-seed"),
        pytest.param("synthetic:?seed=1.5", ("seed", "1.5", "whole"), id="broken-seed"),
        pytest.param("synthetic:?seconds=0", ("seconds", "0.1", "3600"), id="no-seconds"),
        pytest.param(
            "synthetic:?seconds=nan", ("seconds", "nan", "3600"), id="seconds-not-a-number"
        ),
        pytest.param("synthetic:?seconds=4000", ("seconds", "4000", "3600"), id="beyond-an-hour"),
        pytest.param(
            "synthetic:?ir_size=640", ("ir_size", "640", "WIDTHxHEIGHT"), id="half-a-size"
        ),
        pytest.param("synthetic:?vis_size=32x32", ("vis_size", "32x32", "48"), id="tiny-picture"),
        pytest.param("synthetic:?ir_fps=0", ("ir_fps", "0", "240"), id="no-frames-per-second"),
        pytest.param("synthetic:?vis_fps=fast", ("vis_fps", "fast", "number"), id="rate-in-words"),
        pytest.param("synthetic:?offset_ms=5000", ("offset_ms", "5000", "1000"), id="late-clock"),
        pytest.param("synthetic:?bits=12", ("bits", "12", "8 or 16"), id="twelve-bits"),
        pytest.param("synthetic:harbour", ("harbour",), id="unknown-scene"),
    ],
)
def test_refused_option_is_named_with_value_and_range(uri, words):
    with pytest.raises(UsageError) as caught:
        open_synthetic(parse_uri(uri), Sensor.IR)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert caught.value.hint
    assert "\n" not in message


@pytest.mark.parametrize(
    ("fps", "seconds", "count", "second_ns"),
    [
        pytest.param(30.0, 6.0, 180, 33_333_333, id="thirty-per-second"),
        pytest.param(9.0, 2.0, 18, 111_111_111, id="nine-per-second"),
        pytest.param(29.97, 10.0, 300, 33_366_666, id="broadcast-rate-is-30000/1001"),
        pytest.param(25.0, 3600.0, 90_000, 40_000_000, id="an-hour"),
    ],
)
def test_rate_sets_frame_count_and_stamps(fps, seconds, count, second_ns):
    settings = SceneSettings(vis_fps=fps, seconds=seconds)
    assert settings.frame_count(Sensor.VIS) == count
    assert settings.captured_ns(Sensor.VIS, 0) == 0
    assert settings.captured_ns(Sensor.VIS, 1) == second_ns


def test_offset_makes_infrared_stamps_late_and_nothing_else():
    settings = SceneSettings(ir_offset_ms=12.0)
    assert settings.captured_ns(Sensor.IR, 3) - settings.scene_ns(Sensor.IR, 3) == 12_000_000
    assert settings.captured_ns(Sensor.VIS, 3) == settings.scene_ns(Sensor.VIS, 3)
