"""Each doubt is noticed and said in one line; a good calibration is called good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from calibration.board import Board
from calibration.solve import (
    Alarm,
    CrossCheck,
    Options,
    Scene,
    Verdict,
    cross_check,
    judge,
    predict,
    simulate,
    solve_rig,
)
from calibration.solve.solution import Solution
from calibration.views import PairView

SCENE = Scene.standard()
IR_WH, VIS_WH = SCENE.pair.ir.size_wh, SCENE.pair.vis.size_wh
VIEWS = simulate(SCENE, 24, seed=0)
HALF = (np.arange(54) % 9 < 5)[:, None]


def _solve(
    views: list[PairView], board: Board = SCENE.board, options: Options | None = None
) -> Solution:
    return solve_rig(views, board, IR_WH, VIS_WH, options)


def _judge(solution: Solution, cross: CrossCheck | None = None) -> Verdict:
    return judge(solution, predict(solution), cross)


def _alarm(verdict: Verdict, code: str) -> Alarm:
    found = [alarm for alarm in verdict.alarms if alarm.code == code]
    assert found, f"no {code} in {verdict.text}"
    assert all("\n" not in alarm.message and alarm.hint for alarm in found)
    return found[0]


def _spoilt(fraction: float) -> list[PairView]:
    rng = np.random.default_rng(3)
    views = []
    for view in VIEWS:
        ir = view.ir + np.where(rng.random((54, 1)) < fraction, 5.0, 0.0)
        views.append(replace(view, ir=np.clip(ir, 0, np.array(IR_WH) - 1)))
    return views


def _cut(which: str) -> list[PairView]:
    def half(view: PairView) -> PairView:
        return replace(view, **{which: np.where(HALF, getattr(view, which), np.nan)})

    return [half(view) if at % 3 else view for at, view in enumerate(VIEWS)]


def _jittered(views: list[PairView]) -> list[PairView]:
    """The board moves a little between the two pictures of every pair."""
    rng = np.random.default_rng(4)
    return [replace(view, ir=view.ir + rng.normal(0, 1.2, 2)) for view in views]


def _left_half(ir: np.ndarray, vis: np.ndarray) -> bool:
    return bool(ir[:, 0].max() < 400)


Make = Callable[[], Solution]


@pytest.mark.parametrize(
    ("make", "code", "message", "grade"),
    [
        pytest.param(
            lambda: _solve(
                simulate(SCENE, 24, 0, noise_px=(0.4, 0.1)),
                options=Options(noise_ir_px=0.15, noise_vis_px=0.10),
            ),
            "noise",
            "infrared points scatter by 0.39 px, 2.6 times the 0.15 px expected",
            "poor",
            id="noise-larger-than-believed",
        ),
        pytest.param(
            lambda: _solve(VIEWS, options=Options(noise_vis_px=0.3)),
            "noise",
            "visible points scatter by 0.10 px, 0.3 times the 0.30 px expected",
            "good",
            id="noise-smaller-than-believed",
        ),
        pytest.param(
            lambda: _solve(simulate(SCENE, 24, 0, noise_px=(0.9, 0.1))),
            "noise",
            "infrared points scatter by 0.88 px, sharp pictures",
            None,
            id="unsharp-pictures",
        ),
        pytest.param(
            lambda: _solve(VIEWS[:6]), "few-views", "only 6 pairs were used", "poor", id="six-pairs"
        ),
        pytest.param(
            lambda: _solve(VIEWS[:15]), "few-views", "only 15 pairs", "usable", id="fifteen-pairs"
        ),
        pytest.param(
            lambda: _solve(simulate(SCENE, 24, 0, tilt_deg=12)),
            "parallel",
            "much the same tilt",
            "usable",
            id="hardly-tilted",
        ),
        pytest.param(
            lambda: _solve(_cut("ir")),
            "half-out",
            "the infrared camera saw the whole board in only 8 of 24 views",
            None,
            id="board-half-out-of-the-infrared-picture",
        ),
        pytest.param(
            lambda: _solve(_cut("vis")),
            "half-out",
            "the visible camera saw the whole board in only 8 of 24 views",
            None,
            id="board-half-out-of-the-visible-picture",
        ),
        pytest.param(
            lambda: _solve([replace(v, ir=None) if at % 2 else v for at, v in enumerate(VIEWS)]),
            "half-out",
            "the infrared camera saw the whole board in only 12 of 24 views",
            "usable",
            id="board-often-not-in-the-infrared-picture",
        ),
        pytest.param(
            lambda: _solve(_spoilt(0.04)),
            "outliers",
            "fit nothing and were left out",
            None,
            id="outliers",
        ),
        pytest.param(
            lambda: _solve(
                [replace(VIEWS[0], ir=VIEWS[0].ir[::-1].copy()), *VIEWS[1:]],
            ),
            "left-out",
            "views were left out, view 01: its points run from opposite corners",
            "good",
            id="a-view-left-out",
        ),
        pytest.param(
            lambda: _solve(simulate(Scene.standard(stretch=(1.0, 1.03, 1.0)), 24, 0)),
            "aspect",
            "rows stand 3.0% further apart than its columns: 61.8",
            "poor",
            id="board-stretched-by-the-printer",
        ),
        pytest.param(
            lambda: _solve(VIEWS, Board("chessboard", 9, 6, 0.03), Options(baseline_m=0.05)),
            "spacing",
            "lenses come out 2.5 cm apart, but measure 5.0 cm: the board's spacing is rather 59",
            "poor",
            id="spacing-entered-wrong",
        ),
        pytest.param(
            lambda: _solve(VIEWS, Board("chessboard", 9, 6, 0.9)),
            "baseline",
            "lenses come out 0.76 m apart",
            "usable",
            id="spacing-entered-far-too-large",
        ),
        pytest.param(
            lambda: _solve(VIEWS, Board("chessboard", 9, 6, 0.0015)),
            "baseline",
            "lenses come out 0.0013 m apart, with the board at 0.0",
            "usable",
            id="spacing-entered-far-too-small",
        ),
        pytest.param(
            lambda: _solve(
                simulate(Scene.standard(bow_m=(0.0015, 0.0015, 0.0)), 24, 0),
                options=Options(bow=False),
            ),
            "model",
            "residuals of neighbouring points go together",
            "usable",
            id="bow-not-allowed-for",
        ),
        pytest.param(
            lambda: _solve(_jittered(VIEWS)),
            "moments",
            "do not belong together",
            "poor",
            id="pictures-not-of-one-moment",
        ),
        pytest.param(
            lambda: _solve(simulate(SCENE, 24, 0, keep=_left_half)),
            "coverage",
            "no data: top right corner, right edge, bottom right corner",
            "good",
            id="right-side-without-data",
        ),
    ],
)
def test_doubts_are_said(make: Make, code, message, grade):
    verdict = _judge(make())
    assert message in _alarm(verdict, code).message
    assert grade in (None, verdict.grade), verdict.text
    assert (verdict.grade == "poor") == verdict.headline.startswith("not to be used")


def test_a_good_calibration_is_called_good():
    solution = _solve(VIEWS, options=Options(noise_ir_px=0.15, noise_vis_px=0.1, baseline_m=0.05))
    cross = cross_check(solution, VIEWS)
    assert cross is not None
    verdict = _judge(solution, cross)
    assert verdict.grade == "good"
    assert verdict.alarms == ()
    assert verdict.headline in (
        "good to 0.2 px from 1 m to infinity",
        "good to 0.2 px from 5 m to infinity",
    )
    assert "halves of the views differ by" in verdict.text


def test_lens_that_cannot_be_is_doubted():
    ir = SCENE.pair.ir
    K = np.array([[770, 0, 430.0], [0, 720, 251], [0, 0, 1]])
    odd = replace(SCENE, pair=replace(SCENE.pair, ir=replace(ir, K=K)))
    verdict = _judge(_solve(simulate(odd, 24, 1)))
    message = _alarm(verdict, "focal").message
    assert "pixels 7% off square" in message
    assert "its axis far off the middle, at (43" in message


def test_missing_data_stand_in_the_headline():
    verdict = _judge(_solve(simulate(SCENE, 24, 0, keep=_left_half)))
    assert verdict.headline.endswith("bottom right corner: no data, take more views there")


@pytest.mark.parametrize(
    ("rms_px", "headline"),
    [
        pytest.param([0.05] * 6, "good to 0.1 px from 1 m to infinity", id="everywhere"),
        pytest.param([0.9, 0.25, 0.25, 0.25, 0.2, 0.2], "good to 0.3 px from 2 m", id="not-near"),
        pytest.param([0.2, 0.2, 0.2, 0.2, 0.2, 0.9], "good to 0.2 px from 1 m to 200 m", id="far"),
        pytest.param([1.2] * 6, "usable, to 1.5 px from 1 m to infinity", id="usable"),
        pytest.param([4.0] * 6, "not to be used as it is: only good to 5 px", id="poor"),
        pytest.param([40.0] * 6, "only good to more than 10 px", id="hopeless"),
    ],
)
def test_headline_says_how_good_from_where_to_where(rms_px, headline):
    solution = _solved()
    prediction = replace(predict(solution), p95_px=np.array(rms_px), no_data=())
    assert headline in judge(solution, prediction).headline


def test_halves_that_differ_enlarge_what_is_foretold():
    solution = _solved()
    cross = cross_check(solution, VIEWS)
    assert cross is not None
    verdict = judge(solution, predict(solution), replace(cross, ratio=3.0))
    assert verdict.enlarged == 3.0
    assert verdict.grade == "usable"
    assert "3.0 times what chance gives" in _alarm(verdict, "halves").message


@cache
def _solved() -> Solution:
    return _solve(VIEWS)
