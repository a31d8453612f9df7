"""JPEG pictures of webcams, decoded one by one."""

from __future__ import annotations

import numpy as np

from ...frame import Sensor
from ...pyav import import_av
from ..planes import FrameConverter
from .buffer_pixels import TornPictureError


class JpegReader:
    """Decodes the buffers of a camera that sends JPEG.

    FFmpeg's decoder, for it takes pictures without Huffman tables, as many webcams send them, tells
    when a part in the middle is missing and writes nothing to the terminal. Infrared is the luma
    as it stands, visible is BGR; both by the full range that JPEG has.
    """

    def __init__(self, sensor: Sensor) -> None:
        self._av = import_av()
        self._codec = self._av.CodecContext.create("mjpeg", "r")
        self._codec.thread_type = "NONE"  # with frame threads each picture comes one frame late
        self._codec.options = {"err_detect": "explode"}
        self._converter = FrameConverter(sensor)

    def __call__(self, data: np.ndarray) -> np.ndarray:
        """Decode one picture.

        Args:
            data: bytes of the whole picture, uint8; what follows its end is passed over.
        Returns:
            Infrared (H, W) uint8, visible (H, W, 3) uint8 BGR.
        Raises:
            TornPictureError: it is torn.
        """
        try:
            frames = self._codec.decode(self._av.Packet(data))
        except self._av.error.FFmpegError as error:
            raise TornPictureError(f"no whole JPEG picture: {error.strerror}") from None
        if len(frames) != 1:
            raise TornPictureError("no picture in it")
        return self._converter.pixels(frames[0])[0]
