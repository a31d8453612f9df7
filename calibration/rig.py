"""The geometry of two cameras that look at one scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .camera import Camera


@dataclass(frozen=True)
class CameraPair:
    """Both cameras with their lenses, and how they stand to each other.

    Attributes:
        ir: infrared camera.
        vis: visible camera.
        T_vis_ir: (4, 4) float64, takes points in metres from the infrared camera's frame to the
            visible camera's: rotation and translation.
    """

    ir: Camera
    vis: Camera
    T_vis_ir: np.ndarray

    @property
    def baseline_m(self) -> float:
        """Distance of the two lenses."""
        return float(np.linalg.norm(self.T_vis_ir[:3, 3]))


@dataclass(frozen=True)
class Rig:
    """Geometry of one camera pair: either a homography, or both cameras calibrated.

    Attributes:
        ir_wh: width and height of the infrared picture in px.
        vis_wh: width and height of the visible picture in px.
        H_vis_ir: (3, 3) float64, infrared px to visible px, lower right element 1; right for
            things at one distance, or at any where they are far. None where ``pair`` is given.
        pair: calibrated cameras; right for things at any distance.
        distance_m: distance that the pictures are made to match at unless told otherwise, in
            metres, infinity for far away. With a homography: that at which it was taken. None
            where it is not known.
        ir_offset_ms: how far the infrared clock is ahead of the visible one; None while unknown.
        facts: what else the file tells, as plain data: how good it is, how it was made.
    """

    ir_wh: tuple[int, int]
    vis_wh: tuple[int, int]
    H_vis_ir: np.ndarray | None
    pair: CameraPair | None = None
    distance_m: float | None = None
    ir_offset_ms: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.H_vis_ir is None) == (self.pair is None):
            raise ValueError("a rig is either a homography or a pair of cameras")

    @staticmethod
    def identity(size_wh: tuple[int, int]) -> Rig:
        """Two pictures of one size that already lie on each other."""
        return Rig(size_wh, size_wh, np.eye(3))

    @property
    def is_identity(self) -> bool:
        """Whether the pictures need no warp."""
        return (
            self.H_vis_ir is not None
            and self.ir_wh == self.vis_wh
            and bool(np.array_equal(self.H_vis_ir, np.eye(3)))
        )

    @property
    def knows_distances(self) -> bool:
        """Whether `to_ir` and `to_vis` differ with the distance."""
        return self.pair is not None

    def to_ir(self, vis_px: np.ndarray, inverse_distance: float = 0.0) -> np.ndarray:
        """Where the infrared camera sees what the visible camera sees.

        Args:
            vis_px: (N, 2), visible px.
            inverse_distance: 1 over the distance in metres along the visible camera's axis, 0 for
                far away; a homography does not ask for it.

        Returns:
            (N, 2) float64, infrared px; NaN where it is not in front of the infrared camera.
        """
        if self.pair is None:
            assert self.H_vis_ir is not None
            return apply_homography(np.linalg.inv(self.H_vis_ir), vis_px)
        rays = self.pair.vis.rays(np.asarray(vis_px, np.float64))
        R, t = self.pair.T_vis_ir[:3, :3], self.pair.T_vis_ir[:3, 3]
        points = np.column_stack([rays, np.ones(len(rays))]) - inverse_distance * t
        return self.pair.ir.project(points @ R)

    def to_vis(self, ir_px: np.ndarray, inverse_distance: float = 0.0) -> np.ndarray:
        """Where the visible camera sees what the infrared camera sees.

        Args:
            ir_px: (N, 2), infrared px.
            inverse_distance: 1 over the distance in metres along the infrared camera's axis, 0
                for far away; a homography does not ask for it.

        Returns:
            (N, 2) float64, visible px; NaN where it is not in front of the visible camera.
        """
        if self.pair is None:
            assert self.H_vis_ir is not None
            return apply_homography(self.H_vis_ir, ir_px)
        rays = self.pair.ir.rays(np.asarray(ir_px, np.float64))
        R, t = self.pair.T_vis_ir[:3, :3], self.pair.T_vis_ir[:3, 3]
        return self.pair.vis.project(
            np.column_stack([rays, np.ones(len(rays))]) @ R.T + inverse_distance * t
        )


def apply_homography(H: np.ndarray, px: np.ndarray) -> np.ndarray:
    """``px`` (N, 2) through ``H`` (3, 3); NaN where the homogeneous depth is not positive.

    A homography with lower right element 1 has a positive depth all over the picture it was made
    for, and so has its inverse where the line of sight meets that picture in front of the camera.
    """
    px = np.asarray(px, np.float64)
    x, y, depth = H @ np.vstack([px.T, np.ones(len(px))])
    in_front = depth > 1e-9
    safe = np.where(in_front, depth, 1.0)
    return np.where(in_front[:, None], np.column_stack([x / safe, y / safe]), np.nan)


def stretch(ir_wh: tuple[int, int], vis_wh: tuple[int, int]) -> list[list[float]]:
    """Homography that lays the whole infrared picture over the whole visible one.

    Right where both cameras see the same field. Pixel centres lie at whole numbers, so the outer
    edges (at -0.5) are what must meet.
    """
    sx, sy = vis_wh[0] / ir_wh[0], vis_wh[1] / ir_wh[1]
    return [
        [round(sx, 6), 0.0, round((sx - 1) / 2, 6)],
        [0.0, round(sy, 6), round((sy - 1) / 2, 6)],
        [0.0, 0.0, 1.0],
    ]
