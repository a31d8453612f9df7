"""Cameras and boards that tests of the calibration look at."""

from __future__ import annotations

import numpy as np

from calibration.board import Board
from calibration.camera import Camera

CHESSBOARD = Board("chessboard", 9, 6, 0.06)
CIRCLES = Board("circles", 4, 11, 0.04)


def camera(width: int, height: int, focal_px: float, k1: float = 0.0) -> Camera:
    """A camera that looks through the middle of its picture."""
    K = np.array([[focal_px, 0, (width - 1) / 2], [0, focal_px, (height - 1) / 2], [0, 0, 1]])
    return Camera((width, height), K, np.array([k1, 0.0, 0.0, 0.0]))


IR = camera(640, 512, 770, k1=-0.2)
VIS = camera(1280, 1024, 1250, k1=-0.08)
