"""Temperatures in a radiometric picture: at the pointer, and where it is coldest and hottest."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..radiometry import Radiometry


@dataclass(frozen=True, slots=True)
class Spot:
    """A place with its temperature.

    Attributes:
        xy: column and row in px.
        celsius: in °C.
    """

    xy: tuple[int, int]
    celsius: float


def spot(counts: np.ndarray, xy: tuple[int, int], radiometry: Radiometry, radius: int = 1) -> float:
    """Temperature at a place: the median of its neighbourhood, so that a dead pixel counts little.

    Args:
        counts: (H, W) uint16.
        xy: column and row in px.
        radiometry: what the counts mean.
        radius: 1 for 3x3 px; cut off at the picture's border.

    Returns:
        In °C.

    Raises:
        ValueError: the place lies outside the picture.
    """
    height, width = counts.shape
    x, y = xy
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f"place {x}, {y} lies outside the picture of {width}x{height}")
    rows = slice(max(0, y - radius), y + radius + 1)
    columns = slice(max(0, x - radius), x + radius + 1)
    return radiometry.celsius(float(np.median(counts[rows, columns])))


def extremes(counts: np.ndarray, radiometry: Radiometry) -> tuple[Spot, Spot]:
    """Coldest and hottest place, each by the median of its 3x3 neighbourhood.

    Args:
        counts: (H, W) uint16.
        radiometry: what the counts mean.
    """
    least, most, coldest_xy, hottest_xy = cv2.minMaxLoc(cv2.medianBlur(counts, 3))
    return (
        Spot((coldest_xy[0], coldest_xy[1]), radiometry.celsius(least)),
        Spot((hottest_xy[0], hottest_xy[1]), radiometry.celsius(most)),
    )
