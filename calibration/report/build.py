"""Puts the report together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..rig import Rig
from .coverage import draw_coverage
from .distance import draw_distance
from .error_map import draw_error_map
from .figures import distance_words, figure_url, picture_url
from .page import Page
from .residuals import draw_residuals, draw_views
from .rig_table import add_rig_table
from .shots import Shot, overlay

if TYPE_CHECKING:
    from ..solve import CrossCheck, Prediction, Solution, Verdict

_MAP_DISTANCE_M = 2.0


@dataclass(frozen=True)
class ReportInput:
    """What a report tells.

    Attributes:
        solution: what was solved.
        prediction: how well the pictures will lie on each other; shown as much enlarged as the
            verdict says.
        cross: what two halves of the data say; None where they were not solved.
        verdict: what it comes to.
        rig: as it is written.
        shots: pictures to show, from near to far.
        no_shots: why there are none, for the reader; empty where there are.
    """

    solution: Solution
    prediction: Prediction
    cross: CrossCheck | None
    verdict: Verdict
    rig: Rig
    shots: Sequence[Shot] = ()
    no_shots: str = ""


def report_html(given: ReportInput) -> str:
    """The report as one HTML file.

    Raises:
        CalibrationError: matplotlib is not installed.
    """
    given = replace(given, prediction=_enlarged(given.prediction, given.verdict.enlarged))
    page = Page("Calibration of an infrared and a visible camera")
    _verdict(page, given)
    _distance(page, given)
    _maps(page, given)
    _shots(page, given)
    _coverage(page, given.solution)
    _residuals(page, given.solution)
    _views(page, given)
    add_rig_table(page, given.solution, given.rig)
    return page.html()


def _enlarged(prediction: Prediction, factor: float) -> Prediction:
    """The same errors as the verdict tells."""
    return replace(
        prediction,
        sigma_px=prediction.sigma_px * factor,
        rms_px=prediction.rms_px * factor,
        p95_px=prediction.p95_px * factor,
    )


def _verdict(page: Page, given: ReportInput) -> None:
    verdict = given.verdict
    page.verdict(verdict.grade, verdict.headline, verdict.lines)
    for alarm in verdict.alarms:
        page.alarm(alarm.message, alarm.hint, serious=alarm.serious)
    page.text(
        "All errors are in pixels of the visible picture: so far apart the two pictures show the "
        "same thing. Half a pixel is hard to see.",
        note=True,
    )


def _distance(page: Page, given: ReportInput) -> None:
    prediction, cross = given.prediction, given.cross
    page.heading("How well the pictures will lie on each other")
    page.figure((figure_url(draw_distance(prediction, cross)), "error in px over the distance"))
    page.table(
        ("distance", *(distance_words(d) for d in prediction.distances_m)),
        [
            ("expected error, RMS", *_px(prediction.rms_px)),
            ("95 % of the picture below", *_px(prediction.p95_px)),
            *(
                [("two halves of the pairs differ by", *_px(cross.difference_px))]
                if cross is not None and cross.distances_m == prediction.distances_m
                else []
            ),
        ],
        numbers=len(prediction.distances_m),
    )
    page.text(
        "The expected error comes from the scatter of the points, carried through the whole "
        "solve. It holds as long as the alarms above are silent: a wavy board or a lens of another "
        "kind is not in it.",
        note=True,
    )
    if given.verdict.enlarged > 1:
        page.text(
            f"Here it is multiplied by {given.verdict.enlarged:.1f}, for the alarms above.",
            note=True,
        )
    if cross is None:
        page.text("Two halves of the pairs were not compared; the verdict says why.", note=True)
        return
    held = cross.hold_out
    noise = "" if held.noise_px is None else f" ({held.noise_px:.2f} px of it are detector noise)"
    page.text(
        f"Each half of the pairs, seen through the rig of the other half: {held.rms_px:.2f} px "
        f"RMS, 95 % below {held.p95_px:.2f} px{noise}. The two rigs differ {cross.ratio:.1f} "
        "times as much as expected; about 1 is right, much more tells that the lens model or the "
        "board is not what was assumed."
    )


def _maps(page: Page, given: ReportInput) -> None:
    prediction = given.prediction
    page.heading("Where in the picture")
    finite = [d for d in prediction.distances_m if not math.isinf(d)]
    near = [min(finite, key=lambda d: abs(math.log(d / _MAP_DISTANCE_M)))] if finite else []
    far = [d for d in prediction.distances_m if math.isinf(d)]
    size = given.solution.pair.vis.size_wh
    page.figure(
        (
            figure_url(draw_error_map(prediction, size, (*near, *far))),
            "expected error over the visible picture",
        ),
        caption="Expected error over the visible picture. Grey: the infrared camera does not look "
        "there. Hatched: no board was ever seen there, the figure is a guess.",
    )
    if prediction.no_data:
        where = ", ".join(prediction.no_data)
        page.text(f"No data: {where}. Take more views with the board there.")


def _shots(page: Page, given: ReportInput) -> None:
    page.heading("Pictures laid on each other")
    if not given.shots:
        page.text(f"None here: {given.no_shots}.")
        return
    page.text(
        "Left: infrared in red, visible in blue, laid for the distance of the board. Things "
        "at other distances are off there: that is parallax, not error. Right: the board "
        "enlarged. A white ring is a point as the visible camera saw it, a black cross the same "
        "point from the infrared picture."
    )
    for shot in given.shots:
        whole, part, distance_m = overlay(given.solution, given.rig, shot)
        page.figure(
            (picture_url(whole), f"pair {shot.view.name}, infrared laid over visible"),
            (picture_url(part), "the board in it, enlarged, with its points"),
            caption=f"{shot.view.name}: board at {distance_words(distance_m)}, tilted by "
            f"{shot.view.tilt_deg:.0f}°",
        )


def _coverage(page: Page, solution: Solution) -> None:
    page.heading("Where the board was seen")
    page.figure(
        (figure_url(draw_coverage(solution)), "board points in both pictures"),
        caption="All points that were used. The numbers count the views with points in that part "
        "of the picture. Dashed: what the infrared camera sees of the visible picture, far away; "
        "beyond it nothing is needed.",
    )
    both = [view for view in solution.views if view.ir_used.any() and view.vis_used.any()]
    tilted = sum(view.tilt_deg >= 25 for view in both)
    distances = [view.distance_m for view in both]
    if both:
        page.text(
            f"{len(both)} pairs with the board in both pictures, {tilted} of them tilted by 25° "
            f"or more; board between {min(distances):.2f} and {max(distances):.2f} m away."
        )


def _residuals(page: Page, solution: Solution) -> None:
    page.heading("What is left over")
    page.figure(
        (figure_url(draw_residuals(solution)), "residuals of both cameras"),
        caption="Left: how far each point lies from where the rig puts it; round and small is "
        "right. Right: the mean of that over the picture; arrows that follow a pattern tell that "
        "the lens is not one of the kind assumed, arrows in all directions are chance.",
    )


def _views(page: Page, given: ReportInput) -> None:
    solution = given.solution
    page.heading("Pair by pair")
    page.figure((figure_url(draw_views(solution)), "RMS of each view in both cameras"))
    page.folded_table(
        "All pairs in figures",
        ("pair", "infrared RMS, px", "visible RMS, px", "distance", "tilt"),
        [
            (
                view.name,
                _number(view.ir_rms_px),
                _number(view.vis_rms_px),
                f"{view.distance_m:.2f} m",
                f"{view.tilt_deg:.0f}°",
            )
            for view in solution.views
        ],
        numbers=4,
    )
    for left in solution.left_out:
        camera = {"ir": "infrared", "vis": "visible", "both": "both pictures"}[left.camera]
        page.text(f"Left out: {left.name} ({camera}): {left.reason}")
    if solution.outliers:
        rows = [
            (
                one.name,
                "infrared" if one.camera == "ir" else "visible",
                str(one.index),
                f"{one.error_px:.1f}",
            )
            for one in solution.outliers
        ]
        page.folded_table(
            f"Single points left out, as they lie too far off: {len(rows)}",
            ("pair", "camera", "point", "off by, px"),
            rows,
            numbers=2,
        )


def _px(values: np.ndarray) -> list[str]:
    return [f"{value:.2f} px" for value in values]


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
