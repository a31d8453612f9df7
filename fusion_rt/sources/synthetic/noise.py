"""Noise drawn once and reused: each frame takes it from another place, by its own number."""

from __future__ import annotations

import cv2
import numpy as np

MARGIN = 96  # px by which the store is larger than a picture, so many places to take it from


class NoiseBank:
    """Normal noise of unit strength times ``scale``, stored as ``dtype``.

    Args:
        key: seed numbers.
        size_wh: of the pictures.
        planes: 1 gives (H, W), 3 gives (H, W, 3).
        scale: standard deviation of the stored numbers.
        blur: how much neighbours share, in px; 0 for none.
        dtype: of the store; int8 clips at 127.
    """

    def __init__(
        self,
        key: list[int],
        size_wh: tuple[int, int],
        *,
        planes: int,
        scale: float,
        blur: float,
        dtype: type[np.generic],
    ) -> None:
        self._key = key
        self._size_wh = size_wh
        rng = np.random.default_rng(key)
        shape = (size_wh[1] + MARGIN, size_wh[0] + MARGIN, planes)[: 3 if planes > 1 else 2]
        store: np.ndarray = rng.standard_normal(shape, dtype=np.float32)
        if blur > 0:
            store = cv2.GaussianBlur(store, (0, 0), blur)
            store = store / store.std()
        store = store * np.float32(scale)
        self._store = (
            np.clip(np.rint(store), -127, 127).astype(np.int8) if dtype is np.int8 else store
        )

    def frame(self, index: int) -> np.ndarray:
        """Noise of frame ``index``, the same whenever asked; a read-only view."""
        x, y = np.random.default_rng([*self._key, index]).integers(MARGIN, size=2)
        width, height = self._size_wh
        return self._store[y : y + height, x : x + width]
