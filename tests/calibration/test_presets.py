"""Homographies between and beyond those that were taken."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from rigs import camera, pixels

from calibration.errors import RigError
from calibration.presets import Presets
from calibration.rig import CameraPair, Rig

FLAT = (0.0, 0.0, 0.0, 0.0)


def true_pair():
    """Lenses without distortion, side by side."""
    T = np.eye(4)
    T[:3, 3] = (-0.08, 0.01, 0.0)
    cameras = camera((160, 128), 190.0), camera((320, 256), 310.0)
    return Rig((160, 128), (320, 256), None, CameraPair(*cameras, T))


def taken_at(metres):
    """What points clicked on things at this distance would give."""
    truth = true_pair()
    K_ir, K_vis, T = truth.pair.ir.K, truth.pair.vis.K, truth.pair.T_vis_ir
    plane = np.eye(3) + np.outer(T[:3, 3], (0, 0, 1)) / metres
    H = K_vis @ plane @ np.linalg.inv(K_ir)
    return Rig(truth.ir_wh, truth.vis_wh, H / H[2, 2], distance_m=metres)


@pytest.mark.parametrize(
    "metres",
    [
        pytest.param(2.0, id="at-a-preset"),
        pytest.param(4.0, id="between"),
        pytest.param(1.0, id="nearer-than-all"),
        pytest.param(math.inf, id="farther-than-all"),
    ],
)
def test_presets_agree_with_the_cameras_at_every_distance(metres):
    presets, truth = Presets.of([taken_at(8.0), taken_at(2.0), taken_at(3.0)]), true_pair()
    px = pixels((10, 8)) * 30
    for found, exact in (
        (presets.to_ir(px, 1 / metres), truth.to_ir(px, 1 / metres)),
        (presets.to_vis(px / 2, 1 / metres), truth.to_vis(px / 2, 1 / metres)),
    ):
        np.testing.assert_allclose(found, exact, atol=1e-6)
    assert presets.distance_m == 8.0  # of the first


@pytest.mark.parametrize(
    ("rigs", "message", "hint"),
    [
        pytest.param([taken_at(2)], "at two distances at least", "another", id="one-alone"),
        pytest.param(
            [taken_at(2), true_pair()], "both cameras calibrated", "use it alone", id="pair"
        ),
        pytest.param(
            [taken_at(2), dataclasses.replace(taken_at(3), distance_m=None)],
            "does not say at which distance",
            "distance_m",
            id="no-distance",
        ),
        pytest.param(
            [taken_at(2), dataclasses.replace(taken_at(3), ir_wh=(80, 64))],
            "160x128 with 320x256 and 80x64 with 320x256",
            "same cameras",
            id="other-sizes",
        ),
        pytest.param([taken_at(20), taken_at(21)], "nearly the same distance", "apart", id="near"),
    ],
)
def test_presets_that_cannot_be_used(rigs, message, hint):
    with pytest.raises(RigError, match=message) as caught:
        Presets.of(rigs)
    assert hint in caught.value.hint
