"""Video file: H.264 in a fragmented MP4, with the time stamps of the pictures."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..errors import SinkError, UsageError
from ..pyav import import_av
from .file_errors import make_folder, part_path, remove, write_error

if TYPE_CHECKING:
    from av import Packet, VideoFrame

_CLOCK_HZ = 90_000  # the clock of MPEG: divides 24, 25, 30, 50, 60 and 30/1.001 frames/s
_TIME_BASE = Fraction(1, _CLOCK_HZ)
_KEYFRAME_TICKS = _CLOCK_HZ  # one second: what a crash may lose
_NO_AUTOMATIC_KEYFRAMES = 1_000_000  # keyframes are set by time, not by counting pictures
_USUAL_FPS = 30.0
_HEAD_BYTES = 4096  # more than there is before the first fragment

_CONTAINER_OPTIONS = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "flush_packets": "1",  # each fragment reaches the file at once, so that a crash cannot take it
}
# ultrafast: the encoder shares the processor with the fusion, and the next preset costs half as
# much time again and saves a tenth of the size. One thread: more of them take more processor time
# in sum. No B-frames: decoding order is showing order, so a picture is in the file sooner.
_ENCODER_OPTIONS = {"preset": "ultrafast", "threads": "1", "bf": "0", "forced-idr": "1"}

# Numbers of ITU-T H.273 and of FFmpeg's colour range. The matrix is BT.601: the luma of the file
# is then the luma of the fusion, and readers that ignore the tags assume this matrix.
_MATRIX_BT601 = 6
_PRIMARIES_BT709 = 1
_TRANSFER_BT709 = 1
_RANGE_LIMITED = 1
_SWS_BT601 = 5  # swscale counts differently
# Bilinear with accurate rounding: without it every value is cut off, and grey turns greenish.
_SWS_BILINEAR_ROUNDED = 0x2 | 0x40000


def rescue(path: Path) -> Path | None:
    """Give the film that a killed run has left under its temporary name a name of its own.

    A run that begins would write over it.

    Args:
        path: as of `VideoSink`.

    Returns:
        The new name, with the time of its last picture; None where there is no such film.

    Raises:
        FileWriteError: it cannot be renamed.
    """
    part = part_path(path)
    try:
        with part.open("rb") as file:
            if b"moof" not in file.read(_HEAD_BYTES):  # it has ended within its first second
                return None
        ended = time.localtime(part.stat().st_mtime)
        name = f"{path.stem}-{time.strftime('%Y%m%d-%H%M%S', ended)}"
        kept = path.with_name(f"{name}{path.suffix}")
        for again in itertools.count(2):
            if not os.path.lexists(kept):
                break
            kept = path.with_name(f"{name}-{again}{path.suffix}")
        part.rename(kept)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise write_error(part, exc) from exc
    return kept


class VideoSink:
    """Writes one MP4 file; see `fusion_rt.sinks.base.Sink`.

    The file grows as ``NAME.part.mp4`` in fragments of one second, so that after a crash or a
    power cut all but about the last second can be played; ``close`` moves it to its name. The
    intervals between pictures are kept as they are. A picture of odd width or height gets its
    last column or row twice, because H.264 with 4:2:0 colour takes even sizes only.

    A film of a recording that cannot be written to its end is removed; it can be made again. One of
    live cameras cannot: with ``keep_whole`` the seconds that were written whole stay.

    Attributes:
        path: the finished file.
        kept: where the film is that was written up to an error; None where there is none.
        coded_wh: width and height in px of the video, even.
        pictures: how many were taken.
    """

    def __init__(
        self,
        path: Path,
        size_wh: tuple[int, int],
        *,
        fps_hint: float | None = None,
        crf: int = 18,
        keep_whole: bool = False,
    ) -> None:
        """Open the encoder and the file.

        Args:
            path: the file to write, its name ends in ``.mp4``; its folder is created where it is
                missing, a file of the same name is replaced by ``close``.
            size_wh: width and height in px of the pictures.
            fps_hint: frames/s expected; decides how long a film of a single picture lasts.
            crf: quality of x264, 0 (lossless) to 51; 18 looks like the original.
            keep_whole: keep what was written whole when the disk does not take more.

        Raises:
            UsageError: the name has another ending, or ``crf`` is out of range.
            SinkError: the file cannot be created, or there is no H.264 encoder.
        """
        if path.suffix.lower() != ".mp4":
            raise UsageError(
                f"{path}: videos are written as MP4 only", hint=f"name it {path.stem}.mp4"
            )
        if not 0 <= crf <= 51:
            raise UsageError(f"crf is {crf}, but must be from 0 to 51", hint="18 looks lossless")
        if os.path.isdir(path):  # unlike Path.is_dir, no error for a closed folder
            raise SinkError(f"cannot write {path}: there is a folder of that name", "name a file")
        self.path = path
        self.size_wh = size_wh
        self.coded_wh = (size_wh[0] + size_wh[0] % 2, size_wh[1] + size_wh[1] % 2)
        self.pictures = 0
        self.kept: Path | None = None
        self._keep_whole = keep_whole
        self._part = part_path(path)
        self._head_bytes = self._whole_bytes = 0  # up to where the file holds whole fragments
        self._fps = fps_hint or _USUAL_FPS
        self._first_ns: int | None = None
        self._last_pts = -1
        self._key_pts = -_KEYFRAME_TICKS
        self._held: Packet | None = None  # its duration is known when the next one comes
        self._last_ticks = round(_CLOCK_HZ / self._fps)
        self._open = False
        make_folder(path.parent)
        self._start_encoder(crf)

    @property
    def label(self) -> str:
        """What and where."""
        return f"video {self.path}"

    def write(self, picture: np.ndarray, captured_ns: int) -> None:
        """Encode one picture.

        Args:
            picture: (H, W, 3) uint8 BGR in the size given at opening; not changed.
            captured_ns: its time in ns, above that of the picture before.

        Raises:
            SinkError: wrong picture or time, or closed already.
            FileWriteError: disk full or encoder failed; the unfinished file is removed, or kept
                as the constructor was told.
        """
        av = import_av()
        if not self._open:
            raise SinkError(f"{self.label} is closed already", hint="open a new one")
        frame = self._to_yuv(picture)
        frame.pts = self._pts(captured_ns)
        frame.time_base = _TIME_BASE
        if frame.pts - self._key_pts >= _KEYFRAME_TICKS:
            frame.pict_type = av.video.frame.PictureType.I
            self._key_pts = frame.pts
        try:
            for packet in self._stream.encode(frame):
                self._mux(packet)
        except (av.FFmpegError, OSError) as exc:
            self._fail()
            raise write_error(self.path, exc) from exc
        self.pictures += 1

    def close(self) -> None:
        """Finish the file and move it to its name; without any picture no file is left.

        Raises:
            FileWriteError: the end cannot be written; the unfinished file is removed, or kept as
                the constructor was told.
        """
        if not self._open:
            return
        if self.pictures == 0:
            self.discard()
            return
        av = import_av()
        try:
            for packet in self._stream.encode(None):
                self._mux(packet)
            self._mux(None)
            self._container.close()
            self._file.close()
            os.replace(self._part, self.path)
        except (av.FFmpegError, OSError) as exc:
            self._fail()
            raise write_error(self.path, exc) from exc
        self._open = False

    def discard(self) -> None:
        """Remove the unfinished file; no effect after ``close``."""
        if self._open:
            self._close_files()
            remove(self._part)

    def _fail(self) -> None:
        """The file cannot be written to its end."""
        if not self._keep_whole or self._whole_bytes <= self._head_bytes:
            self.discard()
            return
        self._close_files()
        try:
            os.truncate(self._part, self._whole_bytes)
            os.replace(self._part, self.path)
            self.kept = self.path
        except OSError:  # it can be played as it is; why the film ended is told by the caller
            self.kept = self._part

    def _close_files(self) -> None:
        self._open = False
        av = import_av()
        self._held = None
        for part in (self._container, self._file):
            with contextlib.suppress(av.FFmpegError, OSError):  # what it writes is thrown away
                part.close()

    def _start_encoder(self, crf: int) -> None:
        av = import_av()
        from av.video.reformatter import VideoReformatter

        if "libx264" not in av.codecs_available:
            raise SinkError(
                f"cannot write {self.path}: this build of PyAV has no H.264 encoder (libx264)",
                hint="install PyAV from PyPI: pip install --force-reinstall --no-deps av",
            )
        self._to_coded = VideoReformatter()
        try:
            # Written through a file of our own: FFmpeg's does not report an end that failed.
            self._file = self._part.open("wb")
            self._container = av.open(
                self._file, "w", format="mp4", container_options=_CONTAINER_OPTIONS
            )
            self._open = True
            self._stream = self._container.add_stream(
                "libx264",
                rate=Fraction(self._fps).limit_denominator(1001),
                options={**_ENCODER_OPTIONS, "crf": str(crf)},
            )
            self._stream.width, self._stream.height = self.coded_wh
            self._stream.pix_fmt = "yuv420p"
            self._stream.time_base = _TIME_BASE
            codec = self._stream.codec_context
            codec.time_base = _TIME_BASE
            codec.gop_size = _NO_AUTOMATIC_KEYFRAMES
            codec.colorspace = _MATRIX_BT601
            codec.color_primaries = _PRIMARIES_BT709
            codec.color_trc = _TRANSFER_BT709
            codec.color_range = _RANGE_LIMITED
            self._container.start_encoding()
            self._file.flush()
            self._head_bytes = self._file.tell()
        except (av.FFmpegError, OSError) as exc:
            self.discard()
            raise write_error(self.path, exc) from exc

    def _to_yuv(self, picture: np.ndarray) -> VideoFrame:
        """The picture as an even-sized yuv420p frame of PyAV."""
        av = import_av()
        width, height = self.size_wh
        if picture.shape != (height, width, 3) or picture.dtype != np.uint8:
            raise SinkError(
                f"{self.label} was opened for {width}x{height} uint8 BGR, "
                f"but got {picture.dtype} of shape {picture.shape}",
                hint="the size must not change within one file",
            )
        if self.coded_wh != self.size_wh:
            picture = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        bgr = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(picture), format="bgr24")
        return self._to_coded.reformat(
            bgr,
            format="yuv420p",
            dst_colorspace=_SWS_BT601,
            dst_color_range=_RANGE_LIMITED,
            interpolation=_SWS_BILINEAR_ROUNDED,
        )

    def _pts(self, captured_ns: int) -> int:
        """Time since the first picture in ticks of the file's clock."""
        if self._first_ns is None:
            self._first_ns = self._last_ns = captured_ns
        elif captured_ns <= self._last_ns:
            raise SinkError(
                f"{self.label}: a picture at {captured_ns} ns came after one at {self._last_ns} ns",
                hint="the time stamps of the source must grow",
            )
        self._last_ns = captured_ns
        ticks = (2 * _CLOCK_HZ * (captured_ns - self._first_ns) + 10**9) // (2 * 10**9)
        # Two pictures within one tick of 11 microseconds: the file needs growing times.
        self._last_pts = max(ticks, self._last_pts + 1)
        return self._last_pts

    def _mux(self, packet: Packet | None) -> None:
        """Write the packet held back, as long as until ``packet``; None ends the film.

        The last picture is shown as long as the one before it.
        """
        held, self._held = self._held, packet
        if held is None or held.pts is None:
            return
        if packet is not None and packet.pts is not None:
            self._last_ticks = packet.pts - held.pts
        held.duration = self._last_ticks
        self._container.mux(held)
        self._file.flush()
        self._whole_bytes = self._file.tell()  # FFmpeg writes a fragment in one go
