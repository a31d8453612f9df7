"""Asymmetric circle grids: sought as blobs of either polarity, measured as discs under a tilt."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from ..board import Board
from .fitting import RISE, Measured, PatchFit, smooth_terms
from .lattice import order_grid
from .picture import shrunk, spread_out, to_full

# Blobs of a radius of about 1.4 times these are sought, in px of the small picture.
_SIGMAS = (1.2, 1.7, 2.4, 3.4, 4.8, 6.8)
# Blobs of one board differ in size by no more than one step of these, either way.
_SCALES_OF_ONE_BOARD = 3
# A blob counts from this share of the board's usual response on; weak ones come in where needed.
_LEAST_RESPONSES = (0.75, 0.55, 0.4)
# A blob is told from noise by contrast, so what is faint beside it stays faint.
_NOISE_FLOOR = 4.0
_LEAST_PEAK = 0.05
# With more candidates than so many for each circle the picture is full of something else.
_CANDIDATES = 4
# What is looked at about a centre, in spacings: half the way to the neighbouring circle.
_REACH = 0.7
# Of larger circles not every pixel is looked at.
_MOST_PX = 24
_LEAST_PX = 2.5
_ASTRAY = 0.3


def find_circles(
    counts: np.ndarray, board: Board, side: int, signs: tuple[int, ...]
) -> list[np.ndarray]:
    """Seek the grid.

    Args:
        counts: (H, W) float32.
        board: an asymmetric grid of circles.
        side: the picture is shrunk to at most so many px.
        signs: -1 for dark circles, +1 for bright ones, both to try both.

    Returns:
        For each sign at most one grid, (N, 2) float64, px, about a quarter of a radius exact, in
        `Board.points`' order. The gaps between circles can pass for a grid of the other sign.
    """
    small = shrunk(counts, side)
    responses = _responses(spread_out(small, _NOISE_FLOOR))
    grids = []
    for sign in signs:
        blobs = _peaks(sign * responses)
        for first in range(len(_SIGMAS) - _SCALES_OF_ONE_BOARD + 1):
            scale = blobs[:, 3]
            px = _grid_of(blobs[(scale >= first) & (scale < first + _SCALES_OF_ONE_BOARD)], board)
            if px is not None:
                grids.append(to_full(px, small, counts))
                break
    return grids


def measure_circles(picture: np.ndarray, rough: np.ndarray, board: Board) -> Measured | None:
    """Measure circles whose centres are roughly known.

    What is measured is where the circle's centre is seen, not the middle of the ellipse that a
    tilted circle is seen as.

    Args:
        picture: (H, W) float32, counts.
        rough: (N, 2), in `Board.points`' order.
        board: an asymmetric grid of circles.

    Returns:
        The centres; the sign is -1 for dark circles. None where the circles are too small, or the
        points lie on no plane.
    """
    places = board.points()[:, :2] / board.spacing_m
    rough = rough.astype(np.float64)
    H = cv2.findHomography(places, rough)[0]
    if H is None or abs(np.linalg.det(H)) < 1e-12:
        return None
    fit = _DiscFit(picture, rough, places, H)
    if fit.spacing_px.min() * _REACH < _LEAST_PX:
        return None
    low, high = places.min(0), places.max(0)
    x, y = ((places - low) / (high - low)).T
    return fit.measure(
        order=np.ones(len(rough)),
        terms=smooth_terms(x, y),
        astray_px=_ASTRAY * fit.spacing_px,
    )


def edge_width(circles: Measured) -> float:
    """Width of the circles' edges from 10 % to 90 %, px."""
    return float(circles.shape[0] * RISE)


def _responses(picture: np.ndarray) -> np.ndarray:
    """Responses (scales, H, W) to bright blobs of each size; that of a perfect one is about 1."""
    smooth = [cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in (*_SIGMAS, _SIGMAS[-1] * 1.41)]
    return np.stack([fine - coarse for fine, coarse in pairwise(smooth)])


