"""How well each block of the infrared field fits the visible one, shifted this way and that."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .field import Field

COLUMNS, ROWS = 5, 4  # blocks, each overlapping its neighbours by half
# How far is searched, as a share of the width: 12 px of shift, 1 degree and 2 % at 640 px.
_REACH_SHARE = 1 / 30
# A block with fewer seen pixels or edges says nothing.
_LEAST_ENERGY = 0.004
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class Surfaces:
    """Agreement of the blocks for each shift of the infrared block over the visible picture.

    Attributes:
        height: (B, 2 r + 1, 2 r + 1) float32, in standard deviations above the surface's middle,
            not below 0; index [block, r + dy, r + dx]. All 0 for a block without edges.
        centres: (B, 2) float64, the blocks' centres in working px from the picture's centre.
        work_wh: working size in px.
        scale: working px for each px of the picture.
    """

    height: np.ndarray
    centres: np.ndarray
    work_wh: tuple[int, int]
    scale: float

    @property
    def reach(self) -> int:
        """r, the furthest shift in working px."""
        return self.height.shape[1] // 2


def block_surfaces(ir: Field, vis: Field) -> Surfaces:
    """Compare two fields of one size, block by block.

    A windowed block of the infrared field is the template that is moved over the visible one, so
    nothing wraps around as it would in a cyclic correlation.
    """
    height, width = ir.planes.shape[:2]
    reach = reach_px(width)
    corners, (block_w, block_h) = block_layout((width, height))
    window = np.outer(_hann(block_h), _hann(block_w))[..., None]
    heights = []
    for x, y in corners:
        template = ir.planes[y : y + block_h, x : x + block_w] * window
        around = vis.planes[y - reach : y + block_h + reach, x - reach : x + block_w + reach]
        heights.append(_height(template, around, reach))
    centres = corners + (np.array([block_w, block_h]) - (width, height)) / 2
    return Surfaces(np.array(heights), centres, (width, height), ir.scale)


def block_layout(work_wh: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """Upper left corners (B, 2) int of the blocks in working px, and their width and height."""
    reach = reach_px(work_wh[0])
    block_wh = (
        (work_wh[0] - 2 * reach) // (COLUMNS + 1) * 2,
        (work_wh[1] - 2 * reach) // (ROWS + 1) * 2,
    )
    column, row = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
    steps = np.column_stack([column.ravel(), row.ravel()])
    return reach + steps * block_wh // 2, block_wh


def reach_px(work_width: int) -> int:
    """How far is searched, in working px."""
    return max(12, round(work_width * _REACH_SHARE))


def _height(template: np.ndarray, around: np.ndarray, reach: int) -> np.ndarray:
    if (template * template).mean() < _LEAST_ENERGY or (around * around).mean() < _LEAST_ENERGY:
        return np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    fit = cv2.matchTemplate(np.ascontiguousarray(around), template, cv2.TM_CCORR)
    middle = np.median(fit)
    spread = _MAD_TO_SIGMA * np.median(np.abs(fit - middle))
    return np.maximum((fit - middle) / max(float(spread), 1e-6), 0).astype(np.float32)


def _hann(length: int) -> np.ndarray:
    return np.hanning(length + 2)[1:-1].astype(np.float32)
