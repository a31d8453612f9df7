"""The similarity that the blocks agree on: a coarse search, then a robust fit of their peaks.

A similarity is four numbers about the picture's centre, in working px: shift to the right, shift
down, and a, b of x -> (1 + a) x - b y, y -> b x + (1 + a) y.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

_COARSE_BLUR = 1.5  # working px
# Rotation and scale that are tried first: shift at the corner blocks as a share of the reach.
_TRIED = (-0.3, -0.15, 0.0, 0.15, 0.3)
# The unturned and unscaled one is taken where others are as good: share at the outermost tried.
_PLAIN = 0.02
_NEAR = 2  # working px about the prediction within which a block's peak is looked for
_LEAST_HEIGHT = 1.0  # standard deviations
_CAUCHY = 1.5  # working px
_ROUNDS = 12
# Holds rotation and scale where few blocks tell; for each frame, in units of the blocks' weights.
_STIFF = 300.0


@dataclass(frozen=True)
class Peaks:
    """Where each block fits best near a prediction.

    Attributes:
        place: (N, 2) float64, shift in working px.
        weight: (N, 2, 2) float64, information: large across an edge, small along it.
        height: (N,) float64, of the peak.
    """

    place: np.ndarray
    weight: np.ndarray
    height: np.ndarray


@dataclass(frozen=True)
class Fit:
    """A similarity and how far it is to be believed.

    Attributes:
        p: (4,) float64, see the module.
        covariance: (4, 4) float64, from how much the frames disagree, or the blocks of a single
            frame.
        residual: (N,) float64, distance of each peak from the fit in working px, across edges.
        height: (N,) float64, of the blocks at their peaks.
    """

    p: np.ndarray
    covariance: np.ndarray
    residual: np.ndarray
    height: np.ndarray


def coarse(height: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The best similarity on a coarse grid.

    Args:
        height: (B, n, n) float32, see `surfaces.Surfaces`.
        centres: (B, 2).

    Returns:
        (4,) float64.
    """
    reach = height.shape[1] // 2
    votes = [cv2.GaussianBlur(h * h, (0, 0), _COARSE_BLUR) for h in height]
    corner = np.hypot(*centres.T).max()
    best = (-1.0, np.zeros(4))
    for a in np.multiply(_TRIED, reach):
        for b in np.multiply(_TRIED, reach):
            turned = shifts(np.array([0, 0, a / corner, b / corner]), centres)
            whole = np.rint(turned).astype(int)
            margin = int(np.abs(whole).max())
            side = height.shape[1] - 2 * margin
            total = np.zeros((side, side), np.float32)
            for vote, (dx, dy) in zip(votes, whole + margin, strict=True):
                total += vote[dy : dy + side, dx : dx + side]
            row, column = divmod(int(total.argmax()), side)
            outermost = (a * a + b * b) / (_TRIED[0] * reach) ** 2
            worth = float(total[row, column]) * (1 - _PLAIN * outermost)
            if worth > best[0]:
                at = np.array([column, row], np.float64) + margin - reach
                best = worth, np.array([*at, a / corner, b / corner])
    return best[1]


def refine(height: np.ndarray, centres: np.ndarray, start: np.ndarray, scenes: np.ndarray) -> Fit:
    """The similarity from the blocks' peaks near ``start``.

    Args:
        height: (K, B, n, n) float32, of K frames.
        centres: (B, 2).
        start: (4,), see `coarse`.
        scenes: (K,) int from 0, frames of one scene share a number. Each scene has the same say,
            and only different ones tell how far off the fit may be.
    """
    frames, blocks = height.shape[:2]
    say = np.repeat(1 / np.bincount(scenes)[scenes], blocks)
    flat = height.reshape(-1, *height.shape[2:])
    places = np.tile(centres, (frames, 1))
    p = start
    for _ in range(2):  # the peaks are looked for about the better prediction once more
        peaks = peaks_near(flat, shifts(p, places))
        peaks = replace(peaks, weight=peaks.weight * say[:, None, None])
        p, robust, model, stiff = _solve(peaks, places, p, scenes.max() + 1)
    # Of a single scene the blocks are all there is to compare, each in all frames.
    alone = scenes.max() == 0
    groups = np.tile(np.arange(blocks), frames) if alone else np.repeat(scenes, blocks)
    return _told(p, peaks, robust, model, stiff, groups, 4.0 if alone else 1.0)


