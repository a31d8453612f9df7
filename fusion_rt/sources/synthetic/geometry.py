"""Where things of the scene appear in the two pictures.

The scene is a street: X to the right, Y up from the ground, Z ahead, in metres. A point is first
projected onto the *world picture*, whose coordinates are the pixels of a 1280x720 visible
picture, and a `View` takes it from there into one camera's pixels. Pixel centres are integers.
Both cameras look at the same world picture, so one homography relates them everywhere: the street
is far away compared with the distance between the two lenses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FOCAL = 1000.0  # px of the world picture
CENTER_U, HORIZON_V = 590.0, 300.0  # vanishing point of the street
EYE_M = 2.6  # height of the cameras above the ground
WORLD_WH = (1280, 720)

FINEST = 1.5  # px per world px in which the street is painted at most; larger pictures are scaled

IR_SEES_WH = (1088.0, 870.0)  # part of the world picture that the infrared camera looks at
IR_ROLL_YAW_PITCH_DEG = (1.6, 1.5, -0.7)
IR_SHIFT = (0.012, -0.004)  # distance of the lenses over distance of the scene


@dataclass(frozen=True)
class View:
    """One camera's way from world picture to pixels.

    Attributes:
        size_wh: width and height in px.
        matrix: (3, 3) float64, world picture to pixels.
        scale: px per world px near the centre.
    """

    size_wh: tuple[int, int]
    matrix: np.ndarray
    scale: float

    @cached_property
    def is_affine(self) -> bool:
        """Whether straight lines stay evenly divided, which saves a division per point."""
        return bool(np.all(self.matrix[2] == (0, 0, 1)))

    def to_px(self, uv: np.ndarray) -> np.ndarray:
        """World picture coordinates (N, 2) to pixels (N, 2), float64."""
        xy = uv @ self.matrix[:2, :2].T + self.matrix[:2, 2]
        if self.is_affine:
            return xy
        return xy / (uv @ self.matrix[2, :2] + self.matrix[2, 2])[:, None]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) in m to pixels (N, 2), float64; Z must be above 0."""
        return self.to_px(to_world_picture(points))

    def radius_px(self, radius_m: float, depth_m: float) -> float:
        """Size in px of a length seen square on at a distance."""
        return radius_m * FOCAL / depth_m * self.scale


def to_world_picture(points: np.ndarray) -> np.ndarray:
    """Points (N, 3) in m to world picture coordinates (N, 2)."""
    per_m = FOCAL / points[:, 2]
    return np.stack(
        [CENTER_U + points[:, 0] * per_m, HORIZON_V + (EYE_M - points[:, 1]) * per_m], axis=1
    )


def visible_view(size_wh: tuple[int, int]) -> View:
    """View of the visible camera; another aspect than 16:9 cuts off some of the street."""
    width, height = size_wh
    scale = max(width / WORLD_WH[0], height / WORLD_WH[1])
    shift = [
        0.5 * scale - 0.5 + 0.5 * (side - world * scale)
        for side, world in zip(size_wh, WORLD_WH, strict=True)
    ]
    return View(size_wh, np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1.0]]), scale)


def infrared_view(size_wh: tuple[int, int]) -> View:
    """View of the infrared camera: another focal length, turned a little, beside the other."""
    scale = max(size_wh[0] / IR_SEES_WH[0], size_wh[1] / IR_SEES_WH[1])
    world = _intrinsics(FOCAL, WORLD_WH)
    camera = _intrinsics(FOCAL * scale, size_wh)
    relative = _rotation(*np.deg2rad(IR_ROLL_YAW_PITCH_DEG))
    relative[:2, 2] += IR_SHIFT  # plane-induced homography R + t n^T / d of a frontal plane
    matrix = camera @ relative @ np.linalg.inv(world)
    return View(size_wh, matrix / matrix[2, 2], scale)


def infrared_canvas(size_wh: tuple[int, int]) -> View:
    """Upright view holding all that the infrared camera sees, fine enough to be warped from."""
    scale = min(1.4 * infrared_view(size_wh).scale, FINEST)
    left, top, width, height = -24.0, -112.0, 1328.0, 944.0
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale], [0, 0, 1.0]])
    return View((round(width * scale), round(height * scale)), matrix, scale)


def homography_vis_ir(ir_wh: tuple[int, int], vis_wh: tuple[int, int]) -> np.ndarray:
    """(3, 3) float64 that takes infrared px to visible px, lower right entry 1."""
    matrix = visible_view(vis_wh).matrix @ np.linalg.inv(infrared_view(ir_wh).matrix)
    return matrix / matrix[2, 2]


def _intrinsics(focal: float, size_wh: tuple[int, int]) -> np.ndarray:
    width, height = size_wh
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1.0]])


def _rotation(roll: float, yaw: float, pitch: float) -> np.ndarray:
    cr, sr, cy, sy = np.cos(roll), np.sin(roll), np.cos(yaw), np.sin(yaw)
    cp, sp = np.cos(pitch), np.sin(pitch)
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return about_z @ about_y @ about_x
