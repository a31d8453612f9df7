"""The report of a calibration: one sound file that tells all, and its pictures' truth."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from rendered_pairs import BOARD, poses, render, small_pair

from calibration.errors import CalibrationError
from calibration.report import ReportInput, Shot, choose_views, report_html
from calibration.report.coverage import infrared_outline, views_in_cells
from calibration.report.error_map import draw_error_map
from calibration.report.lay import blended, laid
from calibration.report.shots import overlay
from calibration.rig import Rig
from calibration.solve import (
    Scene,
    cross_check,
    judge,
    predict,
    simulate,
    solve_rig,
    to_rig,
)
from calibration.targets.rendering import pose


@pytest.fixture(scope="module")
def given():
    """A small calibration, with one view whose name is HTML and one far point."""
    scene = Scene.standard()
    views = simulate(scene, 14, seed=3)
    views[2] = replace(views[2], name='<b>"0003"&')
    views[5].ir[7] += (9, -6)
    solution = solve_rig(views, scene.board, (640, 512), (1280, 1024))
    prediction = predict(solution)
    cross = cross_check(solution, views)
    verdict = judge(solution, prediction, cross)
    rig = to_rig(solution, prediction, verdict, cross)
    return ReportInput(solution, prediction, cross, verdict, rig, (), "pictures were moved away")


@pytest.fixture(scope="module")
def page(given):
    return report_html(given)


class Reader(HTMLParser):
    """What a browser would load, and whether all that is opened is closed."""

    VOID = ("meta", "img", "br")

    def __init__(self):
        super().__init__()
        self.loaded, self.open, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.loaded += [value for name, value in attrs if name in ("src", "href")]
        assert tag != "script"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(page):
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_page_is_whole_and_loads_nothing(page):
    reader = read(page)
    assert all(url.startswith("data:image/") for url in reader.loaded)
    for url in reader.loaded:
        data = base64.b64decode(url.partition(",")[2], validate=True)
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is not None
    style = re.search("<style>(.*?)</style>", page, re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style


def test_verdict_comes_first_and_all_is_told(page, given):
    text = read(page).text
    headings = re.findall("<h2>(.*?)</h2>", page)
    assert text.index(given.verdict.headline) < text.index(headings[0])
    for words in (
        *given.verdict.lines,
        *(alarm.message for alarm in given.verdict.alarms),
        "pictures were moved away",
        given.solution.data_hash,
        "50.",  # mm between the lenses
    ):
        assert words in text


def test_names_are_shown_as_they_are(page):
    assert '<b>"0003"' not in page
    assert '<b>"0003"&' in read(page).text


def test_point_left_out_is_named(page):
    assert "Single points left out" in page


def test_page_without_cross_check_says_so(given):
    text = read(report_html(replace(given, cross=None))).text
    assert "Two halves of the pairs were not compared; the verdict says why" in text


def test_errors_are_as_much_enlarged_as_the_verdict_says(given):
    doubtful = replace(given, verdict=replace(given.verdict, enlarged=20.0))
    text = read(report_html(doubtful)).text
    assert "multiplied by 20.0" in text
    assert f"{given.prediction.rms_px[1] * 20:.2f} px" in text


def test_distance_at_which_the_views_do_not_meet_has_an_empty_map(given):
    nowhere = np.full_like(given.prediction.sigma_px, np.nan)
    maps = replace(given.prediction, sigma_px=nowhere)
    assert draw_error_map(maps, (1280, 1024), (2.0, np.inf)).axes


def test_missing_matplotlib_is_told(given, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(CalibrationError, match="matplotlib") as raised:
        report_html(given)
    assert "fusion-rt[calibrate]" in raised.value.hint


@pytest.mark.parametrize(
    ("points", "cell"),
    [
        pytest.param([(-0.5, -0.5), (5, 5)], (0, 0), id="upper-left"),
        pytest.param([(639.4, 511.4)], (3, 3), id="last-pixel"),
        pytest.param([(160, 100)], (0, 1), id="just-right-of-a-line"),
        pytest.param([(159.4, 128)], (1, 0), id="just-left-of-and-below-a-line"),
    ],
)
def test_cells_count_a_view_once(points, cell):
    counts = views_in_cells((640, 512), [np.array(points, float)] * 3)
    assert counts[cell] == 3
    assert counts.sum() == 3


def test_views_shown_go_from_near_to_far_and_lie_flat(given):
    chosen = choose_views(given.solution)
    distances = [view.distance_m for view in chosen]
    assert len(chosen) == 3
    assert distances == sorted(distances)
    tilts = sorted(view.tilt_deg for view in given.solution.views)
    assert np.mean([view.tilt_deg for view in chosen]) < np.median(tilts)


def test_infrared_is_laid_where_the_visible_camera_sees_the_same():
    pair = small_pair(0.5)
    rig = Rig(pair.ir.size_wh, pair.vis.size_wh, None, pair)
    facing = np.linalg.inv(pair.T_vis_ir) @ pose(BOARD, (-0.05, 0, 0.9), (0, 0, 0))
    shown = render(pair, facing, np.random.default_rng(0), cnr=60)
    warm, inside = laid(rig, shown.ir, 1 / 0.9)
    grey = cv2.cvtColor(shown.vis, cv2.COLOR_BGR2GRAY)
    low, high = np.floor(shown.vis_px.min(0)).astype(int), np.ceil(shown.vis_px.max(0)).astype(int)
    board = np.s_[low[1] : high[1], low[0] : high[0]]
    assert inside[board].all()
    likeness = np.corrcoef(255 - warm[board].ravel(), grey[board].ravel())[0, 1]
    assert likeness > 0.95  # what is warm is black
    aside = np.roll(warm, 3, axis=1)
    assert np.corrcoef(255 - aside[board].ravel(), grey[board].ravel())[0, 1] < likeness - 0.05


def test_outside_the_infrared_the_visible_picture_is_darkened():
    rig = Rig((40, 30), (80, 60), np.diag((1.0, 1.0, 1.0)))
    vis = np.full((60, 80, 3), 90, np.uint8)
    vis[:, ::2] = 200
    mixed = blended(rig, np.zeros((30, 40), np.uint8), vis)
    assert mixed[45, 60:].max() <= 127
    assert mixed[10, 10, 2] == 0  # cold
    assert mixed[45, 60, 0] == mixed[45, 60, 2]


def test_overlay_shows_board_and_its_distance(given):
    pair = small_pair(0.5)
    rng = np.random.default_rng(1)
    shown = render(pair, poses(pair, 1, 4)[0], rng)
    view = replace(
        given.solution.views[0],
        T_ir_board=shown.T_ir_board,
        ir_px=shown.ir_px,
        vis_px=shown.vis_px,
    )
    solution = replace(given.solution, pair=pair)
    rig = Rig(pair.ir.size_wh, pair.vis.size_wh, None, pair)
    whole, part, distance_m = overlay(solution, rig, Shot(view, shown.ir, shown.vis))
    centre = BOARD.points().mean(0) @ shown.T_ir_board[:3, :3].T + shown.T_ir_board[:3, 3]
    assert distance_m == pytest.approx(centre[2], rel=0.05)
    assert whole.shape == (*pair.vis.size_wh[::-1], 3)
    assert part.shape[1] == pytest.approx(760, abs=1)
    assert (part == 0).all(axis=2).any()  # crosses
    assert (part == 255).all(axis=2).any()  # rings


def test_outline_of_the_infrared_lies_where_its_edges_are_seen():
    pair = small_pair(1.0)
    outline = infrared_outline(pair)
    rig = Rig(pair.ir.size_wh, pair.vis.size_wh, None, pair)
    ir_px = rig.to_ir(outline)
    off_edge = np.minimum(
        np.minimum(ir_px[:, 0], 639 - ir_px[:, 0]), np.minimum(ir_px[:, 1], 511 - ir_px[:, 1])
    )
    np.testing.assert_allclose(off_edge, 0, atol=1e-2)
    np.testing.assert_array_equal(outline[0], outline[-1])
