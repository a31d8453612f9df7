"""How far the infrared lies off on the visible picture, from the two pictures alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import RigError
from .field import Field, field_of
from .fit import Fit, coarse, refine, shifts
from .surfaces import Surfaces, block_surfaces

_AGREEING = 1.0  # working px from the fit
_CLEAR = 3.5  # standard deviations of a block's peak


@dataclass(frozen=True)
class Estimate:
    """A similarity between two pictures that should lie on each other, and how sure it is.

    Attributes:
        similarity: (3, 3) float64, px of the pictures: what lies at p in the infrared picture lies
            at ``similarity @ p`` in the visible one.
        confidence: 0..1, share of the blocks that have a clear peak where the similarity says.
        blocks: how many those are.
        residual: median distance of their peaks from it, px of the pictures.
        error_px: its standard error in px of the pictures, mean over five places, as far as
            blocks (or frames) that disagree tell it: what misleads all of them alike is not in it.
    """

    similarity: np.ndarray
    confidence: float
    blocks: int
    residual: float
    error_px: float


def estimate(ir_on_vis: np.ndarray, vis: np.ndarray, seen: np.ndarray | None = None) -> Estimate:
    """Compare one pair.

    Right within about 2 % of the width, 1 degree and 2 % of scale, for pictures that show the same
    scene; look at ``confidence`` before believing it.

    Args:
        ir_on_vis: (H, W) uint8 or uint16, the infrared laid on the visible picture.
        vis: (H, W, 3) uint8 BGR or (H, W) uint8.
        seen: (H, W), 0 where the infrared does not see; None where it sees all.

    Raises:
        RigError: sizes differ or are too small.
    """
    surfaces = compare(field_of(ir_on_vis, seen), field_of(vis))
    return told(fitted(surfaces.height[None], surfaces), surfaces)


def compare(ir: Field, vis: Field) -> Surfaces:
    """The blocks' agreement.

    Raises:
        RigError: sizes differ.
    """
    if ir.picture_wh != vis.picture_wh:
        raise RigError(
            f"infrared of {ir.picture_wh[0]}x{ir.picture_wh[1]} does not lie on visible of "
            f"{vis.picture_wh[0]}x{vis.picture_wh[1]}",
            hint="warp it by the rig first",
        )
    return block_surfaces(ir, vis)


def fitted(heights: np.ndarray, like: Surfaces, scenes: np.ndarray | None = None) -> Fit:
    """The similarity of several frames together.

    Args:
        heights: (K, B, n, n) float32, `Surfaces.height` of each.
        like: centres and size of all of them.
        scenes: (K,) int from 0, which frames show the same scene; None where all differ.
    """
    numbers = np.arange(len(heights)) if scenes is None else scenes
    share = (1 / np.bincount(numbers)[numbers]).astype(np.float32)
    mean = np.tensordot(share / share.sum(), heights, axes=1)
    return refine(heights, like.centres, coarse(mean, like.centres), numbers)


def told(fit: Fit, like: Surfaces) -> Estimate:
    """A fit in px of the pictures; blocks and confidence are means over its frames."""
    frames = len(fit.residual) / len(like.centres)
    agreeing = (fit.residual < _AGREEING) & (fit.height > _CLEAR)
    residual = float(np.median(fit.residual[agreeing])) if agreeing.any() else np.inf
    return Estimate(
        similarity_of(fit.p, like),
        float(agreeing.mean()),
        round(agreeing.sum() / frames),
        residual / like.scale,
        error_of(fit, like) / like.scale,
    )


def similarity_of(p: np.ndarray, like: Surfaces) -> np.ndarray:
    """The fit's numbers as a (3, 3) similarity in px of the pictures."""
    a, b = p[2:]
    S = np.array([[1 + a, -b, 0.0], [b, 1 + a, 0.0], [0.0, 0.0, 1.0]])
    # Pixel centres lie at whole numbers, and reducing keeps the outer edges where they are.
    centre = np.array(like.work_wh) / like.scale / 2 - 0.5
    S[:2, 2] = centre + p[:2] / like.scale - S[:2, :2] @ centre
    return S


def error_of(fit: Fit, like: Surfaces) -> float:
    """Root of the mean variance at the picture's centre and corners of its inner part, px."""
    x, y = np.array(like.work_wh) * 0.3
    places = np.array([(0, 0), (x, y), (-x, y), (x, -y), (-x, -y)])
    unit = np.stack([shifts(row, places) for row in np.eye(4)], axis=2)
    variance = np.einsum("nia,ab,nib->n", unit, fit.covariance, unit)
    return float(np.sqrt(variance.mean()))
