"""Picture sheets: a few fixed pairs, fused by the network as it began and as it is now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch

from trainer.build import Network
from trainer.deploy import DeployGraph
from trainer.layouts import PairFiles
from trainer.pairs import read_colour

COLUMNS = ("infrared", "visible", "fused before", "fused now")
LONGEST_PX = 640  # larger pictures are reduced before they are fused
_GAP, _HEADER = 6, 30
_INK, _PAPER = (220, 220, 220), (40, 40, 40)


class PictureSheet:
    """Rows of infrared, visible, and fused before and now, as the exported model shows them.

    Args:
        pairs: a row each; their pictures stay in memory, none longer than `LONGEST_PX`.
        before: network to compare with, in eval mode; its pictures are kept, not the network.
        device: of the networks.
        fused: called after each pair.
    Raises:
        DataError: as `trainer.pairs.read_colour`.
    """

    def __init__(
        self,
        pairs: Sequence[PairFiles],
        before: Network,
        device: torch.device,
        fused: Callable[[], object] = lambda: None,
    ) -> None:
        self._device = device
        self._pairs = [_reduced(*read_colour(files)) for files in pairs]
        self._before = self._fused(before, fused)

    def __len__(self) -> int:
        return len(self._pairs)

    def draw(self, model: Network, fused: Callable[[], object] = lambda: None) -> np.ndarray:
        """The sheet with what ``model``, in eval mode, gives now: (H, W, 3) uint8 BGR.

        Args:
            model: network.
            fused: called after each pair.
        """
        now = self._fused(model, fused)
        rows = [
            [cv2.cvtColor(ir, cv2.COLOR_GRAY2BGR), bgr, *both]
            for (ir, bgr), *both in zip(self._pairs, self._before, now, strict=True)
        ]
        return _arranged(rows)

    def _fused(self, model: Network, fused: Callable[[], object]) -> list[np.ndarray]:
        pictures = []
        for ir, bgr in self._pairs:
            pictures.append(deployed(model, ir, bgr, self._device))
            fused()
        return pictures


@torch.no_grad()
def deployed(model: Network, ir: np.ndarray, bgr: np.ndarray, device: torch.device) -> np.ndarray:
    """What the exported model gives for a pair, in FP32.

    Args:
        model: in eval mode.
        ir: (H, W) uint8.
        bgr: (H, W, 3) uint8.
        device: of the model.
    Returns:
        (H, W, 3) uint8 BGR.
    """
    weight = np.full_like(ir, 255)
    planes = [torch.from_numpy(plane)[None, None].to(device) for plane in (ir, weight)]
    colour = torch.from_numpy(bgr)[None].to(device)
    return DeployGraph(model)(planes[0], colour, planes[1])[0].cpu().numpy()


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
