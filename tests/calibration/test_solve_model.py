"""The model agrees with OpenCV and with its own derivatives; the steps end where scipy's do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.solve.adjust import Data, adjust, residuals, spread
from calibration.solve.model import (
    CAMERAS,
    COUNT,
    NAMES,
    SHIFT,
    Shape,
    State,
    project,
    rotations,
    see,
    shared_of,
)
from calibration.solve.simulate import Scene, simulate

LENS = np.array([770, 765, 322, 251, -0.3, 0.12, 1e-3, -5e-4, 0.01, 0.1, -0.05, 0.02])
# OpenCV orders its numbers k1 k2 p1 p2 k3 k4 k5 k6, as this project does.
POINTS = np.random.default_rng(0).uniform([-0.5, -0.4, 1], [0.5, 0.4, 2], (50, 3))


def _state() -> State:
    scene = Scene.standard(bow_m=(0.002, 0.001, -0.001))
    shared = shared_of(scene.pair, scene.bow_m)
    shared[8:12] = LENS[8:]
    turns = np.array([[0.1, 0.2, 0.3], [-0.3, 0.2, 0.0]])
    places = np.array([[0, 0, 1.0], [0.1, -0.1, 1.5]])
    return State(shared, scene.pair.T_vis_ir[:3, :3], rotations(turns), places)


def test_projection_and_its_derivatives_are_opencvs():
    K = np.array([[LENS[0], 0, LENS[2]], [0, LENS[1], LENS[3]], [0, 0, 1]])
    zero = np.zeros(3)
    px, jacobian = cv2.projectPoints(POINTS, zero, zero, K, LENS[4:])
    jacobian = jacobian.reshape(50, 2, -1)
    own, by_point, by_lens = project(LENS, POINTS)
    np.testing.assert_allclose(own, px[:, 0], atol=1e-9)
    np.testing.assert_allclose(by_point, jacobian[..., 3:6], atol=1e-8)
    np.testing.assert_allclose(by_lens, jacobian[..., 6:18], atol=1e-8)


@pytest.mark.parametrize("which", CAMERAS)
@pytest.mark.parametrize("number", range(COUNT + 6), ids=[*NAMES, *(f"pose{n}" for n in range(6))])
def test_derivatives_are_those_of_small_steps(which, number):
    state, shape = _state(), Shape(Scene.standard().board)
    shared, pose, step = np.zeros(COUNT), np.zeros((2, 6)), 1e-6
    analytic = see(state, shape, which)
    if number < COUNT:
        shared[number] = step
        expected = analytic.by_shared[..., number]
    else:
        pose[:, number - COUNT] = step
        expected = analytic.by_pose[..., number - COUNT]
    ahead = see(state.moved(shared, pose), shape, which).px
    behind = see(state.moved(-shared, -pose), shape, which).px
    np.testing.assert_allclose((ahead - behind) / (2 * step), expected, atol=2e-5, rtol=1e-6)


def test_scipys_least_squares_ends_at_the_same_place():
    optimize = pytest.importorskip("scipy.optimize")
    scene = Scene.standard(bow_m=(0.002, 0.001, -0.001))
    views = simulate(scene, 6, seed=4)
    px = {which: np.stack([getattr(view, which) for view in views]) for which in CAMERAS}
    used = {which: np.isfinite(px[which]).all(-1) for which in CAMERAS}
    data = Data(Shape(scene.board), px, used)
    noise = {"ir": 0.15, "vis": 0.10}
    free = np.array([n for n in range(COUNT - 1) if n % 12 < 8 or n >= 24])  # lean lenses
    start = _truth(scene, data)
    own = adjust(start, data, free, noise)

    def error(step: np.ndarray) -> np.ndarray:
        shared = np.zeros(COUNT)
        shared[free] = step[: len(free)] * scale
        moved = start.moved(shared, step[len(free) :].reshape(-1, 6))
        return np.concatenate([(residuals(moved, data, w) / noise[w]).ravel() for w in CAMERAS])

    scale = np.where(np.isin(free % 12, range(4)) & (free < 24), 100.0, 1.0)
    found = optimize.least_squares(error, np.zeros(len(free) + 36), method="lm", xtol=1e-12)
    assert own.cost == pytest.approx(found.cost, rel=1e-7)
    shift = (
        start.shared[SHIFT] + found.x[: len(free)][np.isin(free, range(SHIFT.start, SHIFT.stop))]
    )
    np.testing.assert_allclose(own.state.shared[SHIFT], shift, atol=2e-6)


def test_what_is_known_beforehand_holds_what_the_data_leave_open():
    scene = Scene.standard()
    views = simulate(scene, 6, seed=4)
    px = {which: np.stack([getattr(view, which) for view in views]) for which in CAMERAS}
    data = Data(Shape(scene.board), px, {w: np.isfinite(px[w]).all(-1) for w in CAMERAS})
    noise = {"ir": 0.15, "vis": 0.10}
    free = np.array([n for n in range(COUNT - 1) if n % 12 < 9 or n >= 24])  # with k3
    known = np.where(np.isin(free, (8, 20)), 0.2**-2, 0.0)
    bare = adjust(_truth(scene, data), data, free, noise)
    held = adjust(_truth(scene, data), data, free, noise, prior=known)
    without, with_it = (
        np.linalg.inv(spread(bare.state, data, free, noise, prior).covariance)
        for prior in (None, known)
    )
    np.testing.assert_allclose(np.diag(with_it - without), known, rtol=1e-3, atol=0.1)
    values = bare.state.shared[free]
    expected = -np.linalg.solve(with_it, known * values)
    moved = held.state.shared[free] - values
    k3 = known > 0
    assert (np.abs(values[k3]) > 0.05).any()
    np.testing.assert_allclose(moved[k3], expected[k3], rtol=0.05, atol=0.005)


def _truth(scene: Scene, data: Data) -> State:
    shared = shared_of(scene.pair, scene.bow_m)
    turns, places = [], []
    K, dist = scene.pair.ir.K, scene.pair.ir.dist
    for px in data.px["ir"]:
        _, turn, place = cv2.solvePnP(scene.board.points(), px, K, dist)
        turns.append(turn.ravel())
        places.append(place.ravel())
    R = scene.pair.T_vis_ir[:3, :3]
    return State(shared, R, rotations(np.array(turns)), np.array(places))
