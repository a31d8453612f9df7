"""From counts to grey levels: every gain control ends in one table of 65,536 entries.

So all of them cost the same per pixel, and one count has one grey level all over the picture.
"""

from __future__ import annotations

import math

import numpy as np

from .histogram import LEVELS, Histogram

# Strength of the logarithm: the middle of the range is shown at 77 % of white.
_LOG_STRENGTH = 15.0


def linear_table(low: float, high: float, min_span: int) -> np.ndarray:
    """Table of (65536,) uint8 that maps ``low`` to 0 and ``high`` to 255.

    A range narrower than ``min_span`` counts is widened about its middle.
    """
    low, high = widened(low, high, min_span)
    first, last = _covered(low, high)
    levels = (np.arange(first, last + 1, dtype=np.float32) - low) * (255 / (high - low))
    table = np.zeros(LEVELS, np.uint8)
    table[first : last + 1] = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    table[last + 1 :] = 255
    return table


def log_table(low: float, high: float, min_span: int) -> np.ndarray:
    """Table of (65536,) uint8 that gives the cold part of ``low`` to ``high`` more grey levels.

    With x from 0 at ``low`` to 1 at ``high`` the level is 255 · ln(1 + 15 x) / ln 16. No count is
    given more than 255 / ``min_span`` levels, see `limited`.
    """
    low, high = widened(low, high, min_span)
    first, last = _covered(low, high)
    place = np.clip((np.arange(first, last + 1, dtype=np.float32) - low) / (high - low), 0, 1)
    levels = np.log1p(_LOG_STRENGTH * place) * np.float32(255 / math.log1p(_LOG_STRENGTH))
    return rounded(spread(first, limited(levels, 255 / min_span)))


def plateau_levels(pixels: Histogram, plateau: float, min_span: int) -> np.ndarray:
    """Plateau equalisation: grey levels go to the counts by how many pixels have them.

    A count that fills a large area, such as sky, is cut down to a plateau first, so that it does
    not take all levels. Gaps in the histogram take none, so a furnace beside a cold wall leaves
    the wall its contrast.

    Args:
        pixels: of the picture.
        plateau: most weight of one count, as a multiple of the mean over the counts that occur.
            1 comes near a linear stretch, a large number is plain histogram equalisation.
        min_span: no count is given more than 255 / ``min_span`` levels, see `limited`.

    Returns:
        (65536,) float32 in 0..255, never falling.
    """
    occurring = np.count_nonzero(pixels.pixels)
    weights = np.minimum(pixels.pixels, np.float32(plateau * pixels.total / occurring))
    levels = np.zeros(weights.size, np.float32)
    # From the middle of one count's share to the middle of the next one's: 0 and 255 are reached.
    levels[1:] = np.cumsum((weights[1:] + weights[:-1]) / 2, dtype=np.float64)
    if levels[-1] > 0:
        levels *= 255 / levels[-1]
    return spread(pixels.first, limited(levels, 255 / min_span))


def limited(levels: np.ndarray, max_slope: float) -> np.ndarray:
    """Levels of neighbouring counts, with every step cut to ``max_slope``.

    That keeps the noise of a scene of one temperature from being blown up. What is lost by the
    cuts is lost at both ends alike, so the picture becomes grey, not dark.

    Args:
        levels: (N,) float32, never falling, within 0..255.
        max_slope: grey levels per count.
    """
    steps = np.diff(levels)
    if steps.size and steps.max() <= max_slope:
        return levels
    cut = np.zeros_like(levels)
    cut[1:] = np.cumsum(np.minimum(steps, np.float32(max_slope)), dtype=np.float64)
    return cut + (255 - cut[-1]) / 2


def widened(low: float, high: float, min_span: int) -> tuple[float, float]:
    """The range, at least ``min_span`` counts wide, about the same middle."""
    lacking = max(0.0, min_span - (high - low))
    return low - lacking / 2, high + lacking / 2


def spread(first: int, levels: np.ndarray) -> np.ndarray:
    """Levels of the counts from ``first`` on as a whole table, (65536,) float32; ends go on."""
    table = np.empty(LEVELS, np.float32)
    table[:first] = levels[0]
    table[first : first + levels.size] = levels
    table[first + levels.size :] = levels[-1]
    return table


def rounded(levels: np.ndarray) -> np.ndarray:
    """Table of (65536,) uint8 from levels in 0..255."""
    return np.rint(levels).astype(np.uint8)


def _covered(low: float, high: float) -> tuple[int, int]:
    """First and last count that lie in the range or just outside."""
    return max(0, min(math.floor(low), LEVELS - 1)), min(LEVELS - 1, max(math.ceil(high), 0))
