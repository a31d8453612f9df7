"""Views that cannot be used are refused, or left out, in one clear line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from calibration.board import Board
from calibration.errors import CalibrationError
from calibration.solve import Options, Scene, registration_error, simulate, solve_rig
from calibration.views import PairView

SCENE = Scene.standard()
IR_WH, VIS_WH = SCENE.pair.ir.size_wh, SCENE.pair.vis.size_wh
VIEWS = simulate(SCENE, 20, seed=0)
Views = list[PairView]


def _turned(view: PairView) -> PairView:
    return replace(view, ir=view.ir[::-1].copy())


def _scattered(view: PairView) -> PairView:
    return replace(view, ir=np.random.default_rng(1).uniform(0, 500, (54, 2)))


def _doubled(view: PairView) -> PairView:
    return replace(view, ir=(view.ir + 0.5) * 2 - 0.5)


def _halved(view: PairView) -> PairView:
    return replace(view, ir=(view.ir + 0.5) / 2 - 0.5)


def _moved(view: PairView) -> PairView:
    return replace(view, ir=view.ir + np.array([3.0, 0.0]))


def _one(change: Callable[[PairView], PairView]) -> Views:
    return [change(view) if at == 5 else view for at, view in enumerate(VIEWS)]


def _largest_last() -> Views:
    """A view that reaches beyond the picture's middle, so that twice its size leaves it."""
    return sorted(VIEWS, key=lambda view: float(view.ir.max()))


@pytest.mark.parametrize(
    ("views", "message", "hint"),
    [
        pytest.param([], "in 0 of 0 views, at least 4", "20 to 30 pairs", id="nothing"),
        pytest.param([*VIEWS, VIEWS[2]], "two views are named view 03", "of its own", id="twice"),
        pytest.param(VIEWS[:3], "in 3 of 3 views, at least 4", "20 to 30 pairs", id="too-few"),
        pytest.param(
            [replace(view, vis=None) for view in VIEWS],
            "in 0 of 20 views",
            "both pictures",
            id="never-in-both-pictures",
        ),
        pytest.param(
            simulate(SCENE, 20, seed=0, tilt_deg=0.0),
            "at the same tilt",
            "tilt the board by 30 degrees",
            id="all-views-parallel",
        ),
        pytest.param(
            [*_largest_last()[:-1], _doubled(_largest_last()[-1])],
            r"the infrared point at \(\d+, \d+\) lies outside a picture of 640x512",
            "different sizes",
            id="a-picture-of-twice-the-size",
        ),
        pytest.param(
            [replace(VIEWS[0], ir=VIEWS[0].ir[:40]), *VIEWS[1:]],
            "view 01: 40 infrared points, but a 9x6 chessboard has 54",
            "columns and rows",
            id="points-of-another-board",
        ),
        pytest.param(
            [_scattered(view) for view in VIEWS],
            "points of 20 of 20 infrared pictures do not lie as those of a 9x6 chessboard do",
            "the order",
            id="points-all-over-the-place",
        ),
        pytest.param(
            [_turned(view) for view in VIEWS],
            "in 20 of 20 pairs the points run from opposite corners",
            "in one order",
            id="all-orders-turned",
        ),
        pytest.param(
            [_turned(view) if at % 2 else view for at, view in enumerate(VIEWS)],
            "pairs the two pictures tell of another position",
            "same corner",
            id="half-of-the-orders-turned",
        ),
        pytest.param(
            [
                replace(view, ir=other.ir)
                for view, other in zip(VIEWS, VIEWS[1:] + VIEWS[:1], strict=True)
            ],
            "pairs the two pictures tell of another position",
            "at the same moment",
            id="pictures-of-different-moments",
        ),
    ],
)
def test_refusals(views, message, hint):
    with pytest.raises(CalibrationError, match=message) as caught:
        solve_rig(views, SCENE.board, IR_WH, VIS_WH)
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("board", "message"),
    [
        pytest.param(
            Board("chessboard", 6, 9, 0.06),
            "20 of 20 infrared pictures do not lie as those of a 6x9",
            id="columns-for-rows",
        ),
        pytest.param(Board("circles", 9, 6, 0.06), "px off the board", id="circles-for-squares"),
        pytest.param(Board("chessboard", 10, 7, 0.06), "has 70", id="counted-squares"),
    ],
)
def test_another_board_is_noticed(board, message):
    with pytest.raises(CalibrationError, match=message):
        solve_rig(VIEWS, board, IR_WH, VIS_WH)


@pytest.mark.parametrize(
    ("change", "camera", "reason"),
    [
        pytest.param(_turned, "both", "from opposite corners", id="order-turned"),
        pytest.param(_scattered, "ir", "do not lie as those of a 9x6", id="not-a-board"),
        pytest.param(_halved, "both", "infrared picture seems to have half the size", id="halved"),
        pytest.param(_moved, "both", "disagree by .* px: the board or the cameras", id="moved"),
    ],
)
def test_a_bad_view_is_left_out_with_its_reason(change, camera, reason):
    solution = solve_rig(_one(change), SCENE.board, IR_WH, VIS_WH)
    (left_out,) = solution.left_out
    assert (left_out.name, left_out.camera) == ("view 06", camera)
    assert re.search(reason, left_out.reason)
    assert registration_error(SCENE.pair, solution.pair, 5.0) < 0.2


def test_points_that_fit_nothing_are_named_and_do_no_harm():
    rng = np.random.default_rng(2)
    views, wrong = [], set()
    for view in VIEWS:
        ir = view.ir.copy()
        for point in rng.choice(54, 2, replace=False):
            angle = rng.uniform(0, 2 * np.pi)
            ir[point] += 4.0 * np.array([np.cos(angle), np.sin(angle)])
            wrong.add((view.name, "ir", int(point)))
        views.append(replace(view, ir=np.clip(ir, 0, np.array(IR_WH) - 1)))
    solution = solve_rig(views, SCENE.board, IR_WH, VIS_WH)
    named = {(one.name, one.camera, one.index) for one in solution.outliers}
    assert len(wrong - named) <= 1  # one at the border may have been clipped back
    assert len(named - wrong) <= 1
    assert solution.outliers[0].error_px == pytest.approx(4.0, abs=0.8)
    assert solution.noise_ir_px == pytest.approx(0.15, rel=0.1)
    assert registration_error(SCENE.pair, solution.pair, 5.0) < 0.2


@pytest.mark.parametrize(
    ("key", "value"),
    [("distortion_ir", 6), ("noise_ir_px", 0.0), ("baseline_m", -0.05)],
)
def test_options_check_themselves(key, value):
    with pytest.raises(ValueError, match=key):
        Options(**{key: value})
