"""Flicker figures on clips whose answer is known beforehand."""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np
import pytest
from clips import temporal_figures

from fusion_rt.errors import UsageError
from fusion_rt.quality.flicker_level import LevelMeter
from fusion_rt.quality.temporal import TemporalMeter
from fusion_rt.quality.temporal_planes import Planes, luma

SHAPE = (96, 128)


def texture(seed: int, shape=SHAPE) -> np.ndarray:
    """Smooth random picture around grey 128, float64."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return 128 + 40 * soft / soft.std()


def noisy_clip(base, sigma, seed, frames=8):
    """Still scene under white noise; not rounded, so that factors are exact."""
    noise = np.random.default_rng(seed)
    return [base + sigma * noise.standard_normal(base.shape) for _ in range(frames)]


def as_bytes(frames):
    return [np.clip(np.rint(frame), 0, 255).astype(np.uint8) for frame in frames]


def flat(levels):
    return [np.full(SHAPE, level, np.uint8) for level in levels]


BASE = np.full(SHAPE, 120.0)
CALM_IR = as_bytes(noisy_clip(BASE, 1, 1))
CALM_VIS = as_bytes(noisy_clip(BASE, 1, 2))


def doubled(frames):
    """Twice the deviation from grey level 60; exact in bytes."""
    return [(2 * (frame.astype(int) - 60)).astype(np.uint8) for frame in frames]


@pytest.mark.parametrize(
    ("ir", "vis", "fused", "expected"),
    [
        pytest.param(CALM_IR, CALM_IR, CALM_IR, 1.0, id="noise-passed-on-as-it-is"),
        pytest.param(CALM_IR, CALM_IR, doubled(CALM_IR), 2.0, id="noise-doubled"),
        pytest.param(flat([90] * 8), CALM_VIS, CALM_VIS, 1.0, id="noise-of-the-noisier-source"),
        pytest.param(CALM_IR, CALM_VIS, flat([90] * 8), 0.0, id="noise-removed"),
    ],
)
def test_still_pixels_pass_on_noise(ir, vis, fused, expected):
    figures = temporal_figures(ir, vis, fused)
    assert figures["still_ratio"] == pytest.approx(expected, rel=1e-9)
    assert figures["still_change"] == pytest.approx(expected * figures["still_input"])


def test_noise_level_is_that_of_the_difference_of_two_frames():
    figures = temporal_figures(CALM_IR, CALM_VIS, CALM_VIS)
    # Two independent deviations of 1, each rounded to bytes (variance 1/12 more).
    assert figures["still_input"] == pytest.approx(math.sqrt(2 * (1 + 1 / 12)), rel=0.02)
    assert figures["still_share"] > 0.99


def test_an_average_of_two_equally_noisy_sources_is_calmer_by_the_root_of_two():
    ir, vis = (as_bytes(noisy_clip(BASE, 1.5, seed)) for seed in (3, 4))
    # Kept as the sum around 120, which is exact in bytes: twice the average.
    both = [(a.astype(int) + b - 120).astype(np.uint8) for a, b in zip(ir, vis, strict=True)]
    assert temporal_figures(ir, vis, both)["still_ratio"] / 2 == pytest.approx(0.707, abs=0.01)


def test_moving_things_are_not_taken_for_noise():
    """A square crosses the infrared; where it was or is, the fused picture may do anything."""
    ir, fused = [], []
    for step, (calm, other) in enumerate(zip(CALM_IR, CALM_VIS, strict=True)):
        square = np.s_[30:60, 10 + 8 * step : 40 + 8 * step]
        ir.append(calm.copy())
        ir[-1][square] = 230
        fused.append(other.copy())
        fused[-1][square] = 20
    figures = temporal_figures(ir, CALM_VIS, fused)
    still_scene = temporal_figures(CALM_IR, CALM_VIS, CALM_VIS)
    # Calm inner parts of the square remain: they are still in both.
    assert figures["still_change"] <= still_scene["still_change"] * 1.01
    assert 0.8 < figures["still_share"] < 0.97


def test_a_single_flashing_pixel_is_not_still():
    ir, fused = flat([100] * 4), flat([100] * 4)
    for step in (1, 3):
        ir[step][40, 50], fused[step][40, 50] = 140, 220
    figures = temporal_figures(ir, flat([100] * 4), fused)
    assert figures["still_change"] == 0
    assert figures["still_share"] == pytest.approx(1 - 1 / (SHAPE[0] * SHAPE[1]))


def test_slow_brightening_is_not_still():
    ramp = flat(range(100, 140, 5))  # 5 levels a frame: below the pixel's threshold
    figures = temporal_figures(ramp, CALM_VIS, ramp)
    assert figures["still_share"] == 0
    assert math.isnan(figures["still_ratio"])


@pytest.mark.parametrize(
    ("ir", "vis", "fused", "rms", "worst"),
    [
        pytest.param([50] * 5, [70] * 5, [60, 63, 60, 63, 60], 3, 3, id="flicker-of-its-own"),
        pytest.param([50] * 5, [70] * 5, [60, 64, 64, 64, 64], 2, 4, id="one-jump"),
        pytest.param([50, 60, 50], [70, 80, 70], [60, 70, 60], 0, 0, id="follows-both-sources"),
        pytest.param([50, 60, 50], [70] * 3, [60, 70, 60], 5, 5, id="follows-one-of-two"),
        pytest.param([50, 90, 50], [70] * 3, [60] * 3, 0, 0, id="calm-under-a-gain-jump"),
        pytest.param([50, 60, 50], [70, 80, 70], [60, 58, 60], 0, 0, id="moves-less-but-opposite"),
    ],
)
def test_level_moves_beyond_its_sources(ir, vis, fused, rms, worst):
    figures = temporal_figures(flat(ir), flat(vis), flat(fused))
    assert figures["level_rms"] == pytest.approx(rms)
    assert figures["level_worst"] == pytest.approx(worst)


def test_levels_of_each_frame_are_kept():
    meter = LevelMeter(["a"])
    for step in range(3):
        pictures = (np.full(SHAPE, value + step, np.uint8) for value in (10, 20, 30))
        ir, vis, fused = pictures
        meter.add(Planes.of(ir, vis, {"a": fused}))
    assert (meter.ir, meter.vis, meter.fused["a"]) == ([10, 11, 12], [20, 21, 22], [30, 31, 32])


def moving(seed: int, frames: int = 5, speed: int = 3) -> list[np.ndarray]:
    """A texture that slides to the left, whole pixels a frame."""
    wide = texture(seed, (SHAPE[0], SHAPE[1] + frames * speed))
    return as_bytes([wide[:, speed * i : speed * i + SHAPE[1]] for i in range(frames)])


def test_a_moving_picture_carried_along_has_ratio_one():
    clip = moving(5)
    figures = temporal_figures(clip, clip, clip)
    assert figures["warp_ratio"] == pytest.approx(1.0)
    # The flow finds the motion: what is left is far below the bare difference of frames.
    bare = np.mean([np.abs(luma(b) - luma(a)).mean() for a, b in itertools.pairwise(clip)])
    assert figures["warp_error"] < 0.2 * bare
    # Three columns a frame came in at the right: nothing to compare them with.
    assert 0.85 < figures["warp_share"] < 1 - 2.9 / SHAPE[1]


def test_error_along_the_motion_is_held_against_the_source_with_the_larger_one():
    clip = moving(7)
    figures = temporal_figures(flat([90] * len(clip)), clip, clip)
    assert figures["warp_ratio"] == pytest.approx(1.0)


def test_flicker_on_a_moving_picture_is_seen_under_the_motion():
    clip = moving(6)
    lit = as_bytes([frame + 6.0 * (index % 2) for index, frame in enumerate(clip)])
    figures = temporal_figures(clip, clip, lit)
    assert figures["warp_error"] == pytest.approx(6, rel=0.1)
    assert figures["warp_ratio"] > 5


def test_a_clip_without_any_change_has_no_ratio():
    clip = flat([80] * 3)
    figures = temporal_figures(clip, clip, clip)
    assert math.isnan(figures["still_ratio"])
    assert math.isnan(figures["warp_ratio"])
    assert (figures["still_change"], figures["level_rms"], figures["warp_error"]) == (0, 0, 0)


def test_colour_counts_by_its_luma():
    colour = np.zeros((1, 3, 3), np.uint8)
    colour[0, 0, 0] = colour[0, 1, 1] = colour[0, 2, 2] = 255  # pure blue, green, red
    np.testing.assert_allclose(luma(colour)[0], [29.07, 149.685, 76.245])
    np.testing.assert_allclose(luma(np.full((2, 2, 3), 77, np.uint8)), 77)


def test_several_methods_in_one_go_equal_each_alone():
    meter = TemporalMeter(["a", "b"])
    for ir, vis in zip(CALM_IR, CALM_VIS, strict=True):
        meter.add(ir, vis, {"a": vis, "b": np.maximum(ir, vis)})
    highest = [np.maximum(a, b) for a, b in zip(CALM_IR, CALM_VIS, strict=True)]
    assert meter.figures()["a"] == temporal_figures(CALM_IR, CALM_VIS, CALM_VIS)
    assert meter.figures()["b"] == temporal_figures(CALM_IR, CALM_VIS, highest)


@pytest.mark.parametrize(
    ("shape", "words"), [((10, 10), "10x10"), ((15, 90), "90x15"), ((90, 15), "15x90")]
)
def test_small_pictures_are_refused_in_words(shape, words):
    planes = [[np.zeros(shape, np.uint8)] * 2] * 3
    with pytest.raises(UsageError, match=f"the pictures are {words}, .* 16 px a side") as caught:
        temporal_figures(*planes)
    assert caught.value.hint


@pytest.mark.parametrize("shape", [(16, 16), (16, 640), (640, 16)])
def test_smallest_pictures_are_measured(shape):
    noise = np.random.default_rng(1).integers(100, 105, (3, *shape)).astype(np.uint8)
    assert temporal_figures(noise, noise, noise)["frames"] == 3


@pytest.mark.parametrize(
    ("ir", "vis", "fused", "words"),
    [
        pytest.param((4, 6), (4, 6), (4, 5), "fused is 5x4, but visible is 6x4", id="size"),
        pytest.param((3, 6), (4, 6), (4, 6), "infrared is 6x3, but visible is 6x4", id="ir-size"),
        pytest.param((4, 6), (4, 6, 4), (4, 6), r"uint8 \(4, 6, 4\)", id="alpha"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(ir, vis, fused, words):
    with pytest.raises(UsageError, match=words):
        temporal_figures(*([np.zeros(shape, np.uint8)] * 2 for shape in (ir, vis, fused)))


def test_a_single_frame_is_refused():
    with pytest.raises(UsageError, match="there is 1 frame"):
        temporal_figures(flat([1]), flat([1]), flat([1]))
