"""What the warp wants to know of a camera pair, whatever it was calibrated by."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Geometry(Protocol):
    """Where one camera sees what the other sees; see `calibration.rig.Rig`."""

    @property
    def ir_wh(self) -> tuple[int, int]:
        """Width and height of the infrared picture in px."""
        ...

    @property
    def vis_wh(self) -> tuple[int, int]:
        """Width and height of the visible picture in px."""
        ...

    @property
    def distance_m(self) -> float | None:
        """Distance that the pictures are made to match at unless told otherwise."""
        ...

    @property
    def is_identity(self) -> bool:
        """Whether the pictures need no warp."""
        ...

    @property
    def knows_distances(self) -> bool:
        """Whether `to_ir` and `to_vis` differ with the distance."""
        ...

    def to_ir(self, vis_px: np.ndarray, inverse_distance: float = 0.0) -> np.ndarray:
        """Infrared px (N, 2) of visible px (N, 2); NaN where there is none."""
        ...

    def to_vis(self, ir_px: np.ndarray, inverse_distance: float = 0.0) -> np.ndarray:
        """Visible px (N, 2) of infrared px (N, 2); NaN where there is none."""
        ...
