"""``fusion-rt evaluate``: figures of fused stills, of one method or of several side by side."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from .. import __version__
from ..collisions import check_outputs
from ..errors import SourceError, UsageError
from ..quality.chart import draw_chart, load_plotting
from ..quality.collection import Collection, collect, parse_methods
from ..quality.figures import FIGURES, figures
from ..quality.load import ScenePictures, load_scene
from ..quality.picture_file import check_suffix, encode
from ..quality.sheet import Sheet, even_choice
from ..quality.summary import SHOWN_DIGITS, Results, as_csv, as_data, best_methods
from ..report import write_json
from ..sinks.text import check_writable, write_bytes, write_text
from ..terminal import console, print_facts, progress_bar, say

_SHEET_SUFFIXES = (".png", ".jpg", ".jpeg")
_ARROWS = {"higher": "↑", "lower": "↓"}


@dataclass(frozen=True)
class EvaluateRequest:
    """What to measure.

    Attributes:
        ir: infrared picture, or a folder of them.
        vis: visible picture, or a folder of them.
        fused: results, each as PATH or NAME=PATH.
        csv: file for the figures of each picture; None for none.
        json: same as JSON.
        sheet: file for a sheet of pictures, PNG or JPEG; None for none.
        chart: file for a bar chart, PNG; None for none.
    """

    ir: Path
    vis: Path
    fused: tuple[str, ...]
    csv: Path | None
    json: Path | None
    sheet: Path | None
    chart: Path | None


def evaluate(request: EvaluateRequest) -> list[Results]:
    """Measure, print a table, write what was asked for, and return the figures.

    Raises:
        UsageError: unclear names, or an output that would replace an input.
        SourceError: pictures are missing, do not match or cannot be read.
        SinkError: an output cannot be written.
        BackendUnavailable: a chart is asked for, but matplotlib is not installed.
    """
    if request.sheet is not None:
        check_suffix("--sheet", request.sheet, _SHEET_SUFFIXES)
    if request.chart is not None:
        check_suffix("--chart", request.chart, (".png",))
        load_plotting()
    collection = collect(request.ir, request.vis, parse_methods(request.fused))
    outputs = [request.csv, request.json, request.sheet, request.chart]
    check_outputs((), collection.files, outputs)
    _check_folders(collection, (request.sheet, request.chart))
    for path in outputs:
        if path is not None:
            check_writable(path)
    for note in collection.notes:
        say(f"note: {note}")
    results, sheet = _measure(collection, request.sheet is not None)
    _show(results)
    if request.csv is not None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(as_csv(results))
        write_text(request.csv, text.getvalue())
    if request.json is not None:
        write_json(request.json, {"fusion_rt": __version__, **as_data(results)})
    if request.sheet is not None:
        write_bytes(request.sheet, encode(sheet.picture(), request.sheet.suffix))
    if request.chart is not None:
        write_bytes(request.chart, draw_chart(results))
    print_facts([("written", str(path)) for path in outputs if path is not None])
    return results


def _check_folders(collection: Collection, pictures: tuple[Path | None, ...]) -> None:
    """A sheet among the pictures would be taken for one of them the next time."""
    folders = {path.resolve().parent for path in collection.files}
    for path in pictures:
        if path is not None and path.resolve().parent in folders:
            raise UsageError(
                f"{path} would lie among the pictures that are measured",
                hint="write it to another folder",
            )


def _measure(collection: Collection, with_sheet: bool) -> tuple[list[Results], Sheet]:
    results = [Results(method.name, {}) for method in collection.methods]
    sheet = Sheet(["infrared", "visible", *(method.name for method in collection.methods)])
    shown = set(even_choice(len(collection.scenes))) if with_sheet else set()
    with progress_bar("measuring", len(collection.scenes)) as bar:
        for index, scene in enumerate(collection.scenes):
            pictures = load_scene(scene)
            for note in pictures.notes:
                say(f"note: {note}")
            for method, one in enumerate(results):
                one.rows[scene.name] = _figures(scene.name, pictures, method)
            if index in shown:
                sheet.add(scene.name, [pictures.ir, pictures.vis, *pictures.fused])
            bar.advance(scene.name)
    return results, sheet


def _figures(name: str, pictures: ScenePictures, method: int) -> dict[str, float]:
    try:
        return figures(pictures.ir, pictures.vis_y, pictures.fused_y(method))
    except UsageError as error:
        raise SourceError(f"{name}: {error}", hint=error.hint) from error


def _show(results: list[Results]) -> None:
    pictures = len(results[0].rows)
    counted = f"{pictures} picture{'s' if pictures > 1 else ''}"
    if len(results) > 1:
        console.print(_table_of_several(results))
        say(f"  means over {counted}; * is the best")
    else:
        console.print(_table_of_one(results[0]))
        say(f"  mean and standard deviation over {counted}")
    for figure in FIGURES:
        without = sorted({name for one in results for name in one.undefined(figure)})
        if without:
            say(
                f"  {figure.name} is not defined for {len(without)} of them, {without[0]} for one, "
                "which its mean leaves out"
            )


def _table_of_one(one: Results) -> Table:
    table = Table(box=None, padding=(0, 2))
    for title in (one.method, ""):
        table.add_column(title)
    for title in ("mean", "spread", "worst"):
        table.add_column(title, justify="right")
    table.add_column("in")
    for title in ("unit", "meaning"):
        table.add_column(title)
    for figure in FIGURES:
        worst = one.worst(figure)
        table.add_row(
            figure.name,
            _ARROWS[figure.better],
            _number(one.mean(figure)),
            _number(one.spread(figure)),
            *(("–", "") if worst is None else (_number(worst.value), worst.picture)),
            figure.unit,
            figure.meaning,
        )
    return table


def _table_of_several(results: list[Results]) -> Table:
    """Bold is best; the star says the same where there is no bold."""
    table = Table(box=None, padding=(0, 2))
    table.add_column("")
    table.add_column("")
    for one in results:
        table.add_column(one.method, justify="right")
    for figure in FIGURES:
        best = best_methods(results, figure)
        cells = [
            Text(f"{_number(one.mean(figure))}*", "bold")
            if one.method in best
            else Text(f"{_number(one.mean(figure))} ")
            for one in results
        ]
        table.add_row(figure.name, _ARROWS[figure.better], *cells)
    return table


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.{SHOWN_DIGITS}f}"
