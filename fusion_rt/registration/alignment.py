"""One state of the registration: the map for one distance and one correction."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from calibration.errors import RigError
from calibration.parallax import Band
from calibration.sight_lines import Side, moved
from calibration.similarity import fit_similarity

from .map_form import Maps, as_form, remapped

_FITTED = 9  # points each way, to carry a correction from one camera's px to the other's
_FEWEST = 4


@dataclass(frozen=True, eq=False)
class Alignment:
    """How the two pictures of a pair are laid on each other. Immutable; for any thread.

    The *fused grid* is the pixels of one of the cameras: of the visible one, or of the infrared
    one. The other camera's picture is warped onto it, and nothing is resampled twice.

    Attributes:
        number: counts up with each new one of a run.
        output: whose pixels the fused picture has.
        size_wh: of the fused picture, in px.
        inverse_distance: 1/m that it is right for, 0 for far away.
        knows_distances: whether it would be another for another distance.
        correction: (3, 3) float64, similarity in visible px on top of the rig: what the rig puts
            at p truly lies at ``correction`` @ p.
        band: distances at which things are off by less than one px of the fused picture; None
            where the geometry knows no distances.
        weight: (H, W) uint8: 0 where only the camera of ``output`` sees, 255 where both do, with a
            soft seam; the engines blend by it.
        seen: (H, W) uint8, 255 where both cameras see, else 0; None where both see all.
        coverage: share of the fused picture that both cameras see, 0..1.
        pixel_map: (H, W, 2) float32, place of each pixel in the other camera's picture, in px;
            None where the pictures lie on each other.
        maps: the same as OpenCV takes it.
        ir_wh: width and height of the infrared picture in px.
    """

    number: int
    output: Side
    size_wh: tuple[int, int]
    inverse_distance: float
    knows_distances: bool
    correction: np.ndarray
    band: Band | None
    weight: np.ndarray
    seen: np.ndarray | None
    coverage: float
    pixel_map: np.ndarray | None
    maps: Maps | None
    ir_wh: tuple[int, int]

    @property
    def distance_m(self) -> float | None:
        """Distance that it is right for, infinity for far away; None where it knows none."""
        if not self.knows_distances:
            return None
        return 1 / self.inverse_distance if self.inverse_distance else float("inf")

    @property
    def ir_seen(self) -> np.ndarray | None:
        """Mask (H, W) of the fused grid where the infrared camera sees; None for everywhere."""
        return self.seen if self.output == "vis" else None

    @property
    def vis_seen(self) -> np.ndarray | None:
        """Mask (H, W) of the fused grid where the visible camera sees; None for everywhere."""
        return self.seen if self.output == "ir" else None

    def weight_at(self, trust: float) -> np.ndarray:
        """``weight`` for infrared that is to show only so far, 0..1."""
        return self.weight if trust == 1 else cv2.convertScaleAbs(self.weight, alpha=trust)

    def infrared(self, ir: np.ndarray) -> np.ndarray:
        """The infrared picture on the fused grid.

        Args:
            ir: (Hi, Wi) uint8, as the camera gave it.

        Returns:
            (H, W) uint8; mirrored beyond the infrared's view. The same array when nothing is to
            do.
        """
        if self.maps is None or self.output == "ir":
            return ir
        return remapped(ir, self.maps)

    def visible(self, vis: np.ndarray, ir: np.ndarray) -> np.ndarray:
        """The visible picture on the fused grid.

        Args:
            vis: (Hv, Wv, 3) uint8 BGR, as the camera gave it.
            ir: (Hi, Wi) uint8, which fills what the visible camera does not see: where ``weight``
                is 0 an engine shows the visible picture alone, and there is none.

        Returns:
            (H, W, 3) uint8 BGR. The same array when nothing is to do.
        """
        if self.maps is None or self.output == "vis":
            return vis
        warped = remapped(vis, self.maps)
        if self._shares is None:
            return warped
        grey = cv2.cvtColor(ir, cv2.COLOR_GRAY2BGR)
        return cv2.blendLinear(warped, grey, *self._shares)

    @functools.cached_property
    def _shares(self) -> tuple[np.ndarray, np.ndarray] | None:
        """What the visible and the infrared picture give to `visible`; None where it is all."""
        if self.seen is None:
            return None
        share = self.weight.astype(np.float32) / 255
        return share, 1 - share

    @functools.cached_property
    def grid(self) -> np.ndarray:
        """The warp as engines take it that do it themselves, see `engines.contract`.

        Returns:
            (H, W, 2) float32, x then y, -1..1 from edge to edge of the infrared picture.
        """
        places = self.pixel_map
        if places is None or self.output == "ir":
            width, height = self.size_wh
            axes = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
            places = np.dstack(np.meshgrid(*axes))
        return (2 * places + 1) / np.array(self.ir_wh, np.float32) - 1

    def place_in_ir(self, x: int, y: int) -> tuple[int, int] | None:
        """Infrared px shown at ``x``, ``y`` of the fused picture; None outside its view."""
        width, height = self.size_wh
        if not (0 <= x < width and 0 <= y < height):
            return None
        if self.pixel_map is None or self.output == "ir":
            return x, y
        if self.seen is not None and not self.seen[y, x]:
            return None
        u, v = self.pixel_map[y, x]
        ir_width, ir_height = self.ir_wh
        return min(max(round(float(u)), 0), ir_width - 1), min(
            max(round(float(v)), 0), ir_height - 1
        )

    def correction_after(self, found: np.ndarray) -> np.ndarray:
        """The correction to use where this one still leaves the pictures apart.

        Args:
            found: (3, 3) similarity in px of the fused picture: what lies at p in the infrared
                picture lies at ``found`` @ p in the visible one, both on the fused grid.

        Returns:
            (3, 3) float64, the whole correction, in visible px.

        Raises:
            RigError: the pictures have hardly anything in common then.
        """
        if self.output == "vis" or self.pixel_map is None:
            return found @ self.correction
        # On the infrared grid the map tells where the visible camera sees; the correction is what
        # brings the rig's places, this one taken back, to where `found` says that they are.
        places = self._some_places()
        width, height = self.size_wh
        target = moved(found, places)
        kept = ((target >= 0) & (target <= (width - 1, height - 1))).all(1)
        if kept.sum() < _FEWEST:
            raise RigError(
                "so corrected, the pictures have hardly anything in common",
                hint="calibrate again where the cameras have moved so much",
            )
        before = moved(np.linalg.inv(self.correction), self._looked_up(places[kept]))
        return fit_similarity(before, self._looked_up(target[kept]))

    def _some_places(self) -> np.ndarray:
        width, height = self.size_wh
        axes = (np.linspace(0, side - 1, _FITTED).round() for side in (width, height))
        places = np.column_stack([grid.ravel() for grid in np.meshgrid(*axes)])
        if self.seen is None:
            return places
        return places[self.seen[places[:, 1].astype(int), places[:, 0].astype(int)] > 0]

    def _looked_up(self, px: np.ndarray) -> np.ndarray:
        """``pixel_map`` at places (N, 2) between its pixels."""
        assert self.pixel_map is not None
        found = remapped(self.pixel_map, as_form(px.astype(np.float32)[None], "pairs"))
        return found[0].astype(np.float64)
