"""How a board lies in a picture: how far it is tilted, which side is nearer, how much it fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ..board import Board

Side = Literal["left", "right", "top", "bottom"]

# A tilt smaller than this is not told from none, and has no nearer side.
_LEAST_TILT_DEG = 8.0


@dataclass(frozen=True)
class Attitude:
    """A board as seen.

    Attributes:
        tilt_deg: angle between the board's normal and the line of sight, 0 to 90. From how much it
            is foreshortened, so no focal length is needed; small tilts come out a little uncertain.
        nearer: the side of the picture towards which the board comes nearer; None where it is
            hardly tilted.
        share: part of the picture's area that the points cover, 0 to 1.
        centre: (2,) float64, middle of the points in px.
    """

    tilt_deg: float
    nearer: Side | None
    share: float
    centre: np.ndarray


def attitude(px: np.ndarray, board: Board, size_wh: tuple[int, int]) -> Attitude | None:
    """Judge how a board lies.

    Args:
        px: (N, 2), places of the points, NaN where unknown.
        board: the board.
        size_wh: width and height of the picture.

    Returns:
        None with fewer than 4 points, or where they lie on a line.
    """
    known = np.isfinite(px).all(1)
    places = board.points()[:, :2] / board.spacing_m
    middle = (places.min(0) + places.max(0)) / 2
    H = cv2.findHomography(places[known] - middle, px[known])[0] if known.sum() >= 4 else None
    if H is None or abs(np.linalg.det(H)) < 1e-12:
        return None
    # Map from the board to the picture close to the board's middle, which is at 0.
    near = (H[:2, :2] - np.outer(H[:2, 2], H[2, :2]) / H[2, 2]) / H[2, 2]
    stretch = np.linalg.svd(near, compute_uv=False)
    tilt = float(np.degrees(np.arccos(np.clip(stretch[1] / stretch[0], 0, 1))))
    # Depth grows along this direction of the board; the picture's direction is the same, turned.
    away = near @ (H[2, :2] / H[2, 2])
    nearer: Side | None = None
    if tilt >= _LEAST_TILT_DEG:
        x, y = -away
        nearer = ("right" if x > 0 else "left") if abs(x) > abs(y) else "bottom" if y > 0 else "top"
    area = cv2.contourArea(cv2.convexHull(px[known].astype(np.float32)))
    return Attitude(tilt, nearer, area / (size_wh[0] * size_wh[1]), H[:2, 2] / H[2, 2])
