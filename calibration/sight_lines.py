"""Lines of sight of chosen pixels, along which the other camera's pixels lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from .geometry import Geometry
from .rig import Rig

Side = Literal["vis", "ir"]

# From 1/Z in 1/m to px (N, 2) of the other picture; NaN where there is no place.
Places = Callable[[float], np.ndarray]


def sight_lines(geometry: Geometry, px: np.ndarray, side: Side, S: np.ndarray) -> Places:
    """Where the other camera sees what these pixels see, for any distance.

    Where both lenses are calibrated, what does not change with the distance is worked out here
    once: a line of sight is a point and a direction in the other camera's frame.

    Args:
        geometry: of the pair.
        px: (N, 2), px of the picture of ``side``.
        side: whose pixels they are.
        S: (3, 3), similarity in visible px on top of the geometry: what this puts at p truly lies
            at S p.
    """
    if side == "vis":
        px = moved(np.linalg.inv(S), px)
    pair = geometry.pair if isinstance(geometry, Rig) else None
    if pair is None:
        if side == "vis":
            return lambda inverse_distance: geometry.to_ir(px, inverse_distance)
        return lambda inverse_distance: moved(S, geometry.to_vis(px, inverse_distance))
    R, t = pair.T_vis_ir[:3, :3], pair.T_vis_ir[:3, 3]
    own, other = (pair.vis, pair.ir) if side == "vis" else (pair.ir, pair.vis)
    rays = own.rays(px)
    far = np.column_stack([rays, np.ones(len(rays))])
    if side == "vis":
        far, step = far @ R, -t @ R
        return lambda inverse_distance: other.project(far + inverse_distance * step)
    far = far @ R.T
    return lambda inverse_distance: moved(S, other.project(far + inverse_distance * t))


def moved(S: np.ndarray, px: np.ndarray) -> np.ndarray:
    """``px`` (N, 2) through an affine map ``S`` (3, 3)."""
    return px @ S[:2, :2].T + S[:2, 2]
