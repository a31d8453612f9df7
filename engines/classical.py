"""Fusion without a model: guided-filter base and detail layers."""

from __future__ import annotations

import time

import cv2
import numpy as np

from .base import Engine, EngineInfo
from .contract import BT601_BGR
from .processor import processor_name

NAME = "classical"
PRECISIONS = ("fp32",)

_BASE_RADIUS = 8  # px; finer than this is texture, which goes to the detail layer
_BASE_EPS = 0.01  # edges with a variance above this (of range 0..1) stay in the base layer
_WARM_RADIUS_SHARE = 0.1  # of the picture's width: the neighbourhood that "warm" compares with
_WARM_GAIN = 4.0  # a quarter of the grey range above its neighbourhood is fully a target


class ClassicalEngine(Engine):
    """Two-scale fusion by the guided filter.

    The base layers meet where the infrared is warmer than its neighbourhood: there the brighter of
    both counts, elsewhere the visible. Of the two detail layers the stronger wins, softly.

    Source of the filter: He, Sun, Tang, "Guided Image Filtering", IEEE TPAMI 35 (2013); base and
    detail fusion after Li, Kang, Hu, "Image Fusion with Guided Filtering", IEEE TIP 22 (2013).
    """

    def __init__(self, size_wh: tuple[int, int]) -> None:
        """Nothing to load.

        Args:
            size_wh: width and height in px.
        """
        super().__init__(size_wh)
        begun = time.perf_counter()
        self._luma_row = np.array([BT601_BGR], np.float32) / 255
        self._warm_radius = max(4, round(_WARM_RADIUS_SHARE * size_wh[0]))
        self.info = EngineInfo(
            name=NAME,
            version=cv2.__version__,
            device=processor_name(),
            model="guided-filter",
            precision="fp32",
            size_wh=size_wh,
            open_ms=(time.perf_counter() - begun) * 1e3,
        )

    def _run(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        vis_y = cv2.transform(vis.astype(np.float32), self._luma_row)
        fused_y = self._fuse_luma(ir.astype(np.float32) / 255, vis_y)
        # Adding the change of luma to B, G and R keeps the visible chroma.
        change = (fused_y - vis_y) * self.weight
        return np.clip(np.rint(vis + change[..., None]), 0, 255).astype(np.uint8)

    def _fuse_luma(self, ir: np.ndarray, vis_y: np.ndarray) -> np.ndarray:
        base_ir = guided_filter(ir, ir, _BASE_RADIUS, _BASE_EPS)
        base_vis = guided_filter(vis_y, vis_y, _BASE_RADIUS, _BASE_EPS)
        around = _box(base_ir, self._warm_radius)
        warm = np.clip((base_ir - around) * _WARM_GAIN, 0, 1)
        # Guided by the infrared, the mask ends where the target ends.
        warm = np.clip(guided_filter(ir, warm, _BASE_RADIUS, 1e-3), 0, 1)
        base = base_vis + warm * np.maximum(base_ir - base_vis, 0)
        detail_ir, detail_vis = ir - base_ir, vis_y - base_vis
        strong_ir, strong_vis = _box(detail_ir**2, 2), _box(detail_vis**2, 2)
        share_ir = strong_ir / (strong_ir + strong_vis + 1e-6)
        return base + share_ir * detail_ir + (1 - share_ir) * detail_vis


def guided_filter(guide: np.ndarray, image: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """Smooths ``image`` but not across edges of ``guide``.

    Args:
        guide: (H, W) float32 in 0..1.
        image: (H, W) float32.
        radius: of the square window in px; the window has 2 * radius + 1.
        eps: variance of the guide below which the window counts as flat.

    Returns:
        (H, W) float32. Windows at the border are mirrored.
    """
    mean_guide, mean_image = _box(guide, radius), _box(image, radius)
    variance = _box(guide * guide, radius) - mean_guide * mean_guide
    covariance = _box(guide * image, radius) - mean_guide * mean_image
    slope = covariance / (variance + eps)
    offset = mean_image - slope * mean_guide
    return _box(slope, radius) * guide + _box(offset, radius)


def _box(image: np.ndarray, radius: int) -> np.ndarray:
    side = 2 * radius + 1
    return cv2.blur(image, (side, side), borderType=cv2.BORDER_REFLECT)
