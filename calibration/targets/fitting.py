"""Many small pieces of a picture, each described by the same model, fitted all at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

_ROUNDS = 6
_STILL_PX = 0.01
_DAMPING = 1e-4
# Contrast below this share of the board's, or so many times the usual misfit: something covers it.
_LEAST_CONTRAST = 0.25
_MOST_MISFIT = 3.0
# Values of a piece, in this order.
X, Y, SHAPE, OFFSET, CONTRAST, SLOPE = 0, 1, slice(2, 4), 4, 5, slice(6, 8)
_VALUES = 8
# An edge tanh(x / width) rises from 10 % to 90 % within so many widths.
RISE = 2.197


@dataclass(frozen=True)
class Measured:
    """Points of a board as measured.

    Attributes:
        px: (N, 2) float64, NaN where a point is covered or unclear.
        sign: +1 or -1, of the contrast.
        shape: the two shape values of the model.
        contrast: between bright and dark, in counts.
        noise: standard deviation of a pixel about the model, in counts.
        sigma_px: standard deviation of a point's place in x or y that such noise makes.
    """

    px: np.ndarray
    sign: int
    shape: np.ndarray
    contrast: float
    noise: float
    sigma_px: float


class PatchFit(ABC):
    """Gauss-Newton with a little damping, over all pieces at once.

    A piece is modelled as ``offset + slope . p + half the contrast * figure(p - c)``, with a figure
    from -1 to 1 that has two shape values. All pieces share the shape, as they are of one board and
    equally blurred: that keeps noise out of each. Only sums, products and shares of counts come
    in, so that any linear scale of counts gives the same places: raw pictures need no stretch.
    """

    def __init__(self, picture: np.ndarray, rough: np.ndarray, radius: int, every: int = 1) -> None:
        """Cut the pieces out.

        Args:
            picture: (H, W) float32, counts.
            rough: (N, 2) float64, px, where the pieces' middles roughly are.
            radius: a piece reaches so many px from its middle, to each side.
            every: of each so many pixels in a row, one is looked at.
        """
        height, width = picture.shape
        self.rough = rough
        self.middle = np.rint(rough)
        offsets = np.mgrid[-radius : radius + 1 : every, -radius : radius + 1 : every]
        offsets = offsets.reshape(2, -1)[::-1]
        self.p = offsets.astype(np.float32)
        self.at = self.middle[:, :, None] + offsets  # (N, 2, M)
        inside = (self.at >= 0).all(1) & (self.at[:, 0] < width) & (self.at[:, 1] < height)
        x = np.clip(self.at[:, 0], 0, width - 1).astype(int)
        y = np.clip(self.at[:, 1], 0, height - 1).astype(int)
        self._seen = picture[y, x].astype(np.float32)
        self._seen -= self._seen.mean()
        self._free = _VALUES
        self.values = np.zeros((len(rough), _VALUES))
        self.values[:, :2] = rough - self.middle
        self.values[:, SHAPE] = self.first_shape
        self._weight = (inside & self.belongs()).astype(np.float32)
        linear = self._model()[1][:, :, OFFSET:]
        self.values[:, OFFSET:] = self._solve(linear, self._seen)

    first_shape: tuple[float, float]
    shape_limits: tuple[tuple[float, float], tuple[float, float]]  # lower, upper

    @abstractmethod
    def belongs(self) -> np.ndarray:
        """Which pixels, (N, M) bool, show this piece and nothing of its neighbours."""

    @abstractmethod
    def figure(self) -> tuple[np.ndarray, np.ndarray]:
        """Figure (N, M) float32, and its derivatives (4, N, M) by x, y of c and both shapes."""

    def measure(self, order: np.ndarray, terms: np.ndarray, astray_px: np.ndarray) -> Measured:
        """Fit, and say what came out.

        Args:
            order: (N,) +1 and -1, how the contrast alternates.
            terms: (N, k), smooth functions over the board that the slopes may be made of.
            astray_px: (N,), a point that went further than this is another one.
        """
        self._run()
        self._smooth_slopes(terms)
        self._run()
        model, jacobian = self._model()
        jacobian = jacobian[:, :, : self._free]
        left = ((self._seen - model) ** 2 * self._weight).sum(1)
        misfit = np.sqrt(left / np.maximum(self._weight.sum(1) - self._free, 1))
        spread = np.linalg.inv(self._normal(jacobian))[:, [0, 1], [0, 1]]
        sigma = np.sqrt(spread.mean(1)) * misfit
        noise = float(np.median(misfit))
        signed = self.values[:, CONTRAST] * order
        usual = float(np.median(signed))
        px = self.middle + self.values[:, :2]
        good = (
            (np.linalg.norm(px - self.rough, axis=1) < astray_px)
            & (signed * np.sign(usual) > _LEAST_CONTRAST * abs(usual))
            & (misfit < _MOST_MISFIT * noise + 1e-6)
        )
        return Measured(
            px=np.where(good[:, None], px, np.nan),
            sign=1 if usual > 0 else -1,
            shape=self.values[0, SHAPE].copy(),
            contrast=2 * abs(usual),
            noise=noise,
            sigma_px=float(np.median(sigma)),
        )

    def _run(self) -> None:
        """Improve the free values until the points stay where they are."""
        for _ in range(_ROUNDS):
            model, jacobian = self._model()
            step = self._solve(jacobian[:, :, : self._free], self._seen - model)
            self.values[:, : self._free] += step
            shared = np.clip(np.median(self.values[:, SHAPE], axis=0), *self.shape_limits)
            self.values[:, SHAPE] = shared
            if np.percentile(np.abs(step[:, :2]), 90) < _STILL_PX:
                break

    def _smooth_slopes(self, terms: np.ndarray) -> None:
        """Let the slopes of all pieces follow one smooth field over the board, and hold them.

        A slope of its own would take up a part of the noise that c has to share. Light and warmth
        change slowly over the board, so neighbours can tell it.
        """
        slopes = self.values[:, SLOPE]
        off = np.linalg.norm(slopes - np.median(slopes, axis=0), axis=1)
        usual = off <= _MOST_MISFIT * np.median(off)
        field = np.linalg.lstsq(terms[usual], slopes[usual], rcond=None)[0]
        self.values[:, SLOPE] = terms @ field
        self._free = SLOPE.start

    def _model(self) -> tuple[np.ndarray, np.ndarray]:
        """Counts (N, M) and their derivatives (N, M, 8), float32."""
        v = self.values.astype(np.float32)[:, :, None]
        figure, changes = self.figure()
        jacobian = np.empty((*figure.shape, _VALUES), np.float32)
        for index, change in enumerate(changes):
            jacobian[:, :, index] = v[:, CONTRAST] * change
        jacobian[:, :, OFFSET] = 1
        jacobian[:, :, CONTRAST] = figure
        jacobian[:, :, SLOPE] = self.p.T
        slope = v[:, SLOPE.start] * self.p[0] + v[:, SLOPE.start + 1] * self.p[1]
        return v[:, OFFSET] + v[:, CONTRAST] * figure + slope, jacobian

    def _normal(self, jacobian: np.ndarray) -> np.ndarray:
        """Damped normal matrices, (N, k, k) float64."""
        weighted = (jacobian * self._weight[:, :, None]).transpose(0, 2, 1)
        normal = (weighted @ jacobian).astype(np.float64)
        diagonal = np.einsum("nii->ni", normal)
        diagonal *= 1 + _DAMPING
        diagonal += _DAMPING
        return normal

    def _solve(self, jacobian: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Values (N, k) that explain ``rest`` (N, M) best."""
        right = ((rest * self._weight)[:, None] @ jacobian).astype(np.float64)
        return np.linalg.solve(self._normal(jacobian), right.transpose(0, 2, 1))[:, :, 0]


def smooth_terms(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Terms (N, 6) of a quadratic over the board; x and y (N,), about 0 to 1."""
    return np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])
