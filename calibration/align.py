"""Laying two cameras' pictures on each other without a board: by points, or by the pictures.

What comes out is right for the distance of what was clicked or seen, and for far things if those
were far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from .errors import CalibrationError
from .rig import Rig, apply_homography
from .similarity import fit_similarity

Kind = Literal["similarity", "homography"]

FEWEST: dict[Kind, int] = {"similarity": 2, "homography": 4}
# Points that a person clicked are off by so much, as a share of the visible picture's width.
_CLICK = 0.008
# Triangles of the points smaller than this share of the picture leave the rest to chance.
_LEAST_AREA = 0.002
_LEAST_APART = 0.05  # of the infrared picture's width, two points of a similarity
_COVERED = 0.15


@dataclass(frozen=True)
class Aligned:
    """How one camera's picture lies on the other's.

    Attributes:
        H_vis_ir: (3, 3) float64, infrared px to visible px, lower right element 1.
        kind: what was fitted.
        residual_px: (N,) float64, visible px, how far each point is off.
        used: (N,) bool, False for points that contradict the others.
        notes: what is to be known about it, a line each.
    """

    H_vis_ir: np.ndarray
    kind: Kind
    residual_px: np.ndarray
    used: np.ndarray
    notes: tuple[str, ...]

    @property
    def rms_px(self) -> float:
        """Of the points that were used, visible px."""
        return float(np.sqrt((self.residual_px[self.used] ** 2).mean()))

    def rig(
        self, ir_wh: tuple[int, int], vis_wh: tuple[int, int], distance_m: float | None = None
    ) -> Rig:
        """A rig of it, right at ``distance_m`` (infinity for far away, None where not known)."""
        facts = {
            "quality": {
                "residual_rms_px": round(self.rms_px, 3),
                "points": int(self.used.sum()),
                "left_out": int((~self.used).sum()),
            },
            "made": {"by": f"alignment without a board, {self.kind}"},
        }
        return Rig(ir_wh, vis_wh, self.H_vis_ir, distance_m=distance_m, facts=facts)


def align_points(
    ir_px: np.ndarray,
    vis_px: np.ndarray,
    ir_wh: tuple[int, int],
    vis_wh: tuple[int, int],
    kind: Kind = "homography",
) -> Aligned:
    """The homography or similarity through points that were found in both pictures.

    Points that contradict the others are left out where there are enough to tell.

    Args:
        ir_px: (N, 2), infrared px.
        vis_px: (N, 2), the same things in visible px, in the same order.
        ir_wh: width and height of the infrared picture in px.
        vis_wh: width and height of the visible picture in px.
        kind: what to fit; a similarity needs 2 points, a homography 4.

    Raises:
        CalibrationError: too few points, points on one line or one spot, or no sense in them.
    """
    ir_px, vis_px = (np.asarray(px, np.float64).reshape(-1, 2) for px in (ir_px, vis_px))
    _check(ir_px, vis_px, ir_wh, vis_wh, kind)
    limit_px = _CLICK * vis_wh[0]
    used = _agreeing(ir_px, vis_px, kind, limit_px)
    if used.sum() < max(FEWEST[kind], len(used) / 2):
        raise CalibrationError(
            f"only {used.sum()} of {len(used)} points agree with each other",
            hint="check that each pair is the same thing in both pictures, in the same order",
        )
    _check_spread(ir_px[used], ir_wh, kind, "infrared")
    _check_spread(vis_px[used], vis_wh, kind, "visible")
    H = _fit(ir_px[used], vis_px[used], kind)
    _check_sense(H, ir_wh)
    residual = np.nan_to_num(np.hypot(*(apply_homography(H, ir_px) - vis_px).T), nan=np.inf)
    return Aligned(H, kind, residual, used, _notes(ir_px, used, residual, ir_wh, kind))


def _check(
    ir_px: np.ndarray,
    vis_px: np.ndarray,
    ir_wh: tuple[int, int],
    vis_wh: tuple[int, int],
    kind: Kind,
) -> None:
    if len(ir_px) != len(vis_px):
        raise CalibrationError(
            f"{len(ir_px)} points in the infrared picture, {len(vis_px)} in the visible one",
            hint="each point needs its partner",
        )
    if len(ir_px) < FEWEST[kind]:
        raise CalibrationError(
            f"{len(ir_px)} points are too few for a {kind}",
            hint=f"at least {FEWEST[kind]} are needed, and two more to notice a wrong one",
        )
    for px, wh, name in ((ir_px, ir_wh, "infrared"), (vis_px, vis_wh, "visible")):
        inside = np.isfinite(px).all(1) & (px >= -0.5).all(1) & (px <= np.array(wh) - 0.5).all(1)
        if not inside.all():
            number = int(np.flatnonzero(~inside)[0])
            raise CalibrationError(
                f"point {number + 1} lies outside the {name} picture of {wh[0]}x{wh[1]}",
                hint="points are x, y in px from the upper left corner",
            )
        _check_spread(px, wh, kind, name)


def _check_spread(px: np.ndarray, wh: tuple[int, int], kind: Kind, name: str) -> None:
    """Points on one spot or line leave the rest of the picture to chance."""
    if kind == "similarity":
        if np.ptp(px, axis=0).max() >= _LEAST_APART * wh[0]:
            return
    elif _second_largest_triangle(px) >= _LEAST_AREA * wh[0] * wh[1]:
        return
    where = "on one spot" if kind == "similarity" else "on one line, but for one at most,"
    raise CalibrationError(
        f"the points lie {where} of the {name} picture", hint="spread them over the whole picture"
    )


def _second_largest_triangle(px: np.ndarray) -> float:
    """Least of the largest triangles that stay when any one point is left out; px²."""
    return min(_largest_triangle(np.delete(px, index, axis=0)) for index in range(len(px)))


def _largest_triangle(px: np.ndarray) -> float:
    """A triangle of the points on their longest line and the one furthest from it; px²."""
    apart = px[:, None] - px[None]
    a, b = np.unravel_index(np.argmax((apart**2).sum(axis=2)), apart.shape[:2])
    along = px[b] - px[a]
    return float(np.abs(along[0] * (px - px[a])[:, 1] - along[1] * (px - px[a])[:, 0]).max()) / 2


def _agreeing(ir_px: np.ndarray, vis_px: np.ndarray, kind: Kind, limit_px: float) -> np.ndarray:
    """(N,) bool, the largest set that one fit brings within ``limit_px``."""
    count, fewest = len(ir_px), FEWEST[kind]
    if count == fewest:
        return np.ones(count, bool)
    rng = np.random.default_rng(0)
    best, least = np.zeros(count, bool), np.inf
    for _ in range(500):
        some = rng.choice(count, fewest, replace=False)
        H = _fit(ir_px[some], vis_px[some], kind)
        off = np.nan_to_num(np.hypot(*(apply_homography(H, ir_px) - vis_px).T), nan=np.inf)
        near = off < limit_px
        total = float(np.minimum(off, limit_px).sum())
        if total < least:
            best, least = near, total
    if best.sum() < fewest:
        return best
    for _ in range(3):  # the fit of all that agree may bring others in
        H = _fit(ir_px[best], vis_px[best], kind)
        off = np.nan_to_num(np.hypot(*(apply_homography(H, ir_px) - vis_px).T), nan=np.inf)
        again = off < limit_px
        if again.sum() < best.sum():
            break
        best = again
    return best


def _fit(ir_px: np.ndarray, vis_px: np.ndarray, kind: Kind) -> np.ndarray:
    """(3, 3) with lower right element 1; NaN where the points allow none."""
    if kind == "similarity":
        if np.ptp(ir_px, axis=0).max() < 1e-9:
            return np.full((3, 3), np.nan)
        return fit_similarity(ir_px, vis_px)
    H, _ = cv2.findHomography(ir_px, vis_px, 0)
    return np.full((3, 3), np.nan) if H is None else H / H[2, 2]


def _check_sense(H: np.ndarray, ir_wh: tuple[int, int]) -> None:
    width, height = ir_wh
    corners = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)])
    placed = apply_homography(H, corners) if np.isfinite(H).all() else np.full((4, 2), np.nan)
    sides = np.roll(placed, -1, axis=0) - placed
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    if not (np.isfinite(placed).all() and (turns > 0).all()):
        raise CalibrationError(
            "no view of two cameras fits these points: the infrared picture would be folded or "
            "mirrored",
            hint="check that each pair is the same thing in both pictures, in the same order",
        )


def _notes(
    ir_px: np.ndarray, used: np.ndarray, residual: np.ndarray, ir_wh: tuple[int, int], kind: Kind
) -> tuple[str, ...]:
    notes = []
    for index in np.flatnonzero(~used):
        off = f"{residual[index]:.0f} px" if np.isfinite(residual[index]) else "far"
        notes.append(f"point {index + 1} is off by {off} and left out")
    if used.sum() == FEWEST[kind]:
        notes.append(f"with {used.sum()} points nothing tells how good they are: add two")
    extent = np.ptp(ir_px[used], axis=0) / ir_wh
    if extent.prod() < _COVERED:
        notes.append(
            f"the points cover {extent.prod():.0%} of the infrared picture: elsewhere it is a guess"
        )
    return tuple(notes)
