"""Makes alignments of one camera pair, and keeps what they have in common."""

from __future__ import annotations

import time

import numpy as np

from calibration.errors import RigError
from calibration.geometry import Geometry
from calibration.node_map import NodeGrid, node_step
from calibration.parallax import Band, matching_band, parallax_slope
from calibration.sight_lines import Places, Side, sight_lines

from .alignment import Alignment
from .map_form import Form, as_form, fastest_form
from .seam import inside_view, view_weight

_SAMPLED = 7  # places each way of the other picture, at which the parallax is looked at
# Far away, and a distance nearer than most are used at.
_TRIED_AT = (0.0, 1.0)


class AlignmentBuilder:
    """Builds one alignment at a time; not for two threads at once.

    Attributes:
        step: px between the nodes of the map; 0 until a map was built.
        form: in which maps are given to OpenCV; None until a map was built.
        build_ms: time that the last alignment took.
    """

    def __init__(self, geometry: Geometry, output: Side, *, repeatable: bool) -> None:
        """Nothing is built yet.

        Args:
            geometry: of the very pictures that will be given to the alignments.
            output: whose pixels the fused picture has.
            repeatable: see `fastest_form`.
        """
        self.step = 0
        self.form: Form | None = None
        self.build_ms = 0.0
        self._geometry = geometry
        self._output = output
        self._repeatable = repeatable
        self._size_wh, self._other_wh = geometry.vis_wh, geometry.ir_wh
        if output == "ir":
            self._size_wh, self._other_wh = self._other_wh, self._size_wh
        self._grid: NodeGrid | None = None
        self._lines: tuple[np.ndarray, Places] | None = None
        self._number = 0

    @property
    def size_wh(self) -> tuple[int, int]:
        """Of the fused picture, in px."""
        return self._size_wh

    def build(self, inverse_distance: float, correction: np.ndarray) -> Alignment:
        """The alignment for a distance and a correction.

        Args:
            inverse_distance: 1/m, 0 for far away.
            correction: (3, 3) float64, see `Alignment`.

        Raises:
            RigError: the pictures have nothing in common then.
        """
        begun = time.perf_counter()
        width, height = self._size_wh
        pixel_map, maps, seen = None, None, None
        weight = np.full((height, width), 255, np.uint8)
        coverage = 1.0
        if not (self._geometry.is_identity and np.array_equal(correction, np.eye(3))):
            pixel_map = self._map(inverse_distance, correction)
            inside = inside_view(pixel_map, self._other_wh)
            coverage = np.count_nonzero(inside) / inside.size
            if not coverage:
                raise self._nothing_in_common(inverse_distance)
            if coverage < 1:
                seen, weight = inside, view_weight(inside)
            maps = as_form(pixel_map, self._form(pixel_map))
        self._number += 1
        alignment = Alignment(
            number=self._number,
            output=self._output,
            size_wh=self._size_wh,
            inverse_distance=inverse_distance,
            knows_distances=self._geometry.knows_distances,
            correction=correction,
            band=self._band(inverse_distance, correction),
            weight=weight,
            seen=seen,
            coverage=coverage,
            pixel_map=pixel_map,
            maps=maps,
            ir_wh=self._geometry.ir_wh,
        )
        self.build_ms = (time.perf_counter() - begun) * 1e3
        return alignment

    def parallax_slope(self, inverse_distance: float, correction: np.ndarray) -> float:
        """px of the fused picture for each 1/m; 0 where nothing moves."""
        axes = (np.linspace(0, length - 1, _SAMPLED) for length in self._other_wh)
        px = np.column_stack([each.ravel() for each in np.meshgrid(*axes)])
        other: Side = "ir" if self._output == "vis" else "vis"
        places = sight_lines(self._geometry, px, other, correction)
        return parallax_slope(places, inverse_distance, self._size_wh)

    def _map(self, inverse_distance: float, correction: np.ndarray) -> np.ndarray:
        if self._grid is None:
            self._grid = NodeGrid(self._size_wh, self._widest_step(inverse_distance, correction))
        if self._lines is None or not np.array_equal(self._lines[0], correction):
            lines = sight_lines(self._geometry, self._grid.nodes, self._output, correction)
            self._lines = correction, lines
        return self._grid.dense(self._lines[1](inverse_distance))

    def _widest_step(self, inverse_distance: float, correction: np.ndarray) -> int:
        """Lenses bend alike at all distances, so the step is chosen once."""
        tried = {inverse_distance, *(_TRIED_AT if self._geometry.knows_distances else ())}
        steps = []
        for at in tried:

            def project(px: np.ndarray, at: float = at) -> np.ndarray:
                return sight_lines(self._geometry, px, self._output, correction)(at)

            steps.append(node_step(project, self._size_wh, self._other_wh)[0])
        self.step = min(steps)
        return self.step

    def _form(self, pixel_map: np.ndarray) -> Form:
        if self.form is None:
            width, height = self._other_wh
            shape = (height, width) if self._output == "vis" else (height, width, 3)
            picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
            self.form = fastest_form(pixel_map, picture, repeatable=self._repeatable)
        return self.form

    def _band(self, inverse_distance: float, correction: np.ndarray) -> Band | None:
        if not self._geometry.knows_distances:
            return None
        slope = self.parallax_slope(inverse_distance, correction)
        return matching_band(slope, inverse_distance) if slope else None

    def _nothing_in_common(self, inverse_distance: float) -> RigError:
        if self._geometry.knows_distances and inverse_distance:
            return RigError(
                f"at {1 / inverse_distance:.3g} m the two cameras see nothing in common",
                hint="set a longer registration.distance_m",
            )
        return RigError(
            "the rig shows the infrared picture nowhere on the visible one",
            hint="H_vis_ir maps infrared px to visible px; was its inverse written?",
        )
