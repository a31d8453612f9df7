"""``fusion-rt evaluate --video``: how much fused recordings flicker, against their sources."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from .. import __version__
from ..collisions import check_outputs
from ..quality.chart import load_plotting
from ..quality.picture_file import check_suffix
from ..quality.temporal import FIGURES, TemporalMeter
from ..quality.temporal_chart import draw_levels
from ..quality.temporal_clips import Clips, parse_clips
from ..report import write_json
from ..sinks.text import check_writable, write_bytes, write_text
from ..terminal import console, print_facts, progress_bar, say

_Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class VideoRequest:
    """What to measure.

    Attributes:
        ir: infrared recording, lying on the visible one.
        vis: visible recording.
        fused: fused recordings, each as URI or NAME=URI.
        csv: file for the figures, a row for each method; None for none.
        json: file for the figures and the level of each frame; None for none.
        chart: file for the curves of the levels, PNG; None for none.
    """

    ir: str
    vis: str
    fused: tuple[str, ...]
    csv: Path | None
    json: Path | None
    chart: Path | None


def evaluate_video(request: VideoRequest) -> _Figures:
    """Measure, print a table, write what was asked for, and return the figures by method.

    Raises:
        UsageError: unclear names, too few frames, or an output that would replace an input.
        SourceError: a recording cannot be read, or they differ in size or length.
        SinkError: an output cannot be written.
        BackendUnavailable: a chart is asked for, but matplotlib is not installed.
    """
    if request.chart is not None:
        check_suffix("--chart", request.chart, (".png",))
        load_plotting()
    fused = parse_clips(request.fused)
    outputs = [request.csv, request.json, request.chart]
    check_outputs((request.ir, request.vis, *fused.values()), (), outputs)
    for path in outputs:
        if path is not None:
            check_writable(path)
    meter = TemporalMeter(fused)
    with (
        Clips(request.ir, request.vis, fused) as clips,
        progress_bar("measuring", clips.frame_count) as bar,
    ):
        for note in clips.notes:
            say(f"note: {note}")
        for moment in clips:
            meter.add(*moment)
            bar.advance()
    figures = meter.figures()
    _show(figures)
    if request.csv is not None:
        write_text(request.csv, _as_csv(figures))
    if request.json is not None:
        write_json(request.json, _as_data(figures, meter))
    if request.chart is not None:
        write_bytes(request.chart, draw_levels(meter.levels))
    print_facts([("written", str(path)) for path in outputs if path is not None])
    return figures


def _show(figures: _Figures) -> None:
    """Bold is best; the star says the same where there is no bold."""
    several = len(figures) > 1
    table = Table(box=None, padding=(0, 2))
    table.add_column("* best" if several else "")
    table.add_column("")
    for title in ("sources", *figures):
        table.add_column(title, justify="right")
    for title in () if several else ("unit", "meaning"):  # as wide as a terminal, not wider
        table.add_column(title)
    some = next(iter(figures.values()))
    for figure in FIGURES:
        values = [of[figure.key] for of in figures.values()]
        best = min((value for value in values if not math.isnan(value)), default=math.nan)
        cells = [
            Text(f"{_number(value)}*", "bold")
            if several and value == best
            else Text(_number(value) + " " * several)
            for value in values
        ]
        source = _number(some[figure.source]) if figure.source else ""
        words = () if several else (figure.unit, figure.meaning)
        table.add_row(figure.name, "↓", source, *cells, *words)
    console.print(table)
    say(
        f"  {some['frames']:.0f} frames; still: {some['still_share']:.0%} of the pixels, "
        f"motion known: {some['warp_share']:.0%}"
    )


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _as_csv(figures: _Figures) -> str:
    """A header and a row for each method; an empty cell where a figure is not defined."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["method", *next(iter(figures.values()))])
    for name, of in figures.items():
        rows.writerow([name, *("" if math.isnan(v) else f"{v:.6g}" for v in of.values())])
    return text.getvalue()


def _as_data(figures: _Figures, meter: TemporalMeter) -> dict[str, Any]:
    """Figures by method, null where one is not defined, and the mean level of each frame."""
    levels = {"ir": meter.levels.ir, "vis": meter.levels.vis, "fused": meter.levels.fused}
    return {
        "fusion_rt": __version__,
        "methods": {
            name: {key: None if math.isnan(value) else value for key, value in of.items()}
            for name, of in figures.items()
        },
        "levels": levels,
    }
