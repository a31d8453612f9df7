"""Measures on reduced pictures: shifts of known length, noise, lights, something passing by."""

from __future__ import annotations

import numpy as np
import pytest

from fusion_rt.thermal.motion import change, reduced, shift

PX = 3  # of the test scenes to one of the reduced pictures


def noisy(picture: np.ndarray, seed: int, sigma: float = 4.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "shape",
    [(60, 80), (120, 160), (480, 640), (512, 640, 3), (1080, 1920, 3), (2160, 3840, 3), (640, 480)],
    ids=str,
)
def test_any_size_is_reduced_to_one(shape):
    picture = np.full(shape, 90, np.uint8)
    small = reduced(picture)
    assert (small.shape, small.dtype) == ((72, 96), np.float32)
    np.testing.assert_allclose(small, 90, atol=1)


@pytest.mark.parametrize("px", [0.2, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("degrees", [0, 40, 90, 200])
def test_a_shift_is_measured_in_reduced_px(scene, px, degrees):
    seen = scene(1)
    x, y = px * PX * np.cos(np.radians(degrees)), px * PX * np.sin(np.radians(degrees))
    moved = shift(reduced(seen(0, 0)), reduced(seen(x, y)))
    assert moved.px == pytest.approx(px, rel=0.25)
    assert moved.explained > 0.6
    right, down = np.median(moved.by_tile, axis=(1, 2))
    assert (right, down) == (
        pytest.approx(x / PX, abs=0.25 * px),
        pytest.approx(y / PX, abs=0.25 * px),
    )


@pytest.mark.parametrize("px", [0.2, 0.5, 1.0])
def test_the_change_grows_with_the_shift(scene, px):
    seen = scene(2)
    found = change(reduced(seen(0, 0)), reduced(seen(px * PX, 0)))
    assert found.overall == pytest.approx(px, rel=0.5)
    assert found.textured == 1


@pytest.mark.parametrize(
    "lights",
    [
        pytest.param(lambda picture: picture, id="noise-alone"),
        pytest.param(lambda picture: picture * 0.5, id="half-the-exposure"),
        pytest.param(lambda picture: picture * 0.4 + np.linspace(0, 150, 288), id="a-lamp"),
    ],
)
def test_noise_and_lights_are_no_motion(scene, lights):
    seen = scene(3)(0, 0)
    after = np.clip(lights(seen.astype(float)), 0, 255).astype(np.uint8)
    assert shift(reduced(noisy(seen, 4)), reduced(noisy(after, 5))).explained < 0.1


def test_something_passing_by_is_no_motion_of_the_whole(scene):
    before = scene(6)(0, 0)
    after = before.copy()
    after[80:140, 80:140] = scene(7)(0, 0)[80:140, 80:140]  # within one tile
    moved = shift(reduced(noisy(before, 1)), reduced(noisy(after, 2)))
    assert moved.px < 0.1
    found = change(reduced(before), reduced(after))
    assert found.overall < 0.1
    assert found.strongest > 1


def test_a_wall_has_no_texture():
    wall = np.full((216, 288), 120, np.uint8)
    found = change(reduced(noisy(wall, 1)), reduced(noisy(wall, 2)))
    assert found.textured == 0
    assert found.overall == 0
