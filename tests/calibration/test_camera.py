"""One camera: where points are seen, and in which direction a pixel looks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.camera import Camera

K = np.array([[770.0, 0, 322.5], [0, 765.0, 251.0], [0, 0, 1]])
LENSES = [
    pytest.param([0.0, 0, 0, 0], id="straight"),
    pytest.param([-0.35, 0.14, 0.001, -0.002], id="barrel"),
    pytest.param([0.12, -0.05, -0.001, 0.001, 0.02], id="pincushion"),
    pytest.param([0.4, 0.05, 0.0005, -0.0003, 0.002, 0.75, 0.12, 0.005], id="rational"),
]


def camera(dist):
    return Camera((640, 512), K, np.array(dist, np.float64))


def pixels():
    xs, ys = np.meshgrid(np.linspace(-0.5, 639.5, 23), np.linspace(-0.5, 511.5, 19))
    return np.column_stack([xs.ravel(), ys.ravel()])


@pytest.mark.parametrize("dist", LENSES)
def test_rays_are_the_inverse_of_projecting(dist):
    lens = camera(dist)
    rays = lens.rays(pixels())
    points = np.column_stack([rays, np.ones(len(rays))]) * np.linspace(0.1, 50, len(rays))[:, None]
    np.testing.assert_allclose(lens.project(points), pixels(), atol=2e-4)


@pytest.mark.parametrize("dist", LENSES)
def test_projection_is_opencvs(dist):
    points = np.random.default_rng(3).uniform((-1, -1, 3), (1, 1, 9), (200, 3))
    zero = np.zeros(3)
    expected = cv2.projectPoints(points, zero, zero, K, np.array(dist))[0].reshape(-1, 2)
    np.testing.assert_allclose(camera(dist).project(points), expected, atol=1e-9)


def test_nothing_is_seen_behind_the_camera():
    points = np.array([[0, 0, -1], [0.1, 0, 0], [0, 0, 2]], np.float64)
    seen = camera([0.0, 0, 0, 0]).project(points)
    assert np.isnan(seen[:2]).all()
    np.testing.assert_allclose(seen[2], K[:2, 2])


def test_far_off_the_axis_a_barrel_lens_does_not_fold_the_scene_back():
    lens = camera([-0.35, 0.0, 0, 0])
    # The polynomial r - 0.35 r^3 turns round at r = 0.976 and is back on the axis at 1.69.
    assert lens.reach == pytest.approx(0.976, abs=0.002)
    assert np.isnan(lens.project(np.array([[1.6, 0, 1], [1.0, 0, 1]]))).all()
    assert np.isfinite(lens.project(np.array([[0.9, 0, 1]]))).all()


def test_pixels_beyond_what_a_barrel_lens_can_show_look_nowhere():
    lens = camera([-0.35, 0.0, 0, 0])
    edge_px = K[0, 2] + K[0, 0] * 0.65 + 20  # the polynomial's greatest value is 0.651
    assert np.isnan(lens.rays(np.array([[edge_px, K[1, 2]]]))).all()


def test_no_points():
    assert camera([0.0, 0, 0, 0]).project(np.empty((0, 3))).shape == (0, 2)
    assert camera([0.0, 0, 0, 0]).rays(np.empty((0, 2))).shape == (0, 2)
