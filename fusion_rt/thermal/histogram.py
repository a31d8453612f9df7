"""How often each count occurs in a picture: what every gain control starts from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

LEVELS = 65536
_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Histogram:
    """Only the counts from the darkest to the brightest pixel, as most of the 65,536 are unused.

    Attributes:
        first: the smallest count in the picture.
        pixels: (N,) float32, whole numbers: how many pixels have the count ``first + index``.
            Neither its first nor its last entry is 0.
        total: number of pixels.
    """

    first: int
    pixels: np.ndarray
    total: int


def histogram(counts: np.ndarray) -> Histogram:
    """Histogram of a picture.

    Args:
        counts: (H, W) uint16.
    """
    least, most, _, _ = cv2.minMaxLoc(counts)
    first, size = int(least), int(most - least) + 1
    pixels = cv2.calcHist([counts], [0], None, [size], [first, first + size])
    return Histogram(first, pixels.reshape(-1), counts.size)


def percentiles(pixels: Histogram, low_percent: float, high_percent: float) -> tuple[float, float]:
    """Counts below which ``low_percent`` and ``high_percent`` of the pixels lie.

    Args:
        pixels: of the picture.
        low_percent: 0..100.
        high_percent: 0..100.
    """
    # First which block of counts, then which count in it: a running sum over all the counts
    # would take as long as the histogram, where one dead pixel makes it span everything.
    whole = pixels.pixels.size // _BLOCK * _BLOCK
    blocks = pixels.pixels[:whole].reshape(-1, _BLOCK).sum(axis=1, dtype=np.float64)
    below = np.concatenate(([0.0], np.cumsum(blocks)))
    found = []
    for percent in (low_percent, high_percent):
        rank = max(percent / 100 * pixels.total, 1.0)
        block = int(np.searchsorted(below, rank)) - 1
        inside = pixels.pixels[block * _BLOCK : (block + 1) * _BLOCK]
        running = below[block] + np.cumsum(inside, dtype=np.float64)
        found.append(float(pixels.first + block * _BLOCK + np.searchsorted(running, rank)))
    return found[0], found[1]


def percentile_range(
    counts: np.ndarray, low_percent: float, high_percent: float
) -> tuple[float, float]:
    """Counts below which ``low_percent`` and ``high_percent`` of the pixels lie.

    Args:
        counts: (H, W) uint16.
        low_percent: 0..100.
        high_percent: 0..100.
    """
    return percentiles(histogram(counts), low_percent, high_percent)
