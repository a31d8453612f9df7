"""Flicker of what moves: a frame against the one before, carried along by the motion."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from .temporal_planes import Planes, ratio


class WarpMeter:
    """Warped-frame error of each fused clip and of its sources.

    The motion is the dense flow of the mean of both sources, so that it is the same for all
    methods and also follows what only the infrared sees. The frame before is warped by it; the
    error is the mean absolute difference of luma to the frame itself where flow forth and back
    agree: ``|f + b|^2 < 0.01 (|f|^2 + |b|^2) + 0.5``, px^2, and the origin lies inside the frame.
    Pixels of all steps are pooled.

    The figures of a method:

    ``warp_ratio``
        Error of the fused clip over that of the source with the larger one. 1: the fusion
        carries moving things as steadily as its sources. From 0 upwards; nan where the sources
        have no error.
    ``warp_error``
        Error of the fused clip, grey levels, 0..255.
    ``warp_input``
        Error of the source with the larger one, grey levels, 0..255.
    ``warp_share``
        Share of pixels and steps that were compared, 0..1.

    Source: Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018 (error); Sundaram,
    Brox, Keutzer, "Dense Point Trajectories by GPU-accelerated Large Displacement Optical Flow",
    ECCV 2010 (agreement); Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV
    2016 (flow).
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._errors = dict.fromkeys(names, 0.0)
        self._ir = self._vis = 0.0
        self._compared = self._seen = 0

    def add(self, before: Planes, now: Planes) -> None:
        """Take the step between two neighbouring frames."""
        first, second = _guide(before), _guide(now)
        back, forth = self._flow(second, first), self._flow(first, second)
        at = _grid(back.shape[:2]) + back
        agree = _agreement(back, forth, at)
        self._ir += _error(before.ir, now.ir, at, agree)
        self._vis += _error(before.vis, now.vis, at, agree)
        for name in self._errors:
            self._errors[name] += _error(before.fused[name], now.fused[name], at, agree)
        self._compared += int(np.count_nonzero(agree))
        self._seen += agree.size

    def figures(self, name: str) -> dict[str, float]:
        """Figures of one method, see above; nan where flow never agreed."""
        error = ratio(self._errors[name], self._compared)
        source = ratio(max(self._ir, self._vis), self._compared)
        return {
            "warp_ratio": ratio(error, source),
            "warp_error": error,
            "warp_input": source,
            "warp_share": ratio(self._compared, self._seen),
        }

    def _flow(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Where each pixel of ``start`` goes to, px, x then y; (H, W, 2) float32."""
        return self._dis.calc(start, end, np.zeros((*start.shape, 2), np.float32))


def _guide(planes: Planes) -> np.ndarray:
    """(H, W) uint8 that the flow is taken of."""
    return np.rint((planes.ir + planes.vis) / 2).astype(np.uint8)


def _grid(shape: tuple[int, ...]) -> np.ndarray:
    """Coordinates of each pixel, x then y; (H, W, 2) float32."""
    ys, xs = np.indices(shape, np.float32)
    return np.dstack([xs, ys])


def _agreement(back: np.ndarray, forth: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Where the motion is to be trusted; (H, W) bool.

    Args:
        back: (H, W, 2) float32, from each pixel of the later frame to the earlier, px.
        forth: the other way round.
        at: where in the earlier frame each pixel of the later one was, px.
    """
    height, width = back.shape[:2]
    returned = _carried(forth, at)
    length = np.square(back).sum(-1) + np.square(returned).sum(-1)
    apart = np.square(back + returned).sum(-1)
    xs, ys = at[..., 0], at[..., 1]
    inside = (xs >= 0) & (xs <= width - 1) & (ys >= 0) & (ys <= height - 1)
    agree: np.ndarray = inside & (apart < 0.01 * length + 0.5)
    return agree


def _error(before: np.ndarray, now: np.ndarray, at: np.ndarray, agree: np.ndarray) -> float:
    """Sum of the absolute differences after warping."""
    return float(np.abs(_carried(before, at) - now)[agree].sum())


def _carried(image: np.ndarray, at: np.ndarray) -> np.ndarray:
    """``image`` as it is at the places ``at``."""
    xs, ys = at[..., 0], at[..., 1]
    return cv2.remap(image, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
