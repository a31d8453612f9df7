"""The luma of one moment: both sources and what was fused from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engines.contract import BT601_BGR

from ..errors import UsageError


@dataclass(frozen=True)
class Planes:
    """One moment of a clip.

    Attributes:
        ir: (H, W) float64, grey levels 0..255.
        vis: luma of the visible picture, like ``ir``.
        fused: luma of each fused picture, like ``ir``, by the name of its method.
    """

    ir: np.ndarray
    vis: np.ndarray
    fused: Mapping[str, np.ndarray]

    @staticmethod
    def of(ir: np.ndarray, vis: np.ndarray, fused: Mapping[str, np.ndarray]) -> Planes:
        """Take the luma of all pictures.

        Raises:
            UsageError: the sizes differ, or a picture is not 8-bit grey or BGR.
        """
        pictures = {"infrared": ir, "visible": vis, **fused}
        width, height = vis.shape[1], vis.shape[0]
        for name, picture in pictures.items():
            if picture.shape[:2] != vis.shape[:2]:
                raise UsageError(
                    f"{name} is {picture.shape[1]}x{picture.shape[0]}, "
                    f"but visible is {width}x{height}",
                    hint="give pictures that lie on each other, all of one size",
                )
        return Planes(luma(ir), luma(vis), {name: luma(fused[name]) for name in fused})


def luma(picture: np.ndarray) -> np.ndarray:
    """Grey levels of a picture, not rounded.

    Args:
        picture: (H, W) grey or (H, W, 3) BGR, uint8.

    Returns:
        (H, W) float64 in 0..255, full range.

    Raises:
        UsageError: another shape or dtype.
    Source: ITU-R BT.601-7, section 2.5.1.
    """
    if (
        picture.dtype != np.uint8
        or picture.ndim not in (2, 3)
        or picture.shape[2:] not in ((), (3,))
    ):
        raise UsageError(
            f"a picture is {picture.dtype} {picture.shape}, but must be 8-bit grey or BGR",
            hint="convert it to 8 bit first",
        )
    if picture.ndim == 2:
        return picture.astype(np.float64)
    return picture.astype(np.float64) @ np.array(BT601_BGR)


def rms(values: np.ndarray) -> float:
    """Root of the mean square; nan of nothing."""
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else float("nan")


def ratio(part: float, whole: float) -> float:
    """``part`` / ``whole``; nan where there is nothing to compare with."""
    return part / whole if whole > 0 else float("nan")
