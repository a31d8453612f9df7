"""All figures of one fused picture, in one order, with what is needed to show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import numpy as np

from .contrast import average_gradient, spatial_frequency, standard_deviation
from .correlation import correlation, correlation_of_differences
from .edges import edge_artefacts, edge_preservation
from .halo import halo
from .information import entropy, mutual_information
from .planes import check_planes
from .structure import ms_ssim, ssim
from .vif import visual_information_fidelity

_Planes = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


class Figure(NamedTuple):
    """One figure.

    Attributes:
        name: short name, as tables and files show it.
        better: whether a higher or a lower value is better.
        unit: of the value; empty for a pure number.
        meaning: a few words for people.
        compute: from infrared, visible luma and fused luma, float64 planes.
    """

    name: str
    better: Literal["higher", "lower"]
    unit: str
    meaning: str
    compute: _Planes


def _of_fused(measure: Callable[[np.ndarray], float]) -> _Planes:
    return lambda ir, vis, fused: measure(fused)


FIGURES: Final[tuple[Figure, ...]] = (
    Figure("EN", "higher", "bit", "entropy of the levels", _of_fused(entropy)),
    Figure("SD", "higher", "grey levels", "contrast", _of_fused(standard_deviation)),
    Figure("SF", "higher", "grey levels", "activity", _of_fused(spatial_frequency)),
    Figure("AG", "higher", "grey levels", "mean gradient", _of_fused(average_gradient)),
    Figure("MI", "higher", "nat", "information shared with the sources", mutual_information),
    Figure("SCD", "higher", "", "what each source adds", correlation_of_differences),
    Figure("CC", "higher", "", "correlation with the sources", correlation),
    Figure("VIF", "higher", "", "visible information kept", visual_information_fidelity),
    Figure("Qabf", "higher", "", "edges kept", edge_preservation),
    Figure("Nabf", "lower", "", "edges that no source has", edge_artefacts),
    Figure("SSIM", "higher", "", "structure kept", ssim),
    Figure("MS-SSIM", "higher", "", "structure kept, five scales", ms_ssim),
    Figure("halo", "lower", "grey levels", "levels outside the sources' range", halo),
)


def figures(ir: np.ndarray, vis_y: np.ndarray, fused_y: np.ndarray) -> dict[str, float]:
    """All of `FIGURES` for one picture, by name and in that order.

    Args:
        ir: (H, W), any real dtype, 0..255, at least 41 x 41.
        vis_y: luma of the visible picture, same shape and range.
        fused_y: luma of the fused picture, same shape and range.
    Returns:
        Values as the functions behind them define; NaN where the sources do not define one, as
        MS-SSIM below 176 px a side.
    Raises:
        UsageError: sizes differ or are too small, or values lie outside 0..255.
    """
    planes = check_planes(ir, vis_y, fused_y)
    return {figure.name: figure.compute(*planes) for figure in FIGURES}
