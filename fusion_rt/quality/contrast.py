"""Contrast and activity of the fused picture alone; noise and overshoots raise all of them."""

from __future__ import annotations

import numpy as np


def standard_deviation(fused: np.ndarray) -> float:
    """SD: standard deviation of the grey levels over the picture.

    Args:
        fused: (H, W), float, 0..255.
    Returns:
        0 (one level only) to 127.5 (half black, half white), in grey levels.
    Source: the plain statistical definition, divided by the number of pixels.
    """
    return float(fused.std())


def spatial_frequency(fused: np.ndarray) -> float:
    """SF: root of the sum of the mean squared steps along rows and along columns.

    Args:
        fused: (H, W), float, 0..255.
    Returns:
        0 (flat) to 255 times the root of 2 (a chessboard of single pixels), in grey levels.
    Source: Eskicioglu and Fisher, "Image quality measures and their performance", IEEE Trans.
    Commun. 43(12), 1995; each mean is taken over the steps that exist.
    """
    along_rows, along_columns = np.diff(fused, axis=1), np.diff(fused, axis=0)
    return float(np.sqrt(np.square(along_rows).mean() + np.square(along_columns).mean()))


def average_gradient(fused: np.ndarray) -> float:
    """AG: mean over the pixels of the root of half the sum of the two squared steps.

    Steps go to the right and downwards; the last column and row have none and are left out.

    Args:
        fused: (H, W), float, 0..255.
    Returns:
        0 (flat) to 255 (a chessboard of single pixels), in grey levels.
    Source: Cui et al., "Detail preserved fusion of visible and infrared images using regional
    saliency extraction and multi-scale image decomposition", Opt. Commun. 341, 2015.
    """
    right, down = np.diff(fused, axis=1)[:-1], np.diff(fused, axis=0)[:, :-1]
    return float(np.sqrt((np.square(right) + np.square(down)) / 2).mean())
