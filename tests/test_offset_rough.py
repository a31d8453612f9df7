"""Where two recordings roughly lie on each other: far apart, however the camera is mounted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shaken import Camera, Path, measured, only_in, shake, still, together

from fusion_rt.clock_offset.rough import rough_offset_ns


def apart(path: Path, apart_s: float, ir: Camera, mirrored: bool = False) -> float | None:
    """What is found in a minute of both, in s, where the infrared one began ``apart_s`` earlier."""
    rng = np.random.default_rng(0)
    ir_steps = measured(lambda t: path(np.asarray(t) - apart_s), ir, rng, 60)
    if mirrored:
        ir_steps = replace(ir_steps, moved=ir_steps.moved * [-1, 1])
    found_ns = rough_offset_ns(ir_steps, measured(path, Camera(), rng, 60))
    return None if found_ns is None else found_ns / 1e9


def hand() -> Path:
    return shake(np.random.default_rng(3))


@pytest.mark.parametrize("apart_s", [0.0, 3.3, -20.0, 35.0])
def test_recordings_of_one_rig(apart_s):
    assert apart(hand(), apart_s, Camera(25)) == pytest.approx(apart_s, abs=0.05)


@pytest.mark.parametrize(
    ("ir", "mirrored"),
    [
        pytest.param(Camera(9, scale=2.0), False, id="slow-with-a-long-lens"),
        pytest.param(Camera(roll=np.pi), False, id="upside-down"),
        pytest.param(Camera(roll=1.0), False, id="rolled"),
        pytest.param(Camera(), True, id="mirrored"),
    ],
)
def test_how_the_camera_is_mounted_does_not_matter(ir, mirrored):
    assert apart(hand(), 12.5, ir, mirrored) == pytest.approx(12.5, abs=0.05)


def test_one_jolt_does_not_outweigh_the_rest():
    """Each camera alone was hit once, at another time."""
    rng = np.random.default_rng(1)
    jolts = [only_in(shake(rng, 2.0), [(at, at + 0.4)], 62) for at in (10, 40)]
    ir, vis = (together(hand(), jolt) for jolt in jolts)
    found_ns = rough_offset_ns(measured(ir, Camera(), rng, 60), measured(vis, Camera(), rng, 60))
    assert found_ns == pytest.approx(0, abs=5e7)


@pytest.mark.parametrize(
    ("path", "offset_ms", "seconds"),
    [
        pytest.param(hand(), 0, 5.0, id="too-short"),
        pytest.param(hand(), 200_000, 30.0, id="times-too-far-apart"),
        pytest.param(still, 0, 30.0, id="nothing-moves"),
    ],
)
def test_nothing_to_compare(path, offset_ms, seconds):
    rng = np.random.default_rng(0)
    ir = measured(path, Camera(offset_ms=offset_ms, error=0), rng, seconds)
    assert rough_offset_ns(ir, measured(path, Camera(error=0), rng, seconds)) is None
