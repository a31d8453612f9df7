"""Clicks in two pictures side by side: whose they are, and where in the picture itself."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fusion_rt.boards.clicks import Clicks
from fusion_rt.boards.point_window import PointWindow

IR = np.zeros((50, 60), np.uint16)
VIS = np.zeros((200, 300, 3), np.uint8)
# Shown 100 px high: the infrared is twice as large, the visible half as large, 8 px between.
SPLIT = 128


@pytest.fixture
def clicks():
    return Clicks(IR, VIS, 100)


def test_clicks_become_px_of_each_picture(clicks):
    assert clicks.size_wh == (SPLIT + 150, 100)
    assert clicks.add(0.5, 0.5)  # middle of the first infrared pixel, which is 2x2 px
    assert clicks.add(SPLIT + 74.5, 49.5)
    ir_px, vis_px = clicks.points()
    np.testing.assert_allclose(ir_px, [(0, 0)])
    np.testing.assert_allclose(vis_px, [(149.5, 99.5)])


@pytest.mark.parametrize(
    "place",
    [
        pytest.param((122, 50), id="between-the-pictures"),
        pytest.param((10, 100), id="below"),
        pytest.param((SPLIT + 150, 10), id="beyond"),
    ],
)
def test_clicks_beside_the_pictures_count_nothing(clicks, place):
    assert not clicks.add(*place)
    assert len(clicks.points()[0]) == 0


def test_each_thing_is_clicked_once_in_each_picture(clicks):
    assert clicks.add(10, 10)
    assert not clicks.add(20, 20)
    assert clicks.add(SPLIT + 5, 5)
    assert clicks.add(SPLIT + 9, 9)  # the next may begin right
    assert clicks.count == 1
    assert len(clicks.points()[1]) == 1


def test_undo_takes_the_last_click_back(clicks):
    clicks.add(10, 10)
    clicks.add(SPLIT + 5, 5)
    clicks.add(SPLIT + 9, 9)
    clicks.undo()
    assert clicks.count == 1
    clicks.undo()
    assert clicks.count == 0
    assert clicks.add(SPLIT + 7, 7)  # the infrared click is still there
    assert clicks.count == 1
    for _ in range(5):
        clicks.undo()
    assert clicks.count == 0


def test_clicks_are_drawn(clicks):
    before = clicks.picture("")
    clicks.add(40, 40)
    after = clicks.picture("")
    changed = np.argwhere((before != after).any(axis=2))
    assert np.abs(changed - (40, 40)).max() < 25


def test_window_keeps_left_and_right_clicks():
    window = PointWindow.__new__(PointWindow)
    window.clicks = __import__("collections").deque()
    for event in (cv2.EVENT_LBUTTONDOWN, cv2.EVENT_MOUSEMOVE, cv2.EVENT_RBUTTONDOWN):
        window._follow_pointer(event, 3, 4, 0, None)
    assert list(window.clicks) == [(3, 4, True), (3, 4, False)]
