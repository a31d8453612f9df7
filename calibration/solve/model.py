"""Where both cameras see a board, and how that changes with every parameter.

The parameters that all views share stand in one vector of `COUNT` numbers; each view adds the pose
of the board, from its own frame to the infrared camera's. Rotations change by a small rotation
applied from the left, so they need no numbers in the vector between two steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import cv2
import numpy as np

from ..board import Board
from ..camera import Camera
from ..rig import CameraPair

_LENS = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
NAMES = (
    *(f"ir.{name}" for name in _LENS),
    *(f"vis.{name}" for name in _LENS),
    *("rx", "ry", "rz", "tx", "ty", "tz"),
    *("bow_x", "bow_y", "bow_xy", "aspect"),
)
COUNT = len(NAMES)
Bow = tuple[float, float, float]
FLAT: Bow = (0.0, 0.0, 0.0)
Which = Literal["ir", "vis"]
CAMERAS: tuple[Which, Which] = ("ir", "vis")
LENS = {"ir": slice(0, 12), "vis": slice(12, 24)}
ROTATION, SHIFT, BOW, ASPECT = slice(24, 27), slice(27, 30), slice(30, 33), 33
FOCAL, CENTRE, K3 = slice(0, 2), slice(2, 4), 8  # within one camera's twelve


@dataclass(frozen=True)
class Shape:
    """The board's points, and the forms in which it may bend."""

    board: Board

    @cached_property
    def flat(self) -> np.ndarray:
        """(N, 3), as the board should be."""
        return self.board.points()

    @cached_property
    def changes(self) -> np.ndarray:
        """(4, N, 3): by the bow along rows, that along columns, the twist, and the aspect.

        Parabolas over the points' extent with their height at the middle, as mrcal has them, and
        what lifts two opposite corners and lowers the others.
        """
        low, high = self.flat[:, :2].min(0), self.flat[:, :2].max(0)
        x, y = (2 * (self.flat[:, :2] - low) / (high - low) - 1).T
        zero = np.zeros_like(x)
        heights = (1 - x * x, 1 - y * y, x * y)
        bends = [np.column_stack([zero, zero, height]) for height in heights]
        return np.stack([*bends, np.column_stack([zero, self.flat[:, 1], zero])])

    def points(self, shared: np.ndarray) -> np.ndarray:
        """(N, 3) with bow and aspect."""
        amounts = np.append(shared[BOW], shared[ASPECT] - 1)
        return self.flat + np.tensordot(amounts, self.changes, 1)


@dataclass(frozen=True)
class State:
    """All that is solved for.

    Attributes:
        shared: (COUNT,), of which the three of the rotation are unused.
        R: (3, 3), infrared frame to visible frame.
        poses_R: (V, 3, 3), board to infrared frame.
        poses_t: (V, 3).
    """

    shared: np.ndarray
    R: np.ndarray
    poses_R: np.ndarray
    poses_t: np.ndarray

    def moved(self, shared_step: np.ndarray, pose_steps: np.ndarray) -> State:
        """After a step (COUNT,) and (V, 6): rotation vector, then shift."""
        return State(
            self.shared + np.where(_IS_ROTATION, 0, shared_step),
            rotation(shared_step[ROTATION]) @ self.R,
            rotations(pose_steps[:, :3]) @ self.poses_R,
            self.poses_t + pose_steps[:, 3:],
        )

    def of_views(self, chosen: np.ndarray) -> State:
        """With the poses of some views only."""
        return replace(self, poses_R=self.poses_R[chosen], poses_t=self.poses_t[chosen])

    def camera(self, which: Which, size_wh: tuple[int, int], numbers: int) -> Camera:
        """One camera, with as many distortion numbers as were solved for."""
        lens = self.shared[LENS[which]]
        K = np.array([[lens[0], 0, lens[2]], [0, lens[1], lens[3]], [0, 0, 1.0]])
        return Camera(size_wh, K, lens[4 : 4 + numbers].copy())

    @property
    def T_vis_ir(self) -> np.ndarray:
        """(4, 4)."""
        return transform(self.R, self.shared[SHIFT])


_IS_ROTATION = np.zeros(COUNT, bool)
_IS_ROTATION[ROTATION] = True


@dataclass(frozen=True)
class Seen:
    """Modelled points of one camera, and their derivatives.

    Attributes:
        px: (V, N, 2).
        by_shared: (V, N, 2, COUNT).
        by_pose: (V, N, 2, 6).
        in_front: whether all points lie in front of the camera.
    """

    px: np.ndarray
    by_shared: np.ndarray
    by_pose: np.ndarray
    in_front: bool


