"""Linear correlation of the fused picture, and of what it adds, with the sources."""

from __future__ import annotations

import math

import numpy as np


def correlation(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    """CC: correlation coefficient of the fused picture with each source, mean of the two.

    Args:
        ir: (H, W), float.
        vis: same.
        fused: same; where it is flat, 0.
    Returns:
        -1 to 1; NaN where a source is flat.
    Source: Deshmukh and Bhosale, "Image fusion and image quality assessment of fused images",
    Int. J. Image Processing 4(5), 2010.
    """
    return (_coefficient(fused, ir) + _coefficient(fused, vis)) / 2


def correlation_of_differences(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    """SCD: what is left of the fused picture without one source, correlated with the other.

    The sum of corr(fused - vis, ir) and corr(fused - ir, vis).

    Args:
        ir: (H, W), float.
        vis: same.
        fused: same; where it is a source plus a constant, that term is 0.
    Returns:
        -2 to 2; NaN where a source is flat.
    Source: Aslantas and Bendes, "A new image quality metric for image fusion: the sum of the
    correlations of differences", AEU 69(12), 2015.
    """
    return _coefficient(fused - vis, ir) + _coefficient(fused - ir, vis)


def _coefficient(result: np.ndarray, source: np.ndarray) -> float:
    if np.ptp(source) == 0:
        return math.nan  # nothing that could be kept
    if np.ptp(result) == 0:
        return 0.0  # nothing was kept
    a, b = result - result.mean(), source - source.mean()
    return float((a * b).sum() / math.sqrt(float((a * a).sum()) * float((b * b).sum())))
