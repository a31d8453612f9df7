"""The points file: where both cameras saw the points of the board, pair by pair.

A YAML file that people can read and mend; `fusion-rt calibrate detect` writes it and
`fusion-rt calibrate solve` and ``check`` read it::

    points: 1                        # version of this format
    board: {kind: chessboard, columns: 9, rows: 6, spacing_mm: 60}
    ir:  {size: [640, 512]}          # width, height in px
    vis: {size: [1280, 1024]}
    views:
      - name: "0001"
        ir_file: {path: "ir/0001.png", sha256: "5b1f..."}    # optional
        vis_file: {path: "vis/0001.png", sha256: "90aa..."}
        ir:                          # x, y in px; one row of the board a line
          - [[101.25, 88.5], [131.0, 88.25], ...]
        vis: null                    # the board was not found here

Pixel centres lie at whole numbers. A point that was not found is null. Paths count from the folder
of the points file. To leave a pair out, delete its entry.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from .board import Board
from .errors import BoardError, CalibrationError, RigError
from .views import PairView

VERSION = 1
_DIGITS = 4  # far below what a detector can tell
# The reader written in C, where PyYAML has it: thousands of numbers take it no time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PointsError(RigError):
    """A points file cannot be used."""


@dataclass(frozen=True)
class PictureFile:
    """A picture that points were found in.

    Attributes:
        path: relative to the folder of the points file, or absolute.
        sha256: of its bytes; empty where it is not known.
    """

    path: Path
    sha256: str = ""


@dataclass(frozen=True)
class SeenView:
    """One pair of pictures.

    Attributes:
        points: what was found.
        ir_file: infrared picture; None where it is not known.
        vis_file: visible picture, likewise.
    """

    points: PairView
    ir_file: PictureFile | None = None
    vis_file: PictureFile | None = None


@dataclass(frozen=True)
class Points:
    """All that a points file holds.

    Attributes:
        board: what was looked for.
        ir_wh: width and height of the infrared pictures in px.
        vis_wh: of the visible ones.
        views: the pairs, in order; their names differ.
        made: where the points come from, as plain data.
    """

    board: Board
    ir_wh: tuple[int, int]
    vis_wh: tuple[int, int]
    views: tuple[SeenView, ...]
    made: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pairs(self) -> list[PairView]:
        """The points alone."""
        return [view.points for view in self.views]


def points_text(points: Points) -> str:
    """The text of a points file."""
    board = points.board
    lines = [
        f"points: {VERSION}",
        f"board: {{kind: {board.kind}, columns: {board.columns}, rows: {board.rows}, "
        f"spacing_mm: {board.spacing_m * 1e3:.10g}}}",
        f"ir:  {{size: [{points.ir_wh[0]}, {points.ir_wh[1]}]}}",
        f"vis: {{size: [{points.vis_wh[0]}, {points.vis_wh[1]}]}}",
    ]
    text = "\n".join(lines) + "\n"
    if points.made:
        made = {"made": dict(points.made)}
        text += yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=100)
    return text + "views:\n" + "".join(_view_text(view, board) for view in points.views)


def load_points(path: Path) -> Points:
    """Read and check a points file.

    Raises:
        PointsError: missing, unreadable, not YAML, or a value that cannot be.
        BoardError: a board that cannot be used.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # a safe loader
    except OSError as error:
        raise PointsError(
            f"cannot read points file {path}: {error.strerror}",
            hint="`fusion-rt calibrate detect` writes one",
        ) from error
    except UnicodeDecodeError as error:
        raise PointsError(f"{path} is not a text file", hint=_HINT) from error
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise PointsError(f"{path} is not YAML: {line}", hint=_HINT) from error
    try:
        return _parse(data)
    except BoardError as error:
        raise BoardError(f"{path}: {error}", hint=error.hint) from error
    except CalibrationError as error:
        raise PointsError(f"{path}: {error}", hint=error.hint) from error


_HINT = "`fusion-rt calibrate detect` writes such files; write it anew"


