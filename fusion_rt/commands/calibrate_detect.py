"""``fusion-rt calibrate detect``: the board's points in folders of pictures."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np

from calibration.board import Board
from calibration.errors import RigError
from calibration.points_file import PictureFile, Points, SeenView, points_text
from calibration.views import PairView

from .. import __version__
from ..boards.drawing import pair_picture, sheet
from ..boards.pairs import find_pair
from ..collisions import check_outputs
from ..errors import SourceError
from ..frame import Sensor
from ..quality.picture_file import check_suffix, encode
from ..sinks.text import check_writable, write_bytes, write_text
from ..sources.picture import read_image
from ..sources.stills import match_by_stem
from ..terminal import print_facts, progress_bar, say

_SHEET_SUFFIXES = (".png", ".jpg", ".jpeg")
_LISTED = 6


@dataclass(frozen=True)
class DetectRequest:
    """Where to look for what.

    Attributes:
        ir: infrared picture, or a folder of them.
        vis: visible picture, or a folder of them.
        board: what to look for.
        polarity: of the infrared pictures: auto, normal, or inverted, where dark squares are the
            warm ones.
        out: points file to write.
        sheet: picture of all that was found, PNG or JPEG; None for none.
    """

    ir: Path
    vis: Path
    board: Board
    polarity: str
    out: Path
    sheet: Path | None = None


def detect(request: DetectRequest) -> int:
    """Look for the board in all pairs, write the points, tell what was found; the exit code.

    Raises:
        SourceError: no pairs, pictures of different sizes, or none shows the board.
        RigError: every pair is mirrored, or its cameras are turned against each other.
        UsageError: an output would replace an input.
        SinkError: an output cannot be written.
    """
    if request.sheet is not None:
        check_suffix("--sheet", request.sheet, _SHEET_SUFFIXES)
    pairs, alone = match_by_stem(request.ir, request.vis)
    if not pairs:
        raise SourceError(
            f"no picture in {request.ir} has the name of one in {request.vis}",
            hint="both pictures of a pair have the same name, up to the suffix",
        )
    files = [path for pair in pairs for path in pair]
    check_outputs((), files, (request.out, request.sheet))
    for path in (request.out, request.sheet):
        if path is not None:
            check_writable(path)
    search = _Search(request)
    with progress_bar("looking for the board", len(pairs)) as bar:
        for ir, vis in pairs:
            search.look(ir, vis)
            bar.advance(ir.stem)
    points = search.points()
    write_text(request.out, points_text(points))
    if request.sheet is not None:
        write_bytes(request.sheet, encode(search.sheet(), request.sheet.suffix))
    _tell(points)
    for name in (*alone.ir, *alone.vis):
        say(f"left out, as it has no partner: {name}")
    print_facts([("written", str(path)) for path in (request.out, request.sheet) if path])
    return 1 if alone or search.unread else 0


class _Search:
    """Looks at pair after pair.

    Attributes:
        unread: pairs that were left out because a picture cannot be used.
    """

    def __init__(self, request: DetectRequest) -> None:
        self.unread = 0
        self._request = request
        self._views: list[SeenView] = []
        self._thumbs: list[np.ndarray] = []
        self._first: dict[Sensor, tuple[Path, tuple[int, int]]] = {}
        self._fault: RigError | None = None

    def look(self, ir: Path, vis: Path) -> None:
        """Look for the board in both pictures of a pair.

        Raises:
            SourceError: the size is not that of the pictures before.
        """
        try:
            pictures = [read_image(ir, Sensor.IR)[0], read_image(vis, Sensor.VIS)[0]]
        except SourceError as error:
            self.unread += 1
            say(f"left out: {error}")
            return
        for sensor, path, picture in zip(Sensor, (ir, vis), pictures, strict=True):
            self._check_size(sensor, path, picture)
        try:
            found = find_pair(pictures[0], pictures[1], self._request.board, self._request.polarity)
        except RigError as error:
            self._fault = error
            self.unread += 1
            say(f"left out: {ir.stem}: {error}")
            return
        view = PairView(ir.stem, *found)
        self._views.append(SeenView(view, *(self._file(path) for path in (ir, vis))))
        if self._request.sheet is not None:
            self._thumbs.append(pair_picture(pictures[0], pictures[1], view, self._request.board))

    def points(self) -> Points:
        """What was found.

        Raises:
            SourceError: nothing in both pictures of any pair.
        """
        board = self._request.board
        if not self._views and self._fault is not None:
            raise self._fault
        if not self._views:
            raise SourceError("none of the pairs can be read", hint="mend what is said above")
        if not any(one.points.ir is not None and one.points.vis is not None for one in self._views):
            seen = _counts(self._views)
            raise SourceError(
                f"no pair shows a board of {board.columns}x{board.rows} points to both cameras "
                f"({seen[0]} infrared and {seen[1]} visible pictures of {len(self._views)} do)",
                hint="count the inner corners; see the troubleshooting of docs/calibration.md",
            )
        made = {
            "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
            "fusion_rt": __version__,
            "opencv": cv2.__version__,
        }
        ir_wh, vis_wh = (self._first[sensor][1] for sensor in Sensor)
        return Points(board, ir_wh, vis_wh, tuple(self._views), made)

    def sheet(self) -> np.ndarray:
        """All pairs with what was found in them, (H, W, 3) uint8 BGR."""
        return sheet(self._thumbs)

    def _check_size(self, sensor: Sensor, path: Path, picture: np.ndarray) -> None:
        size_wh = (picture.shape[1], picture.shape[0])
        first, first_wh = self._first.setdefault(sensor, (path, size_wh))
        if size_wh != first_wh:
            raise SourceError(
                f"{path} is {size_wh[0]}x{size_wh[1]}, but {first.name} is "
                f"{first_wh[0]}x{first_wh[1]}",
                hint="a calibration holds for one size: take all pictures in the same mode",
            )

    def _file(self, path: Path) -> PictureFile:
        folder = self._request.out.resolve().parent
        relative = Path(os.path.relpath(path.resolve(), folder))
        return PictureFile(relative, hashlib.sha256(path.read_bytes()).hexdigest())


def _tell(points: Points) -> None:
    ir, vis = _counts(points.views)
    both = sum(pair.ir is not None and pair.vis is not None for pair in points.pairs)
    print_facts(
        [
            ("pairs", f"{len(points.views)}, board in both pictures of {both}"),
            ("infrared", f"board in {ir}{_missed(points, 'ir')}"),
            ("visible", f"board in {vis}{_missed(points, 'vis')}"),
        ]
    )


def _counts(views: list[SeenView] | tuple[SeenView, ...]) -> tuple[int, int]:
    return (
        sum(view.points.ir is not None for view in views),
        sum(view.points.vis is not None for view in views),
    )


def _missed(points: Points, camera: str) -> str:
    names = [pair.name for pair in points.pairs if getattr(pair, camera) is None]
    if not names:
        return ""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"; not in {', '.join(names[:_LISTED])}{more}"
