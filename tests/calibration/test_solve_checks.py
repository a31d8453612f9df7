"""Prediction, check by halves, held-out pairs, and the rig that comes out."""

from __future__ import annotations

import datetime
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import yaml

from calibration.errors import CalibrationError
from calibration.rig import Rig
from calibration.rig_file import parse_rig, rig_text
from calibration.solve import (
    DISTANCES_M,
    CrossCheck,
    Scene,
    bow_of,
    cross_check,
    hold_out,
    judge,
    noise_of,
    predict,
    simulate,
    solve_rig,
    to_rig,
)
from calibration.solve.crosscheck import _by_chance
from calibration.solve.model import FLAT, NAMES, State, shared_of
from calibration.solve.predict import lay
from calibration.solve.regions import empty_regions
from calibration.solve.solution import Solution
from calibration.views import PairView

SCENE = Scene.standard(bow_m=(0.001, 0.002, 0.0005))
VIEWS = simulate(SCENE, 24, seed=0)
FRESH = simulate(SCENE, 8, seed=99)


@cache
def _solved() -> Solution:
    return solve_rig(VIEWS, SCENE.board, (640, 512), (1280, 1024))


@cache
def _crossed() -> CrossCheck:
    cross = cross_check(_solved(), VIEWS)
    assert cross is not None
    return cross


@pytest.mark.parametrize("name", NAMES[:30])
def test_errors_of_the_geometry_move_the_pictures_as_the_rig_says(name):
    pair = SCENE.pair
    inverse, at = 0.5, NAMES.index(name)
    px = np.array([[300.0, 300.0], [640.0, 500.0], [900.0, 700.0]])
    laid = lay(pair, px, inverse)
    rig = Rig(pair.ir.size_wh, pair.vis.size_wh, None, pair)
    np.testing.assert_allclose(laid.ir_px, rig.to_ir(px, inverse), atol=1e-6)
    shared, step = np.zeros(len(NAMES)), 1e-5
    shared[at] = step
    nothing = State(shared_of(pair), pair.T_vis_ir[:3, :3], np.empty((0, 3, 3)), np.empty((0, 3)))
    moved = nothing.moved(shared, np.empty((0, 6)))
    numbers = 8 if name[-2:] in ("k3", "k4", "k5", "k6") else 4
    wrong = replace(
        pair,
        ir=moved.camera("ir", pair.ir.size_wh, numbers),
        vis=moved.camera("vis", pair.vis.size_wh, numbers),
        T_vis_ir=moved.T_vis_ir,
    )
    there = Rig(pair.ir.size_wh, pair.vis.size_wh, None, wrong).to_ir(px, inverse)
    error = np.linalg.solve(laid.by_vis, (there - laid.ir_px)[..., None])[..., 0]
    np.testing.assert_allclose(error / step, laid.moves[..., at], rtol=2e-3, atol=2e-2)


def test_prediction_covers_the_common_view_only():
    prediction = predict(_solved(), (1.0, float("inf")), columns=13)
    assert prediction.grid_px.shape == (10, 13, 2)
    assert prediction.sigma_px.shape == (2, 10, 13)
    rig = Rig((640, 512), (1280, 1024), None, _solved().pair)
    seen = rig.to_ir(prediction.grid_px.reshape(-1, 2), 0.0)
    inside = ((seen >= -0.5) & (seen <= (639.5, 511.5))).all(1).reshape(10, 13)
    np.testing.assert_array_equal(np.isfinite(prediction.sigma_px[1]), inside)
    assert (prediction.p95_px >= prediction.rms_px).all()


def test_a_distance_at_which_the_views_do_not_meet_has_no_error():
    prediction = predict(_solved(), (0.02, 2.0))
    assert np.isnan(prediction.rms_px[0])
    assert np.isfinite(prediction.rms_px[1])


def test_regions_without_data_are_named():
    x, y = np.meshgrid(np.linspace(0, 299, 9), np.linspace(0, 299, 9))
    grid = np.stack([x, y], -1)
    common = np.ones((9, 9), bool)
    supported = common.copy()
    supported[:3, :3] = False
    supported[3:6, 6:] = False
    common[6:] = False
    assert empty_regions(grid, (300, 300), common, supported) == ("top left corner", "right edge")


def test_halves_are_solved_as_was_asked_for_the_whole(monkeypatch):
    asked = []

    def noted(views, board, ir_wh, vis_wh, options):
        asked.append(options)
        return solve_rig(views, board, ir_wh, vis_wh, options)

    monkeypatch.setattr("calibration.solve.crosscheck.solve_rig", noted)
    assert cross_check(_solved(), VIEWS) is not None
    rational = replace(_solved().pair.ir, dist=np.append(_solved().pair.ir.dist, (0, 0, 0)))
    rich = replace(_solved(), pair=replace(_solved().pair, ir=rational))
    cross_check(rich, VIEWS)
    assert [(one.distortion_ir, one.distortion_vis) for one in asked[:3]] == [
        *[("auto", "auto")] * 2,
        (8, "auto"),
    ]


def test_what_both_halves_take_for_granted_is_no_difference_by_chance():
    half = _solved()
    assert (half.prior > 0).sum() == 2  # k3 of both cameras
    free = replace(half, prior=np.zeros_like(half.prior))
    np.testing.assert_array_equal(_by_chance(free, (5.0,)), predict(half, (5.0,)).rms_px)
    assert _by_chance(half, (5.0,)) < _by_chance(free, (5.0,))
    # All that is known of everything was known beforehand: nothing is left to chance.
    given = replace(half, covariance=np.diag(np.diag(half.covariance)))
    given = replace(given, prior=1 / np.diag(given.covariance))
    np.testing.assert_allclose(_by_chance(given, (5.0,)), 0, atol=1e-6)


