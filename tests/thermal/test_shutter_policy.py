"""Weight of the infrared during and after a shutter event, by the frames' own times."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fusion_rt.thermal.shutter_policy import FADE_NS, Fade, ShutterPolicy

MS = 1_000_000


@pytest.mark.parametrize(
    ("fade", "now_ms", "weight"),
    [
        pytest.param(Fade(), 500, 1.0, id="shown"),
        pytest.param(Fade(1.0, 0.0, 100 * MS), 100, 1.0, id="begins-where-it-was"),
        pytest.param(Fade(1.0, 0.0, 100 * MS), 175, 0.5, id="half-way-down"),
        pytest.param(Fade(1.0, 0.0, 100 * MS), 250, 0.0, id="down-after-150-ms"),
        pytest.param(Fade(1.0, 0.0, 100 * MS), 9000, 0.0, id="stays-down"),
        pytest.param(Fade(0.5, 1.0, 100 * MS), 145, 0.8, id="up-at-the-same-pace"),
        pytest.param(Fade(0.5, 1.0, 100 * MS), 9000, 1.0, id="stays-up"),
        pytest.param(Fade(1.0, 0.0, 100 * MS), 50, 1.0, id="earlier-than-its-beginning"),
    ],
)
def test_weight_on_its_way(fade, now_ms, weight):
    assert fade.at(now_ms * MS) == pytest.approx(weight)


def test_turning_back_half_way_goes_on_from_there():
    down = Fade(1.0, 0.0, 0)
    up = down.towards(1.0, 75 * MS)
    assert up.at(75 * MS) == pytest.approx(0.5)
    assert up.at(150 * MS) == pytest.approx(1.0)
    assert up.towards(1.0, 90 * MS) is up


def weights(policy: str, frozen: slice, vis, count: int = 60, fps: float = 30) -> np.ndarray:
    """Weight at each frame; ``vis`` gives the visible picture of a frame."""
    shutter = ShutterPolicy(policy)
    times = np.round(np.arange(count) * 1e9 / fps).astype(int)
    inside = range(count)[frozen]
    return np.array([shutter.weight(i in inside, vis(i), int(t)) for i, t in enumerate(times)])


@pytest.mark.parametrize(
    ("policy", "moves", "gone"),
    [
        pytest.param("fade", False, True, id="fade-though-nothing-moves"),
        pytest.param("hold", False, False, id="hold-while-nothing-moves"),
        pytest.param("hold", True, True, id="hold-ends-when-the-rig-moves"),
    ],
)
def test_policies(scene, policy, moves, gone):
    look = scene(1)
    shown = weights(policy, slice(20, 40), lambda i: look(3.0 * i if moves else 0.0, 0.0))
    assert set(shown[:20]) == {1.0}
    assert shown[39] == (0.0 if gone else 1.0)
    assert np.abs(np.diff(shown)).max() <= (1e9 / 30) / FADE_NS + 1e-6
    assert set(shown[45:]) == {1.0}  # back within 150 ms


def test_someone_who_walks_ends_the_hold(scene):
    look, person = scene(1)(0, 0), scene(2, detail=3.0)(0, 0)

    def walking(index: int) -> np.ndarray:
        picture = look.copy()
        left = 20 + 3 * index
        picture[60:180, left : left + 40] = person[60:180, :40]
        return picture

    assert weights("hold", slice(20, 40), walking)[39] == 0.0


def test_noise_does_not_end_the_hold(scene):
    look, rng = scene(1)(0, 0), np.random.default_rng(3)

    def at_night(_: int) -> np.ndarray:
        return np.clip(look + rng.normal(0, 12, look.shape), 0, 255).astype(np.uint8)

    assert set(weights("hold", slice(20, 40), at_night)) == {1.0}


def test_what_moved_before_the_event_does_not_count(scene):
    look = scene(1)
    shown = weights("hold", slice(20, 40), lambda i: look(min(i, 20) * 3.0 - 30, 0.0))
    assert set(shown) == {1.0}


def test_the_policy_may_change_during_an_event(scene):
    picture = scene(1)(0, 0)
    shutter = ShutterPolicy("hold")
    assert shutter.weight(True, picture, 0) == 1.0
    shutter.policy = "fade"
    assert shutter.weight(True, picture, 33 * MS) == 1.0
    assert shutter.weight(True, picture, 33 * MS + FADE_NS) == 0.0


def test_real_clips_of_still_scenes_hold_and_people_end_it(real_data):
    """Still scenes hold for 20 frames; people who walk end it."""

    def last(clip: str) -> float:
        paths = sorted((real_data / "video" / clip / "vis").glob("*.png"))
        pictures = [cv2.imread(str(path)) for path in paths]
        return float(weights("hold", slice(0, 20), lambda i: pictures[i], len(pictures))[-1])

    assert {last("0114_1551"), last("0114_1611")} == {1.0}
    assert {last(clip) for clip in ("0111_1716", "0111_1803", "0115_1831")} == {0.0}
