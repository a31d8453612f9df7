"""Still pictures are laid together pair by pair."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rigs import pair_rig

from calibration.node_map import NodeGrid
from calibration.sight_lines import sight_lines
from fusion_rt.errors import UsageError
from fusion_rt.registration.settings import RegistrationSettings
from fusion_rt.registration.still import StillAlignments

RIG = pair_rig(t=(-0.1, 0, 0), distance_m=8.0)
SIZES = RIG.ir_wh, RIG.vis_wh


def photographed(metres):
    """Both cameras' pictures of one scene; the infrared one is the other way round."""
    rng = np.random.default_rng(3)
    picture = np.full((256, 320), 128, np.uint8)
    for _ in range(60):
        x, y, side = (int(v) for v in rng.integers((0, 0, 10), (320, 256, 50)))
        cv2.rectangle(picture, (x, y), (x + side, y + side), int(rng.integers(256)), -1)
    grid = NodeGrid(RIG.ir_wh, 4)
    places = grid.dense(sight_lines(RIG, grid.nodes, "ir", np.eye(3))(1 / metres))
    ir = cv2.remap(255 - picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return ir, cv2.merge([picture] * 3)


def test_each_pair_is_matched_at_its_own_distance():
    said = []
    stills = StillAlignments(RIG, RegistrationSettings(auto=True), said.append)
    for metres in (1.5, 5.0):
        found = stills.align(stills.kit(*SIZES), "a.png", *photographed(metres))
        assert found.inverse_distance == pytest.approx(1 / metres, abs=1 / 31)  # one px
    assert "a.png: matched at" in said[0]


def test_pair_whose_distance_cannot_be_told_is_matched_as_set_and_says_so():
    said = []
    stills = StillAlignments(RIG, RegistrationSettings(auto=True), said.append)
    ir, vis = np.zeros((128, 160), np.uint8), np.zeros((256, 320, 3), np.uint8)
    assert stills.align(stills.kit(*SIZES), "b.png", ir, vis).distance_m == pytest.approx(8.0)
    assert said == ["note: b.png: its distance cannot be told, matched at 8 m"]


def test_one_map_serves_all_pairs_of_one_size():
    stills = StillAlignments(RIG, RegistrationSettings(), lambda words: None)
    pair = photographed(2.0)
    first = stills.align(stills.kit(*SIZES), "a", *pair)
    assert stills.align(stills.kit(*SIZES), "b", *pair) is first


def test_distance_without_a_rig_is_refused():
    stills = StillAlignments(None, RegistrationSettings(distance_m=2.0), lambda words: None)
    with pytest.raises(UsageError, match="one distance only"):
        stills.kit((64, 64), (64, 64))
