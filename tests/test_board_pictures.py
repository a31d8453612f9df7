"""What is shown and kept of board pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.board import Board
from calibration.targets.coverage import Coverage, Wanted
from calibration.views import PairView
from fusion_rt.boards.drawing import pair_picture, sheet
from fusion_rt.boards.screen import guide_picture, guide_size
from fusion_rt.boards.store import PairStore
from fusion_rt.boards.watch import Judgement, Mood
from fusion_rt.errors import UsageError

BOARD = Board("chessboard", 4, 3, 0.05)
IR_WH, VIS_WH = (80, 64), (160, 90)
IR = np.full(IR_WH[::-1], 30_000, np.uint16)
VIS = np.full((*VIS_WH[::-1], 3), 100, np.uint8)


def grid(step, left=10):
    rows, columns = np.mgrid[:3, :4]
    return np.column_stack([columns.ravel(), rows.ravel()]) * float(step) + left


def test_guide_has_its_size_and_shows_points():
    coverage = Coverage(BOARD, IR_WH, VIS_WH, Wanted(pairs=5))
    seen = PairView("", grid(12), grid(20))
    pictures = [
        guide_picture(IR, VIS, Judgement("hold still", mood, view), coverage, BOARD)
        for view, mood in (
            (PairView("", None, None), Mood.WAITING),
            (seen, Mood.WAITING),
            (seen, Mood.TAKEN),
        )
    ]
    for picture in pictures:
        assert picture.shape[1::-1] == guide_size(IR_WH, VIS_WH)
        assert picture.dtype == np.uint8
    scale = 480 / IR_WH[1]
    x, y = np.rint((seen.ir[5] + 0.5) * scale).astype(int)
    around = np.s_[y - 10 : y + 10, x - 10 : x + 10]
    assert (pictures[0][around] != pictures[1][around]).any()
    assert tuple(pictures[2][1, 200]) != tuple(pictures[1][1, 200])  # the frame tells the mood


def test_guide_fills_what_was_covered():
    empty = Coverage(BOARD, IR_WH, VIS_WH)
    full = Coverage(BOARD, IR_WH, VIS_WH)
    full.add(PairView("a", grid(18, left=5), grid(25, left=20)))
    views = [
        guide_picture(IR, VIS, Judgement("", Mood.WAITING, PairView("", None, None)), each, BOARD)
        for each in (empty, full)
    ]
    green = [(picture[480:] == (90, 200, 90)).all(axis=2).sum() for picture in views]
    assert green[0] == 0
    assert green[1] > 1000


def test_sheet_keeps_all_pairs_in_rows_of_three():
    pairs = [
        pair_picture(IR, VIS, PairView(f"{i}", grid(12), None), BOARD, height=60) for i in range(4)
    ]
    page = sheet(pairs)
    height, width = pairs[0].shape[:2]
    assert page.shape == (2 * height + 6, 3 * width + 12, 3)
    np.testing.assert_array_equal(page[height + 6 :, :width], pairs[3])
    assert (page[height + 6 :, width + 6 :] == 255).all()


def test_store_goes_on_and_keeps_every_count(tmp_path):
    store = PairStore(tmp_path)
    raw = np.arange(80 * 64, dtype=np.uint16).reshape(64, 80) * 12
    assert store.add(raw, VIS) == "0001"
    again = PairStore(tmp_path)
    assert again.add(raw, VIS) == "0002"
    assert [ir.name for ir, _ in again.pairs()] == ["0001.png", "0002.png"]
    kept = cv2.imread(str(tmp_path / "ir" / "0002.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(kept, raw)


@pytest.mark.parametrize(
    ("lonely", "others", "message"),
    [
        pytest.param("ir/0003.png", True, "0003.png in .* has no partner", id="beside-a-pair"),
        pytest.param("vis/0001.png", False, "one is empty", id="alone"),
    ],
)
def test_picture_without_partner_is_refused(tmp_path, lonely, others, message):
    store = PairStore(tmp_path)
    if others:
        store.add(IR, VIS)
    assert cv2.imwrite(str(tmp_path / lonely), VIS)
    with pytest.raises(UsageError, match=message):
        PairStore(tmp_path)
