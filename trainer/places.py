"""Kernels for pictures whose places, squares of 2x2 px, lie in four channels at half the size.

A plane of one channel leaves most of a processor's vector unit idle; four channels of a quarter
of the pixels hold the same numbers and fill more of it. The channel of a pixel is
``4 * plane + 2 * row + column`` with row and column within its place: ONNX calls it CRD, and for
a single plane DCR is the same.
"""

from __future__ import annotations

import numpy as np

PIXELS = 4  # of a place


def onto_places(kernel: np.ndarray) -> np.ndarray:
    """The convolution with stride 2 that gives as places what ``kernel`` gives as planes.

    Args:
        kernel: (Cout, Cin, K, L), both sides odd, for a convolution that keeps the size.
    Returns:
        (4 Cout, Cin, K + 1, L + 1), to be padded in front as much as ``kernel`` is.
    """
    planes, channels, rows, columns = kernel.shape
    each = np.zeros((planes, PIXELS, channels, rows + 1, columns + 1), kernel.dtype)
    for pixel in range(PIXELS):
        row, column = divmod(pixel, 2)
        each[:, pixel, :, row : row + rows, column : column + columns] = kernel
    return each.reshape(-1, *each.shape[2:])


def from_places(kernel: np.ndarray, front: tuple[int, int]) -> np.ndarray:
    """The convolution of places that does what ``kernel`` does to planes with stride 2.

    Args:
        kernel: (Cout, Cin, K, L); reaches no more places behind than in front.
        front: rows and columns that the planes are padded by in front.
    Returns:
        (Cout, 4 Cin, M, N), both sides odd, for a convolution that keeps the size.
    """
    far = [(pad + 1) // 2 for pad in front]  # places
    grown = np.zeros((*kernel.shape[:2], *(2 * (2 * places + 1) for places in far)), kernel.dtype)
    top, left = (2 * places - pad for places, pad in zip(far, front, strict=True))
    grown[:, :, top : top + kernel.shape[2], left : left + kernel.shape[3]] = kernel
    parts = grown.reshape(*kernel.shape[:2], 2 * far[0] + 1, 2, 2 * far[1] + 1, 2)
    merged = parts.transpose(0, 1, 3, 5, 2, 4)
    return merged.reshape(len(kernel), -1, *merged.shape[4:])


def on_places(kernel: np.ndarray) -> np.ndarray:
    """The convolution of places to places that does what ``kernel`` does to planes.

    Args:
        kernel: (Cout, Cin, K, L), both sides odd, for a convolution that keeps the size.
    Returns:
        (4 Cout, 4 Cin, M, N), both sides odd, for a convolution that keeps the size.
    """
    rows, columns = kernel.shape[2:]
    return from_places(onto_places(kernel), (rows // 2, columns // 2))
