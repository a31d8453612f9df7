"""A jointed body: limbs as balls with a skin stretched over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .draw import Part, capsules, stretch
from .geometry import FOCAL, View
from .layout import Color

Point = tuple[float, float, float]  # to the right, up, ahead, as the body stands; m
RIM_SHIFT = np.array([0.14, 0.10])  # light comes from the shops, left and above
SHADED_PX = 55  # smaller bodies are drawn without shading


@dataclass(frozen=True, slots=True)
class Limb:
    """Balls at ``points`` with ``radii`` in m; ``nearer`` moves it forward in drawing order."""

    points: Sequence[Point]
    radii: Sequence[float]
    color: Color
    kelvin: float
    nearer: float
    flat: bool


class Body:
    """Collects the limbs of a figure in its own axes, and sets it in the street."""

    def __init__(self) -> None:
        self._limbs: list[Limb] = []

    def add(
        self,
        points: Sequence[Point],
        radii: Sequence[float],
        color: Color,
        kelvin: float,
        *,
        nearer: float = 0.0,
        flat: bool = False,
    ) -> None:
        """Add a limb; ``nearer`` in m towards the camera, ``flat`` leaves it unshaded."""
        self._limbs.append(Limb(points, radii, color, kelvin, nearer, flat))

    def parts(self, view: View, x: float, z: float, heading: tuple[float, float]) -> list[Part]:
        """All parts in px, the farthest first, of a body at (x, z) that faces ``heading``.

        Limbs are lighter and warmer inside than at their rim, unless the body is small.
        """
        limbs = self._limbs
        counts = np.array([len(limb.points) for limb in limbs])
        starts = np.cumsum(counts) - counts
        axes = np.array(
            [[heading[1], 0.0, -heading[0]], [0.0, 1.0, 0.0], [heading[0], 0.0, heading[1]]]
        )
        points = np.array([point for limb in limbs for point in limb.points]) @ axes
        points += (x, 0.0, z)
        depths = np.add.reduceat(points[:, 2], starts) / counts - [limb.nearer for limb in limbs]
        middle = view.project(points)
        radii = np.array([r for limb in limbs for r in limb.radii])
        radii *= FOCAL * view.scale / points[:, 2]
        small = view.radius_px(1.75, z) < SHADED_PX

        pairs = starts[counts == 2]
        rims = self._outlines(middle, radii, pairs, starts, counts)
        cores = (
            rims
            if small
            else self._outlines(
                middle - RIM_SHIFT * radii[:, None], 0.7 * radii, pairs, starts, counts
            )
        )
        parts = []
        for i in np.argsort(-depths, kind="stable"):
            limb = limbs[i]
            if limb.flat:
                parts.append(Part(rims[i], limb.color, limb.kelvin))
            elif small:
                parts.append(Part(rims[i], shade(limb.color, 0.75), limb.kelvin))
            else:
                parts.append(Part(rims[i], shade(limb.color, 0.5), limb.kelvin - 1.2))
                parts.append(Part(cores[i], limb.color, limb.kelvin))
        return parts

    @staticmethod
    def _outlines(
        middle: np.ndarray,
        radii: np.ndarray,
        pairs: np.ndarray,
        starts: np.ndarray,
        counts: np.ndarray,
    ) -> list[np.ndarray]:
        quick = iter(capsules(middle[pairs], middle[pairs + 1], radii[pairs], radii[pairs + 1]))
        return [
            next(quick) if n == 2 else stretch(middle[i : i + n], radii[i : i + n])
            for i, n in zip(starts, counts, strict=True)
        ]


def shade(color: Color, factor: float) -> Color:
    """A color made darker."""
    return (color[0] * factor, color[1] * factor, color[2] * factor)
