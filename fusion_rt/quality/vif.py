"""Visual information fidelity: how much of what an eye sees in a source the fused picture shows."""

from __future__ import annotations

import math

import cv2
import numpy as np

_SCALES = 4
_EYE_NOISE = 2.0  # variance of the noise of seeing, in squared grey levels
_TINY = 1e-10  # keeps flat windows from a division by zero


def visual_information_fidelity(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    """VIF: pixel-domain VIF of the fused picture against each source, summed.

    Args:
        ir: (H, W), float, 0..255, at least 41 x 41.
        vis: same.
        fused: same.
    Returns:
        0 (nothing kept) over 2 (equal to both) to more, as contrast above the source's is
        rewarded; NaN where a source is flat.
    Source: as `pixel_vif`; summed over the sources as comparisons of fusion methods do.
    """
    return pixel_vif(ir, fused) + pixel_vif(vis, fused)


def pixel_vif(reference: np.ndarray, distorted: np.ndarray) -> float:
    """VIF of one picture against a reference, in the pixel domain at 4 scales.

    At each scale the reference is modelled as Gaussian in a window around each pixel, the
    distorted picture as ``gain * reference + noise``, and both are seen through the same noise of
    the eye. The result is the information that comes through, divided by that of the reference.
    Windows are Gaussians of 17, 9, 5 and 3 px, a fifth of that as deviation; only windows that
    lie within the picture count.

    Args:
        reference: (H, W), float, 0..255, at least 41 x 41.
        distorted: same.
    Returns:
        0 or more, 1 for equal pictures; NaN where the reference is flat.
    Source: Sheikh and Bovik, "Image information and visual quality", IEEE Trans. Image Process.
    15(2), 2006; the authors' multi-scale pixel-domain simplification.
    """
    if np.ptp(reference) == 0:
        return math.nan
    kept = there = 0.0
    for scale in range(_SCALES):
        size = 2 ** (_SCALES - scale) + 1
        if scale:
            reference, distorted = (_windowed(x, size)[::2, ::2] for x in (reference, distorted))
        mean_r, mean_d = _windowed(reference, size), _windowed(distorted, size)
        var_r = np.maximum(_windowed(reference * reference, size) - mean_r * mean_r, 0)
        var_d = np.maximum(_windowed(distorted * distorted, size) - mean_d * mean_d, 0)
        covariance = _windowed(reference * distorted, size) - mean_r * mean_d
        # Inverted structure counts as noise, not as a gain.
        gain = np.maximum(covariance, 0) / (var_r + _TINY)
        noise = np.maximum(var_d - gain * covariance, 0)
        kept += float(np.log1p(gain * gain * var_r / (noise + _EYE_NOISE)).sum())
        there += float(np.log1p(var_r / _EYE_NOISE).sum())
    return kept / there


def _windowed(plane: np.ndarray, size: int) -> np.ndarray:
    """Gaussian mean over each ``size`` x ``size`` window that lies within the plane."""
    kernel = cv2.getGaussianKernel(size, size / 5, cv2.CV_64F)
    half = size // 2
    return cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel)[half:-half, half:-half]
