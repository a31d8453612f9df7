"""A chart of all figures: methods side by side, or the pictures of one method in order."""

from __future__ import annotations

import io
import math
from types import ModuleType
from typing import Any

from engines.optional import require

from .figures import FIGURES, Figure
from .summary import Results, best_methods

_REMEDY = "pip install 'fusion-rt[plots]', or leave --chart away"
_COLUMNS = 5
# Okabe and Ito: told apart by colour-blind eyes too.
COLORS = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7"),
    *("#56B4E9", "#D55E00", "#F0E442", "#999999"),
)
_HATCHES = ("", "//", "..", "xx")  # for more methods than colours


def load_plotting() -> ModuleType:
    """The drawing library, imported now.

    Raises:
        BackendUnavailable: it is not installed.
    """
    return require("matplotlib.figure", remedy=_REMEDY)


def draw_chart(results: list[Results]) -> bytes:
    """The chart as the bytes of a PNG file, a panel for each figure.

    Several methods: a bar for the mean of each. One method: a bar for each picture, from the
    worst to the best, and a line at their mean.

    Args:
        results: of each method, at least one.
    Raises:
        BackendUnavailable: matplotlib is not installed.
    """
    rows = math.ceil(len(FIGURES) / _COLUMNS)
    # A bare Figure, without pyplot, draws with Agg: no display is needed, no state is left.
    whole = load_plotting().Figure(figsize=(12.5, 2.5 * rows + 0.4), layout="constrained")
    panels = whole.subplots(rows, _COLUMNS).ravel()
    for panel in panels[len(FIGURES) :]:
        panel.set_axis_off()
    for panel, figure in zip(panels, FIGURES, strict=False):
        if len(results) > 1:
            _compare(panel, figure, results)
        else:
            _spread_out(panel, figure, results[0])
        _finish(panel, figure)
    pictures = len(results[0].rows)
    if len(results) > 1:
        names = [one.method for one in results]
        panels[len(FIGURES)].legend(panels[0].patches, names, loc="upper left", frameon=False)
        title = f"means over {pictures} pictures, the best of each figure in bold"
    else:
        title = f"{results[0].method}: {pictures} pictures from worst to best, and their mean"
    whole.suptitle(title, fontsize=11)
    data = io.BytesIO()
    whole.savefig(data, format="png", dpi=120)
    return data.getvalue()


def _compare(panel: Any, figure: Figure, results: list[Results]) -> None:
    best = best_methods(results, figure)
    for index, one in enumerate(results):
        mean = one.mean(figure)
        height = 0.0 if math.isnan(mean) else mean
        panel.bar(
            index,
            height,
            color=COLORS[index % len(COLORS)],
            hatch=_HATCHES[index // len(COLORS) % len(_HATCHES)],
        )
        panel.annotate(
            _label(mean),
            (index, max(height, 0.0)),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            fontweight="bold" if one.method in best else "normal",
        )


def _spread_out(panel: Any, figure: Figure, one: Results) -> None:
    values = [row[figure.name] for row in one.rows.values() if not math.isnan(row[figure.name])]
    values.sort(reverse=figure.better == "lower")
    panel.bar(range(len(values)), values, width=0.9, color=COLORS[0])
    mean = one.mean(figure)
    if not math.isnan(mean):
        panel.axhline(mean, color=COLORS[5], linewidth=1)
    panel.set_xlabel(f"mean {_label(mean)}", fontsize=8)


def _finish(panel: Any, figure: Figure) -> None:
    unit = f" [{figure.unit}]" if figure.unit else ""
    panel.set_title(f"{figure.name}{unit}\n{figure.better} is better", fontsize=9)
    panel.set_xticks([])
    panel.tick_params(axis="y", labelsize=7)
    panel.margins(y=0.15)
    low, high = panel.get_ylim()
    if not any(bar.get_height() for bar in panel.patches):
        low, high = 0.0, 1.0  # all zero: a scale around 0 would tell nothing
    panel.set_ylim(min(low, 0.0), high)
    panel.spines[["top", "right"]].set_visible(False)


def _label(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