def shifts(p: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Shift (N, 2) of the similarity ``p`` at places (N, 2), all in working px from the centre."""
    x, y = places.T
    return np.stack([p[0] + p[2] * x - p[3] * y, p[1] + p[3] * x + p[2] * y], axis=1)


def peaks_near(height: np.ndarray, predicted: np.ndarray) -> Peaks:
    """The highest peak within `_NEAR` px of each prediction (N, 2), to a fraction of a px."""
    count, side = height.shape[:2]
    reach = side // 2
    border = 2 + _NEAR
    at = np.clip(np.rint(predicted).astype(int) + reach, border, side - 1 - border)
    near = _windows(height, at, _NEAR).reshape(count, -1)
    row, column = np.divmod(near.argmax(axis=1), 2 * _NEAR + 1)
    at = at + np.stack([column, row], axis=1) - _NEAR
    bowl = _windows(height, at, 2).reshape(count, -1) @ _BOWL.T
    top = np.maximum(bowl[:, 0], 1e-3)
    bend = -np.stack([bowl[:, [3, 4]], bowl[:, [4, 5]]], axis=1)
    curved, axes = np.linalg.eigh(bend)
    curved = np.clip(curved, 0, None)
    # Along an edge the bowl is flat, and its lowest point means nothing: stay where the edge is.
    along = np.einsum("nji,nj->ni", axes, bowl[:, 1:3]) / (curved + 0.05 * top[:, None])
    place = at - reach + np.clip(np.einsum("nij,nj->ni", axes, along), -1.5, 1.5)
    sure = 2 * np.clip(bowl[:, 0] - _LEAST_HEIGHT, 0, None) ** 2 / top
    weight = np.einsum("nij,nj,nkj->nik", axes, curved, axes) * sure[:, None, None]
    return Peaks(place, weight, bowl[:, 0])


def _solve(
    peaks: Peaks, places: np.ndarray, p: np.ndarray, scenes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Least squares, weighted again and again so that blocks which disagree lose their say."""
    x, y = places.T
    model = np.zeros((len(places), 2, 4))
    model[:, 0, 0] = model[:, 1, 1] = 1
    model[:, 0, 2], model[:, 0, 3] = x, -y
    model[:, 1, 2], model[:, 1, 3] = y, x
    stiff = np.diag([1e-3, 1e-3, _STIFF, _STIFF]) * scenes
    robust = np.ones(len(places))
    for _ in range(_ROUNDS):
        off = peaks.place - np.einsum("nij,j->ni", model, p)
        robust = 1 / (1 + (off**2).sum(axis=1) / _CAUCHY**2)
        weighted = np.einsum("nij,njb->nib", peaks.weight * robust[:, None, None], model)
        normal = np.einsum("nia,nib->ab", model, weighted) + stiff
        p = np.linalg.solve(normal, np.einsum("nia,ni->a", weighted, peaks.place))
    return p, robust, model, stiff


def _told(
    p: np.ndarray,
    peaks: Peaks,
    robust: np.ndarray,
    model: np.ndarray,
    stiff: np.ndarray,
    groups: np.ndarray,
    alike: float,
) -> Fit:
    """The fit with its covariance: the sandwich of Huber (1967).

    ``groups`` (N,) numbers what is independent of the rest; so many of them, ``alike``, are not:
    blocks overlap by half each way, and about four share what they see.
    """
    off = peaks.place - np.einsum("nij,j->ni", model, p)
    weighted = np.einsum("nij,njb->nib", peaks.weight * robust[:, None, None], model)
    inverse = np.linalg.inv(np.einsum("nia,nib->ab", model, weighted) + stiff)
    pull = np.zeros((int(groups.max()) + 1, 4))
    np.add.at(pull, groups, np.einsum("nia,ni->na", weighted, off))
    alike *= len(pull) / max(1, len(pull) - 4)  # four numbers were fitted to them
    covariance = inverse @ (pull.T @ pull) @ inverse * alike
    size = np.trace(peaks.weight, axis1=1, axis2=2)
    across = np.einsum("ni,nij,nj->n", off, peaks.weight, off) / np.maximum(size, 1e-9)
    return Fit(p, covariance, np.sqrt(across), peaks.height)


def _windows(height: np.ndarray, at: np.ndarray, half: int) -> np.ndarray:
    """Squares of 2 ``half`` + 1 px about places (N, 2) whole px, of N surfaces."""
    step = np.arange(-half, half + 1)
    rows = at[:, 1, None, None] + step[:, None]
    columns = at[:, 0, None, None] + step[None]
    return height[np.arange(len(at))[:, None, None], rows, columns]


def _bowl_fit() -> np.ndarray:
    """(6, 25): value, slopes and second derivatives at the middle of a 5x5 window."""
    y, x = (axis.ravel().astype(np.float64) for axis in np.mgrid[-2:3, -2:3])
    terms = np.stack([np.ones(25), x, y, x * x / 2, x * y, y * y / 2], axis=1)
    weight = np.exp(-(x * x + y * y) / (2 * 1.2**2))
    return np.linalg.solve(terms.T @ (terms * weight[:, None]), terms.T * weight)


_BOWL = _bowl_fit()
