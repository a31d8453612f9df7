"""What infrared and visible pictures of one scene have in common: where edges run, and how.

A gradient's direction as an angle, doubled: an edge from dark to bright and one from bright to dark
become the same, and infrared often shows the one where visible shows the other. The length says
only whether there is an edge, hardly how strong it is, as the two cameras differ in that too.

Source of the doubled angle: Bigün and Granlund, "Optimal orientation detection of linear symmetry",
1987.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..errors import RigError

# Finer detail brings little: the infrared has none. Measured; wider costs time alone.
WORK_WIDTH = 480
LEAST_WH = (96, 72)

_BLUR = 1.2  # px
# Gradients of this rank, as a share of all, count half.
_HALF_AT = 0.7
# Where a picture has no edges at all, noise below so many grey levels a px is none.
_NOISE = 0.25
# Scharr's kernel sums to this for a slope of one grey level a px.
_SCHARR = 32.0


@dataclass(frozen=True)
class Field:
    """Doubled-angle edges of a picture in its working size.

    Attributes:
        planes: (h, w, 2) float32, cosine and sine of the doubled angle, each times 0..1 for how
            sure there is an edge.
        picture_wh: width and height of the picture in px.
    """

    planes: np.ndarray
    picture_wh: tuple[int, int]

    @property
    def scale(self) -> float:
        """Working px for each px of the picture."""
        return self.planes.shape[1] / self.picture_wh[0]


def field_of(
    picture: np.ndarray, seen: np.ndarray | None = None, work_width: int = WORK_WIDTH
) -> Field:
    """Edges of a picture.

    Args:
        picture: (H, W) uint8, uint16 or float32; or (H, W, 3) uint8 BGR.
        seen: (H, W) bool or uint8, 0 where the picture shows nothing of its own; None for all.
        work_width: width in px to reduce it to; narrower pictures keep their size.

    Raises:
        RigError: smaller than `LEAST_WH`.
    """
    wh = picture.shape[1], picture.shape[0]
    if wh[0] < LEAST_WH[0] or wh[1] < LEAST_WH[1]:
        raise RigError(
            f"a picture of {wh[0]}x{wh[1]} is too small to be aligned by its edges",
            hint=f"at least {LEAST_WH[0]}x{LEAST_WH[1]} px are needed",
        )
    small = grey(reduced(picture, work_width))
    blurred = cv2.GaussianBlur(small, (0, 0), _BLUR)
    gx = cv2.Scharr(blurred, cv2.CV_32F, 1, 0, scale=1 / _SCHARR)
    gy = cv2.Scharr(blurred, cv2.CV_32F, 0, 1, scale=1 / _SCHARR)
    squared = gx * gx + gy * gy
    length = np.sqrt(squared)
    if seen is None:
        some = length[::2, ::2].ravel()
    else:
        inside = reduced(seen.astype(np.uint8), work_width, cv2.INTER_NEAREST)
        # The border of what is seen is an edge of the camera, not of the scene.
        inside = cv2.erode(inside, np.ones((5, 5), np.uint8), borderValue=1)
        length[inside == 0] = 0
        some = length[inside > 0]
    half = (
        np.partition(some, int(_HALF_AT * len(some)))[int(_HALF_AT * len(some))] if len(some) else 0
    )
    sure = length / ((length + max(float(half), _NOISE)) * (squared + 1e-6))
    planes = np.dstack([(gx * gx - gy * gy) * sure, 2 * gx * gy * sure])
    return Field(planes, wh)


def _ranked(lengths: np.ndarray) -> float:
    rank = int(_HALF_AT * len(lengths))
    return float(np.partition(lengths, rank)[rank]) if len(lengths) else 0.0


def grey(picture: np.ndarray) -> np.ndarray:
    """(H, W) float32 grey levels 0..255; 16-bit counts are stretched, all but the outermost 1 %."""
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    plane = picture.astype(np.float32)
    if picture.dtype != np.uint16:
        return plane
    low, high = np.percentile(plane[::2, ::2], (1, 99))
    stretched = np.clip((plane - low) * (255 / max(high - low, 1.0)), 0, 255)
    return stretched.astype(np.float32)


def reduced(
    picture: np.ndarray, width: int = WORK_WIDTH, interpolation: int = cv2.INTER_AREA
) -> np.ndarray:
    """The picture in its working size; the picture itself where it is that small already."""
    if picture.shape[1] <= width:
        return picture
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    return cv2.resize(picture, (width, height), interpolation=interpolation)
