"""Rendered boards are where they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
from boards import CHESSBOARD, CIRCLES, IR, camera

from calibration.targets.overlay import draw_points, for_display
from calibration.targets.rendering import Sensor, draw_board, expose, pose, random_pose

FACING = pose(CHESSBOARD, (0, 0, 1.0), (0, 0, 0))


def at(shade, px):
    x, y = np.rint(px).astype(int)
    return float(shade[y, x])


def test_squares_alternate_from_a_dark_one():
    drawing = draw_board(IR, CHESSBOARD, FACING, blur_px=0)
    across, down = drawing.px[1] - drawing.px[0], drawing.px[9] - drawing.px[0]
    first = drawing.px[0]
    assert at(drawing.shade, first - across / 2 - down / 2) == 0
    assert at(drawing.shade, first + across / 2 - down / 2) == 1
    assert at(drawing.shade, first + across / 2 + down / 2) == 0


def test_circles_are_dark_about_their_points():
    drawing = draw_board(IR, CIRCLES, pose(CIRCLES, (0, 0, 1.0), (0.3, 0.2, 0.1)), blur_px=0)
    between = (drawing.px[0] + drawing.px[1]) / 2
    assert [at(drawing.shade, px) for px in drawing.px] == [0] * 44
    assert at(drawing.shade, between) == 1


def test_dark_area_has_its_middle_at_the_true_place():
    """Pixels count as far as they are dark, so their middle is exact to far below a pixel."""
    drawing = draw_board(IR, CIRCLES, pose(CIRCLES, (0, 0, 1.0), (0, 0, 0)), blur_px=0)
    x, y = np.rint(drawing.px[21]).astype(int)
    patch = 1 - drawing.shade[y - 20 : y + 21, x - 20 : x + 21].astype(np.float64)
    rows, columns = np.mgrid[-20:21, -20:21]
    middle = np.array([(patch * columns).sum(), (patch * rows).sum()]) / patch.sum() + (x, y)
    np.testing.assert_allclose(middle, drawing.px[21], atol=0.03)


@pytest.mark.parametrize("shift_px", [0.0, 0.1, 0.25, 0.4])
def test_edges_along_the_columns_are_where_they_should_be(shift_px):
    """The brightness summed along a row tells where an edge is, to a small part of a pixel."""
    aside_m = shift_px / IR.K[0, 0]
    drawing = draw_board(
        camera(640, 512, IR.K[0, 0]), CHESSBOARD, pose(CHESSBOARD, (aside_m, 0, 1.0), (0, 0, 0))
    )
    x, y = drawing.px[20]
    left = round(x) - 20
    beside = drawing.shade[round(y) + 15, left : left + 41].astype(np.float64)
    dark = beside.sum() if beside[0] > beside[-1] else (1 - beside).sum()
    assert left - 0.5 + dark == pytest.approx(x, abs=0.01)


def test_background_stays_around_the_plate():
    drawing = draw_board(IR, CHESSBOARD, FACING, background=0.3)
    assert drawing.shade[0, 0] == pytest.approx(0.3)
    assert drawing.shade[-1, -1] == pytest.approx(0.3)


@pytest.mark.parametrize("inverted", [False, True], ids=["normal", "inverted"])
def test_sensor_keeps_the_stated_contrast_and_noise(inverted):
    drawing = draw_board(IR, CHESSBOARD, FACING)
    sensor = Sensor(5, inverted=inverted, counts=500, middle=9000, dtype=np.uint16)
    image = expose(drawing, sensor, np.random.default_rng(0)).astype(float)
    dark, bright = image[drawing.shade < 0.001], image[drawing.shade > 0.999]
    assert bright.mean() - dark.mean() == pytest.approx(-500 if inverted else 500, abs=5)
    assert dark.std() == pytest.approx(100, rel=0.05)


def test_random_poses_show_the_whole_board():
    rng = np.random.default_rng(0)
    for _ in range(20):
        T = random_pose(IR, CHESSBOARD, rng, distance_m=(0.9, 2))
        px = IR.project(CHESSBOARD.points() @ T[:3, :3].T + T[:3, 3])
        assert ((px > 0) & (px < (639, 511))).all()


def test_board_too_near_is_said():
    with pytest.raises(ValueError, match="does not fit"):
        random_pose(IR, CHESSBOARD, np.random.default_rng(0), distance_m=(0.2, 0.3))


def test_overlay_marks_points_and_skips_unknown_ones():
    picture = for_display(np.full((512, 640), 7000, np.uint16))
    before = picture.copy()
    px = draw_board(IR, CHESSBOARD, FACING).px
    px[5] = np.nan
    draw_points(picture, px, CHESSBOARD)
    changed = (picture != before).any(2)
    x, y = np.rint(px[20]).astype(int)
    assert changed[y - 6 : y + 7, x - 6 : x + 7].any()
    assert not changed[:40, :40].any()
