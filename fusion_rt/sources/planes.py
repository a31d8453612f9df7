"""Decoded video frames as the pixels of the two sensors' frames."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..errors import SourceError
from ..frame import Sensor
from .pixels import as_ir, as_vis

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.plane import VideoPlane

_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_BT709, _BT601 = 1, 5  # AVCOL_SPC_BT709, AVCOL_SPC_BT470BG
_LUMA_LAYOUTS = ("yuv", "nv12", "nv21", "yuyv", "yvyu", "uyvy")
_NEUTRAL_CHROMA = 128
_CHROMA_NOISE = 8  # lossy coding leaves grey pictures within this distance of neutral
_COLOUR_SHARE = 0.01  # a small overlay, for instance a cross-hair, is no coloured picture


class FrameConverter:
    """Turns the frames of one video track into arrays; keeps FFmpeg's scaler between frames."""

    def __init__(self, sensor: Sensor) -> None:
        from av.video.reformatter import VideoReformatter

        self._sensor = sensor
        # One for the whole track: a scaler set up for every frame costs more than the scaling.
        self._reformatter = VideoReformatter()

    def pixels(self, frame: VideoFrame, *, describe: bool = False) -> tuple[np.ndarray, str | None]:
        """Pixels of a decoded frame, turned upright as its display matrix asks.

        Infrared: grey of 9 to 16 bit as it stands in uint16; 8-bit grey as it stands, which is
        full range; luma of YUV brought from its range to 0..255 by one table, rounded to nearest;
        other colour as BT.601 luma.
        Visible: BGR by FFmpeg's scaler with the frame's own matrix and range (BT.601, limited,
        where it names none).

        Args:
            describe: also look whether an infrared picture is coloured, which costs time.
        Returns:
            Infrared (H, W) uint8 or uint16, visible (H, W, 3) uint8, contiguous; and a note for
            the user where something was converted.
        Raises:
            SourceError: floating point pixels.
        """
        image, note = self._as_coded(frame, describe)
        quarter_turns, rest = divmod(frame.rotation, 90)
        if rest:
            angle = f"turned by {frame.rotation} degrees, which is no quarter turn: left as it is"
            return image, "; ".join(part for part in (note, angle) if part)
        if quarter_turns % 4:
            # Both rotation and rot90 count counter-clockwise.
            image = np.ascontiguousarray(np.rot90(image, quarter_turns))
        return image, note

    def _as_coded(self, frame: VideoFrame, describe: bool) -> tuple[np.ndarray, str | None]:
        name = frame.format.name
        if "f16" in name or "f32" in name:
            raise SourceError(
                f"its pixels are floating point ({name})",
                hint="write it as FFV1 with gray16le pixels instead",
            )
        if name.startswith("gray"):
            plane = _plane(frame, _grey_dtype(name))
            if self._sensor is Sensor.IR:
                return plane, None
            bits = frame.format.components[0].bits
            if 8 < bits < 16:
                plane = _luma_table(bits, True)[np.minimum(plane, (1 << bits) - 1)]
            return as_vis(plane)
        if self._sensor is Sensor.VIS:
            return self._bgr(frame), None
        if name.startswith(_LUMA_LAYOUTS):
            return self._luma(frame, describe)
        return as_ir(self._bgr(frame))

    def _bgr(self, frame: VideoFrame) -> np.ndarray:
        # PyAV before 17 uses a frame's matrix only where another one is asked for; for RGB that
        # other one has no meaning.
        matrix = frame.colorspace
        scaled = self._reformatter.reformat(
            frame,
            format="bgr24",
            src_colorspace=matrix,
            dst_colorspace=_BT601 if matrix == _BT709 else None,
        )
        return np.ascontiguousarray(scaled.to_ndarray())  # rows of odd widths are padded

    def _luma(self, frame: VideoFrame, describe: bool) -> tuple[np.ndarray, str | None]:
        if not frame.format.is_planar:  # yuyv422 and its like: only regroups bytes
            frame = self._reformatter.reformat(frame, format="yuv422p")
        bits = frame.format.components[0].bits
        dtype = np.dtype(np.uint8) if bits == 8 else _word(frame.format.name)
        levels = _plane(frame, dtype)
        full = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
        table = _luma_table(bits, full)
        if bits == 8:
            plane = levels if full else cv2.LUT(levels, table)
            note = None
        else:
            plane = table[np.minimum(levels, table.size - 1)]
            note = f"{bits}-bit video as infrared: its luma is brought to 8 bit"
        if describe and _is_coloured(frame, bits, dtype):
            note = "colour video as infrared: its luma is used"
        return plane, note


def _plane(frame: VideoFrame, dtype: np.dtype) -> np.ndarray:
    """First plane of a frame without its row padding, in the machine's byte order, as a copy."""
    return _rows(frame.planes[0], dtype)[: frame.height, : frame.width].astype(
        dtype.newbyteorder("=")
    )


def _rows(plane: VideoPlane, dtype: np.dtype) -> np.ndarray:
    """All rows of a plane with their padding, as a view into FFmpeg's memory."""
    return np.frombuffer(memoryview(plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)


def _grey_dtype(name: str) -> np.dtype:
    return np.dtype(np.uint8) if name == "gray" else _word(name)


def _word(name: str) -> np.dtype:
    return np.dtype(">u2" if name.endswith("be") else "<u2")


def _is_coloured(frame: VideoFrame, bits: int, dtype: np.dtype) -> bool:
    """Whether more than a trifle of the chroma is away from neutral."""
    unit = 1 << (bits - 8)
    for plane in frame.planes[1:3]:
        # nv12 keeps both chroma parts in one plane of twice the samples.
        samples = plane.width * (2 if frame.format.name.startswith("nv") else 1)
        chroma = _rows(plane, dtype)[: plane.height, :samples].astype(np.int32)
        off = np.abs(chroma - _NEUTRAL_CHROMA * unit) > _CHROMA_NOISE * unit
        if np.count_nonzero(off) > _COLOUR_SHARE * off.size:
            return True
    return False


@lru_cache(maxsize=8)
def _luma_table(bits: int, full_range: bool) -> np.ndarray:
    """8-bit grey level of each luma code. Source: ITU-R BT.601-7 section 2.5.3, BT.2100 table 9."""
    codes = np.arange(1 << bits, dtype=np.float64)
    scale = 1 << (bits - 8)
    grey = codes * 255 / (codes.size - 1) if full_range else (codes / scale - 16) * 255 / 219
    return np.rint(np.clip(grey, 0, 255)).astype(np.uint8)
