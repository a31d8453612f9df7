"""The map from few nodes against the exact place of every pixel."""

from __future__ import annotations

import numpy as np
import pytest
from rigs import MILD_IR, MILD_VIS, pair_rig, pixels, shifted

from calibration.node_map import NodeGrid, node_step
from calibration.rig import Rig
from calibration.sight_lines import moved, sight_lines

TILTED = np.array([[2.1, 0.05, 60], [-0.04, 2.0, -90], [2e-5, 1e-5, 1]], np.float64)
BIG = {"ir_wh": (640, 512), "vis_wh": (640, 480), "focal": (770.0, 625.0)}
RATIONAL = (0.4, 0.05, 1e-3, -1e-3, 0.01, 0.7, 0.1, 0.01)


@pytest.mark.parametrize(
    ("rig", "metres"),
    [
        pytest.param(pair_rig(**BIG), np.inf, id="mild-lenses-far"),
        pytest.param(pair_rig(**BIG), 0.7, id="mild-lenses-near"),
        pytest.param(pair_rig(**BIG, turn=(0.1, 0.2, 1.5)), 3.0, id="one-camera-on-its-side"),
        pytest.param(pair_rig(**BIG, dist=(RATIONAL, MILD_VIS)), 5.0, id="rational-lens"),
        pytest.param(pair_rig(**BIG, dist=((-0.45, 0.2, 0, 0), MILD_IR)), 5.0, id="strong-lens"),
        pytest.param(Rig((256, 200), (640, 360), TILTED), np.inf, id="homography"),
    ],
)
@pytest.mark.parametrize("side", ["vis", "ir"])
def test_map_is_right_to_a_fiftieth_of_a_pixel(rig, metres, side):
    inverse, still = 1 / metres, np.eye(3)
    size_wh, other_wh = (rig.vis_wh, rig.ir_wh) if side == "vis" else (rig.ir_wh, rig.vis_wh)
    step, _ = node_step(lambda px: sight_lines(rig, px, side, still)(inverse), size_wh, other_wh)
    grid = NodeGrid(size_wh, step)
    dense = grid.dense(sight_lines(rig, grid.nodes, side, still)(inverse))
    assert dense.shape == (size_wh[1], size_wh[0], 2)
    truth = (rig.to_ir if side == "vis" else rig.to_vis)(pixels(size_wh), inverse)
    inside = ((truth > -0.5) & (truth < np.array(other_wh) - 0.5)).all(1)
    assert inside.mean() > 0.2
    assert np.hypot(*(dense.reshape(-1, 2) - truth)[inside].T).max() <= 0.02
    assert step >= 4  # else nothing would be won


@pytest.mark.parametrize("step", [1, 4, 32])
def test_each_pixel_lies_between_nodes(step):
    grid = NodeGrid((37, 21), step)
    np.testing.assert_allclose(grid.dense(grid.nodes).reshape(-1, 2), pixels((37, 21)), atol=1e-4)


def test_cells_with_a_node_that_lies_nowhere_lead_far_outside():
    grid = NodeGrid((64, 64), 8)
    places = grid.nodes.copy()
    places[grid.nodes[:, 0] > 40] = np.nan
    dense = grid.dense(places)
    assert np.isfinite(dense).all()
    assert (dense[:, 48:] < -1000).all()
    np.testing.assert_allclose(dense[:, :30].reshape(-1), grid.dense(grid.nodes)[:, :30].ravel())


@pytest.mark.parametrize("side", ["vis", "ir"])
def test_sight_lines_are_those_of_the_rig(side):
    rig, S = pair_rig(), shifted(3.0, -2.0, 0.01, 1.01)
    px = pixels((20, 15)) * 7
    for inverse in (0.0, 0.3, 2.0):
        if side == "vis":
            truth = rig.to_ir(moved(np.linalg.inv(S), px), inverse)
        else:
            truth = moved(S, rig.to_vis(px, inverse))
        np.testing.assert_allclose(sight_lines(rig, px, side, S)(inverse), truth, atol=1e-9)
