"""Pictures as board detection wants them: grey counts, and small 8-bit ones to search in."""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import BoardError

# Share of the darkest and brightest pixels that a stretch gives up, in percent.
_GIVEN_UP = 0.5
# Sides of the neighbourhood that decides what is dark and bright, as a share of the longer side.
_NEIGHBOURHOOD = 1 / 16
_LEVELS_PER_SPREAD = 60.0
# Standard deviation of the Laplacian [0 1 0; 1 -4 1; 0 1 0] of white noise of 1.
_LAPLACIAN_NOISE = 20**0.5
# Median absolute value of normally distributed numbers of standard deviation 1.
_MEDIAN_TO_SIGMA = 1 / 0.6745


def grey(image: np.ndarray) -> np.ndarray:
    """Counts of a picture, in the scale it came in.

    Args:
        image: (H, W) uint8 or uint16, or (H, W, 3) uint8 BGR.

    Returns:
        (H, W) float32.

    Raises:
        BoardError: another shape or type.
    """
    if image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16) or not image.size:
        raise BoardError(
            f"no board can be sought in a picture of shape {image.shape} and type {image.dtype}",
            hint="give grey uint8, raw grey uint16, or BGR uint8",
        )
    return image.astype(np.float32)


def shrunk(counts: np.ndarray, side: int) -> np.ndarray:
    """The picture with a longer side of at most ``side`` px."""
    height, width = counts.shape
    scale = side / max(height, width)
    if scale >= 1:
        return counts
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(counts, size, interpolation=cv2.INTER_AREA)


def to_full(px: np.ndarray, small: np.ndarray, full: np.ndarray) -> np.ndarray:
    """Places (N, 2) of a shrunk picture as places of the full one; both pictures (H, W)."""
    scale = np.array(full.shape[::-1]) / np.array(small.shape[::-1])
    return (px + 0.5) * scale - 0.5


def stretched(counts: np.ndarray) -> np.ndarray:
    """Linear stretch to uint8; a few of the darkest and brightest pixels are clipped."""
    low, high = np.percentile(counts, (_GIVEN_UP, 100 - _GIVEN_UP))
    gain = 255 / max(high - low, 1e-6)
    return np.clip((counts - low) * gain, 0, 255).astype(np.uint8)


def spread_out(counts: np.ndarray, noise_floor: float = 1.0) -> np.ndarray:
    """The picture with its local mean at 0 and its local spread at about 1.

    A board whose contrast is small beside other things in view stands out here. Places move a
    little by it, so it is for seeking alone.

    Args:
        counts: (H, W) float32.
        noise_floor: so many times the picture's noise is added to the local spread: where there is
            nothing but noise it comes out with a spread of 1 / (1 + noise_floor).

    Returns:
        (H, W) float32.
    """
    side = max(3, round(max(counts.shape) * _NEIGHBOURHOOD) | 1)
    off = counts - cv2.blur(counts, (side, side))
    spread = np.sqrt(np.maximum(cv2.blur(off * off, (side, side)), 0))
    rough = np.abs(cv2.Laplacian(counts[::2], cv2.CV_32F))
    noise = float(np.median(rough)) * _MEDIAN_TO_SIGMA / _LAPLACIAN_NOISE
    return off / (spread + noise_floor * noise + 1e-3)


def levelled(counts: np.ndarray) -> np.ndarray:
    """`spread_out` as uint8."""
    return np.clip(spread_out(counts) * _LEVELS_PER_SPREAD + 128, 0, 255).astype(np.uint8)