def _peaks(responses: np.ndarray) -> np.ndarray:
    """Blobs (n, 4): x, y, response, scale; stronger than their neighbours in place and scale."""
    peaks = []
    for index, response in enumerate(responses):
        around = responses[max(0, index - 1) : index + 2].max(0)
        highest = cv2.dilate(around, np.ones((3, 3), np.uint8))
        y, x = np.nonzero((response > _LEAST_PEAK) & (response == highest))
        peaks.append(np.column_stack([x, y, response[y, x], np.full(len(x), index)]))
    return np.concatenate(peaks)


def _grid_of(blobs: np.ndarray, board: Board) -> np.ndarray | None:
    """The board's points among blobs (n, 4): x, y, response, scale."""
    if len(blobs) < board.count:
        return None
    blobs = blobs[np.argsort(-blobs[:, 2])]
    usual = blobs[board.count // 2, 2]
    tried = 0
    for share in _LEAST_RESPONSES:
        strong = blobs[blobs[:, 2] > share * usual]
        if len(strong) > _CANDIDATES * board.count:
            return None
        if len(strong) >= board.count and len(strong) > tried:
            tried = len(strong)
            px = order_grid(strong[:, :2], board)
            if px is not None:
                return px
    return None


class _DiscFit(PatchFit):
    """The shape values are the edge's width in px and the radius in spacings."""

    first_shape = (1.5, 0.4)
    shape_limits = ((0.4, 0.15), (8.0, 0.65))

    def __init__(
        self, picture: np.ndarray, rough: np.ndarray, places: np.ndarray, H: np.ndarray
    ) -> None:
        self._places, self._to_board = places, np.linalg.inv(H)
        seen = np.column_stack([places, np.ones(len(places))]) @ H.T
        self._seen_at = seen[:, :2] / seen[:, 2:]
        # How the board's plane lies under each point: px to spacings, (N, 2, 2).
        at = np.column_stack([rough, np.ones(len(rough))]) @ self._to_board.T
        flat = at[:, :2] / at[:, 2:]
        top, bottom = self._to_board[:2, :2], self._to_board[2, :2]
        self._slant = (top - flat[:, :, None] * bottom) / at[:, 2][:, None, None]
        widest = np.linalg.svd(np.linalg.inv(self._slant), compute_uv=False)
        self.spacing_px = widest[:, 1]
        reach = int(np.ceil(_REACH * float(widest[:, 0].max())))
        super().__init__(picture, rough, reach, every=-(-reach // _MOST_PX))

    def belongs(self) -> np.ndarray:
        return np.hypot(*self._in_spacings()) < _REACH

    def figure(self) -> tuple[np.ndarray, np.ndarray]:
        v = self.values.astype(np.float32)[:, :, None]
        width, radius = v[:, 2], v[:, 3]
        x, y = self._in_spacings()
        off = np.maximum(np.hypot(x, y), 1e-3)
        # How many px a spacing is, seen from the centre to each pixel.
        scale = np.hypot(self.p[0] - v[:, 0], self.p[1] - v[:, 1]) / off
        scale = np.maximum(scale, self.spacing_px[:, None].astype(np.float32))
        beyond = scale * (radius - off) / width
        edge = np.tanh(beyond)
        rise = (1 - edge * edge) / width
        slant = self._slant.astype(np.float32)
        by_place = [
            rise * scale * (x * slant[:, 0, [axis]] + y * slant[:, 1, [axis]]) / off
            for axis in (0, 1)
        ]
        return edge, np.stack([*by_place, -rise * beyond, rise * scale])

    def _in_spacings(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the pixels lie on the board about each centre, x and y (N, M) float32."""
        moved = self.at - (self.middle + self.values[:, :2] - self._seen_at)[:, :, None]
        x, y, w = np.einsum("ij,njm->inm", self._to_board[:, :2], moved) + self._to_board[
            :, 2
        ].reshape(3, 1, 1)
        return (
            (x / w - self._places[:, :1]).astype(np.float32),
            (y / w - self._places[:, 1:]).astype(np.float32),
        )
