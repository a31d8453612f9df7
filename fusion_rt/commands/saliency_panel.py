"""An infrared picture, its saliency and the mask made of it, side by side with their captions."""

from __future__ import annotations

import cv2
import numpy as np

from ..palette import apply_palette

_PANEL_MAX_W, _PANEL_MIN_W = 640, 240  # px; three of 640 just about fit a full-HD screen
_GAP, _STRIP = 4, 26
_GROUND_BGR, _CAPTION_BGR = (24, 24, 24), (200, 200, 200)
_TINT_BGR = (40, 120, 255)  # orange: tells from grey also for the colour-blind
_TINT = 0.65


def saliency_panel(ir: np.ndarray, saliency: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Three views of one picture.

    Args:
        ir: (H, W) uint8.
        saliency: (H, W) float, shown from 0 to its maximum, which the caption names.
        mask: (H, W) float, 0..1; shown as orange over the infrared.

    Returns:
        (h, w, 3) uint8 BGR.
    """
    peak = float(saliency.max())
    share = np.clip(saliency / peak, 0, 1) if peak > 0 else np.zeros(saliency.shape)
    views = {
        "infrared": cv2.cvtColor(ir, cv2.COLOR_GRAY2BGR),
        f"saliency, 0 to {peak:.2f}": apply_palette(
            np.rint(share * 255).astype(np.uint8), "ironbow"
        ),
        f"mask, {mask.mean():.1%} of the picture": _tinted(ir, mask),
    }
    width = min(max(ir.shape[1], _PANEL_MIN_W), _PANEL_MAX_W)
    height = max(1, round(ir.shape[0] * width / ir.shape[1]))
    sheet = np.full((height + _STRIP, 3 * width + 2 * _GAP, 3), _GROUND_BGR, np.uint8)
    for index, (caption, view) in enumerate(views.items()):
        left = index * (width + _GAP)
        way = cv2.INTER_AREA if width < ir.shape[1] else cv2.INTER_LINEAR
        sheet[:height, left : left + width] = cv2.resize(view, (width, height), interpolation=way)
        cv2.putText(
            sheet,
            caption,
            (left + 6, height + _STRIP - 9),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.45,
            _CAPTION_BGR,
            1,
            cv2.LINE_AA,
        )
    return sheet


def _tinted(ir: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Grey picture, orange where the mask is; its light and shade stay visible."""
    grey = cv2.cvtColor(ir, cv2.COLOR_GRAY2BGR).astype(np.float32)
    opacity = _TINT * mask[..., None].astype(np.float32)
    tinted = grey * (1 - opacity) + np.array(_TINT_BGR, np.float32) * opacity
    return np.rint(tinted).astype(np.uint8)
