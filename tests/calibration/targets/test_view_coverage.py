"""How a board lies, what the views cover, and what is asked for next."""

from __future__ import annotations

import numpy as np
import pytest
from boards import CHESSBOARD, IR, VIS

from calibration.camera import Camera
from calibration.targets.attitude import attitude
from calibration.targets.coverage import GRID, Coverage
from calibration.targets.rendering import pose
from calibration.views import PairView


def view(camera, centre=(0.0, 0.0, 1.2), turn=(0.0, 0.0, 0.0)):
    T = pose(CHESSBOARD, centre, turn)
    return camera.project(CHESSBOARD.points() @ T[:3, :3].T + T[:3, 3])


def pair(centre=(0.0, 0.0, 1.2), turn=(0.0, 0.0, 0.0)):
    return PairView("one", view(IR, centre, turn), view(VIS, centre, turn))


@pytest.mark.parametrize(
    ("turn", "tilt_deg", "nearer"),
    [
        pytest.param((0, 0, 0), 0, None, id="facing"),
        pytest.param((0, 0, 1.0), 0, None, id="rolled-only"),
        # About the y axis, which points down, the right side of the board goes away.
        pytest.param((0, -np.pi / 6, 0), 30, "left", id="left-is-nearer"),
        pytest.param((0, np.pi / 4, 0), 45, "right", id="right-is-nearer"),
        pytest.param((np.pi / 6, 0, 0), 30, "top", id="top-is-nearer"),
        pytest.param((-np.pi / 6, 0, 0), 30, "bottom", id="bottom-is-nearer"),
    ],
)
def test_attitude(turn, tilt_deg, nearer):
    lie = attitude(view(VIS, turn=turn), CHESSBOARD, VIS.size_wh)
    assert lie.tilt_deg == pytest.approx(tilt_deg, abs=6 if tilt_deg == 0 else 3)
    assert lie.nearer == nearer


def test_share_and_centre():
    lie = attitude(view(IR), CHESSBOARD, IR.size_wh)
    # 8 by 5 squares of 60 mm at 1.2 m: 308 x 192.5 px of 640 x 512.
    assert lie.share == pytest.approx(308 * 192.5 / (640 * 512), rel=0.05)
    np.testing.assert_allclose(lie.centre, (319.5, 255.5), atol=0.5)


def test_too_few_points_tell_nothing():
    px = np.full((54, 2), np.nan)
    px[:3] = view(IR)[:3]
    assert attitude(px, CHESSBOARD, IR.size_wh) is None


def test_cells_are_counted_where_points_are():
    cover = Coverage(CHESSBOARD, IR.size_wh, VIS.size_wh)
    px = np.full((54, 2), np.nan)
    px[0], px[1] = (0, 0), (639, 511)
    cover.add(PairView("one", px, None))
    expected = np.zeros((GRID, GRID), int)
    expected[0, 0] = expected[-1, -1] = 1
    np.testing.assert_array_equal(cover.cells("infrared"), expected)
    assert cover.covered("infrared") == 2 / 16
    assert (cover.pairs, cover.covered("visible")) == (0, 0)


def test_advice_leads_to_enough():
    """Someone who does what is said comes to an end, with pictures that hold what is wanted."""
    cover = Coverage(CHESSBOARD, IR.size_wh, VIS.size_wh)
    turns = {"left": (0, -0.65, 0), "right": (0, 0.65, 0), "top": (0.65, 0, 0)}
    turns["bottom"] = (-0.65, 0, 0)
    columns = {"left": -0.3, "centre left": -0.1, "centre right": 0.1, "right": 0.3}
    rows = {"top": -0.2, "upper middle": -0.1, "lower middle": 0.1, "bottom": 0.2}
    said = []
    while not cover.is_enough and len(said) < 60:
        line = cover.advice()
        said.append(line)
        centre, turn = (0.0, 0.0, 1.1), (0.0, 0.0, 0.0)
        if line.startswith("move"):
            words = line.split(" to the ")[1].split(" of the ")[0]
            row = next(name for name in rows if words.startswith(name))
            column = words[len(row) + 1 :]
            centre = (columns[column], rows[row], 1.1)
        elif "side nearer" in line:
            turn = turns[line.split("its ")[1].split(" side")[0]]
        elif line.startswith("tilt"):
            turn = (0.65, 0.1, 0.2)
        cover.add(pair(centre, turn))
    assert cover.is_enough, said
    assert cover.pairs >= 20
    assert min(cover.covered("infrared"), cover.covered("visible")) >= 0.8
    assert sum(cover.tilted.values()) >= 7
    assert set(cover.tilted) == {"left", "right", "top", "bottom"}


def test_the_same_again_is_not_new():
    cover = Coverage(CHESSBOARD, IR.size_wh, VIS.size_wh)
    assert cover.is_new(view(VIS))
    cover.add(pair())
    assert not cover.is_new(view(VIS, (0.01, 0, 1.2)))
    assert cover.is_new(view(VIS, (0.2, 0, 1.2)))
    assert cover.is_new(view(VIS, turn=(0.5, 0, 0)))


NARROW = Camera(IR.size_wh, np.array([[1600.0, 0, 319.5], [0, 1600.0, 255.5], [0, 0, 1]]), IR.dist)


def narrow_pair(x, y, turn=(0.0, 0.0, 0.0)):
    """The board far away, so that it fits into the narrow view; places are shares of that view."""
    centre = (x * 1.0, y * 0.8, 6.0)
    return PairView("one", view(NARROW, centre, turn), view(VIS, centre, turn))


def test_what_the_other_camera_cannot_see_is_not_asked_for():
    cover = Coverage(CHESSBOARD, IR.size_wh, VIS.size_wh)
    assert cover.shared("visible").all()  # nothing is known yet
    places = [(x, y) for x in (-0.9, -0.45, 0, 0.45, 0.9) for y in (-0.9, -0.3, 0.3, 0.9)]
    for index, (x, y) in enumerate(places):
        side = 0.6 * np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)])[index % 4]
        cover.add(narrow_pair(x, y, tuple(side)))
    expected = np.zeros((GRID, GRID), bool)
    expected[1:3, 1:3] = True  # half the visible view in each direction
    np.testing.assert_array_equal(cover.shared("visible"), expected)
    assert cover.shared("infrared").all()
    assert cover.covered("visible") == 1
    assert "no points yet" not in cover.advice()
