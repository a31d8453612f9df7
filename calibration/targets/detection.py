"""Boards in pictures: found in a small picture, then measured in the counts as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..board import Board
from ..errors import BoardError
from . import circles, corners
from .chessboard import could_hold_board, find_chessboard
from .circles import find_circles
from .fitting import Measured
from .order import is_told_apart, is_upside_down
from .picture import grey

Polarity = Literal["normal", "inverted"]
# Signs of the contrast, see `fitting.Measured`.
_SIGNS = {"auto": (-1, 1), "normal": (-1,), "inverted": (1,)}

# Longer sides of the pictures that are searched. Shrinking to the first averages noise out: boards
# of 13 px squares in 640 px are found as well as in the full picture.
_SIDES = (400, 800)
# Fewer points than this share, and it is something else, or half covered.
_LEAST_POINTS = 0.8
_LEAST_CNR = 0.5


@dataclass(frozen=True)
class Detection:
    """A board as one camera saw it.

    Attributes:
        px: (N, 2) float64 in `Board.points`' order, NaN where a point is covered or unclear: at
            most a fifth of them.
        polarity: normal, when black looks dark: on a chessboard the square diagonally outside the
            first corner is dark, circles are dark. Inverted, when black looks bright, as black
            squares do to an infrared camera when they are the warmer ones.
        size_wh: width and height of the picture in px.
        edge_px: width of the edges from 10 % to 90 %, px: lens, focus, motion. Of a chessboard the
            direction that is blurred more.
        contrast: between bright and dark, in the picture's counts.
        noise: standard deviation of a pixel, in the picture's counts.
        sigma_px: standard deviation of a point's place in x or y that follows from the noise.
    """

    px: np.ndarray
    polarity: Polarity
    size_wh: tuple[int, int]
    edge_px: float
    contrast: float
    noise: float
    sigma_px: float

    @property
    def cnr(self) -> float:
        """Contrast-to-noise ratio."""
        return self.contrast / max(self.noise, 1e-6)


def detect_board(
    image: np.ndarray, board: Board, polarity: str = "auto", *, quick: bool = False
) -> Detection | None:
    """Find a board and measure its points.

    Args:
        image: (H, W) uint8 or uint16, or (H, W, 3) uint8 BGR. Raw infrared counts are best: an
            automatic gain moves edges.
        board: what to look for; all of its points must be in view.
        polarity: how the camera sees the board, see `Detection`. It tells a chessboard's two ends
            apart: the order then belongs to the board, however it is held. With "auto" either
            polarity is found, and where the two ends look alike the order begins at the end that
            is upper left; `order.pair_order` then makes two cameras agree.
        quick: for live pictures: leave out the second look at smaller squares, and a close look
            where too little is to be seen.

    Returns:
        The board, or None where there is none.

    Raises:
        BoardError: a picture of another shape or type; an unknown polarity.
    """
    if polarity not in _SIGNS:
        raise BoardError(f"polarity {polarity!r} is unknown", hint=f"one of {', '.join(_SIGNS)}")
    counts = grey(image)
    raw = image.dtype == np.uint16
    for roughs in _candidates(counts, board, polarity, raw, quick):
        tries = [_measure(counts, rough, board) for rough in roughs]
        clear = [measured for measured in tries if measured is not None]
        if clear:
            best = max(clear, key=lambda measured: measured.contrast / (measured.noise + 1e-6))
            return _detection(counts, best, board, polarity)
    return None


def _candidates(
    counts: np.ndarray, board: Board, polarity: str, raw: bool, quick: bool
) -> Iterator[list[np.ndarray]]:
    """Rough places (N, 2) by one way after the other, cheap ones first."""
    sides = _SIDES if max(counts.shape) > _SIDES[0] and not quick else _SIDES[:1]
    if board.kind == "circles":
        for side in sides:
            yield find_circles(counts, board, side, _SIGNS[polarity])
        return
    if quick and not could_hold_board(counts, board, _SIDES[0]):
        return
    # Eight-bit pictures have little range in which a board could be lost beside other things.
    levels = (False, True) if raw or not quick else (False,)
    for side in sides:
        for level in levels:
            rough = find_chessboard(counts, board, side, level)
            yield [] if rough is None else [rough]


def _measure(counts: np.ndarray, rough: np.ndarray, board: Board) -> Measured | None:
    """Measure, and refuse what is no board after all."""
    measured = (
        corners.measure_corners(counts, rough, board.columns)
        if board.kind == "chessboard"
        else circles.measure_circles(counts, rough, board)
    )
    if measured is None:
        return None
    seen = np.isfinite(measured.px[:, 0]).mean()
    clear = measured.contrast >= _LEAST_CNR * measured.noise
    return measured if seen >= _LEAST_POINTS and clear else None


def _detection(counts: np.ndarray, measured: Measured, board: Board, polarity: str) -> Detection:
    """Begin at the end that the polarity tells, or at the upper left one."""
    px, sign = measured.px, measured.sign
    if board.kind == "circles":
        edge_px = circles.edge_width(measured)
        if not is_told_apart(board) and is_upside_down(px, board):
            px = px[::-1]
    else:
        edge_px = corners.edge_width(measured)
        turn = is_upside_down(px, board) if polarity == "auto" else sign != _SIGNS[polarity][0]
        if turn:
            # Of an odd and an even number of corners: the outer squares differ in colour.
            px, sign = px[::-1], -sign
    return Detection(
        px=px,
        polarity="normal" if sign < 0 else "inverted",
        size_wh=(counts.shape[1], counts.shape[0]),
        edge_px=edge_px,
        contrast=measured.contrast,
        noise=measured.noise,
        sigma_px=measured.sigma_px,
    )
