"""Parts of a picture in words."""

from __future__ import annotations

import numpy as np

_NAMES = (
    ("top left corner", "top edge", "top right corner"),
    ("left edge", "centre", "right edge"),
    ("bottom left corner", "bottom edge", "bottom right corner"),
)
# A region counts as without data when more than this part of it is.
_MOSTLY = 0.5


def empty_regions(
    grid_px: np.ndarray, size_wh: tuple[int, int], common: np.ndarray, supported: np.ndarray
) -> tuple[str, ...]:
    """Which ninths of a picture lie in the common view, but have no data.

    Args:
        grid_px: (gh, gw, 2) places.
        size_wh: of the picture.
        common: (gh, gw) bool, seen by both cameras.
        supported: (gh, gw) bool, with data nearby.

    Returns:
        Names from top to bottom.
    """
    third = np.clip((grid_px + 0.5) * 3 // np.array(size_wh), 0, 2).astype(int)
    found = []
    for row in range(3):
        for column in range(3):
            here = common & (third[..., 0] == column) & (third[..., 1] == row)
            if here.any() and (~supported[here]).mean() > _MOSTLY:
                found.append(_NAMES[row][column])
    return tuple(found)
