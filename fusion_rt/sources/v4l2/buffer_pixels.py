"""A driver's buffer as the pixels of the two sensors' frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...errors import SourceError
from ...frame import Sensor
from .fourcc import Kind, PixelFormat

_PACKED: Final = {
    "YUYV": (cv2.COLOR_YUV2BGR_YUY2, cv2.COLOR_YUV2GRAY_YUY2),
    "UYVY": (cv2.COLOR_YUV2BGR_UYVY, cv2.COLOR_YUV2GRAY_UYVY),
}
# 8-bit grey of a luma code of 16 (black) to 235 (white). Source: ITU-R BT.601-7, section 2.5.3.
_LIMITED: Final = np.rint(np.clip((np.arange(256) - 16.0) * 255 / 219, 0, 255)).astype(np.uint8)

Reader = Callable[[np.ndarray], np.ndarray]


class TornPictureError(ValueError):
    """A buffer does not hold a whole picture."""


@dataclass(frozen=True, slots=True)
class BufferLayout:
    """How an uncompressed picture lies in a buffer.

    Attributes:
        format: of the pixels.
        size_wh: width and height in px.
        bytes_per_line: from one row to the next in the first plane, padding included.
        limited: whether the driver says that luma runs from 16 to 235; of meaning for infrared.
    """

    format: PixelFormat
    size_wh: tuple[int, int]
    bytes_per_line: int
    limited: bool = False

    @property
    def least_bytes(self) -> int:
        """Bytes of a whole picture; the padding of the very last row may be missing."""
        width, height = self.size_wh
        row = width * self.format.bytes_per_px
        if self.format.kind is Kind.NV12:
            return self.bytes_per_line * (height + height // 2 - 1) + width
        if self.format.kind is Kind.I420:
            half = self.bytes_per_line // 2
            return self.bytes_per_line * height + half * (height - 1) + width // 2
        return self.bytes_per_line * (height - 1) + row


def picture_reader(layout: BufferLayout, sensor: Sensor, *, raw16: bool = False) -> Reader:
    """The function that takes an uncompressed buffer apart; what it gives is always a copy.

    Infrared: 16-bit grey as counts in uint16, whatever their depth; else luma in uint8. Luma is
    taken as it stands unless the driver says that it runs from 16 to 235: thermal cores use all
    codes, and stretching would clip what is hottest.
    Visible: BGR; YUV by BT.601 with luma from 16 to 235, as UVC cameras send it; 16-bit grey by
    its upper 8 bits.

    Args:
        layout: of the buffer; it must hold ``layout.least_bytes``.
        sensor: which camera this stands for.
        raw16: a YUYV buffer holds 16-bit counts, as thermal cores send them in disguise.
    Returns:
        From uint8 bytes of one buffer to (H, W) uint8 or uint16, or (H, W, 3) uint8 BGR; raises
        `TornPictureError` where bytes are missing.
    Raises:
        SourceError: ``raw16`` for another sensor or format.
    """
    if raw16:
        if sensor is not Sensor.IR or layout.format.kind is not Kind.PACKED_YUV:
            raise SourceError(
                f"16-bit counts cannot be read from {layout.format.text} of a "
                f"{'thermal' if sensor is Sensor.IR else 'visible'} camera",
                hint="this layout needs format: YUYV and the infrared camera",
            )
        return lambda data: _rows(data, layout, np.dtype("<u2")).astype(np.uint16)
    if layout.format.kind is Kind.DEEP:
        return _deep_reader(layout, sensor)
    if sensor is Sensor.VIS:
        return _BGR[layout.format.kind](layout)
    plain = _LUMA[layout.format.kind](layout)
    yuv = layout.format.kind in (Kind.PACKED_YUV, Kind.NV12, Kind.I420)
    return (lambda data: cv2.LUT(plain(data), _LIMITED)) if layout.limited and yuv else plain


def _rows(data: np.ndarray, layout: BufferLayout, dtype: np.dtype) -> np.ndarray:
    """First plane as (H, samples of a row without padding): a view."""
    width, height = layout.size_wh
    samples = width * layout.format.bytes_per_px // dtype.itemsize
    return _plane(data, 0, (height, samples), layout.bytes_per_line, dtype)


def _plane(
    data: np.ndarray, start: int, shape: tuple[int, int], pitch: int, dtype: np.dtype
) -> np.ndarray:
    """A view into a buffer. A copy without padding would cost more than the conversion reads."""
    span = pitch * (shape[0] - 1) + shape[1] * dtype.itemsize
    words = data[start : start + span]
    if len(words) < span:  # guards the memory behind the buffer
        raise TornPictureError(f"{span} bytes wanted, {len(words)} there")
    base = np.frombuffer(words, dtype, count=1)
    return as_strided(base, shape, (pitch, dtype.itemsize), writeable=False)


_BYTE: Final = np.dtype(np.uint8)


def _deep_reader(layout: BufferLayout, sensor: Sensor) -> Reader:
    dtype = np.dtype(">u2" if layout.format.text.endswith("-BE") else "<u2")
    shift = layout.format.bits - 8

    def counts(data: np.ndarray) -> np.ndarray:
        return _rows(data, layout, dtype).astype(np.uint16)

    def grey(data: np.ndarray) -> np.ndarray:
        upper = (counts(data) >> shift).astype(np.uint8)
        return cv2.cvtColor(upper, cv2.COLOR_GRAY2BGR)

    return counts if sensor is Sensor.IR else grey


def _coded(layout: BufferLayout, code: int, channels: int) -> Reader:
    """One conversion of OpenCV over interleaved samples."""
    width, height = layout.size_wh

    def convert(data: np.ndarray) -> np.ndarray:
        rows = _rows(data, layout, _BYTE)
        pixels = as_strided(
            rows, (height, width, channels), (rows.strides[0], channels, 1), writeable=False
        )
        return cv2.cvtColor(pixels, code)

    return convert


def _luma_copy(layout: BufferLayout) -> Reader:
    return lambda data: _rows(data, layout, _BYTE).copy()


def _chroma_shape(layout: BufferLayout) -> tuple[int, int]:
    return layout.size_wh[1] // 2, layout.size_wh[0] // 2


def _nv12_bgr(layout: BufferLayout) -> Reader:
    height, pitch = layout.size_wh[1], layout.bytes_per_line
    rows, columns = _chroma_shape(layout)

    def convert(data: np.ndarray) -> np.ndarray:
        flat = _plane(data, pitch * height, (rows, columns * 2), pitch, _BYTE)
        chroma = as_strided(flat, (rows, columns, 2), (pitch, 2, 1), writeable=False)
        return cv2.cvtColorTwoPlane(_rows(data, layout, _BYTE), chroma, cv2.COLOR_YUV2BGR_NV12)

    return convert


def _i420_bgr(layout: BufferLayout) -> Reader:
    width, height = layout.size_wh
    pitch, half = layout.bytes_per_line, layout.bytes_per_line // 2
    rows, columns = _chroma_shape(layout)
    second = pitch * height + half * rows

    def convert(data: np.ndarray) -> np.ndarray:
        # OpenCV wants the three planes in one piece without padding.
        packed = np.empty((height * 3 // 2, width), np.uint8)
        packed[:height] = _rows(data, layout, _BYTE)
        chroma = packed[height:].reshape(2, rows, columns)
        chroma[0] = _plane(data, pitch * height, (rows, columns), half, _BYTE)
        chroma[1] = _plane(data, second, (rows, columns), half, _BYTE)
        return cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_I420)

    return convert


def _rgb_bgr(layout: BufferLayout) -> Reader:
    if layout.format.text == "RGB3":
        return _coded(layout, cv2.COLOR_RGB2BGR, 3)
    width, height = layout.size_wh
    return lambda data: _rows(data, layout, _BYTE).copy().reshape(height, width, 3)


def _rgb_luma(layout: BufferLayout) -> Reader:
    is_rgb = layout.format.text == "RGB3"
    return _coded(layout, cv2.COLOR_RGB2GRAY if is_rgb else cv2.COLOR_BGR2GRAY, 3)


_BGR: Final[dict[Kind, Callable[[BufferLayout], Reader]]] = {
    Kind.GREY: lambda layout: _coded(layout, cv2.COLOR_GRAY2BGR, 1),
    Kind.PACKED_YUV: lambda layout: _coded(layout, _PACKED[layout.format.text][0], 2),
    Kind.NV12: _nv12_bgr,
    Kind.I420: _i420_bgr,
    Kind.RGB: _rgb_bgr,
}
_LUMA: Final[dict[Kind, Callable[[BufferLayout], Reader]]] = {
    Kind.GREY: _luma_copy,
    Kind.PACKED_YUV: lambda layout: _coded(layout, _PACKED[layout.format.text][1], 2),
    Kind.NV12: _luma_copy,
    Kind.I420: _luma_copy,
    Kind.RGB: _rgb_luma,
}
