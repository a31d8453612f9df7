"""Looks at the views before anything is solved: what cannot be used is said here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..board import Board
from ..errors import CalibrationError
from ..views import PairView
from .adjust import Data
from .model import CAMERAS, Shape, Which
from .solution import LeftOut

LEAST_PAIRS = 4
LEAST_POINTS = 8  # of one board in one picture
WORDS: dict[Which, str] = {"ir": "infrared", "vis": "visible"}
# A lens may bend a board this far from a plane's picture, as a part of the board's size in it.
_BENT = 0.04
_MOST = 0.6
_ROOM_PX = 1.0


@dataclass(frozen=True)
class Intake:
    """The views as arrays.

    Attributes:
        names: (V,) of the views.
        data: their points; those that lie far off a plane's picture do not count at first.
        left_out: what could not be used.
        hash: 16 hexadecimal digits of points and board.
    """

    names: tuple[str, ...]
    data: Data
    left_out: list[LeftOut]
    hash: str


def take_in(
    views: Sequence[PairView], board: Board, ir_wh: tuple[int, int], vis_wh: tuple[int, int]
) -> Intake:
    """Check the views and put them into arrays.

    Raises:
        CalibrationError: points in another number than the board's, or outside the picture; a
            board that the points do not fit; too few pairs.
    """
    sizes = {"ir": ir_wh, "vis": vis_wh}
    left_out: list[LeftOut] = []
    rows: list[dict[Which, np.ndarray]] = []
    near: list[dict[Which, np.ndarray]] = []
    names: list[str] = []
    digest = hashlib.sha256(repr(board).encode())
    misfits: list[Which] = []
    seen_names: set[str] = set()
    for view in views:
        if view.name in seen_names:
            raise CalibrationError(
                f"two views are named {view.name}", hint="give every view a name of its own"
            )
        seen_names.add(view.name)
        px: dict[Which, np.ndarray] = {}
        plane: dict[Which, np.ndarray] = {}
        for which in CAMERAS:
            given = getattr(view, which)
            px[which] = checked_points(view.name, which, given, board, sizes[which])
            digest.update(np.round(px[which], 6).tobytes())
            seen = int(np.isfinite(px[which]).all(1).sum())
            plane[which] = _near_plane(px[which], board)
            if 0 < seen < LEAST_POINTS:
                reason = f"only {seen} of {board.count} points were seen, {LEAST_POINTS} are needed"
                left_out.append(LeftOut(view.name, which, reason))
                px[which][:] = np.nan
            elif seen and not _most(plane[which], seen):
                misfits.append(which)
                left_out.append(LeftOut(view.name, which, misfit_words(board)))
                px[which][:], plane[which][:] = np.nan, False
        if any(np.isfinite(px[which]).any() for which in CAMERAS):
            names.append(view.name)
            rows.append(px)
            near.append(plane)
    for which in CAMERAS:
        total, odd = sum(getattr(view, which) is not None for view in views), misfits.count(which)
        if odd > total / 2:
            raise CalibrationError(
                f"the points of {odd} of {total} {WORDS[which]} pictures do not lie as those of a "
                f"{_board(board)} do",
                hint="check columns, rows and the order in which the points were found",
            )
    pairs = sum(all(np.isfinite(px[which]).any() for which in CAMERAS) for px in rows)
    if pairs < LEAST_PAIRS:
        raise CalibrationError(
            f"both cameras saw the board in {pairs} of {len(views)} views, at least {LEAST_PAIRS} "
            "are needed",
            hint="take 20 to 30 pairs, tilted and all over both pictures",
        )
    shape = Shape(board)
    stacked = {which: np.stack([px[which] for px in rows]) for which in CAMERAS}
    used = {which: np.stack([plane[which] for plane in near]) for which in CAMERAS}
    return Intake(tuple(names), Data(shape, stacked, used), left_out, digest.hexdigest()[:16])


def checked_points(
    name: str, which: Which, given: np.ndarray | None, board: Board, size_wh: tuple[int, int]
) -> np.ndarray:
    """Points (N, 2) of one picture, wholly NaN where one was not seen.

    Raises:
        CalibrationError: points in another number than the board's, or outside the picture.
    """
    if given is None:
        return np.full((board.count, 2), np.nan)
    px = np.array(given, np.float64)
    if px.shape != (board.count, 2):
        raise CalibrationError(
            f"{name}: {len(px)} {WORDS[which]} points, but a {_board(board)} has {board.count}",
            hint="check columns and rows of the board",
        )
    px[~np.isfinite(px).all(1)] = np.nan
    low, high = -_ROOM_PX, np.array(size_wh) - 1 + _ROOM_PX
    outside = np.flatnonzero(((px < low) | (px > high)).any(1))
    if len(outside):
        x, y = px[outside[0]]
        raise CalibrationError(
            f"{name}: the {WORDS[which]} point at ({x:.0f}, {y:.0f}) lies outside a picture of "
            f"{size_wh[0]}x{size_wh[1]}",
            hint="pictures of different sizes may be mixed: calibrate with one size",
        )
    return px


def lies_on_board(px: np.ndarray, board: Board) -> bool:
    """Whether most of the points (N, 2) that were seen lie as those of the board could."""
    return _most(_near_plane(px, board), int(np.isfinite(px).all(1).sum()))


def misfit_words(board: Board) -> str:
    """What to say where `lies_on_board` is false."""
    return f"its points do not lie as those of a {_board(board)} do"


def _most(near: np.ndarray, seen: int) -> bool:
    return bool(near.sum() > _MOST * seen)


def _near_plane(px: np.ndarray, board: Board) -> np.ndarray:
    """Which points (N,) lie about where a plane's picture has them, whatever the camera."""
    seen = np.isfinite(px).all(1)
    near = np.zeros(len(px), bool)
    if seen.sum() < LEAST_POINTS:
        return near
    flat = board.points()[seen, :2]
    H, _ = cv2.findHomography(flat, px[seen], cv2.LMEDS)
    if H is None:
        return near
    x, y, depth = H @ np.column_stack([flat, np.ones(len(flat))]).T
    error = np.hypot(*(np.stack([x, y]) / depth - px[seen].T))
    extent = np.hypot(*np.ptp(px[seen], axis=0))
    near[seen] = error < _BENT * extent
    return near


def _board(board: Board) -> str:
    return f"{board.columns}x{board.rows} {board.kind}"