def see(state: State, shape: Shape, which: Which) -> Seen:
    """What one camera sees of the board in all poses."""
    X = shape.points(state.shared)
    turned = np.einsum("vij,nj->vni", state.poses_R, X)
    P = turned + state.poses_t[:, None]
    by_pose = np.concatenate([-cross(turned), np.broadcast_to(np.eye(3), (*P.shape, 3))], axis=3)
    by_shape = np.einsum("vij,cnj->vnic", state.poses_R, shape.changes)
    by_rig = None
    if which == "vis":
        turned = P @ state.R.T
        P = turned + state.shared[SHIFT]
        by_rig = np.concatenate([-cross(turned), np.broadcast_to(np.eye(3), (*P.shape, 3))], axis=3)
        by_pose, by_shape = state.R @ by_pose, state.R @ by_shape
    px, by_point, by_lens = project(state.shared[LENS[which]], P)
    by_shared = np.zeros((*px.shape, COUNT))
    by_shared[..., LENS[which]] = by_lens
    by_shared[..., BOW.start :] = by_point @ by_shape
    if by_rig is not None:
        by_shared[..., ROTATION.start : SHIFT.stop] = by_point @ by_rig
    return Seen(px, by_shared, by_point @ by_pose, bool((P[..., 2] > 0).all()))


def project(lens: np.ndarray, P: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """OpenCV's pinhole model with rational and tangential distortion, with derivatives.

    Args:
        lens: (12,), fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6.
        P: (..., 3), points in the camera's frame.

    Returns:
        px (..., 2), by the point (..., 2, 3), and by the lens (..., 2, 12).
    """
    fx, fy, cx, cy, k1, k2, p1, p2, k3, k4, k5, k6 = lens
    Z = P[..., 2]
    x, y = P[..., 0] / Z, P[..., 1] / Z
    r2 = x * x + y * y
    r4, r6 = r2 * r2, r2 * r2 * r2
    over, under = 1 + k1 * r2 + k2 * r4 + k3 * r6, 1 + k4 * r2 + k5 * r4 + k6 * r6
    factor = over / under
    slope = (k1 + 2 * k2 * r2 + 3 * k3 * r4 - factor * (k4 + 2 * k5 * r2 + 3 * k6 * r4)) / under
    across, wide, tall = 2 * x * y, r2 + 2 * x * x, r2 + 2 * y * y
    xd = x * factor + p1 * across + p2 * wide
    yd = y * factor + p1 * tall + p2 * across
    px = np.stack([fx * xd + cx, fy * yd + cy], axis=-1)

    mixed = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y
    xd_x = factor + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x
    yd_y = factor + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x
    by_point = np.empty((*px.shape, 3))
    for row, (f, by_x, by_y) in enumerate([(fx, xd_x, mixed), (fy, mixed, yd_y)]):
        by_point[..., row, 0] = f * by_x / Z
        by_point[..., row, 1] = f * by_y / Z
        by_point[..., row, 2] = -f * (by_x * x + by_y * y) / Z

    by_lens = np.zeros((*px.shape, 12))
    by_lens[..., 0, 0], by_lens[..., 1, 1] = xd, yd
    by_lens[..., 0, 2] = by_lens[..., 1, 3] = 1
    radial = [(4, r2), (5, r4), (8, r6), (9, -factor * r2), (10, -factor * r4), (11, -factor * r6)]
    for row, (f, along, shifts) in enumerate([(fx, x, (across, wide)), (fy, y, (tall, across))]):
        for at, power in radial:
            by_lens[..., row, at] = f * along * power / under
        by_lens[..., row, 6], by_lens[..., row, 7] = f * shifts[0], f * shifts[1]
    return px, by_point, by_lens


def cross(v: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) that take the cross product with ``v`` (..., 3)."""
    x, y, z = np.moveaxis(v, -1, 0)
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*v.shape, 3)


def rotation(vector: np.ndarray) -> np.ndarray:
    """Rotation vector (3,) to matrix."""
    return cv2.Rodrigues(np.asarray(vector, np.float64))[0]


def rotations(vectors: np.ndarray) -> np.ndarray:
    """Rotation vectors (V, 3) to matrices (V, 3, 3)."""
    return np.array([rotation(vector) for vector in vectors]).reshape(-1, 3, 3)


def transform(R: np.ndarray, t: np.ndarray) -> np.ndarray:
    """(4, 4) of a rotation and a shift."""
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R, t
    return T


def lens_numbers(camera: Camera) -> np.ndarray:
    """One camera's twelve parameters."""
    fx, fy, (cx, cy) = camera.K[0, 0], camera.K[1, 1], camera.K[:2, 2]
    return np.concatenate([(fx, fy, cx, cy), np.pad(camera.dist, (0, 8 - len(camera.dist)))])


def shared_of(pair: CameraPair, bow_m: Bow = FLAT) -> np.ndarray:
    """(COUNT,) of calibrated cameras."""
    shared = np.zeros(COUNT)
    shared[LENS["ir"]], shared[LENS["vis"]] = lens_numbers(pair.ir), lens_numbers(pair.vis)
    shared[SHIFT], shared[BOW], shared[ASPECT] = pair.T_vis_ir[:3, 3], bow_m, 1
    return shared