def test_halves_agree_as_well_as_chance_lets_expect():
    cross = _crossed()
    assert 0.4 < cross.ratio < 1.8
    assert cross.distances_m == DISTANCES_M
    assert cross.map_px.shape == (len(DISTANCES_M), *cross.grid_px.shape[:2])
    assert {view.name for view in cross.hold_out.views} == {view.name for view in VIEWS}


def test_halves_are_not_made_of_few_pairs():
    few = solve_rig(VIEWS[:10], SCENE.board, (640, 512), (1280, 1024))
    assert cross_check(few, VIEWS[:10]) is None
    verdict = judge(few, predict(few), None)
    assert "not checked by solving halves of the views: 12 pairs are needed" in verdict.text


def test_held_out_pairs_lie_on_each_other_to_the_noise():
    held = hold_out(_solved().pair, FRESH, SCENE.board, _solved().bow_m, (0.15, 0.10))
    assert held.noise_px is not None
    assert held.rms_px == pytest.approx(held.noise_px, rel=0.15)
    assert len(held.views) == len(FRESH)
    assert not held.skipped


def test_held_out_pairs_reveal_a_rig_that_has_moved():
    pair = _solved().pair
    angle = 2e-3  # 2.5 visible px
    turn = np.array([[1, 0, angle], [0, 1, 0], [-angle, 0, 1]])
    moved = pair.T_vis_ir.copy()
    moved[:3, :3] = turn @ moved[:3, :3]
    held = hold_out(replace(pair, T_vis_ir=moved), FRESH, SCENE.board, _solved().bow_m)
    assert held.rms_px == pytest.approx(2.5, abs=0.4)
    assert held.noise_px is None


def test_held_out_pairs_say_what_could_not_be_used():
    half = PairView("lonely", FRESH[0].ir, None)
    held = hold_out(_solved().pair, [half, *FRESH[1:3]], SCENE.board)
    assert [one.name for one in held.skipped] == ["lonely"]
    with pytest.raises(
        CalibrationError, match="none of 1 pairs can be used; lonely: the board was not seen"
    ):
        hold_out(_solved().pair, [half], SCENE.board)
    short = PairView("short", FRESH[0].ir[:50], FRESH[0].vis)
    with pytest.raises(CalibrationError, match="short: 50 infrared points"):
        hold_out(_solved().pair, [short], SCENE.board)


def test_held_out_points_that_cannot_be_are_told():
    outside = FRESH[0].ir.copy()
    outside[3] = (900, 5)
    with pytest.raises(
        CalibrationError, match=r"point at \(900, 5\) lies outside a picture of 640"
    ):
        hold_out(_solved().pair, [replace(FRESH[0], ir=outside)], SCENE.board)
    heap = replace(FRESH[0], name="heap", ir=np.full((54, 2), 5.0), vis=np.full((54, 2), 5.0))
    held = hold_out(_solved().pair, [heap, FRESH[1]], SCENE.board)
    assert [(one.name, one.camera) for one in held.skipped] == [("heap", "ir")]
    assert "do not lie as those of a 9x6 chessboard" in held.skipped[0].reason


def test_the_rig_file_tells_how_it_was_made_and_how_good_it_is():
    solution, cross = _solved(), _crossed()
    prediction = predict(solution)
    verdict = judge(solution, prediction, cross)
    made = to_rig(
        solution,
        prediction,
        verdict,
        cross,
        distance_m=5.0,
        ir_offset_ms=12.5,
        date=datetime.date(2026, 5, 1),
    )
    rig = parse_rig(yaml.safe_load(rig_text(made)), "rig.yaml")
    assert rig.pair is not None
    np.testing.assert_allclose(rig.pair.T_vis_ir, solution.pair.T_vis_ir, atol=1e-9)
    assert (rig.distance_m, rig.ir_offset_ms) == (5.0, 12.5)
    quality, by = rig.facts["quality"], rig.facts["made"]
    assert quality["verdict"] == verdict.headline
    distances = ["1 m", "2 m", "5 m", "20 m", "200 m", "infinity"]
    assert list(quality["registration_error_px"]) == distances
    assert quality["registration_error_px"]["5 m"] == pytest.approx(prediction.rms_px[2], rel=0.01)
    assert quality["sigma"]["ir.fx"] == pytest.approx(solution.sigma("ir.fx"), rel=0.01)
    assert (quality["pairs"], by["date"]) == (24, "2026-05-01")
    assert by["data"] == solution.data_hash
    assert by["board"]["spacing_mm"] == 60.0
    np.testing.assert_allclose(bow_of(rig), solution.bow_m, rtol=0.01)
    assert noise_of(rig) == pytest.approx((0.15, 0.10), rel=0.15)


def test_rigs_made_elsewhere_have_no_bow_and_no_known_noise():
    rig = Rig.identity((64, 48))
    assert bow_of(rig) == FLAT
    assert noise_of(rig) is None
    odd = replace(rig, facts={"quality": {"noise_px": {"ir": "?"}}, "made": {"board": [1]}})
    assert bow_of(odd) == FLAT
    assert noise_of(odd) is None
