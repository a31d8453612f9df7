"""How still pictures are laid on each other, pair by pair."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from calibration.auto_distance import DistanceSearch
from calibration.geometry import Geometry
from calibration.rig import Rig

from .alignment import Alignment
from .builder import AlignmentBuilder
from .rig_fit import check_distances, fit_geometry, wanted_inverse_distance
from .settings import RegistrationSettings

_KEPT = 4  # folders mix a few sizes


class _Kit:
    """What pairs of one size have in common."""

    def __init__(self, geometry: Geometry, settings: RegistrationSettings) -> None:
        check_distances(geometry, settings)
        self.builder = AlignmentBuilder(geometry, settings.output, repeatable=True)
        self.set_distance = wanted_inverse_distance(geometry, settings)
        self.search = DistanceSearch(geometry) if settings.auto else None
        self.last: Alignment | None = None

    @property
    def size_wh(self) -> tuple[int, int]:
        """Of the fused picture, in px."""
        return self.builder.size_wh

    def at(self, inverse_distance: float) -> Alignment:
        if self.last is None or self.last.inverse_distance != inverse_distance:
            self.last = self.builder.build(inverse_distance, np.eye(3))
        return self.last


class StillAlignments:
    """Alignments for the sizes met last."""

    def __init__(
        self, rig: Rig | None, settings: RegistrationSettings, report: Callable[[str], None]
    ) -> None:
        """Nothing is built yet.

        Args:
            rig: geometry; None where the pictures lie on each other.
            settings: with the automatic on, each pair is laid together at its own distance.
            report: told, in words, which distance was found.
        """
        self._rig = rig
        self._settings = settings
        self._report = report
        self._kits: OrderedDict[tuple[tuple[int, int], tuple[int, int]], _Kit] = OrderedDict()

    def kit(self, ir_wh: tuple[int, int], vis_wh: tuple[int, int]) -> _Kit:
        """What pairs of these sizes have in common.

        Raises:
            UsageError: sizes that do not go together, or a distance that the rig does not know.
            RigError: a preset that cannot be used.
        """
        kit = self._kits.pop((ir_wh, vis_wh), None)
        if kit is None:
            kit = _Kit(fit_geometry(self._rig, ir_wh, vis_wh, self._settings), self._settings)
        self._kits[ir_wh, vis_wh] = kit
        if len(self._kits) > _KEPT:
            self._kits.popitem(last=False)
        return kit

    def align(self, kit: _Kit, name: str, ir: np.ndarray, vis: np.ndarray) -> Alignment:
        """The alignment for one pair.

        Args:
            kit: for its sizes.
            name: of the pair, for the report.
            ir: (Hi, Wi) uint8.
            vis: (Hv, Wv, 3) uint8 BGR.

        Raises:
            RigError: the pictures have nothing in common.
        """
        if kit.search is None:
            return kit.at(kit.set_distance)
        found = kit.search.best(kit.search.scores(ir, vis, np.eye(3)))
        if not found.sure:
            self._report(
                f"note: {name}: its distance cannot be told, matched {_at(kit.set_distance)}"
            )
            return kit.at(kit.set_distance)
        self._report(f"note: {name}: matched {_at(found.inverse_distance)}")
        return kit.at(found.inverse_distance)


def _at(inverse_distance: float) -> str:
    return f"at {1 / inverse_distance:.3g} m" if inverse_distance > 1e-6 else "far away"
