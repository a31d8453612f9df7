"""The infrared laid over the visible picture, at the distance of the board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..rig import Rig
from .lay import blended

if TYPE_CHECKING:
    from ..solve import Solution, SolvedView

_MOST_WIDE = 760  # px that one picture has in the report
_ZOOM_MARGIN = 0.12  # around the board, as a share of its size
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)  # seen on red and on blue
_MARK_PX = 11


@dataclass(frozen=True)
class Shot:
    """One pair of pictures to show.

    Attributes:
        view: what was solved for it.
        ir: (H, W) uint8 or uint16.
        vis: (H, W, 3) uint8 BGR.
    """

    view: SolvedView
    ir: np.ndarray
    vis: np.ndarray


def choose_views(solution: Solution, count: int = 3) -> list[SolvedView]:
    """Views from near to far, of each stretch of distances the one that is tilted least.

    A tilted board is at many distances at once, but one picture is laid for one distance.
    """
    both = [view for view in solution.views if view.ir_used.any() and view.vis_used.any()]
    both.sort(key=lambda view: view.distance_m)
    stretches = np.array_split(np.arange(len(both)), min(count, len(both)) or 1)
    return [
        min((both[i] for i in stretch), key=lambda view: view.tilt_deg)
        for stretch in stretches
        if len(stretch)
    ]


def depths_m(solution: Solution, view: SolvedView) -> tuple[np.ndarray, np.ndarray]:
    """How far the board's points are along the axis of the infrared and of the visible camera."""
    in_ir = solution.board.points() @ view.T_ir_board[:3, :3].T + view.T_ir_board[:3, 3]
    T = solution.pair.T_vis_ir
    in_vis = in_ir @ T[:3, :3].T + T[:3, 3]
    return in_ir[:, 2], in_vis[:, 2]


def overlay(solution: Solution, rig: Rig, shot: Shot) -> tuple[np.ndarray, np.ndarray, float]:
    """The whole picture, and the board in it enlarged.

    Returns:
        Whole picture and enlarged board, (H, W, 3) uint8 BGR; and the distance in metres that
        the infrared was laid for.
    """
    _, vis_depths = depths_m(solution, shot.view)
    distance_m = float(np.median(vis_depths))
    mixed = blended(rig, shot.ir, shot.vis, 1 / distance_m)
    zoomed = _zoomed(mixed, solution, rig, shot)
    scale = min(1.0, _MOST_WIDE / mixed.shape[1])
    whole = cv2.resize(mixed, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return whole, zoomed, distance_m


def _zoomed(mixed: np.ndarray, solution: Solution, rig: Rig, shot: Shot) -> np.ndarray:
    """The board with its points: rings as the visible camera saw them, infrared ones as crosses.

    Each infrared point is laid for its own distance, so that ring and cross meet on a tilted board
    too.
    """
    view = shot.view
    ir_depths, _ = depths_m(solution, view)
    laid = np.vstack(
        [
            rig.to_vis(px[None], 1 / depth)
            for px, depth in zip(np.nan_to_num(view.ir_px), ir_depths, strict=True)
        ]
    )
    laid[~np.isfinite(view.ir_px).all(axis=1)] = np.nan
    both = np.vstack([view.vis_px, laid])
    both = both[np.isfinite(both).all(axis=1)]
    low, high = both.min(0), both.max(0)
    margin = _ZOOM_MARGIN * (high - low).max()
    size = np.array(mixed.shape[1::-1])
    x0, y0 = np.clip(np.floor(low - margin), 0, size - 2).astype(int)
    x1, y1 = np.clip(np.ceil(high + margin), (x0 + 2, y0 + 2), size).astype(int)
    scale = _MOST_WIDE / (x1 - x0)
    part = cv2.resize(mixed[y0:y1, x0:x1], None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    for points, draw in ((view.vis_px, _ring), (laid, _cross)):
        for x, y in points[np.isfinite(points).all(axis=1)]:
            # Pixel centres lie at whole numbers before and after the enlargement.
            draw(part, ((x - x0 + 0.5) * scale - 0.5, (y - y0 + 0.5) * scale - 0.5))
    return part


def _ring(picture: np.ndarray, at: tuple[float, float]) -> None:
    centre = (round(at[0] * 16), round(at[1] * 16))
    cv2.circle(picture, centre, _MARK_PX * 16, _WHITE, 2, cv2.LINE_AA, shift=4)


def _cross(picture: np.ndarray, at: tuple[float, float]) -> None:
    for dx, dy in ((_MARK_PX, 0), (0, _MARK_PX)):
        one, other = (
            (round((at[0] + sign * dx) * 16), round((at[1] + sign * dy) * 16)) for sign in (-1, 1)
        )
        cv2.line(picture, one, other, _BLACK, 2, cv2.LINE_AA, shift=4)
