"""``fusion-rt calibrate align``: a rig without a board, right at one distance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.align import FEWEST, Aligned, Kind, align_points
from calibration.align_pictures import align_pictures
from calibration.report.lay import blended
from calibration.rig_file import rig_text

from ..boards.point_window import click_points
from ..collisions import check_outputs
from ..errors import UsageError
from ..frame import Sensor
from ..quality.picture_file import check_suffix, encode
from ..sinks.text import check_writable, write_bytes, write_text
from ..sources.picture import read_image
from ..terminal import print_facts, say

_SUFFIXES = (".png", ".jpg", ".jpeg")
_COLUMNS = 4


@dataclass(frozen=True)
class AlignRequest:
    """What to align by what.

    Attributes:
        ir: infrared picture.
        vis: visible picture.
        out: rig file to write.
        points: text file with points of both; None for none.
        auto: whether to match what both pictures show. With neither, the user clicks.
        kind: what to fit; None for what suits the way.
        distance_m: of what the points are on, infinity for far away; None where not known.
        overlay: picture to write, PNG or JPEG; None for none.
    """

    ir: Path
    vis: Path
    out: Path
    points: Path | None = None
    auto: bool = False
    kind: Kind | None = None
    distance_m: float | None = None
    overlay: Path | None = None


def align(request: AlignRequest) -> int:
    """Align, tell how well, write the rig.

    Raises:
        UsageError: two ways are asked for, a line of the points cannot be read, or the user gave
            up clicking.
        SourceError: a picture cannot be read.
        CalibrationError: the points make no sense, or the pictures have too little in common.
        SinkError: no window can be opened, or an output cannot be written.
    """
    if request.auto and request.points is not None:
        raise UsageError("both --auto and --points are given", hint="leave one away")
    if request.overlay is not None:
        check_suffix("--overlay", request.overlay, _SUFFIXES)
    outputs = (request.out, request.overlay)
    check_outputs((), (request.ir, request.vis, request.points), outputs)
    for path in outputs:
        if path is not None:
            check_writable(path)
    ir, vis = read_image(request.ir, Sensor.IR)[0], read_image(request.vis, Sensor.VIS)[0]
    ir_wh, vis_wh = ((picture.shape[1], picture.shape[0]) for picture in (ir, vis))
    if request.auto:
        aligned = _matched(ir, vis, request.kind or "similarity")
    else:
        kind = request.kind or "homography"
        ir_px, vis_px = _points(request.points, ir, vis, kind)
        aligned = align_points(ir_px, vis_px, ir_wh, vis_wh, kind)
        _tell(aligned)
    rig = aligned.rig(ir_wh, vis_wh, request.distance_m)
    write_text(request.out, rig_text(rig))
    if request.overlay is not None:
        write_bytes(request.overlay, encode(blended(rig, ir, vis), request.overlay.suffix))
    print_facts([("written", str(path)) for path in outputs if path is not None])
    return 0


def _points(
    path: Path | None, ir: np.ndarray, vis: np.ndarray, kind: Kind
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) float64 each, from the file or from the user."""
    if path is not None:
        return read_point_list(path)
    return click_points(ir, vis, FEWEST[kind])


def read_point_list(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read infrared x, y, visible x, y from a text file.

    A line each, numbers apart by commas, semicolons or blanks; empty lines, and what follows a #,
    are passed over.

    Returns:
        (N, 2) float64 each, px.

    Raises:
        UsageError: the file or one of its lines cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text file", hint=_LINE_HINT) from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint="check its name") from error
    rows = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].replace(",", " ").replace(";", " ").split()
        if not words:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError:
            row = []
        if len(row) != _COLUMNS or not all(map(math.isfinite, row)):
            raise UsageError(f"{path}, line {number} is no point: {line.strip()}", hint=_LINE_HINT)
        rows.append(row)
    points = np.array(rows, np.float64).reshape(-1, _COLUMNS)
    return points[:, :2], points[:, 2:]


_LINE_HINT = "a line holds infrared x, y and visible x, y in px, for instance 101.5, 88, 230, 176"


def _matched(ir: np.ndarray, vis: np.ndarray, kind: Kind) -> Aligned:
    match = align_pictures(ir, vis, kind)
    say(
        f"matched by {match.confidence:.0%} of the picture's parts; good to about "
        f"{match.error_px:.1f} visible px"
    )
    for note in match.aligned.notes:
        # Parts of the picture that do not agree are no faults of the user.
        if not note.endswith("left out"):
            say(f"note: {note}")
    return match.aligned


def _tell(aligned: Aligned) -> None:
    count = int(aligned.used.sum())
    say(f"{aligned.kind} from {count} points, which it misses by {aligned.rms_px:.2f} visible px")
    for note in aligned.notes:
        say(f"note: {note}")
