"""Two cameras agree on which end of a board comes first."""

from __future__ import annotations

import numpy as np
import pytest
from boards import CHESSBOARD, CIRCLES, IR, VIS

from calibration.board import Board
from calibration.errors import CalibrationError
from calibration.targets.detection import detect_board
from calibration.targets.order import is_told_apart, pair_order
from calibration.targets.rendering import Sensor, draw_board, expose, pose


def seen(camera, board, roll_deg, inverted=False):
    T = pose(board, (0.02, 0, 1.3), (0, 0, np.radians(roll_deg)))
    drawing = draw_board(camera, board, T)
    return drawing.px, expose(drawing, Sensor(inverted=inverted), np.random.default_rng(0))


@pytest.mark.parametrize("roll_deg", [0, 60, 88, 92, 135, 180, 271])
@pytest.mark.parametrize("vis_polarity", ["auto", "normal"])
def test_chessboard_of_opposite_polarity(roll_deg, vis_polarity):
    ir_truth, ir_image = seen(IR, CHESSBOARD, roll_deg, inverted=True)
    vis_truth, vis_image = seen(VIS, CHESSBOARD, roll_deg)
    vis = detect_board(vis_image, CHESSBOARD, vis_polarity).px
    ir = pair_order(detect_board(ir_image, CHESSBOARD).px, vis, CHESSBOARD)
    # Whichever end comes first, it is the same in both.
    turned = np.abs(vis - vis_truth).max() > 5
    np.testing.assert_allclose(ir, ir_truth[::-1] if turned else ir_truth, atol=0.3)


def test_missing_points_do_not_matter():
    px, _ = seen(IR, CHESSBOARD, 10)
    holed = px.copy()
    holed[[0, 7, 30]] = np.nan
    np.testing.assert_array_equal(pair_order(holed[::-1], px, CHESSBOARD), holed)


def test_circles_keep_their_order():
    px, _ = seen(IR, CIRCLES, 170)
    upright, _ = seen(IR, CIRCLES, 0)
    assert is_told_apart(CIRCLES)
    assert not is_told_apart(Board("circles", 4, 10, 0.04))
    np.testing.assert_array_equal(pair_order(px, upright, CIRCLES), px)


@pytest.mark.parametrize(
    ("turned", "message"),
    [
        pytest.param(lambda px: np.column_stack([-px[:, 1], px[:, 0]]), "90 degrees", id="quarter"),
        pytest.param(lambda px: px * (-1, 1), "mirrored", id="mirrored"),
    ],
)
def test_refusals(turned, message):
    px, _ = seen(IR, CHESSBOARD, 0)
    with pytest.raises(CalibrationError, match=message) as caught:
        pair_order(turned(px), px, CHESSBOARD)
    assert caught.value.hint
