"""The planes that all figures are computed on: 8-bit luma as float64."""

from __future__ import annotations

import numpy as np

from engines.contract import BT601_BGR

from ..errors import UsageError

MIN_SIDE = 41  # below, the coarsest scale of the pixel-domain VIF has no window that fits


def luma_levels(picture: np.ndarray) -> np.ndarray:
    """Luma of a picture in the 256 levels that a file of it holds.

    Args:
        picture: (H, W) grey, returned as it is, or (H, W, 3) BGR; uint8.
    Returns:
        Shape (H, W), uint8, rounded to nearest.
    Source: ITU-R BT.601-7, section 2.5.1, the weights that the models use.
    """
    if picture.ndim == 2:
        return picture
    # Three equal channels must give their own level: whole thousandths leave no rounding error.
    blue, green, red = (round(1000 * weight) for weight in BT601_BGR)
    parts = picture.astype(np.int32)
    luma = blue * parts[..., 0] + green * parts[..., 1] + red * parts[..., 2]
    return ((luma + 500) // 1000).astype(np.uint8)


def check_planes(ir: np.ndarray, vis_y: np.ndarray, fused_y: np.ndarray) -> list[np.ndarray]:
    """The three planes as float64, for figures that are about to be computed.

    Args:
        ir: (H, W), any real dtype, 0..255.
        vis_y: same shape and range.
        fused_y: same shape and range.
    Raises:
        UsageError: not three planes of one size of at least 41 x 41, or values outside 0..255.
    """
    named = {"infrared": ir, "visible": vis_y, "fused": fused_y}
    for name, plane in named.items():
        if plane.ndim != 2:
            raise UsageError(
                f"the {name} picture has shape {plane.shape}, but figures need one plane (H, W)",
                hint="take its luma first",
            )
    if not ir.shape == vis_y.shape == fused_y.shape:
        sizes = ", ".join(f"{name} {size_text(plane)}" for name, plane in named.items())
        raise UsageError(
            f"the pictures differ in size: {sizes}",
            hint="compare pictures that lie on each other, pixel by pixel",
        )
    if min(ir.shape) < MIN_SIDE:
        raise UsageError(
            f"the pictures are {size_text(ir)}, but figures need at least {MIN_SIDE} px a side",
            hint="use larger pictures",
        )
    planes = [plane.astype(np.float64) for plane in named.values()]
    for name, plane in zip(named, planes, strict=True):
        low, high = float(plane.min()), float(plane.max())
        if not (low >= 0 and high <= 255):  # also caught: NaN, which is neither
            raise UsageError(
                f"the {name} picture has values from {low:g} to {high:g}, not within 0 to 255",
                hint="scale it to grey levels first",
            )
    return planes


def size_text(plane: np.ndarray) -> str:
    """For instance "640x480"."""
    return f"{plane.shape[1]}x{plane.shape[0]}"
