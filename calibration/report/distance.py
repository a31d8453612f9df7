"""How the error depends on the distance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .figures import GREY, THIRD_COLOR, VIS_COLOR, distance_words, new_figure

if TYPE_CHECKING:
    from ..solve import CrossCheck, Prediction


def draw_distance(prediction: Prediction, cross: CrossCheck | None) -> Any:
    """Predicted error over the distance; with it what two halves of the data differ by."""
    whole = new_figure(10, 3.6)
    axes = whole.subplots()
    far = _farthest(prediction.distances_m)
    _line(axes, prediction.distances_m, prediction.rms_px, far, "o-", VIS_COLOR, "expected, RMS")
    label = "expected, 95 % of the picture below"
    _line(axes, prediction.distances_m, prediction.p95_px, far, "s--", VIS_COLOR, label)
    if cross is not None:
        label = "two halves of the pairs differ by, RMS"
        _line(axes, cross.distances_m, cross.difference_px, far, "^-", THIRD_COLOR, label)
        label = "they would differ by chance by"
        _line(axes, cross.distances_m, cross.expected_px, far, "v:", GREY, label)
    axes.set_xscale("log")
    at = [min(distance, far) for distance in prediction.distances_m]
    axes.set_xticks(at, [distance_words(d) for d in prediction.distances_m], fontsize=9)
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("distance of what is looked at", fontsize=9)
    axes.set_ylabel("error in visible px", fontsize=9)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    return whole


def _farthest(distances_m: tuple[float, ...]) -> float:
    """Where infinity is drawn: a little beyond the last finite distance."""
    finite = [distance for distance in distances_m if not math.isinf(distance)]
    return 3 * max(finite, default=1.0)


def _line(
    axes: Any,
    distances_m: tuple[float, ...],
    values: np.ndarray,
    far: float,
    style: str,
    color: str,
    label: str,
) -> None:
    at = [min(distance, far) for distance in distances_m]
    axes.plot(at, values, style, color=color, label=label, markersize=4, linewidth=1.4)
