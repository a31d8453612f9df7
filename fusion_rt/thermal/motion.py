"""Whether a picture has changed, and whether the camera has moved: cheap, on reduced pictures.

Pictures are reduced to 96x72 px, whatever their shape, and looked at in 4x3 tiles. All lengths
here are in px of the reduced picture: 1 px is about 7 px of a 640 px wide one. Noise and traces
of compression fade in the reduction.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_WIDTH, _HEIGHT = 96, 72
_COLUMNS, _ROWS = 4, 3
# Of larger pictures every second, third, ... pixel is enough.
_ENOUGH_WIDTH, _ENOUGH_HEIGHT = 640, 480
# Added to every gradient, in grey levels per px, so that noise on a plain wall is no motion.
_GRADIENT_FLOOR = 1.0
# A tile is textured from this mean gradient on, in grey levels per px. Below it the pattern of
# the sensor itself may be all that is seen, and that never moves.
_TEXTURE = 2.0


@dataclass(frozen=True, slots=True)
class Change:
    """How much two pictures differ, by tile, as the shift in px that would explain it.

    Attributes:
        overall: median of the textured tiles; 0 where there are none.
        strongest: largest of all tiles.
        textured: share of the tiles with texture, 0..1.
    """

    overall: float
    strongest: float
    textured: float


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the picture has moved between two pictures.

    Attributes:
        by_tile: (2, 3, 4) float32, to the right and down, in px.
        explained: median over the tiles of the share of the difference that the shift explains,
            0..1. Near 0 for noise and for lights going on, above 0.3 for a camera that moves.
    """

    by_tile: np.ndarray
    explained: float

    @property
    def px(self) -> float:
        """Length, median over the tiles: what moves in a few of them alone is left out."""
        return length(self.by_tile)


def length(by_tile: np.ndarray) -> float:
    """Median over the tiles of the length of (2, 3, 4) shifts."""
    return float(np.median(np.hypot(by_tile[0], by_tile[1])))


def reduced(picture: np.ndarray) -> np.ndarray:
    """A small picture to look for motion in.

    Args:
        picture: (H, W) uint8, or (H, W, 3) uint8 of which the green plane is taken.

    Returns:
        (72, 96) float32, grey levels.
    """
    height, width = picture.shape[:2]
    step = max(1, min(width // _ENOUGH_WIDTH, height // _ENOUGH_HEIGHT))
    plane = picture[::step, ::step, 1] if picture.ndim == 3 else picture[::step, ::step]
    height, width = plane.shape
    if width >= 4 * _WIDTH and height >= 4 * _HEIGHT:
        # A narrow border is left out: reducing by a whole number is several times faster.
        plane = plane[: height // _HEIGHT * _HEIGHT, : width // _WIDTH * _WIDTH]
    plane = np.ascontiguousarray(plane)
    small = cv2.resize(plane, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


def change(before: np.ndarray, after: np.ndarray) -> Change:
    """Difference of two reduced pictures.

    Per tile 2 · Σ|Δ| / Σ(|∂x| + |∂y|): for a shift by one axis the difference is the shift times
    the gradient along that axis, about half of the sum. What the whole tile gains in brightness is
    taken off first.
    """
    along_x, along_y = _gradients(before, after)
    gradient = _by_tile(np.abs(along_x) + np.abs(along_y))
    difference = _by_tile(np.abs(_without_mean(after - before)))
    by_tile = 2 * difference / (gradient + _GRADIENT_FLOOR)
    textured = gradient >= _TEXTURE
    overall = float(np.median(by_tile[textured])) if textured.any() else 0.0
    return Change(overall, float(by_tile.max()), float(textured.mean()))


def shift(before: np.ndarray, after: np.ndarray) -> Shift:
    """Motion between two reduced pictures, for shifts up to about 2 px.

    One step of least squares per tile on the brightness constancy equation.

    Source: B. D. Lucas, T. Kanade: An Iterative Image Registration Technique with an Application
    to Stereo Vision, IJCAI 1981.
    """
    along_x, along_y = _gradients(before, after)
    difference = _without_mean(after - before)
    xx = _by_tile(along_x * along_x) + 0.5 * _GRADIENT_FLOOR
    yy = _by_tile(along_y * along_y) + 0.5 * _GRADIENT_FLOOR
    xy = _by_tile(along_x * along_y)
    xt = _by_tile(along_x * difference)
    yt = _by_tile(along_y * difference)
    determinant = xx * yy - xy * xy
    right = -(yy * xt - xy * yt) / determinant
    down = -(xx * yt - xy * xt) / determinant
    energy = _by_tile(difference * difference)
    explained = -(right * xt + down * yt) / np.maximum(energy, 1e-6)
    return Shift(np.stack([right, down]), float(np.clip(np.median(explained), 0, 1)))


def _gradients(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the mean of both pictures, in grey levels per px, by central differences."""
    middle = (before + after) / 2
    kernel = np.array([[-0.5, 0, 0.5]], np.float32)
    return cv2.filter2D(middle, cv2.CV_32F, kernel), cv2.filter2D(middle, cv2.CV_32F, kernel.T)


def _without_mean(difference: np.ndarray) -> np.ndarray:
    tiles = _tiles(difference)
    return (tiles - tiles.mean(axis=(1, 3), keepdims=True)).reshape(_HEIGHT, _WIDTH)


def _by_tile(values: np.ndarray) -> np.ndarray:
    return _tiles(values).mean(axis=(1, 3))


def _tiles(values: np.ndarray) -> np.ndarray:
    return values.reshape(_ROWS, _HEIGHT // _ROWS, _COLUMNS, _WIDTH // _COLUMNS)
