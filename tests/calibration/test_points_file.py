"""The points file: what is written is read again, and each fault is one clear line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.board import Board
from calibration.errors import RigError
from calibration.points_file import (
    PictureFile,
    Points,
    SeenView,
    load_points,
    points_text,
)
from calibration.views import PairView

BOARD = Board("chessboard", 4, 3, 0.05)


def grid(step: float, missing: int | None = None) -> np.ndarray:
    rows, columns = np.mgrid[:3, :4]
    px = np.column_stack([columns.ravel(), rows.ravel()]) * step + 10.12346
    if missing is not None:
        px[missing] = np.nan
    return px


def points() -> Points:
    views = (
        SeenView(
            PairView("0001", grid(20), grid(33, missing=5)),
            PictureFile(Path("ir/0001.png"), "0" * 64),
            PictureFile(Path("vis/0001.png"), "1e5"),
        ),
        SeenView(PairView('a "b": \\ ö', None, grid(31))),
    )
    return Points(BOARD, (640, 512), (1280, 1024), views, {"by": "fusion-rt 0.1.0"})


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "points.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read_again(tmp_path):
    before = points()
    after = load_points(written(tmp_path, points_text(before)))
    assert (after.board, after.ir_wh, after.vis_wh) == (BOARD, (640, 512), (1280, 1024))
    assert [view.points.name for view in after.views] == ["0001", 'a "b": \\ ö']
    assert after.views[0].ir_file == before.views[0].ir_file
    assert after.views[0].vis_file == PictureFile(Path("vis/0001.png"), "1e5")
    assert after.views[1].ir_file is None
    assert after.views[1].points.ir is None
    for one, two in zip(before.pairs, after.pairs, strict=True):
        np.testing.assert_allclose(two.vis, one.vis, atol=1e-4)
    assert np.isnan(after.pairs[0].vis[5]).all()
    assert after.made == {"by": "fusion-rt 0.1.0"}


def test_a_row_of_the_board_is_a_line_of_the_file():
    text = points_text(points())
    assert "      - [[10.1235, 10.1235], [30.1235, 10.1235], [50.1235, 10.1235], " in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(("points: 1", "rig: 2"), "this is no points file", id="another-file"),
        pytest.param(("points: 1", "points: 7"), "points format 7 is unknown", id="later-format"),
        pytest.param(("columns: 4", "columns: 5"), "looks the same turned", id="odd-by-odd-board"),
        pytest.param(("columns: 4", "columns: 6"), "3 rows of 6 points", id="another-board"),
        pytest.param(("spacing_mm: 50", "spacing_mm: wide"), "spacing_mm", id="spacing-is-text"),
        pytest.param(("size: [640, 512]", "size: 640"), "'ir' must be", id="size-is-one-number"),
        pytest.param(("[10.1235, 10.1235]", "[10.1235]"), "has a point", id="point-of-one-number"),
        pytest.param(("[10.1235, 10.1235]", "[.nan, 1]"), "has a point", id="point-not-finite"),
        pytest.param(('name: "0001"', "name: 1"), "view 1 has no name", id="name-is-a-number"),
        pytest.param(("views:", "views: 3 #"), "is not YAML", id="not-yaml"),
    ],
)
def test_a_fault_is_told_in_one_line(tmp_path, change, words):
    path = written(tmp_path, points_text(points()).replace(*change, 1))
    with pytest.raises(RigError, match=words) as raised:
        load_points(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.hint
    assert raised.value.exit_code == 2


def test_a_name_may_be_given_once(tmp_path):
    text = points_text(points()).replace('a \\"b\\": \\\\ ö', "0001")
    with pytest.raises(RigError, match="two views are called '0001'"):
        load_points(written(tmp_path, text))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(RigError, match="cannot read points file"):
        load_points(tmp_path / "none.yaml")


def test_binary_file_is_named(tmp_path):
    path = tmp_path / "points.yaml"
    path.write_bytes(b"\xff\xfe\x00points")
    with pytest.raises(RigError, match="is not a text file"):
        load_points(path)
