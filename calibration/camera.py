"""One camera as OpenCV's pinhole model sees it: focal length, centre, and a lens that bends."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

# k1 k2 p1 p2; with k3; with k4 to k6 (rational), in OpenCV's order.
DISTORTION_NUMBERS = (4, 5, 8)

_ROUNDS = 50
_GOOD_PX = 1e-4
_STILL = 1e-12


@dataclass(frozen=True)
class Camera:
    """Pixel centres lie at whole numbers; x goes right, y down, z away from the camera.

    Attributes:
        size_wh: width and height of the picture in px.
        K: (3, 3) float64, focal lengths and centre in px.
        dist: (4,), (5,) or (8,) float64, OpenCV's distortion coefficients.
    """

    size_wh: tuple[int, int]
    K: np.ndarray
    dist: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        """Where points are seen.

        Args:
            points: (N, 3), in the camera's frame; any scale, as only their direction counts.

        Returns:
            (N, 2) float64, px; NaN behind the camera, and beyond the angle up to which the
            distortion polynomial is one of a lens: there it would fold far points back into view.
        """
        z = points[:, 2]
        in_front = z > 1e-9
        safe = np.where(in_front[:, None], points, (0.0, 0.0, 1.0))
        flat = np.column_stack([safe[:, :2] / safe[:, 2:], np.ones(len(safe))])
        known = in_front & (np.hypot(flat[:, 0], flat[:, 1]) < self.reach)
        flat[~known] = (0.0, 0.0, 1.0)
        if not len(flat):
            return np.empty((0, 2))
        zero = np.zeros(3)
        px = cv2.projectPoints(flat, zero, zero, self.K, self.dist)[0].reshape(-1, 2)
        return np.where(known[:, None], px, np.nan)

    def rays(self, px: np.ndarray) -> np.ndarray:
        """Directions in which pixels look: points at z = 1.

        Args:
            px: (N, 2).

        Returns:
            (N, 2) float64, x and y at z = 1; NaN where no direction is seen there.
        """
        bent = (px - self.K[:2, 2]) / (self.K[0, 0], self.K[1, 1])
        bent[:, 0] -= self.K[0, 1] / self.K[0, 0] * bent[:, 1]
        straight = bent.copy()
        reach = self.reach
        for _ in range(_ROUNDS):
            factor, shift = self._bending(straight)
            before, straight = straight, np.clip((bent - shift) / factor, -reach, reach)
            if np.abs(straight - before).max(initial=0.0) < _STILL:
                break
        factor, shift = self._bending(straight)
        missed = np.hypot(*(straight * factor + shift - bent).T) * self.K[0, 0]
        good = (missed < _GOOD_PX) & (np.hypot(*straight.T) < reach)
        return np.where(good[:, None], straight, np.nan)

    @property
    def reach(self) -> float:
        """Tangent of the angle off the axis up to which the distortion grows outwards."""
        radii = np.linspace(0, 5, 5001)
        factor, _ = self._bending(np.column_stack([radii, np.zeros_like(radii)]), tangential=False)
        falls = np.flatnonzero(np.diff(radii * factor[:, 0]) <= 0)
        return float(radii[falls[0]]) if len(falls) else float(radii[-1])

    def _bending(self, xy: np.ndarray, tangential: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Radial factor (N, 1) and tangential shift (N, 2) at undistorted places."""
        k1, k2, p1, p2, k3, k4, k5, k6 = np.pad(self.dist, (0, 8 - len(self.dist)))
        x, y = xy.T
        r2 = x * x + y * y
        factor = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
        if not tangential:
            return factor[:, None], np.zeros_like(xy)
        shift = np.column_stack(
            [2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y]
        )
        return factor[:, None], shift
