"""Cut what a camera sends into counts, telemetry and display picture."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from ..errors import SourceError
from ..radiometry import Radiometry
from .layout import Layout
from .telemetry import READERS, Telemetry


@dataclass(frozen=True, slots=True)
class ThermalFrame:
    """One frame, taken apart.

    Attributes:
        counts: (H, W) uint16, raw. A view into the frame where nothing had to be changed, so
            whoever keeps it after the frame's memory is used again copies it.
        telemetry: what the camera says about it; None where it says nothing.
        radiometry: what the counts mean; None where they are no temperatures.
    """

    counts: np.ndarray
    telemetry: Telemetry | None
    radiometry: Radiometry | None

    @property
    def is_picture(self) -> bool:
        """False where the camera sent its shutter in place of a picture: leave the frame out."""
        return self.telemetry is None or self.telemetry.is_picture


def split(frame: np.ndarray, layout: Layout) -> ThermalFrame:
    """Take one frame apart.

    Args:
        frame: (H, W) uint16 as words, or uint8 as bytes: (H, W, 2) as packed YUYV comes, or
            (H, 2·W).
        layout: of this camera.

    Raises:
        SourceError: a size that the layout does not know.
    """
    words = _words(frame, layout)
    variant = layout.variant((words.shape[1], words.shape[0]))
    telemetry = None
    if variant.telemetry_rows is not None and layout.telemetry is not None:
        first, count = variant.telemetry_rows
        telemetry = READERS[layout.telemetry](words[first : first + count].reshape(-1))
    counts = _cut(words, variant.picture)
    if layout.bits < 16:
        counts = counts & np.uint16((1 << layout.bits) - 1)
    own_word = telemetry is not None and telemetry.tells_radiometry
    radiometry = telemetry.radiometry if telemetry and own_word else layout.radiometry
    return ThermalFrame(counts, telemetry, radiometry)


def display_luma(frame: np.ndarray, layout: Layout) -> np.ndarray | None:
    """The picture that the camera has made for display; None where it makes none.

    Args:
        frame: as for `split`.
        layout: of this camera.

    Returns:
        (H, W) uint8, the luma of its YUYV half.

    Raises:
        SourceError: a size that the layout does not know.
    """
    words = _words(frame, layout)
    variant = layout.variant((words.shape[1], words.shape[0]))
    if variant.display is None:
        return None
    return (_cut(words, variant.display) & 0xFF).astype(np.uint8)


def _words(frame: np.ndarray, layout: Layout) -> np.ndarray:
    """(H, W) uint16 in the computer's byte order."""
    if frame.dtype == np.uint8:
        is_packed = frame.ndim == 3 and frame.shape[2] == 2
        packed = frame.reshape(frame.shape[0], -1) if is_packed else frame
        if packed.ndim == 2 and packed.shape[1] % 2 == 0:
            frame = np.ascontiguousarray(packed).view(np.uint16)
    if frame.dtype != np.uint16 or frame.ndim != 2:
        shape = "x".join(str(length) for length in frame.shape)
        raise SourceError(
            f"layout {layout.name} wants 16-bit pixels, this camera sends {shape} {frame.dtype}",
            hint=f"ask the camera for format={layout.pixel_format}",
        )
    return frame if layout.byte_order == sys.byteorder else frame.byteswap()


def _cut(words: np.ndarray, box: tuple[int, int, int, int] | None) -> np.ndarray:
    if box is None:
        return words
    left, top, width, height = box
    return words[top : top + height, left : left + width]
