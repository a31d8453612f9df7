"""Structural similarity of the fused picture to its sources, at one scale and at five."""

from __future__ import annotations

import math

import cv2
import numpy as np

_WINDOW, _SIGMA = 11, 1.5
_C1 = (0.01 * 255) ** 2  # of luminance
_C2 = (0.03 * 255) ** 2  # of contrast and structure
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_MIN_SIDE = _WINDOW * 2 ** (len(_SCALE_WEIGHTS) - 1)  # 176: a window at the coarsest scale


def ssim(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    """SSIM: structural similarity of the fused picture to each source, mean of the two.

    Gaussian windows of 11 x 11 px and deviation 1.5, only those within the picture;
    K1 = 0.01, K2 = 0.03, range 255.

    Args:
        ir: (H, W), float, 0..255, at least 11 x 11.
        vis: same.
        fused: same.
    Returns:
        -1 to 1 (equal to both).
    Source: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility
    to structural similarity", IEEE Trans. Image Process. 13(4), 2004.
    """
    return (_similarity(ir, fused)[0] + _similarity(vis, fused)[0]) / 2


def ms_ssim(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    """MS-SSIM: structural similarity at five scales to each source, mean of the two.

    The product over the scales of contrast and structure, at the coarsest scale of luminance too,
    each to the power of its weight; a negative mean counts as 0. From scale to scale 2 x 2 px
    are averaged.

    Args:
        ir: (H, W), float, 0..255.
        vis: same.
        fused: same.
    Returns:
        0 to 1 (equal to both); NaN for pictures below 176 px a side, whose coarsest scale has no
        room for a window.
    Source: Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality
    assessment", Asilomar 2003.
    """
    if min(fused.shape) < MS_SSIM_MIN_SIDE:
        return math.nan
    return (_multi_scale(ir, fused) + _multi_scale(vis, fused)) / 2


def _multi_scale(a: np.ndarray, b: np.ndarray) -> float:
    product = 1.0
    for scale, weight in enumerate(_SCALE_WEIGHTS):
        whole, structure = _similarity(a, b)
        coarsest = scale == len(_SCALE_WEIGHTS) - 1
        product *= max(whole if coarsest else structure, 0.0) ** weight
        a, b = _halved(a), _halved(b)
    return product


def _similarity(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Mean SSIM over the windows, and the mean of its part for contrast and structure."""
    mean_a, mean_b = _windowed(a), _windowed(b)
    var_a = _windowed(a * a) - mean_a * mean_a
    var_b = _windowed(b * b) - mean_b * mean_b
    covariance = _windowed(a * b) - mean_a * mean_b
    structure = (2 * covariance + _C2) / (var_a + var_b + _C2)
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a * mean_a + mean_b * mean_b + _C1)
    return float((luminance * structure).mean()), float(structure.mean())


def _windowed(plane: np.ndarray) -> np.ndarray:
    """Gaussian mean over each window that lies within the plane."""
    half = _WINDOW // 2
    kernel = cv2.getGaussianKernel(_WINDOW, _SIGMA, cv2.CV_64F)
    return cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel)[half:-half, half:-half]


def _halved(plane: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 px; an odd last row or column is left out."""
    rows, columns = plane.shape[0] // 2 * 2, plane.shape[1] // 2 * 2
    return plane[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
