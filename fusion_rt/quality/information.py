"""Information in the sense of Shannon: in the fused picture, and shared with its sources."""

from __future__ import annotations

import numpy as np

_LEVELS = 256


def entropy(fused: np.ndarray) -> float:
    """EN: Shannon entropy of the grey levels, in bits.

    Minus the sum of p log2 p over a histogram of 256 levels. It grows with contrast and with noise
    alike.

    Args:
        fused: (H, W), 0..255; rounded to whole levels.
    Returns:
        0 (one level only) to 8 (all levels equally often).
    Source: Roberts, van Aardt and Ahmed, "Assessment of image fusion procedures using entropy,
    image quality, and multispectral classification", J. Appl. Remote Sens. 2, 2008.
    """
    share = np.bincount(_levels(fused), minlength=_LEVELS) / fused.size
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum()) + 0.0  # + 0.0: no "-0.0"


def mutual_information(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    """MI: information that the fused picture shares with each source, summed, in nats.

    From joint histograms of 256 x 256 levels. A plain copy of one source scores high.

    Args:
        ir: (H, W), 0..255; rounded to whole levels.
        vis: same.
        fused: same.
    Returns:
        0 (independent of both) to twice the entropy of the fused picture in nats.
    Source: Qu, Zhang and Yan, "Information measure for performance of image fusion", Electronics
    Letters 38(7), 2002.
    """
    return _shared(ir, fused) + _shared(vis, fused)


def _shared(source: np.ndarray, fused: np.ndarray) -> float:
    cells = np.bincount(_levels(source) * _LEVELS + _levels(fused), minlength=_LEVELS**2)
    joint = cells.reshape(_LEVELS, _LEVELS) / fused.size
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    met = joint > 0
    return float((joint[met] * np.log(joint[met] / independent[met])).sum())


def _levels(plane: np.ndarray) -> np.ndarray:
    """All pixels in one row, as whole numbers."""
    return np.rint(plane).astype(np.int64).ravel()
