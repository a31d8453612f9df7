"""Infrared and visible picture in one, so that an eye sees how well they lie on each other."""

from __future__ import annotations

import cv2
import numpy as np

from ..node_map import NodeGrid
from ..rig import Rig

_NODE_PX = 8
_DARKEST, _BRIGHTEST = 1.0, 99.0  # percentiles that become black and white


def laid(rig: Rig, ir: np.ndarray, inverse_distance: float) -> tuple[np.ndarray, np.ndarray]:
    """The infrared picture on the visible camera's grid.

    Args:
        rig: geometry.
        ir: (Hi, Wi) uint8 or uint16, of the rig's size.
        inverse_distance: 1 over the distance in metres, 0 for far away.

    Returns:
        (H, W) uint8, stretched to the whole range; and (H, W) bool, where there is infrared.
    """
    grid = NodeGrid(rig.vis_wh, _NODE_PX)
    table = grid.dense(rig.to_ir(grid.nodes, inverse_distance))
    x, y = (np.ascontiguousarray(table[..., axis]) for axis in (0, 1))
    picture = cv2.remap(stretched(ir), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    width, height = rig.ir_wh
    inside = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    return np.asarray(picture), inside


def stretched(picture: np.ndarray) -> np.ndarray:
    """(H, W) uint8 or uint16 stretched to 0..255 uint8; the brightest and darkest 1 % are cut."""
    low, high = np.percentile(picture, (_DARKEST, _BRIGHTEST))
    scale = 255 / max(high - low, 1)
    return np.clip((picture.astype(np.float32) - low) * scale, 0, 255).astype(np.uint8)


def blended(rig: Rig, ir: np.ndarray, vis: np.ndarray, inverse_distance: float = 0.0) -> np.ndarray:
    """Both in one picture: infrared reddish, visible bluish; grey where both are alike.

    Args:
        rig: geometry.
        ir: (Hi, Wi) uint8 or uint16, of the rig's size.
        vis: (H, W, 3) uint8 BGR, of the rig's size.
        inverse_distance: see `laid`.

    Returns:
        (H, W, 3) uint8 BGR; outside the infrared's view the visible picture, darkened.
    """
    grey = stretched(cv2.cvtColor(vis, cv2.COLOR_BGR2GRAY))
    warm, inside = laid(rig, ir, inverse_distance)
    mean = cv2.addWeighted(grey, 0.5, warm, 0.5, 0)
    mixed = np.dstack([grey, mean, warm])
    return np.where(inside[..., None], mixed, (grey // 2)[..., None])