def _parse(data: Any) -> Points:
    if not isinstance(data, dict) or "points" not in data:
        raise CalibrationError("this is no points file", hint=_HINT)
    if data["points"] != VERSION:
        raise CalibrationError(
            f"points format {data['points']!r} is unknown", hint=f"this version reads {VERSION}"
        )
    board = _board(data.get("board"))
    ir_wh, vis_wh = (_size(data.get(name), name) for name in ("ir", "vis"))
    entries = data.get("views")
    if not isinstance(entries, list):
        raise CalibrationError("'views' is no list", hint=_HINT)
    views = tuple(_view(entry, index, board) for index, entry in enumerate(entries))
    names = [view.points.name for view in views]
    for name in names:
        if names.count(name) > 1:
            raise CalibrationError(
                f"two views are called '{name}'", hint="give each a name of its own"
            )
    made = data.get("made")
    return Points(board, ir_wh, vis_wh, views, made if isinstance(made, dict) else {})


def _board(data: Any) -> Board:
    keys = ("kind", "columns", "rows", "spacing_mm")
    if not isinstance(data, dict) or set(data) != set(keys):
        raise CalibrationError(f"'board' must have {', '.join(keys)}, not {data!r}", hint=_HINT)
    if data["kind"] not in ("chessboard", "circles"):
        raise CalibrationError(
            f"board.kind is {data['kind']!r}", hint="it is chessboard or circles"
        )
    if not (isinstance(data["columns"], int) and isinstance(data["rows"], int)):
        raise CalibrationError("board.columns and board.rows must be whole numbers", hint=_HINT)
    if not _is_number(data["spacing_mm"]):
        raise CalibrationError("board.spacing_mm must be a number", hint=_HINT)
    return Board(data["kind"], data["columns"], data["rows"], data["spacing_mm"] / 1e3)


def _size(data: Any, name: str) -> tuple[int, int]:
    size = data.get("size") if isinstance(data, dict) else None
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(isinstance(side, int) and side > 0 for side in size)
    ):
        raise CalibrationError(
            f"'{name}' must be {{size: [width, height]}} in px, not {data!r}", hint=_HINT
        )
    return size[0], size[1]


def _view(data: Any, index: int, board: Board) -> SeenView:
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise CalibrationError(f"view {index + 1} has no name", hint='write name: "0001"')
    name = data["name"]
    ir, vis = (_found(data.get(key), f"view '{name}': {key}", board) for key in ("ir", "vis"))
    files = [_file(data.get(key)) for key in ("ir_file", "vis_file")]
    return SeenView(PairView(name, ir, vis), *files)


def _found(rows: Any, where: str, board: Board) -> np.ndarray | None:
    if rows is None:
        return None
    shape_is_right = (
        isinstance(rows, list)
        and len(rows) == board.rows
        and all(isinstance(row, list) and len(row) == board.columns for row in rows)
    )
    if not shape_is_right:
        raise CalibrationError(
            f"{where} must be {board.rows} rows of {board.columns} points",
            hint="they are the board's rows and columns; null where the board was not found",
        )
    flat = [point for row in rows for point in row]
    for point in flat:
        if point is None:
            continue
        if not isinstance(point, list) or len(point) != 2 or not all(map(_is_number, point)):
            raise CalibrationError(f"{where} has a point {point!r}", hint="write [x, y] or null")
    return np.array([(math.nan, math.nan) if p is None else p for p in flat], np.float64)


def _file(data: Any) -> PictureFile | None:
    if not isinstance(data, dict) or not isinstance(data.get("path"), str):
        return None
    return PictureFile(Path(data["path"]), str(data.get("sha256") or ""))


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)


def _view_text(view: SeenView, board: Board) -> str:
    lines = [f"  - name: {_quoted(view.points.name)}"]
    for key, file in (("ir_file", view.ir_file), ("vis_file", view.vis_file)):
        if file is not None:
            path = _quoted(file.path.as_posix())
            lines.append(f'    {key}: {{path: {path}, sha256: "{file.sha256}"}}')
    for key, found in (("ir", view.points.ir), ("vis", view.points.vis)):
        if found is None:
            lines.append(f"    {key}: null")
            continue
        lines.append(f"    {key}:")
        for row in found.reshape(board.rows, board.columns, 2):
            lines.append(f"      - [{', '.join(_point_text(point) for point in row)}]")
    return "\n".join(lines) + "\n"


def _point_text(point: np.ndarray) -> str:
    if not np.isfinite(point).all():
        return "null"
    return f"[{point[0]:.{_DIGITS}f}, {point[1]:.{_DIGITS}f}]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # which is YAML too
