"""The infrared camera: temperatures through a microbolometer's eyes."""

from __future__ import annotations

import cv2
import numpy as np

from .draw import KELVIN_BASE, draw
from .geometry import infrared_canvas, infrared_view
from .layout import make_layout
from .movers import make_travellers, poses_at
from .noise import NoiseBank
from .settings import SceneSettings
from .still import paint_still

COUNTS_PER_K = 100
RANGE_K = (278.0, 302.0)  # black and white of the 8-bit picture; fixed, so that it never pumps
NETD_K = 0.05  # temporal noise
COLUMN_K, PIXEL_K = 0.07, 0.03  # fixed pattern


class InfraredCamera:
    """Pictures of the scene's warmth; what stands still is painted once, here."""

    def __init__(self, settings: SceneSettings) -> None:
        self.view = infrared_view(settings.ir_wh)
        self._bits = settings.ir_bits
        self._travellers = make_travellers(settings.seed)
        canvas = infrared_canvas(settings.ir_wh)
        still = paint_still(canvas, make_layout(settings.seed), settings.seed, heat_only=True)
        warp = self.view.matrix @ np.linalg.inv(canvas.matrix)
        smooth = cv2.GaussianBlur(still.kelvin, (0, 0), 0.42 * canvas.scale / self.view.scale)
        self._kelvin = _warp(smooth, warp, settings.ir_wh, cv2.INTER_LINEAR)
        self._depth = _warp(still.depth, warp, settings.ir_wh, cv2.INTER_NEAREST)
        self._noise = None
        self._pattern = np.zeros((1, 1), np.float32)
        if settings.noise > 0:
            key = [settings.seed, 1]
            self._noise = NoiseBank(
                key,
                settings.ir_wh,
                planes=1,
                scale=NETD_K * settings.noise,
                blur=0,
                dtype=np.float32,
            )
            rng = np.random.default_rng([*key, 5])
            width, height = settings.ir_wh
            columns = rng.standard_normal((1, width), dtype=np.float32) * COLUMN_K
            pixels = rng.standard_normal((height, width), dtype=np.float32) * PIXEL_K
            self._pattern = (columns + pixels) * np.float32(settings.noise)

    def render(self, index: int, t_s: float) -> np.ndarray:
        """Picture (H, W) at a time in s, uint8, or uint16 counts; ``index`` chooses the noise."""
        kelvin = self._kelvin.copy()
        for pose in poses_at(self._travellers, t_s):
            sprite = draw(pose.parts(self.view), self.view.size_wh, heat=True)
            if sprite is None:
                continue
            window = sprite.window
            free = (self._depth[window] > pose.z - pose.reach_m).astype(np.float32)
            behind = kelvin[window]
            behind += sprite.cover * free * (KELVIN_BASE - behind) + sprite.tone * free
        kelvin = cv2.GaussianBlur(kelvin, (3, 3), 0.65)
        kelvin += self._pattern
        if self._noise is not None:
            kelvin += self._noise.frame(index)
        counts = np.rint(kelvin * COUNTS_PER_K)
        if self._bits == 16:
            return counts.astype(np.uint16)
        low, high = (COUNTS_PER_K * k for k in RANGE_K)
        return np.clip(np.rint((counts - low) * (255 / (high - low))), 0, 255).astype(np.uint8)


def _warp(
    picture: np.ndarray, matrix: np.ndarray, size_wh: tuple[int, int], how: int
) -> np.ndarray:
    return cv2.warpPerspective(picture, matrix, size_wh, flags=how, borderMode=cv2.BORDER_REPLICATE)
