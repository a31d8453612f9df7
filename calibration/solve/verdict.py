"""Says in plain words how good a calibration is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .alarm import Alarm
from .alarms import HALVES_DIFFER, alarms_of
from .crosscheck import LEAST_PAIRS, CrossCheck
from .geometry_alarms import ALIKE
from .predict import Prediction
from .solution import Solution

# What people read, in visible px.
_LEVELS_PX = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_GOOD_PX, _USABLE_PX = 0.5, 2.0
# With one of these the error may be larger than said.
_DOUBTS = {"model", "halves", "aspect"}
_TO_MEND = _DOUBTS | {"few-views", "parallel", "focal", "rotation", "baseline", "moments"}


@dataclass(frozen=True)
class Verdict:
    """The judgement.

    Attributes:
        grade: good; usable, with something to mend or to know; poor, not to be used as it is.
        headline: one line, such as ``good to 0.3 px from 2 m to infinity``.
        lines: further plain sentences.
        alarms: all doubts, the serious ones first.
        enlarged: by how much the predicted errors were multiplied, as halves of the views differ
            or residuals go together.
    """

    grade: Literal["good", "usable", "poor"]
    headline: str
    lines: tuple[str, ...]
    alarms: tuple[Alarm, ...]
    enlarged: float = 1.0

    @property
    def text(self) -> str:
        """All of it, line by line."""
        told = [f"{alarm.message}; {alarm.hint}" for alarm in self.alarms]
        return "\n".join([self.headline, *self.lines, *told])


def judge(solution: Solution, prediction: Prediction, cross: CrossCheck | None = None) -> Verdict:
    """Weigh everything that is known.

    Args:
        solution: solved.
        prediction: of that solution; its distances are those spoken of.
        cross: check by halves, where it was made.
    """
    alarms = alarms_of(solution, prediction, cross)
    enlarged = _enlarged(solution, cross)
    errors = prediction.p95_px * enlarged
    level, nearest, furthest = _range(errors, prediction.distances_m)
    serious = [alarm for alarm in alarms if alarm.serious]
    size = f"{level:g} px" if np.isfinite(level) else f"more than {_LEVELS_PX[-1]:g} px"
    span = f"{size} {_span(nearest, furthest)}"
    if serious or level > _USABLE_PX:
        grade: Literal["good", "usable", "poor"] = "poor"
        why = serious[0].message if serious else f"only good to {span}"
        headline = f"not to be used as it is: {why}"
    else:
        codes = {alarm.code for alarm in alarms}
        mend = level > _GOOD_PX or bool(codes & _TO_MEND)
        grade, headline = ("usable", f"usable, to {span}") if mend else ("good", f"good to {span}")
        if codes & _DOUBTS:
            headline += " if the model is right"
        if prediction.no_data:
            headline += f"; {', '.join(prediction.no_data)}: no data, take more views there"
    lines = (*_lines(solution, prediction, enlarged), _halves_line(solution, cross))
    return Verdict(grade, headline, lines, alarms, enlarged)


def _enlarged(solution: Solution, cross: CrossCheck | None) -> float:
    """How much larger the errors are than independent noise lets expect.

    Where the residuals of a point's eight neighbours go with its own, they tell less than as many
    independent points do: the design effect of samples in clusters.
    """
    alike = max(solution.neighbours_ir, solution.neighbours_vis)
    crowded = float(np.sqrt(1 + 8 * alike)) if alike > ALIKE else 1.0
    halves = cross.ratio if cross is not None and cross.ratio > HALVES_DIFFER else 1.0
    return max(crowded, halves)


def _range(errors: np.ndarray, distances_m: tuple[float, ...]) -> tuple[float, float, float]:
    """The level that most distances keep, and from where to where they do."""
    order = np.argsort(distances_m)
    sorted_errors = np.nan_to_num(errors[order], nan=np.inf)
    wanted = (len(order) + 1) // 2
    for level in (*_LEVELS_PX, np.inf):
        good = sorted_errors <= level
        # The longest run of distances that keep it.
        edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(int)))
        runs = list(zip(edges[::2], edges[1::2], strict=True))
        if runs:
            first, last = max(runs, key=lambda run: run[1] - run[0])
            if last - first > wanted or last - first == len(order):
                far = [distances_m[at] for at in order]
                return float(level), far[first], far[last - 1]
    return float("inf"), min(distances_m), max(distances_m)


def _span(nearest: float, furthest: float) -> str:
    return f"from {metres(nearest)} to {metres(furthest)}"


def metres(distance: float) -> str:
    """A distance as people say it."""
    return "infinity" if np.isinf(distance) else f"{distance:g} m"


def _lines(solution: Solution, prediction: Prediction, enlarged: float) -> list[str]:
    errors = ", ".join(
        f"{rms * enlarged:.2f} px at {metres(distance)}"
        for distance, rms in zip(prediction.distances_m, prediction.rms_px, strict=True)
    )
    bow = max(abs(bow) for bow in solution.bow_m) * 1e3
    lines = [
        f"expected registration error, RMS over the common view: {errors}",
        f"{solution.pairs} pairs; residuals {solution.ir_rms_px:.2f} px infrared, "
        f"{solution.vis_rms_px:.2f} px visible (RMS; they say little about registration)",
        f"lenses {solution.pair.baseline_m * 100:.1f} cm apart"
        + (
            ""
            if solution.options.baseline_m
            else f"; if a ruler says otherwise, the board's spacing is not "
            f"{solution.board.spacing_m * 1e3:g} mm"
        ),
    ]
    if solution.options.bow:
        lines.append(f"the board is bent by {bow:.1f} mm, which is allowed for")
    return lines


def _halves_line(solution: Solution, cross: CrossCheck | None) -> str:
    if cross is None:
        why = (
            f"{LEAST_PAIRS} pairs are needed"
            if solution.pairs < LEAST_PAIRS
            else "not made, or half of the views alone give no geometry"
        )
        return f"not checked by solving halves of the views: {why}"
    held = cross.hold_out
    noise = "" if held.noise_px is None else f", of which noise alone gives {held.noise_px:.2f}"
    return (
        f"halves of the views differ by {cross.difference_px.max():.2f} px "
        f"or less ({cross.expected_px.max():.2f} by chance); pairs held out lie on each other to "
        f"{held.rms_px:.2f} px{noise}"
    )
