"""Frames of a camera that changed its mode, brought to what the run began with."""

from __future__ import annotations

import cv2

from ..frame import Frame

# Shapes that differ by less than this show the same field of view.
_SAME_SHAPE = 0.01


def misfit(frame: Frame, size_wh: tuple[int, int]) -> str:
    """Why the frame cannot be used in a run of this size; empty where it can.

    A camera that changes its mode may change its field of view; the shape tells. Then neither
    registration nor the size of the films would be right.
    """
    (width, height), (want_w, want_h) = frame.size_wh, size_wh
    if abs(width * want_h / (height * want_w) - 1) < _SAME_SHAPE:
        return ""
    return f"it sends {width}x{height}, this run is for {want_w}x{want_h}"


def fitted(frame: Frame, size_wh: tuple[int, int]) -> Frame:
    """The frame in the size that the run began with; itself where it has that."""
    if frame.size_wh == size_wh:
        return frame
    way = cv2.INTER_AREA if frame.size_wh[0] > size_wh[0] else cv2.INTER_LINEAR
    image = cv2.resize(frame.image, size_wh, interpolation=way)
    return frame.with_image(image)
