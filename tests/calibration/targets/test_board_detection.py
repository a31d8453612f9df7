"""Boards in rendered pictures with known truth, and in a real pair."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from boards import CHESSBOARD, CIRCLES, IR, VIS

from calibration.board import Board
from calibration.errors import BoardError
from calibration.targets.detection import detect_board
from calibration.targets.rendering import (
    Drawing,
    Sensor,
    draw_board,
    expose,
    pose,
    random_pose,
)

DATA = os.environ.get("FUSION_RT_DATA")
POSES = 20
FACING = (0.0, 0.0, 1.1), (0.1, -0.2, 0.05)


@cache
def drawings(kind: str) -> list[Drawing]:
    """The board in many poses, as an infrared lens shows it."""
    rng = np.random.default_rng(7)
    board, distance = (CHESSBOARD, (0.9, 1.8)) if kind == "chessboard" else (CIRCLES, (0.7, 1.3))
    return [
        draw_board(IR, board, random_pose(IR, board, rng, distance_m=distance), blur_px=1.5)
        for _ in range(POSES)
    ]


def rms(px: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean(((px - truth) ** 2).sum(1))))


@pytest.mark.parametrize("polarity", ["normal", "inverted"])
@pytest.mark.parametrize(
    ("cnr", "most_px"),
    [
        pytest.param(8, 0.20, id="cnr-8"),
        pytest.param(4, 0.35, id="4"),
        pytest.param(2, 0.60, id="2"),
    ],
)
@pytest.mark.parametrize("kind", ["chessboard", "circles"])
def test_found_and_exact_in_noise(kind, cnr, most_px, polarity):
    rng = np.random.default_rng(cnr)
    sensor = Sensor(
        cnr,
        inverted=polarity == "inverted",
        vignetting=0.5,
        column_noise=0.3,
        middle=8000,
        dtype=np.uint16,
    )
    board = CHESSBOARD if kind == "chessboard" else CIRCLES
    errors, points = [], 0
    for drawing in drawings(kind):
        found = detect_board(expose(drawing, sensor, rng), board, polarity, quick=True)
        if found is not None:
            errors.append(rms(found.px, drawing.px))
            points += int(np.isfinite(found.px[:, 0]).sum())
            assert found.polarity == polarity
            assert found.cnr == pytest.approx(cnr, rel=0.25)
    assert len(errors) >= 0.95 * POSES
    assert points >= 0.97 * POSES * board.count * 0.95
    assert np.sqrt(np.mean(np.square(errors))) <= most_px


@pytest.mark.parametrize("polarity", ["normal", "inverted"])
@pytest.mark.parametrize("roll_deg", [0, 70, 110, 180, 250])
@pytest.mark.parametrize("board", [CHESSBOARD, CIRCLES], ids=["chessboard", "circles"])
def test_known_polarity_gives_the_boards_own_order(board, roll_deg, polarity):
    T = pose(board, (0, 0, 1.3), (0, 0, np.radians(roll_deg)))
    drawing = draw_board(IR, board, T)
    image = expose(drawing, Sensor(inverted=polarity == "inverted"), np.random.default_rng(0))
    assert rms(detect_board(image, board, polarity).px, drawing.px) < 0.2


@pytest.mark.parametrize("inverted", [False, True], ids=["normal", "inverted"])
@pytest.mark.parametrize("roll_deg", [-40, 0, 40, 140, 180, 220])
def test_without_polarity_a_chessboard_begins_upper_left(roll_deg, inverted):
    T = pose(CHESSBOARD, (0, 0, 1.3), (0, 0, np.radians(roll_deg)))
    drawing = draw_board(IR, CHESSBOARD, T)
    image = expose(drawing, Sensor(inverted=inverted), np.random.default_rng(0))
    found = detect_board(image, CHESSBOARD)
    turned = 90 < roll_deg % 360 < 270
    assert rms(found.px, drawing.px[::-1] if turned else drawing.px) < 0.2
    # A board held upside down in one polarity looks like one held upright in the other.
    assert found.polarity == ("inverted" if inverted != turned else "normal")


@pytest.mark.parametrize("board", [CHESSBOARD, CIRCLES], ids=["chessboard", "circles"])
def test_faint_board_beside_something_hot(board):
    ground = np.full((512, 640), 0.4, np.float32)
    ground[20:90, 480:620] = 12.0
    drawing = draw_board(IR, board, pose(board, *FACING), blur_px=1.5, background=ground)
    sensor = Sensor(cnr=6, inverted=True, counts=60, middle=7000, dtype=np.uint16)
    found = detect_board(expose(drawing, sensor, np.random.default_rng(3)), board, quick=True)
    assert rms(found.px, drawing.px) < 0.2


def test_counts_are_used_as_they_are():
    """A board of 40 counts in 16 bit is found where it is, whatever the scale of the counts."""
    drawing = draw_board(IR, CHESSBOARD, pose(CHESSBOARD, *FACING))
    raw = expose(
        drawing, Sensor(30, counts=40, middle=300, dtype=np.uint16), np.random.default_rng(1)
    )
    one = detect_board(raw, CHESSBOARD)
    other = detect_board(raw * np.uint16(100), CHESSBOARD)
    np.testing.assert_allclose(one.px, other.px, atol=1e-3)
    assert other.contrast == pytest.approx(100 * one.contrast, rel=1e-3)


def test_large_visible_picture_in_colour():
    drawing = draw_board(VIS, CHESSBOARD, pose(CHESSBOARD, *FACING))
    grey = expose(drawing, Sensor(), np.random.default_rng(0))
    found = detect_board(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), CHESSBOARD, quick=True)
    assert rms(found.px, drawing.px) < 0.06
    assert found.size_wh == (1280, 1024)


def test_edge_width_follows_the_blur():
    widths = []
    for blur in (0.8, 1.6, 3.2):
        drawing = draw_board(IR, CHESSBOARD, pose(CHESSBOARD, *FACING), blur_px=blur)
        image = expose(drawing, Sensor(), np.random.default_rng(0))
        widths.append(detect_board(image, CHESSBOARD).edge_px)
    # A Gaussian edge rises from 10 % to 90 % within 2.56 standard deviations.
    np.testing.assert_allclose(widths, [2.56 * 0.85, 2.56 * 1.63, 2.56 * 3.21], rtol=0.1)


def test_edge_width_shows_motion_in_one_direction():
    drawing = draw_board(IR, CHESSBOARD, pose(CHESSBOARD, (0, 0, 1.1), (0, 0, 0)))
    smeared = Drawing(cv2.blur(drawing.shade, (9, 1)), drawing.px)
    still, moved = (
        detect_board(expose(one, Sensor(), np.random.default_rng(0)), CHESSBOARD)
        for one in (drawing, smeared)
    )
    assert moved.edge_px > 1.8 * still.edge_px


def test_covered_corner_is_left_out():
    drawing = draw_board(IR, CHESSBOARD, pose(CHESSBOARD, *FACING))
    image = expose(drawing, Sensor(), np.random.default_rng(0))
    x, y = np.rint(drawing.px[31]).astype(int)
    cv2.circle(image, (int(x), int(y)), 9, 160, -1)
    found = detect_board(image, CHESSBOARD)
    assert np.flatnonzero(np.isnan(found.px[:, 0])).tolist() == [31]
    assert rms(found.px, drawing.px) < 0.1


@pytest.mark.parametrize("quick", [True, False], ids=["quick", "thorough"])
@pytest.mark.parametrize("board", [CHESSBOARD, CIRCLES], ids=["chessboard", "circles"])
@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.full((512, 640), 90, np.uint8), id="flat"),
        pytest.param(np.random.default_rng(0).integers(0, 255, (512, 640), np.uint8), id="noise"),
        pytest.param(np.tile(np.arange(640, dtype=np.uint16) % 40, (512, 1)), id="stripes"),
        pytest.param(np.zeros((3, 5), np.uint8), id="tiny"),
    ],
)
def test_no_board(image, board, quick):
    assert detect_board(image, board, quick=quick) is None


def test_other_board_is_not_taken_for_this_one():
    drawing = draw_board(IR, CHESSBOARD, pose(CHESSBOARD, *FACING))
    image = expose(drawing, Sensor(), np.random.default_rng(0))
    assert detect_board(image, Board("chessboard", 10, 7, 0.06)) is None
    assert detect_board(image, CIRCLES) is None


@pytest.mark.parametrize(
    ("image", "polarity", "message"),
    [
        pytest.param(np.zeros((4, 4), np.float32), "auto", "float32", id="floats"),
        pytest.param(np.zeros((4, 4, 4), np.uint8), "auto", r"\(4, 4, 4\)", id="four-channels"),
        pytest.param(np.zeros((4, 4), np.uint8), "dark", "polarity 'dark'", id="polarity"),
    ],
)
def test_refusals(image, polarity, message):
    with pytest.raises(BoardError, match=message) as caught:
        detect_board(image, CHESSBOARD, polarity)
    assert caught.value.hint


@pytest.mark.skipif(not DATA, reason="FUSION_RT_DATA does not name the folder of real data")
@pytest.mark.parametrize(
    ("name", "polarity", "corner_px"),
    [
        # The first corner's place as read by eye, magnified 16 times; good to a pixel.
        pytest.param("rgb0000.jpg", "normal", (281, 154), id="visible"),
        pytest.param("thermal0000.jpg", "inverted", (190, 234.5), id="infrared"),
    ],
)
def test_real_pair(name, polarity, corner_px):
    image = cv2.imread(str(Path(str(DATA)) / "calibration" / "checkerboard" / name))
    board = Board("chessboard", 6, 5, 0.04)
    found = detect_board(image, board, quick=True)
    assert found.polarity == polarity
    assert np.isfinite(found.px).all()
    np.testing.assert_allclose(found.px[0], corner_px, atol=1.2)
    # Neighbouring squares of one board differ little in size.
    sides = np.linalg.norm(np.diff(found.px.reshape(5, 6, 2), axis=1), axis=2)
    assert sides.max() / sides.min() < 1.3
