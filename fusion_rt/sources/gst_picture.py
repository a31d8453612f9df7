"""Samples of GStreamer as the pixels of the two sensors' frames."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import SourceError
from ..frame import Sensor
from ..pyav import import_av
from .gst_library import GstLibrary
from .pixels import as_ir, as_vis
from .planes import FrameConverter

_PACKED: dict[str, tuple[np.dtype, int]] = {
    "GRAY16_LE": (np.dtype("<u2"), 1),
    "GRAY8": (np.dtype(np.uint8), 1),
    "BGR": (np.dtype(np.uint8), 3),
}
# Brought to grey or BGR by FFmpeg's scaler, as all other video here is: so both libraries give the
# same picture. GStreamer's own conversion to BGR is up to 6 levels off.
_BY_FFMPEG = {
    "I420": "yuv420p",
    "NV12": "nv12",
    "YUY2": "yuyv422",
    "UYVY": "uyvy422",
    "Y42B": "yuv422p",
    "Y444": "yuv444p",
    "RGB": "rgb24",
    "BGRx": "bgr0",
    "RGBx": "rgb0",
    "BGRA": "bgra",
    "RGBA": "rgba",
}
_FULL_RANGE = 1  # GST_VIDEO_COLOR_RANGE_0_255, a name that Python cannot write
FORMATS = (*_PACKED, *_BY_FFMPEG)  # by the names of GStreamer


class _Layout(NamedTuple):
    """Where the planes lie in a buffer, in bytes."""

    strides: list[int]
    offsets: list[int]


class PictureReader:
    """Takes the pixels out of one stream's samples; its size and format may change."""

    def __init__(self, library: GstLibrary, sensor: Sensor) -> None:
        import_av()  # in the order that windows need, before anything else loads PyAV
        self._library = library
        self._sensor = sensor
        self._converter = FrameConverter(sensor)
        self._caps: Any = None
        self._format = ""
        self._video: Any = None

    @property
    def fps(self) -> float | None:
        """Frame rate that the last sample's stream claims; None where it claims none."""
        if self._video is None or self._video.fps_n <= 0 or self._video.fps_d <= 0:
            return None
        return self._video.fps_n / self._video.fps_d

    def pixels(self, sample: Any, *, describe: bool = False) -> tuple[np.ndarray, str | None]:
        """Pixels of a sample, copied out of GStreamer's memory.

        Infrared: GRAY16_LE and GRAY8 as they stand; luma of YUV brought from its range to 0..255;
        other colour as BT.601 luma. Visible: BGR, by the stream's own matrix and range.

        Args:
            sample: a Gst.Sample.
            describe: also look whether an infrared picture is coloured, which costs time.
        Returns:
            Infrared (H, W) uint8 or uint16, visible (H, W, 3) uint8, contiguous; and a note for
            the user where something was converted.
        Raises:
            SourceError: no raw video, or a format that is not in `FORMATS`.
        """
        self._look_at(sample.get_caps())
        buffer = sample.get_buffer()
        meta = self._library.video.buffer_get_video_meta(buffer)
        # Rows may be padded, by the rules of GStreamer or as the buffer itself says.
        source = self._video if meta is None else meta
        layout = _Layout(list(source.stride), list(source.offset))
        mapped, info = buffer.map(self._library.gst.MapFlags.READ)
        if not mapped:
            raise SourceError("GStreamer's picture lies in memory that cannot be read")
        try:
            return self._copy(info.data, layout, describe)
        finally:
            buffer.unmap(info)

    def _copy(self, data: Any, layout: _Layout, describe: bool) -> tuple[np.ndarray, str | None]:
        if self._format in _PACKED:
            dtype, channels = _PACKED[self._format]
            image = self._packed(data, layout, dtype, channels)
            if channels == 1 and self._sensor is Sensor.IR:
                return image, None
            if channels == 3 and self._sensor is Sensor.VIS:
                return image, None
            return as_ir(image) if self._sensor is Sensor.IR else as_vis(image)
        return self._converter.pixels(self._ffmpeg_frame(data, layout), describe=describe)

    def _packed(self, data: Any, layout: _Layout, dtype: np.dtype, channels: int) -> np.ndarray:
        width, height = self._video.width, self._video.height
        used = width * channels * dtype.itemsize
        rows = _rows(data, layout.offsets[0], layout.strides[0], height, used)
        # A copy in any case: the view ends with the buffer.
        image = rows.copy().view(dtype).astype(dtype.newbyteorder("="), copy=False)
        return image.reshape(height, width, 3) if channels == 3 else image

    def _ffmpeg_frame(self, data: Any, layout: _Layout) -> Any:
        av = import_av()
        from av.video.reformatter import ColorRange, Colorspace

        frame = av.VideoFrame(self._video.width, self._video.height, _BY_FFMPEG[self._format])
        for plane, stride, offset in zip(
            frame.planes, layout.strides, layout.offsets, strict=False
        ):
            used = min(stride, plane.line_size)  # pixels, and padding that does no harm
            rows = _rows(data, offset, stride, plane.height, used)
            ours = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            ours[: plane.height, :used] = rows
        color, video = self._video.colorimetry, self._library.video
        full = color.range == _FULL_RANGE
        frame.color_range = ColorRange.JPEG if full else ColorRange.MPEG
        if color.matrix == video.VideoColorMatrix.BT709:
            frame.colorspace = Colorspace.ITU709
        return frame

    def _look_at(self, caps: Any) -> None:
        if self._caps is not None and self._caps.is_equal(caps):
            return
        kind = caps.get_structure(0)
        raw = kind.get_name() == "video/x-raw"
        given = (kind.get_string("format") or "no format") if raw else kind.get_name()
        if not raw or given not in FORMATS:
            wanted = "GRAY16_LE or GRAY8" if self._sensor is Sensor.IR else "BGR"
            step = "videoconvert" if raw else "decodebin ! videoconvert"
            raise SourceError(
                f"the pipeline gives {given}, but pictures must be {wanted}",
                hint=f"put '! {step}' before its appsink, or leave the appsink out",
            )
        self._video = self._library.video.VideoInfo.new_from_caps(caps)
        self._caps, self._format = caps, given


def _rows(data: Any, offset: int, stride: int, height: int, used: int) -> np.ndarray:
    """Rows of a plane without their padding, as a view (H, used) uint8 into ``data``.

    The last row may end without its padding.
    """
    flat = np.frombuffer(data, np.uint8, offset=offset)
    if flat.size < stride * (height - 1) + used:
        raise SourceError(
            f"GStreamer's picture has {flat.size} bytes, but needs {stride * height}",
            hint="an element before the appsink gives another size than it says",
        )
    return np.lib.stride_tricks.as_strided(flat, (height, used), (stride, 1), writeable=False)
