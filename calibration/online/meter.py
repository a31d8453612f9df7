"""How far a similarity moves things on the picture: one figure, in px."""

from __future__ import annotations

import math

import numpy as np


def misregistration_px(similarity: np.ndarray, size_wh: tuple[int, int]) -> float:
    """Mean distance that it moves the centre and four places towards the corners by.

    Args:
        similarity: (3, 3), px to px.
        size_wh: width and height of the picture in px.
    """
    places = five_places(size_wh)
    moved = places @ similarity[:2, :2].T + similarity[:2, 2]
    return float(np.hypot(*(moved - places).T).mean())


def five_places(size_wh: tuple[int, int]) -> np.ndarray:
    """(5, 2) px: the centre, and the corners of its inner three fifths."""
    inner = np.array([(0.5, 0.5), (0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)])
    return inner * size_wh - 0.5


def parts(similarity: np.ndarray, size_wh: tuple[int, int]) -> tuple[float, float, float]:
    """What it consists of: shift of the centre in px, turn in degrees, scale as a share (0: none).

    Args:
        similarity: (3, 3), px to px.
        size_wh: width and height of the picture in px.
    """
    centre = np.array(size_wh) / 2 - 0.5
    shift = similarity[:2, :2] @ centre + similarity[:2, 2] - centre
    a, b = similarity[0, 0], similarity[1, 0]
    return float(np.hypot(*shift)), math.degrees(math.atan2(b, a)), math.hypot(a, b) - 1
