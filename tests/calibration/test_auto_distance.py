"""The distance found from the pictures, where the truth is known."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from rigs import pair_rig, shifted

from calibration.auto_distance import DistanceSearch
from calibration.node_map import NodeGrid
from calibration.parallax import parallax_slope
from calibration.sight_lines import sight_lines

STILL = np.eye(3)


def scene(seed, size_wh=(320, 256)):
    """Blocks of many sizes, (H, W) uint8: edges in all directions."""
    rng = np.random.default_rng(seed)
    width, height = size_wh
    picture = np.full((height, width), 128, np.uint8)
    for _ in range(60):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        box = ((x, y), tuple(rng.integers(10, 60, 2).tolist()), float(rng.uniform(0, 90)))
        corners = cv2.boxPoints(box).astype(np.int32)
        cv2.fillPoly(picture, [corners], int(rng.integers(0, 256)))
    return picture


def seen_by_infrared(rig, picture, inverse, correction=STILL, noise=6.0):
    """What the infrared camera sees of it: other contrast, and noise."""
    grid = NodeGrid(rig.ir_wh, 4)
    places = grid.dense(sight_lines(rig, grid.nodes, "ir", correction)(inverse))
    ir = cv2.remap(255 - picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    ir = 60 + 0.4 * ir + np.random.default_rng(5).normal(0, noise, ir.shape)
    return ir.clip(0, 255).astype(np.uint8)


def off_px(rig, found, inverse):
    """By how much things at the true distance would be off, in visible px."""
    grid = NodeGrid(rig.ir_wh, 32).nodes
    slope = parallax_slope(sight_lines(rig, grid, "ir", STILL), 0.0, rig.vis_wh)
    return slope * abs(found.inverse_distance - inverse)


@pytest.mark.parametrize(
    ("rig", "metres"),
    [
        pytest.param(pair_rig(t=(-0.1, 0, 0)), 4.0, id="side-by-side"),
        pytest.param(pair_rig(t=(-0.1, 0, 0)), 0.8, id="near"),
        pytest.param(pair_rig(t=(-0.1, 0, 0)), math.inf, id="far-away"),
        pytest.param(pair_rig(t=(0.0, 0.12, 0)), 2.0, id="one-above-the-other"),
        pytest.param(
            pair_rig(t=(-0.1, 0, 0), turn=(0, 0, 1.5)), 2.0, id="infrared-camera-on-its-side"
        ),
    ],
)
def test_distance_is_found_to_a_pixel(rig, metres):
    picture = scene(1)
    search, vis = DistanceSearch(rig), cv2.merge([picture] * 3)
    ir = seen_by_infrared(rig, picture, 1 / metres)
    found = search.best(search.scores(ir, vis, STILL))
    assert found.sure
    assert off_px(rig, found, 1 / metres) < 1.0


def test_correction_is_taken_into_account():
    rig, S, picture = pair_rig(t=(-0.1, 0, 0)), shifted(0.0, 9.0), scene(2)
    search, vis = DistanceSearch(rig), cv2.merge([picture] * 3)
    ir = seen_by_infrared(rig, picture, 0.4, S)
    found = search.best(search.scores(ir, vis, S))
    assert found.sure
    assert off_px(rig, found, 0.4) < 1.0
    assert not search.best(search.scores(ir, vis, STILL)).lead > found.lead


@pytest.mark.parametrize("seed", range(5))
def test_pictures_of_different_scenes_say_nothing(seed):
    rig = pair_rig(t=(-0.1, 0, 0))
    search, vis = DistanceSearch(rig), cv2.merge([scene(seed)] * 3)
    ir = seen_by_infrared(rig, scene(seed + 100), 0.4)
    assert not search.best(search.scores(ir, vis, STILL)).sure


def test_match_beyond_infinity_is_no_distance():
    rig = pair_rig(t=(-0.1, 0, 0))
    search, picture = DistanceSearch(rig), scene(3)
    ir = seen_by_infrared(rig, picture, -0.2)
    found = search.best(search.scores(ir, cv2.merge([picture] * 3), STILL))
    assert not found.within
    assert not found.sure


def test_flat_pictures_have_no_distance():
    search = DistanceSearch(pair_rig())
    ir, vis = np.full((128, 160), 90, np.uint8), np.full((256, 320, 3), 90, np.uint8)
    assert not search.best(search.scores(ir, vis, STILL)).sure
