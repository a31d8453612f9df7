"""Picture sheets: a few fixed pairs, fused by the network as it began and as it is now."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import nn

from trainer.compute import Compute
from trainer.layouts import PairFiles
from trainer.pairs import luma, read_colour

COLUMNS = ("infrared", "visible", "fused before", "fused now")
LONGEST_PX = 640  # larger pictures are reduced before they are fused
_GAP, _HEADER = 6, 30
_INK, _PAPER = (220, 220, 220), (40, 40, 40)


class PictureSheet:
    """Rows of infrared, visible, and fused before and now, in colour.

    Args:
        pairs: one row each.
        before: network to compare with; used here and not kept.
        compute: where to fuse.
    """

    def __init__(self, pairs: Sequence[PairFiles], before: nn.Module, compute: Compute) -> None:
        self._compute = compute
        self._pairs = [_reduced(*read_colour(files)) for files in pairs]
        self._before = [fuse_colour(before, ir, bgr, compute) for ir, bgr in self._pairs]

    def draw(self, model: nn.Module) -> np.ndarray:
        """The sheet with what ``model``, in eval mode, gives now: (H, W, 3) uint8 BGR."""
        rows = [
            [cv2.cvtColor(ir, cv2.COLOR_GRAY2BGR), bgr, before, now]
            for (ir, bgr), before in zip(self._pairs, self._before, strict=True)
            for now in [fuse_colour(model, ir, bgr, self._compute)]
        ]
        return _arranged(rows)


def chosen(pairs: Sequence[PairFiles], count: int) -> list[PairFiles]:
    """At most ``count`` pairs, spread evenly over ``pairs``."""
    count = min(count, len(pairs))
    return [pairs[(2 * place + 1) * len(pairs) // (2 * count)] for place in range(count)]


@torch.no_grad()
def fuse_colour(model: nn.Module, ir: np.ndarray, bgr: np.ndarray, compute: Compute) -> np.ndarray:
    """What the deployed graph shows: the change of luma added to each colour.

    Args:
        model: in eval mode.
        ir: (H, W) uint8.
        bgr: (H, W, 3) uint8.
        compute: where to fuse.
    Returns:
        (H, W, 3) uint8 BGR.
    """
    vis_y = luma(bgr)
    planes = [
        torch.from_numpy(plane.astype(np.float32) / 255)[None, None].to(compute.device)
        for plane in (ir, vis_y)
    ]
    with compute.autocast():
        fused = model(*planes)
    fused_y = fused.float().clamp(0, 1)[0, 0].cpu().numpy() * 255
    return np.clip(np.rint(bgr + (fused_y - vis_y)[..., None]), 0, 255).astype(np.uint8)


def _reduced(ir: np.ndarray, bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = LONGEST_PX / max(ir.shape)
    if scale >= 1:
        return ir, bgr
    size_wh = (round(ir.shape[1] * scale), round(ir.shape[0] * scale))
    smaller = [cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA) for image in (ir, bgr)]
    return smaller[0], smaller[1]


def _arranged(rows: list[list[np.ndarray]]) -> np.ndarray:
    """Pictures in rows below the names of the columns."""
    width = max(row[0].shape[1] for row in rows) + _GAP
    heights = [row[0].shape[0] + _GAP for row in rows]
    sheet = np.full((_HEADER + sum(heights), width * len(COLUMNS) + _GAP, 3), _PAPER, np.uint8)
    for column, name in enumerate(COLUMNS):
        place = (_GAP + column * width, _HEADER - 9)
        cv2.putText(sheet, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, _INK, 1, cv2.LINE_AA)
    top = _HEADER
    for row, height in zip(rows, heights, strict=True):
        for column, image in enumerate(row):
            left = _GAP + column * width
            sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
        top += height
    return sheet
