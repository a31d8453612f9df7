"""Pictures of everything that stands still, in both kinds of light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Patch:
    """Look of a surface: albedo (H, W, 3) BGR 0 to 1, own light (H, W, 3), temperature (H, W) K."""

    albedo: np.ndarray
    emit: np.ndarray
    kelvin: np.ndarray


@dataclass(frozen=True)
class Still:
    """The street without its movers, as one view sees it; all float32.

    Attributes:
        light: (H, W, 3) BGR, linear light that reaches the camera.
        kelvin: (H, W) temperature in K.
        depth: (H, W) distance Z in m of what is seen; infinite for the sky.
        wet: (H, W) how strongly the ground mirrors, 0 to 1, 0 elsewhere.
        ground: (H, W, 3) BGR albedo of the ground, 0 elsewhere.
    """

    light: np.ndarray
    kelvin: np.ndarray
    depth: np.ndarray
    wet: np.ndarray
    ground: np.ndarray
