"""How far things are off that are not at the distance the pictures match at."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .sight_lines import Places

# For the slope: small beside any distance in use, large beside rounding.
_STEP = 1e-3


@dataclass(frozen=True)
class Band:
    """Distances at which the pictures match to less than one px.

    Attributes:
        near_m: nearest, in metres.
        far_m: farthest, infinity for far away.
    """

    near_m: float
    far_m: float

    def __str__(self) -> str:
        far = "infinity" if math.isinf(self.far_m) else f"{self.far_m:.3g} m"
        return f"{self.near_m:.3g} m to {far}"


def parallax_slope(places: Places, inverse_distance: float, seen_wh: tuple[int, int]) -> float:
    """How fast one picture moves on the other with the distance.

    Args:
        places: where the picture in question sees pixels from all over the other one, see
            `calibration.sight_lines.sight_lines`.
        inverse_distance: at which, in 1/m.
        seen_wh: width and height in px of the picture in question; what it does not see is left
            out.

    Returns:
        Its px for each 1/m, where they are most; 0 where nothing moves, or nothing is seen.
    """
    here = places(inverse_distance)
    moved = np.hypot(*(places(inverse_distance + _STEP) - here).T)
    in_view = ((here > -0.5) & (here < np.array(seen_wh) - 0.5)).all(1) & np.isfinite(moved)
    return float(moved[in_view].max(initial=0.0)) / _STEP


def matching_band(slope: float, inverse_distance: float) -> Band:
    """Distances at which things are off by less than one px.

    Args:
        slope: px for each 1/m, above 0.
        inverse_distance: of the distance that the pictures match at, in 1/m.
    """
    farthest = inverse_distance - 1 / slope
    return Band(1 / (inverse_distance + 1 / slope), 1 / farthest if farthest > 0 else math.inf)
