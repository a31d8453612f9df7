"""Flicker of what stands still: noise that the fusion passes on, or adds."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from .temporal_planes import Planes, ratio

PIXEL_STILL = 8.0  # grey levels: sensor noise of usual cameras stays below, moving edges do not
AREA_STILL = 2.0  # grey levels of the mean over AREA_PX: noise averages out there, motion does not
AREA_PX = 9


class StillMeter:
    """Change from frame to frame on still pixels, of each fused clip and of its sources.

    A pixel is still in a step where, in both sources, it changes by less than `PIXEL_STILL` and
    the mean over the `AREA_PX` square around it by less than `AREA_STILL`. The first rule
    excludes moving edges, the second slow motion, shadows and gain jumps of a camera. Fused
    pictures have no say in it. Changes are pooled over all still pixels of all steps.

    The figures of a method:

    ``still_ratio``
        R.m.s. change of the fused luma over that of the source that changes more. 1: still
        pixels are as noisy as in the noisier source; an average of two equally noisy sources has
        0.71; above 1 the fusion amplifies noise or adds flicker. From 0 upwards; nan where the
        sources do not change at all.
    ``still_change``
        R.m.s. change of the fused luma, grey levels, 0..255.
    ``still_input``
        R.m.s. change of the source that changes more, grey levels, 0..8.
    ``still_share``
        Share of pixels and steps that were still, 0..1.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._squares = dict.fromkeys(names, 0.0)
        self._ir = self._vis = 0.0
        self._still = self._seen = 0

    def add(self, before: Planes, now: Planes) -> None:
        """Take the step between two neighbouring frames."""
        change_ir, change_vis = now.ir - before.ir, now.vis - before.vis
        still = _still(change_ir) & _still(change_vis)
        self._ir += _sum_of_squares(change_ir[still])
        self._vis += _sum_of_squares(change_vis[still])
        for name in self._squares:
            change = now.fused[name][still] - before.fused[name][still]
            self._squares[name] += _sum_of_squares(change)
        self._still += int(np.count_nonzero(still))
        self._seen += still.size

    def figures(self, name: str) -> dict[str, float]:
        """Figures of one method, see above; nan where no pixel ever was still."""
        count = max(self._still, 1)
        change = float(np.sqrt(self._squares[name] / count)) if self._still else float("nan")
        source = float(np.sqrt(max(self._ir, self._vis) / count)) if self._still else float("nan")
        return {
            "still_ratio": ratio(change, source),
            "still_change": change,
            "still_input": source,
            "still_share": ratio(self._still, self._seen),
        }


def _still(change: np.ndarray) -> np.ndarray:
    """Where a source stands still; (H, W) bool from its change (H, W) float64."""
    area = cv2.blur(change, (AREA_PX, AREA_PX), borderType=cv2.BORDER_REFLECT)
    still: np.ndarray = (np.abs(change) < PIXEL_STILL) & (np.abs(area) < AREA_STILL)
    return still


def _sum_of_squares(values: np.ndarray) -> float:
    return float(values @ values)
