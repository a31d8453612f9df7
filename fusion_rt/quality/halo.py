"""Halos: levels that no pixel of the sources near by has."""

from __future__ import annotations

import cv2
import numpy as np

_WINDOW = 5  # px


def halo(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    """Mean of the grey levels by which the fused picture leaves the range of its sources.

    The range at a pixel goes from the darkest to the brightest level of both sources in a window
    of 5 x 5 px around it, cut at the border; overshoots and undershoots count, and all pixels
    share in the mean.

    Args:
        ir: (H, W), float, 0..255.
        vis: same.
        fused: same.
    Returns:
        0 (always within the range) to 255, in grey levels.
    Source: own definition.
    """
    window = np.ones((_WINDOW, _WINDOW), np.uint8)
    # OpenCV's default border for these two never wins, so the window is cut there.
    highest = cv2.dilate(np.maximum(ir, vis), window)
    lowest = cv2.erode(np.minimum(ir, vis), window)
    return float((np.maximum(fused - highest, 0) + np.maximum(lowest - fused, 0)).mean())
