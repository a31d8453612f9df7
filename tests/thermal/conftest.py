"""Real recordings, and scenes seen by a rig that is moved."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

WH = (288, 216)  # three times the reduced pictures of fusion_rt.thermal.motion
_MARGIN = 40


@pytest.fixture
def real_data() -> Path:
    place = os.environ.get("FUSION_RT_DATA")
    if not place:
        pytest.skip("needs the recordings that FUSION_RT_DATA names")
    return Path(place)


@pytest.fixture
def scene() -> Callable[..., Callable[[float, float], np.ndarray]]:
    """A textured scene; called with the rig's place in px it gives the picture from there."""

    def make(seed: int, detail: float = 6.0) -> Callable[[float, float], np.ndarray]:
        size = (WH[1] + 2 * _MARGIN, WH[0] + 2 * _MARGIN)
        field = cv2.GaussianBlur(
            np.random.default_rng(seed).normal(0, 1, size).astype(np.float32), (0, 0), detail
        )
        field = np.clip(128 + 50 * field / field.std(), 0, 255)

        def seen_from(x: float, y: float) -> np.ndarray:
            place = np.array([[1, 0, x - _MARGIN], [0, 1, y - _MARGIN]], np.float32)
            return cv2.warpAffine(field, place, WH, flags=cv2.INTER_LINEAR).astype(np.uint8)

        return seen_from

    return make
