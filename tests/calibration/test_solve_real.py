"""Real detections of a heated board with holes, in four cameras that ran freely."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from calibration.board import Board
from calibration.solve import judge, predict, solve_rig
from calibration.solve.solution import Solution
from calibration.views import PairView

SIZES = {"thermal": (640, 480), "left": (1384, 1032), "right": (1384, 1032)}
FAR = (1.0, 2.0, 5.0, float("inf"))


def _solve(first: str, second: str) -> Solution:
    root = os.environ.get("FUSION_RT_DATA")
    if not root:
        pytest.skip("FUSION_RT_DATA is not set")
    path = Path(root) / "calibration/circles/calibration_detections_200512.npz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with np.load(path) as data:
        px = [data[f"{name}_points"][:, :, 0] for name in (first, second)]
    seen = np.flatnonzero((px[0] >= 0).all((1, 2)) & (px[1] >= 0).all((1, 2)))[::15]
    views = [PairView(str(at), px[0][at], px[1][at]) for at in seen]
    # Its spacing is not stated; only lengths hang on it.
    return solve_rig(views, Board("circles", 4, 13, 0.035), SIZES[first], SIZES[second])


def test_two_visible_cameras_on_one_trigger_go_together():
    solution = _solve("left", "right")
    assert solution.noise_ir_px < 0.3
    assert solution.noise_vis_px < 0.3
    assert len(solution.left_out) <= 3  # of 31, with a board that was never at rest
    # The board is bowed, by the same amount whichever cameras look at it.
    np.testing.assert_allclose(solution.bow_m[:2], (0.0009, 0.0020), atol=0.0005)


def test_a_thermal_camera_that_ran_freely_before_a_moving_board_is_found_out():
    solution = _solve("thermal", "left")
    verdict = judge(solution, predict(solution, FAR))
    assert solution.alone_ir_px < 0.2
    assert verdict.grade == "poor"
    assert "do not belong together" in verdict.headline
