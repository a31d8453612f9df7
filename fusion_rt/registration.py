"""Lays the infrared picture onto the visible one through one precomputed map."""

from __future__ import annotations

import cv2
import numpy as np

from calibration.errors import RigError
from calibration.rig import Rig, stretch

from .errors import UsageError
from .frame import FramePair

# Width of the soft edge of the infrared's view, as a share of the visible picture's width.
SEAM_SHARE = 0.06

_FAR_PX = 1e4


class Registration:
    """The warp of one rig. Immutable; may be used from any thread.

    Attributes:
        weight: (H, W) uint8 on the visible picture: 0 outside the infrared's view, 255 inside,
            with a soft seam; the engines blend by it.
        seen: (H, W) uint8, 255 where the infrared camera sees, else 0; None where it sees all.
        coverage: share of the visible picture that the infrared sees, 0..1.
    """

    def __init__(self, rig: Rig) -> None:
        """Precompute map and weight.

        Args:
            rig: geometry in px of the very pictures that will be given to `warp`.

        Raises:
            RigError: the pictures have nothing in common.
        """
        width, height = rig.vis_wh
        self._rig = rig
        self._map: tuple[np.ndarray, np.ndarray] | None = None
        inside = np.ones((height, width), bool)
        if rig.is_identity:
            self.weight = np.full((height, width), 255, np.uint8)
        else:
            map_x, map_y = inverse_map(rig)
            inside = inside_view(map_x, map_y, rig.ir_wh)
            self.weight = view_weight(inside)
            # Fixed-point maps are the faster form in OpenCV 4; from 5 on floats are as fast and
            # exact, where fixed point rounds to 1/32 px.
            if int(cv2.__version__.split(".")[0]) < 5:
                self._map = cv2.convertMaps(map_x, map_y, cv2.CV_16SC2)
            else:
                self._map = (map_x, map_y)
        self.coverage = float(inside.mean())
        if not self.coverage:
            raise RigError(
                "the rig shows the infrared picture nowhere on the visible one",
                hint="H_vis_ir maps infrared px to visible px; was its inverse written?",
            )
        self.seen = None if inside.all() else np.where(inside, np.uint8(255), np.uint8(0))

    def weight_at(self, trust: float) -> np.ndarray:
        """``weight`` for infrared that is to show only so far, 0..1."""
        return self.weight if trust == 1 else cv2.convertScaleAbs(self.weight, alpha=trust)

    def grid(self) -> np.ndarray:
        """The warp as engines take it that do it themselves, see `engines.contract`.

        Returns:
            (H, W, 2) float32, x then y, -1..1 from edge to edge of the infrared picture.
        """
        ir_width, ir_height = self._rig.ir_wh
        map_x, map_y = inverse_map(self._rig)
        return np.dstack([(2 * map_x + 1) / ir_width - 1, (2 * map_y + 1) / ir_height - 1])

    def warped(self, pair: FramePair) -> np.ndarray:
        """The pair's infrared picture on the visible one's grid, made now if nobody has yet.

        Returns:
            (H, W) uint8, kept in ``pair.ir_on_vis``.
        """
        if pair.ir_on_vis is None:
            assert pair.ir_8bit is not None
            pair.ir_on_vis = self.warp(pair.ir_8bit)
        return pair.ir_on_vis

    def place_in_ir(self, x: int, y: int) -> tuple[int, int] | None:
        """Infrared px that shows visible px ``x``, ``y``; None outside the infrared's view."""
        height, width = self.weight.shape
        if not (0 <= x < width and 0 <= y < height):
            return None
        if self.seen is not None and not self.seen[y, x]:
            return None
        u, v, w = np.linalg.inv(self._rig.H_vis_ir) @ (x, y, 1.0)
        ir_width, ir_height = self._rig.ir_wh
        place = min(max(round(u / w), 0), ir_width - 1), min(max(round(v / w), 0), ir_height - 1)
        return int(place[0]), int(place[1])

    def warp(self, ir: np.ndarray) -> np.ndarray:
        """The infrared picture on the visible picture's grid.

        Args:
            ir: (Hi, Wi) uint8, in the size that the rig states.

        Returns:
            (H, W) uint8; beyond the infrared's view it is mirrored, so that neither an edge nor a
            streak disturbs what the network sees at the seam. The same array when nothing is to
            do.
        """
        if self._map is None:
            return ir
        return cv2.remap(
            ir, self._map[0], self._map[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )


def inverse_map(rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """For each visible pixel the place in the infrared picture that shows the same.

    Returns:
        x and y, each (H, W) float32, in infrared px; far outside where the line of sight does not
        meet the infrared camera's picture plane.
    """
    width, height = rig.vis_wh
    H_ir_vis = np.linalg.inv(rig.H_vis_ir)
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    x, y, depth = (row[0] * xs + row[1] * ys + row[2] for row in H_ir_vis)
    # A rig's homography has a positive depth all over the infrared picture, and so has its
    # inverse wherever the line of sight meets that picture's plane in front of the camera.
    in_front = depth > 1e-9
    safe = np.where(in_front, depth, 1.0)
    return (
        np.where(in_front, x / safe, -_FAR_PX).clip(-_FAR_PX, _FAR_PX).astype(np.float32),
        np.where(in_front, y / safe, -_FAR_PX).clip(-_FAR_PX, _FAR_PX).astype(np.float32),
    )


def inside_view(map_x: np.ndarray, map_y: np.ndarray, ir_wh: tuple[int, int]) -> np.ndarray:
    """Where the infrared camera sees, (H, W) bool.

    Args:
        map_x: (H, W) float32, see `inverse_map`.
        map_y: the same for y.
        ir_wh: size of the infrared picture in px.
    """
    return (map_x >= -0.5) & (map_x <= ir_wh[0] - 0.5) & (map_y >= -0.5) & (map_y <= ir_wh[1] - 0.5)


def view_weight(inside: np.ndarray) -> np.ndarray:
    """How much to fuse at each visible pixel, (H, W) uint8.

    0 outside the infrared's view, rising smoothly over the seam to 255. Only borders of the
    infrared picture that lie inside the visible one get a seam: where both end together nothing
    is lost.

    Args:
        inside: (H, W) bool, see `inside_view`.
    """
    seam_px = max(2.0, SEAM_SHARE * inside.shape[1])
    # Distance to the nearest pixel outside the view; the picture's own border does not count.
    distance = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ramp = np.clip(distance / seam_px, 0, 1)
    return np.rint(255 * ramp * ramp * (3 - 2 * ramp)).astype(np.uint8)


def fit_rig(rig: Rig | None, ir_wh: tuple[int, int], vis_wh: tuple[int, int]) -> Rig:
    """The rig to use for two sources of these sizes.

    Args:
        rig: what the user gave; None for pictures that already lie on each other.
        ir_wh: size of the infrared source in px.
        vis_wh: size of the visible source in px.

    Raises:
        UsageError: no rig and different sizes, or a rig for other sizes.
    """
    if rig is None:
        if ir_wh != vis_wh:
            raise UsageError(
                f"infrared is {_x(ir_wh)} and visible {_x(vis_wh)}: they do not lie on each other",
                hint="give the cameras' geometry with --rig RIG.yaml; where both see the same "
                f"field it reads: {{rig: 1, ir: {{size: [{ir_wh[0]}, {ir_wh[1]}]}}, "
                f"vis: {{size: [{vis_wh[0]}, {vis_wh[1]}]}}, H_vis_ir: {stretch(ir_wh, vis_wh)}}}",
            )
        return Rig.identity(vis_wh)
    for name, source_wh, rig_wh in (
        ("infrared", ir_wh, rig.ir_wh),
        ("visible", vis_wh, rig.vis_wh),
    ):
        if source_wh != rig_wh:
            raise UsageError(
                f"the rig is for {name} pictures of {_x(rig_wh)}, but this source has "
                f"{_x(source_wh)}",
                hint="give the rig of these cameras in this mode",
            )
    return rig


def _x(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]}x{size_wh[1]}"
