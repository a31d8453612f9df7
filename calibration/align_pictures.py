"""Lays two cameras' pictures on each other by what is seen in both, whatever their fields of view.

First the infrared picture is tried in many sizes and a few turns all over the visible one, both
small and as fields of edges; then blocks are compared on the infrared picture's grid, finer and
finer. It says so where it fails: pictures that have too little in common cannot be aligned.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .align import Aligned, Kind, align_points
from .errors import CalibrationError
from .online.field import LEAST_WH, Field, field_of, grey
from .online.fit import peaks_near, shifts
from .online.pair_estimate import Estimate, compare, fitted, told
from .online.surfaces import COLUMNS, ROWS
from .rig import apply_homography

# Width of the infrared's view as a share of the visible's: from a tele lens to a wide one.
_SHARES = np.geomspace(0.3, 1.5, 34)
_TURNS_DEG = (-4.0, -2.0, 2.0, 4.0)
_TURNED = 6  # sizes that are tried turned too: the best upright ones
_SMALL = 200  # px, width of the visible picture in the search
_LEAST_INSIDE = 0.5  # of the infrared picture that must lie on the visible one
# Widths in px of the infrared grid on which blocks are compared, one after the other. A scene of
# different distances agrees with no one alignment to the last px, but on a coarse grid it may.
_WIDTHS = (160, 240, 360, 480)
_ROUNDS = 4
_SETTLED = 0.2  # working px
LEAST_BLOCKS = 6
_PLENTY = 8  # blocks with which no other guess is tried
_MOST_ERROR = 0.004  # of the visible picture's width


@dataclass(frozen=True)
class Match:
    """An alignment that the pictures themselves gave.

    Attributes:
        aligned: geometry; its points are the centres of the blocks that agree.
        confidence: 0..1, share of the blocks that agree.
        error_px: standard error in visible px, as far as the blocks tell.
    """

    aligned: Aligned
    confidence: float
    error_px: float


@dataclass(frozen=True)
class _Refined:
    """What blocks on one grid agree on.

    Attributes:
        estimate: in px of the infrared picture.
        H: (3, 3), infrared px to visible px.
        width: of the grid in px.
    """

    estimate: Estimate
    H: np.ndarray
    width: int


def align_pictures(ir: np.ndarray, vis: np.ndarray, kind: Kind = "similarity") -> Match:
    """Find how the infrared picture lies on the visible one.

    The cameras must look the same way up, within about 5 degrees, and the infrared's view be 0.3
    to 1.5 times as wide as the visible's.

    Args:
        ir: (Hi, Wi) uint8 or uint16.
        vis: (Hv, Wv, 3) uint8 BGR or (Hv, Wv) uint8.
        kind: a homography takes perspective too, and wants more that is seen in both.

    Raises:
        CalibrationError: they have too little in common, or one is too small.
    """
    for picture, name in ((ir, "infrared"), (vis, "visible")):
        height, width = picture.shape[:2]
        if width < 64 or height < 48:
            raise CalibrationError(
                f"the {name} picture of {width}x{height} is too small to be aligned by its edges",
                hint="click points in both pictures",
            )
    refined: list[_Refined] = []
    for start in _search(ir, vis):
        refined.append(_refine(ir, vis, start))
        if refined[-1].width >= _WIDTHS[-1] and refined[-1].estimate.blocks >= _PLENTY:
            break
    best = max(refined, key=_worth)
    estimate = best.estimate
    scale = float(np.sqrt(abs(np.linalg.det(best.H[:2, :2]))))
    error_px = estimate.error_px * scale
    if estimate.blocks < LEAST_BLOCKS or error_px > _MOST_ERROR * vis.shape[1]:
        raise CalibrationError(
            f"the two pictures agree in only {estimate.blocks} of {COLUMNS * ROWS} places: "
            "how they lie on each other is not known",
            hint="take a scene with edges in both, things of other warmth before a plain "
            "background, far away; or click points",
        )
    return Match(_aligned(ir, vis, best, kind), estimate.confidence, error_px)


def _worth(found: _Refined) -> tuple[int, int, int]:
    """The finest grid on which enough blocks agree, then the most of them."""
    blocks = found.estimate.blocks
    return min(blocks, LEAST_BLOCKS), found.width, blocks


def _search(ir: np.ndarray, vis: np.ndarray) -> list[np.ndarray]:
    """The most promising first guesses, (3, 3) infrared px to visible px, best first."""
    small_vis = _to_width(grey(vis), _SMALL)
    shrunk = vis.shape[1] / small_vis.shape[1]
    plain_ir, field_vis = grey(ir), field_of(small_vis).planes

    def tried(share: float, turn_deg: float) -> tuple[float, np.ndarray]:
        width = share * small_vis.shape[1]
        placed, inside = _turned(plain_ir, width, turn_deg)
        worth, at = _place(placed, inside, field_vis)
        H = np.diag([shrunk, shrunk, 1.0]) @ _shift(at)
        H = H @ _to_turned(ir.shape[1::-1], width, turn_deg)
        H[:2, 2] += (shrunk - 1) / 2
        return worth, H

    upright = sorted(((*tried(share, 0.0), share) for share in _SHARES), key=lambda each: -each[0])
    found = [(worth, H) for worth, H, _ in upright]
    found += [tried(share, turn) for _, _, share in upright[:_TURNED] for turn in _TURNS_DEG]
    found.sort(key=lambda each: -each[0])
    middle = np.array([(ir.shape[1] / 2, ir.shape[0] / 2), (0, 0)])
    kept: list[np.ndarray] = []
    for _, H in found:
        places = apply_homography(H, middle)
        others = (np.abs(apply_homography(K, middle) - places).max() for K in kept)
        if all(other > 0.04 * vis.shape[1] for other in others):
            kept.append(H)
        if len(kept) == 4:
            break
    return kept


def _place(placed: np.ndarray, inside: np.ndarray, field: np.ndarray) -> tuple[float, np.ndarray]:
    """How plainly the infrared fits best, in units of chance, and its upper left corner there."""
    template = _edges(placed, inside)
    margin_x = round(placed.shape[1] * (1 - _LEAST_INSIDE))
    margin_y = round(placed.shape[0] * (1 - _LEAST_INSIDE))
    around = cv2.copyMakeBorder(
        field, margin_y, margin_y, margin_x, margin_x, cv2.BORDER_CONSTANT, value=(0, 0)
    )
    if around.shape[0] < template.shape[0] or around.shape[1] < template.shape[1]:
        return 0.0, np.zeros(2)
    fit = cv2.matchTemplate(around, template, cv2.TM_CCORR)
    energy = cv2.matchTemplate((around**2).sum(axis=2), (template**2).sum(axis=2), cv2.TM_CCORR)
    worth = fit / np.sqrt(np.maximum(energy, 0.02 * float(energy.max()) + 1e-6))
    row, column = divmod(int(worth.argmax()), worth.shape[1])
    return float(worth[row, column]), np.array([column - margin_x, row - margin_y], np.float64)


def _refine(ir: np.ndarray, vis: np.ndarray, H: np.ndarray) -> _Refined:
    """Compare blocks on finer and finer grids; the finest on which enough agree."""
    found = []
    for width in _WIDTHS:
        found.append(_settle(ir, vis, H, width))
        if found[-1].estimate.blocks >= LEAST_BLOCKS:
            H = found[-1].H  # else a finer grid, with more to see, begins at the first guess
    return max(found, key=_worth)


def _settle(ir: np.ndarray, vis: np.ndarray, H: np.ndarray, width: int) -> _Refined:
    """Compare blocks on one grid until nothing changes any more."""
    width = max(width, -(-LEAST_WH[1] * ir.shape[1] // ir.shape[0]))
    for _ in range(_ROUNDS):
        field_ir, field_vis, to_ir = _on_ir_grid(ir, vis, H, width)
        like = compare(field_ir, field_vis)
        estimate = told(fitted(like.height[None], like), like)
        H = H @ to_ir @ estimate.similarity @ np.linalg.inv(to_ir)
        H = H / H[2, 2]
        corners = np.array([(0, 0), like.work_wh])
        moved = apply_homography(estimate.similarity, corners) - corners
        if np.abs(moved).max() < _SETTLED:
            break
    grid_px = float(to_ir[0, 0])  # infrared px for each px of the grid
    in_ir_px = Estimate(
        estimate.similarity,
        estimate.confidence,
        estimate.blocks,
        estimate.residual * grid_px,
        estimate.error_px * grid_px,
    )
    return _Refined(in_ir_px, H, width)


def _on_ir_grid(
    ir: np.ndarray, vis: np.ndarray, H: np.ndarray, width: int
) -> tuple[Field, Field, np.ndarray]:
    """Both as fields on a grid over the infrared picture, and that grid's px to infrared px."""
    small_ir = _to_width(grey(ir), width)
    height = len(small_ir)
    grown = ir.shape[1] / width
    to_ir = np.array([[grown, 0, (grown - 1) / 2], [0, grown, (grown - 1) / 2], [0, 0, 1.0]])
    to_vis = H @ to_ir
    # Finer visible detail than the grid's px would alias: it is averaged away first.
    finer = max(1.0, float(np.sqrt(abs(np.linalg.det(to_vis[:2, :2])))))
    plain_vis = grey(vis)
    small_vis = _to_width(plain_vis, round(vis.shape[1] / finer))
    shrunk = small_vis.shape[1] / vis.shape[1]
    down = np.array([[shrunk, 0, (shrunk - 1) / 2], [0, shrunk, (shrunk - 1) / 2], [0, 0, 1.0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpPerspective(
        small_vis, down @ to_vis, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    ones = np.full(small_vis.shape, 255, np.uint8)
    seen = cv2.warpPerspective(ones, down @ to_vis, (width, height), flags=flags) == 255
    return field_of(small_ir, seen), field_of(laid, seen), to_ir


def _aligned(ir: np.ndarray, vis: np.ndarray, found: _Refined, kind: Kind) -> Aligned:
    """The alignment through the peaks of the blocks that agree."""
    H = found.H
    field_ir, field_vis, to_ir = _on_ir_grid(ir, vis, H, found.width)
    like = compare(field_ir, field_vis)
    fit = fitted(like.height[None], like)
    peaks = peaks_near(like.height, shifts(fit.p, like.centres))
    agree = (fit.residual < 1.0) & (peaks.height > 3.5)
    centres, middle = like.centres, np.array(like.work_wh) / 2 - 0.5
    # Along an edge a peak means nothing: there the fit itself stands in for it.
    size = np.trace(peaks.weight, axis1=1, axis2=2)[:, None, None]
    ease = peaks.weight / np.maximum(size, 1e-9)
    off = peaks.place - shifts(fit.p, like.centres)
    place = shifts(fit.p, like.centres) + np.einsum("nij,nj->ni", ease, off)
    ir_px = apply_homography(to_ir, centres[agree] + middle)
    vis_px = apply_homography(H @ to_ir, centres[agree] + middle + place[agree])
    on = ((vis_px >= 0) & (vis_px <= np.array(vis.shape[1::-1]) - 1)).all(axis=1)
    return align_points(ir_px[on], vis_px[on], ir.shape[1::-1], vis.shape[1::-1], kind)


def _to_width(plane: np.ndarray, width: int) -> np.ndarray:
    height = max(1, round(plane.shape[0] * width / plane.shape[1]))
    shrinks = width < plane.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(plane, (width, height), interpolation=how)


def _to_turned(ir_wh: tuple[int, int], width: float, turn_deg: float) -> np.ndarray:
    """Infrared px to px of the small turned picture, whose box holds all of it."""
    scale = width / ir_wh[0]
    turn = np.deg2rad(turn_deg)
    A = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    box = np.abs(A) @ np.array(ir_wh)
    H = np.eye(3)
    H[:2, :2] = A
    H[:2, 2] = np.ceil(box) / 2 - 0.5 - A @ (np.array(ir_wh) / 2 - 0.5)
    return H


def _turned(plane: np.ndarray, width: float, turn_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """The small turned infrared picture, and where it shows something."""
    ir_wh = plane.shape[1], plane.shape[0]
    H = _to_turned(ir_wh, width, turn_deg)
    box = np.ceil(np.abs(H[:2, :2]) @ np.array(ir_wh)).astype(int)
    wh = int(box[0]), int(box[1])
    shrink = min(1.0, width / ir_wh[0])
    small = _to_width(plane, max(8, round(ir_wh[0] * shrink)))
    back = small.shape[1] / ir_wh[0]
    up = np.array([[1 / back, 0, (1 / back - 1) / 2], [0, 1 / back, (1 / back - 1) / 2], [0, 0, 1]])
    M = (H @ up)[:2]
    placed = cv2.warpAffine(small, M, wh, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.full(small.shape, 255, np.uint8), M, wh) == 255
    return placed, inside


def _edges(plane: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Field of a small picture, however small."""
    if plane.shape[0] < LEAST_WH[1] or plane.shape[1] < LEAST_WH[0]:
        grown_h, grown_w = (max(a, b) for a, b in zip(plane.shape, LEAST_WH[::-1], strict=True))
        bottom, right = grown_h - plane.shape[0], grown_w - plane.shape[1]
        padded = cv2.copyMakeBorder(plane, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        mask = np.pad(inside, ((0, bottom), (0, right)))
        return field_of(padded, mask).planes[: plane.shape[0], : plane.shape[1]].copy()
    return field_of(plane, inside).planes


def _shift(at: np.ndarray) -> np.ndarray:
    H = np.eye(3)
    H[:2, 2] = at
    return H
