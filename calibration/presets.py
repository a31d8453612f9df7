"""Homographies taken at several distances, and what lies between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .errors import RigError
from .rig import Rig, apply_homography

# Two presets nearer to each other than this, in 1/m, leave the slope to the errors of the clicks.
_LEAST_APART = 0.01


@dataclass(frozen=True)
class Presets:
    """One camera pair without calibrated lenses, aligned at two distances or more.

    Things in a plane at 1/Z are carried from picture to picture by K (R + t n'/Z) K'. Where the
    lenses stand side by side, so that t has no share along the axis, that is linear in 1/Z also
    once its last element is made 1: a homography for any distance lies on the line through two.
    Beyond the presets the outermost two are continued.

    Source: R. Hartley, A. Zisserman: Multiple View Geometry in Computer Vision, 2nd ed., result
    13.1, the homography of a plane.

    Attributes:
        ir_wh: width and height of the infrared picture in px.
        vis_wh: width and height of the visible picture in px.
        inverse_distances: (N,) float64, 1/m, rising.
        homographies: (N, 3, 3) float64, infrared px to visible px, last element 1.
        distance_m: see `Rig`.
    """

    ir_wh: tuple[int, int]
    vis_wh: tuple[int, int]
    inverse_distances: np.ndarray
    homographies: np.ndarray
    distance_m: float | None = None

    @staticmethod
    def of(rigs: Sequence[Rig]) -> Presets:
        """From the rigs of the same cameras at several distances; the first names the default.

        Raises:
            RigError: fewer than two, calibrated ones, one without a distance, other sizes, or two
                at nearly the same distance.
        """
        if len(rigs) < 2:
            raise RigError(
                "presets need rigs at two distances at least, there is one",
                hint="name another in registration.presets, or none",
            )
        found = []
        for rig in rigs:
            if rig.H_vis_ir is None:
                raise RigError(
                    "presets are homographies, but one of the rigs has both cameras calibrated",
                    hint="a calibrated rig is right at every distance: use it alone",
                )
            if rig.distance_m is None:
                raise RigError(
                    "one of the presets does not say at which distance it is right",
                    hint="add distance_m to its rig file, in metres",
                )
            if (rig.ir_wh, rig.vis_wh) != (rigs[0].ir_wh, rigs[0].vis_wh):
                raise RigError(
                    f"the presets are for pictures of different sizes: {_sizes(rigs[0])} and "
                    f"{_sizes(rig)}",
                    hint="take rigs of the same cameras in the same mode",
                )
            found.append((0.0 if math.isinf(rig.distance_m) else 1 / rig.distance_m, rig.H_vis_ir))
        found.sort(key=lambda each: each[0])
        inverse = np.array([each[0] for each in found])
        if np.diff(inverse).min() < _LEAST_APART:
            raise RigError(
                "two presets are for nearly the same distance",
                hint="take them well apart, for instance at 2 m and at 10 m",
            )
        return Presets(
            rigs[0].ir_wh,
            rigs[0].vis_wh,
            inverse,
            np.array([each[1] for each in found]),
            rigs[0].distance_m,
        )

    @property
    def is_identity(self) -> bool:
        """Never: there would be nothing to interpolate."""
        return False

    @property
    def knows_distances(self) -> bool:
        """Always."""
        return True

    def at(self, inverse_distance: float) -> np.ndarray:
        """Homography (3, 3) float64 for things at this 1/m."""
        place = int(np.searchsorted(self.inverse_distances, inverse_distance))
        right = min(max(place, 1), len(self.inverse_distances) - 1)
        near, far = self.inverse_distances[right], self.inverse_distances[right - 1]
        share = (inverse_distance - far) / (near - far)
        return (1 - share) * self.homographies[right - 1] + share * self.homographies[right]

    def to_ir(self, vis_px: np.ndarray, inverse_distance: float = 0.0) -> np.ndarray:
        """See `Rig.to_ir`."""
        H = self.at(inverse_distance)
        if abs(np.linalg.det(H)) < 1e-12:  # far beyond the presets
            return np.full((len(vis_px), 2), np.nan)
        return apply_homography(np.linalg.inv(H), vis_px)

    def to_vis(self, ir_px: np.ndarray, inverse_distance: float = 0.0) -> np.ndarray:
        """See `Rig.to_vis`."""
        return apply_homography(self.at(inverse_distance), ir_px)


def _sizes(rig: Rig) -> str:
    return f"{rig.ir_wh[0]}x{rig.ir_wh[1]} with {rig.vis_wh[0]}x{rig.vis_wh[1]}"
