"""Camera pairs with known geometry, for tests of what is built on it."""

from __future__ import annotations

import cv2
import numpy as np

from calibration.camera import Camera
from calibration.rig import CameraPair, Rig

MILD_IR = (-0.25, 0.08, 3e-4, -2e-4)
MILD_VIS = (-0.12, 0.03, 1e-4, 2e-4)


def camera(size_wh, focal_px, dist=(0.0, 0.0, 0.0, 0.0)):
    width, height = size_wh
    K = np.array([[focal_px, 0, width / 2 - 0.5], [0, focal_px, height / 2 - 0.5], [0, 0, 1.0]])
    return Camera(size_wh, K, np.array(dist, float))


def pair_rig(
    *,
    ir_wh=(160, 128),
    vis_wh=(320, 256),
    focal=(190.0, 310.0),
    t=(-0.05, 0.002, 0.004),
    turn=(0.01, -0.02, 0.015),
    dist=(MILD_IR, MILD_VIS),
    distance_m=None,
):
    """Calibrated cameras; by default 5 cm apart, with lenses that bend."""
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array(turn, float))[0]
    T[:3, 3] = t
    cameras = CameraPair(camera(ir_wh, focal[0], dist[0]), camera(vis_wh, focal[1], dist[1]), T)
    return Rig(ir_wh, vis_wh, None, cameras, distance_m)


def pixels(size_wh):
    """All of a picture, (N, 2) float64, row by row."""
    grid = np.meshgrid(np.arange(size_wh[0], dtype=float), np.arange(size_wh[1], dtype=float))
    return np.column_stack([axis.ravel() for axis in grid])


def shifted(dx, dy, turn=0.0, scale=1.0):
    """Similarity (3, 3)."""
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[c, -s, dx], [s, c, dy], [0, 0, 1.0]])
