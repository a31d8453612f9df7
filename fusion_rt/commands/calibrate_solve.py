"""``fusion-rt calibrate solve``: from points to a rig, and a report that says how good it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.points_file import PictureFile, Points, SeenView, load_points
from calibration.report import ReportInput, Shot, choose_views, report_html
from calibration.report.figures import load_plotting
from calibration.rig_file import rig_text
from calibration.solve import (
    Options,
    Solution,
    SolvedView,
    Verdict,
    cross_check,
    judge,
    predict,
    solve_rig,
    to_rig,
)

from ..collisions import check_outputs
from ..errors import SourceError
from ..frame import Sensor
from ..quality.picture_file import check_suffix
from ..sinks.text import check_writable, write_text
from ..sources.picture import read_image
from ..terminal import print_facts, progress_bar, say


@dataclass(frozen=True)
class SolveRequest:
    """What to solve.

    Attributes:
        points: points file.
        out: rig file to write.
        report: HTML file to write; None for none.
        options: of the solve.
        distance_m: what the pictures are to match at unless told otherwise; None leaves it open.
        ir_offset_ms: how far the infrared clock is ahead, to be kept in the rig; None if unknown.
    """

    points: Path
    out: Path
    report: Path | None
    options: Options
    distance_m: float | None = None
    ir_offset_ms: float | None = None


def solve(request: SolveRequest) -> int:
    """Solve, write rig and report, tell the verdict; 1 where the rig is poor, else 0.

    Raises:
        RigError: the points cannot be used, or no geometry can be found from them.
        UsageError: an output would replace an input.
        SinkError: an output cannot be written.
    """
    check_outputs((), (request.points,), (request.out, request.report))
    if request.report is not None:
        check_suffix("--report", request.report, (".html", ".htm"))
        load_plotting()
    for path in (request.out, request.report):
        if path is not None:
            check_writable(path)
    points = load_points(request.points)
    with _progress() as tell:
        solution = solve_rig(
            points.pairs, points.board, points.ir_wh, points.vis_wh, request.options, tell
        )
        prediction = predict(solution)
        cross = cross_check(solution, points.pairs, progress=tell)
    verdict = judge(solution, prediction, cross)
    rig = to_rig(
        solution,
        prediction,
        verdict,
        cross,
        distance_m=request.distance_m,
        ir_offset_ms=request.ir_offset_ms,
    )
    write_text(request.out, rig_text(rig))
    if request.report is not None:
        shots, why = _shots(solution, points, request.points.parent)
        given = ReportInput(solution, prediction, cross, verdict, rig, shots, why)
        write_text(request.report, report_html(given))
    _tell(solution, verdict)
    print_facts([("written", str(path)) for path in (request.out, request.report) if path])
    return 1 if verdict.grade == "poor" else 0


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Shows each step of the solve once."""
    with progress_bar("solving:", None) as bar:
        said: set[str] = set()

        def tell(step: str, done: float) -> None:
            if step not in said and done < 1:
                said.add(step)
                bar.say(step)

        yield tell


def _tell(solution: Solution, verdict: Verdict) -> None:
    for left in solution.left_out:
        say(f"left out: {left.name} ({left.camera}): {left.reason}")
    say(f"{verdict.grade}: {verdict.headline}")
    for line in verdict.lines:
        say(f"  {line}")
    for alarm in verdict.alarms:
        say(f"{'wrong' if alarm.serious else 'look at this'}: {alarm.message}")
        say(f"  hint: {alarm.hint}")


def _shots(solution: Solution, points: Points, folder: Path) -> tuple[list[Shot], str]:
    """Pictures for the report, as far as they are where the points file says; and why not."""
    seen = {view.points.name: view for view in points.views}
    shots, reasons = [], []
    for view in choose_views(solution):
        try:
            shots.append(_shot(view, seen[view.name], folder))
        except SourceError as error:
            reasons.append(str(error))
    return shots, reasons[0] if reasons else "no pair shows the board in both pictures"


def _shot(view: SolvedView, seen: SeenView, folder: Path) -> Shot:
    if seen.ir_file is None or seen.vis_file is None:
        raise SourceError("the points file does not name its pictures")
    ir = _picture(seen.ir_file, folder, Sensor.IR)
    vis = _picture(seen.vis_file, folder, Sensor.VIS)
    return Shot(view, ir, vis)


def _picture(file: PictureFile, folder: Path, sensor: Sensor) -> np.ndarray:
    path = folder / file.path
    picture, _ = read_image(path, sensor)
    if file.sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != file.sha256:
        raise SourceError(f"{path} has changed since its points were found")
    return picture
