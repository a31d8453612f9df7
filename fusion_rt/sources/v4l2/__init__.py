"""Cameras of Video4Linux: USB cameras, capture cards, thermal cores."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ...errors import SourceError
from ...frame import Sensor

if TYPE_CHECKING:
    from ...camera_settings import CameraSettings
    from ..live import LiveSource


def open_v4l2(camera: CameraSettings, sensor: Sensor, *, raw16: bool = False) -> LiveSource:
    """Open a camera and start it.

    Frames hold the driver's time stamp on the monotonic clock (``info.clock`` is "driver"), or
    that of arrival where it gives none, and its running number: what it could not deliver, what
    was damaged and what was passed over for a newer one shows as a gap. ``info.notes`` say which
    format, size and rate were chosen.

    Args:
        camera: its ``uri`` names a path, a part of a name below /dev/v4l/by-id or by-path, or
            ``serial=``; ``format``, ``size`` and ``fps`` are kept to where they are set. Its
            ``layout`` is for the caller to apply.
        sensor: infrared gives 16-bit counts where the camera has them, else luma; visible BGR.
        raw16: take a YUYV buffer of W x H for W x H counts of 16 bit, as thermal cores send them.

    Raises:
        CameraLostError: it is not there, or does not answer: it may come back.
        SourceError: it cannot be read as asked, is in use or may not be opened.
    """
    if sys.platform != "linux":
        raise SourceError(
            f"{camera.name}: cameras of Video4Linux exist on Linux alone",
            hint="use camera:0 for the first camera here, gst: with a pipeline, or a recording",
        )
    from .open import open_camera

    return open_camera(camera, sensor, raw16=raw16)
