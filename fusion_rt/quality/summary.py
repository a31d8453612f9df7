"""Figures of many pictures: mean, spread and worst of each."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import NamedTuple

from .figures import FIGURES, Figure

SHOWN_DIGITS = 3  # after the point, in tables


class Worst(NamedTuple):
    """The picture that is worst in one figure."""

    picture: str
    value: float


@dataclass(frozen=True)
class Results:
    """Figures of one method.

    Attributes:
        method: its name.
        rows: for each picture, by name, its figures as `fusion_rt.quality.figures.figures` gives
            them; NaN where one is not defined.
    """

    method: str
    rows: dict[str, dict[str, float]]

    def mean(self, figure: Figure) -> float:
        """Mean over the pictures for which the figure is defined; NaN where it is for none."""
        values = self._values(figure)
        return statistics.fmean(values.values()) if values else math.nan

    def spread(self, figure: Figure) -> float:
        """Sample standard deviation over the pictures; NaN for fewer than two."""
        values = self._values(figure)
        return statistics.stdev(values.values()) if len(values) > 1 else math.nan

    def worst(self, figure: Figure) -> Worst | None:
        """The first picture of the worst value; None where the figure is never defined."""
        values = self._values(figure)
        if not values:
            return None
        pick = min if figure.better == "higher" else max
        name = pick(values, key=lambda picture: values[picture])
        return Worst(name, values[name])

    def undefined(self, figure: Figure) -> list[str]:
        """Pictures for which the figure is not defined."""
        return [name for name in self.rows if name not in self._values(figure)]

    def _values(self, figure: Figure) -> dict[str, float]:
        return {
            name: row[figure.name]
            for name, row in self.rows.items()
            if not math.isnan(row[figure.name])
        }


def best_methods(results: list[Results], figure: Figure) -> set[str]:
    """Names of the methods with the best mean; several where their means look the same."""
    means = {one.method: round(one.mean(figure), SHOWN_DIGITS) for one in results}
    means = {method: value for method, value in means.items() if not math.isnan(value)}
    if not means:
        return set()
    best = (max if figure.better == "higher" else min)(means.values())
    return {method for method, value in means.items() if value == best}


def as_csv(results: list[Results]) -> list[list[str]]:
    """Rows with a header: one for each picture and, as the last of a method, one of its means.

    A figure that is not defined is an empty cell.
    """
    table = [["method", "picture", *(figure.name for figure in FIGURES)]]
    for one in results:
        means = {figure.name: one.mean(figure) for figure in FIGURES}
        for name, row in (*one.rows.items(), ("mean", means)):
            cells = ["" if math.isnan(row[f.name]) else f"{row[f.name]:.6f}" for f in FIGURES]
            table.append([one.method, name, *cells])
    return table


def as_data(results: list[Results]) -> dict[str, object]:
    """Everything as plain data for JSON; a figure that is not defined is None."""
    return {
        "figures": {
            figure.name: {"better": figure.better, "unit": figure.unit, "meaning": figure.meaning}
            for figure in FIGURES
        },
        "methods": {one.method: _method_data(one) for one in results},
    }


def _method_data(one: Results) -> dict[str, object]:
    worst = {figure.name: one.worst(figure) for figure in FIGURES}
    return {
        "mean": {figure.name: _number(one.mean(figure)) for figure in FIGURES},
        "spread": {figure.name: _number(one.spread(figure)) for figure in FIGURES},
        "worst": {name: None if at is None else at._asdict() for name, at in worst.items()},
        "pictures": {
            picture: {name: _number(value) for name, value in row.items()}
            for picture, row in one.rows.items()
        },
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
