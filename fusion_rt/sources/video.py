"""Video files with their own time stamps."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import SourceError, TruncatedSourceError
from ..frame import Frame, Sensor
from .base import Source, SourceInfo
from .completeness import missing_bytes
from .container import choose_track, open_container, start_of_tracks
from .planes import FrameConverter
from .ticks import as_seconds, to_ns
from .uri import SourceUri, track_number

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream


class _BreakError(Exception):
    """The recording breaks off; the text says why."""


class VideoSource(Source):
    """Frames of one video track in order of time, each stamped exactly as the file says.

    ``captured_ns`` counts from the start of the earliest video track in the file, so two tracks of
    one file keep their offset. A recording that is damaged or too short delivers every good frame
    first and raises `TruncatedSourceError` then; so does one whose time stamps run backwards.
    """

    def __init__(self, uri: SourceUri, sensor: Sensor) -> None:
        """Open the file and decode its first frame.

        Raises:
            UsageError: a wrong or too high track number.
            SourceError: not a readable video, or without a single good frame.
        """
        self._path = Path(uri.path)
        self._container = open_container(self._path)
        try:
            self._open_track(uri, sensor)
        except BaseException:
            self._container.close()
            raise

    def _open_track(self, uri: SourceUri, sensor: Sensor) -> None:
        number = track_number(uri.options.get("track", "0"), uri.text)
        self._track = choose_track(self._container, self._path, number)
        self._start = start_of_tracks(self._container, self._path)
        self._rate = self._track.average_rate or self._track.guessed_rate
        _set_threads(self._track.codec_context)
        self._converter = FrameConverter(sensor)
        self._decoded = _good_frames(self._container, self._track)
        self._count = 0
        self._last: Fraction | None = None
        self._longest_step = Fraction(0)
        self._error: SourceError | None = None
        self._ended = self._closed = False
        self._notes: tuple[str, ...] = ()

        begun_ns = time.monotonic_ns()
        try:
            first = next(self._decoded, None)
        except _BreakError as exc:
            raise SourceError(
                f"{self._path} breaks off before its first frame: {exc}", hint="record it again"
            ) from exc
        if first is None:
            raise SourceError(f"{self._path} holds no frame", hint="record it again")
        try:
            image, note = self._converter.pixels(first, describe=True)
        except SourceError as exc:
            raise SourceError(f"{self._path}: {exc}", hint=exc.hint) from None
        self._coded_wh = (first.width, first.height)
        self._first: tuple[np.ndarray, Fraction] | None = (image, self._time_of(first))
        self._first_cost_ns = time.monotonic_ns() - begun_ns
        self._info = SourceInfo(
            uri=uri.text,
            kind="video",
            sensor=sensor,
            size_wh=(image.shape[1], image.shape[0]),
            bit_depth=image.dtype.itemsize * 8,
            fps=float(self._rate) if self._rate else None,
            frame_count=self._track.frames or None,
            notes=((note,) if note else ()) + self._notes,
        )

    def read(self) -> Frame | None:
        """The next frame; None at the end of a recording that is whole.

        The time between ``begun_ns`` and ``arrived_ns`` is that of decoding and converting. For
        the first frame it is what that took when the file was opened.

        Raises:
            TruncatedSourceError: the recording breaks off here; again at every later call.
            SourceError: the picture's size changes.
        """
        if self._closed:
            raise SourceError(f"{self._path} is closed", hint="open it again")
        if self._error is not None:
            raise self._error
        if self._ended:
            return None
        try:
            return self._next()
        except SourceError as exc:
            self._error = exc
            raise

    def close(self) -> None:
        """Release the file and the decoder."""
        self._closed = True
        if inspect.getgeneratorstate(self._decoded) == inspect.GEN_RUNNING:
            return  # a read hangs in another thread; to close the file under it would crash
        self._decoded.close()
        self._container.close()

    def _next(self) -> Frame | None:
        begun_ns = time.monotonic_ns()
        if self._first is not None:
            (image, at), self._first = self._first, None
            return self._frame(image, at, begun_ns - self._first_cost_ns)
        try:
            decoded = next(self._decoded, None)
        except _BreakError as exc:
            raise self._broken(str(exc)) from exc
        if decoded is None:
            self._check_complete()
            self._ended = True
            return None
        if (decoded.width, decoded.height) != self._coded_wh:
            raise SourceError(
                f"{self._path} changes from {self._coded_wh[0]}x{self._coded_wh[1]} to "
                f"{decoded.width}x{decoded.height} after frame {self._count - 1}",
                hint="cut the recording there and use the parts one by one",
            )
        at = self._time_of(decoded)
        if self._last is not None and at <= self._last:
            raise self._broken(f"the next time stamp goes back to {as_seconds(to_ns(at))}")
        image, _ = self._converter.pixels(decoded)
        return self._frame(image, at, begun_ns)

    def _frame(self, image: np.ndarray, at: Fraction, begun_ns: int) -> Frame:
        if self._last is not None:
            self._longest_step = max(self._longest_step, at - self._last)
        self._last = at
        seq, self._count = self._count, self._count + 1
        return Frame(
            image=image,
            captured_ns=to_ns(at),
            seq=seq,
            begun_ns=begun_ns,
            arrived_ns=time.monotonic_ns(),
        )

    def _time_of(self, decoded: VideoFrame) -> Fraction:
        if decoded.pts is not None and decoded.time_base is not None:
            return decoded.pts * decoded.time_base - self._start
        if not self._rate:
            raise SourceError(
                f"{self._path} has neither time stamps nor a frame rate",
                hint="put it into a container with time stamps, for instance Matroska",
            )
        self._add_note(
            "frames without a time stamp are timed by the average rate of "
            f"{float(self._rate):g} frames/s"
        )
        return Fraction(0) if self._last is None else self._last + 1 / self._rate

    def _add_note(self, note: str) -> None:
        if note in self._notes:
            return
        self._notes = (*self._notes, note)
        if self._count:  # before the first frame is handed out there is no info yet
            self._info = replace(self._info, notes=(*self._info.notes, note))

    def _check_complete(self) -> None:
        """Raise where the file promises more than it held."""
        promised = self._track.frames
        if promised and self._count >= promised:
            return
        lost = missing_bytes(self._path)
        if lost:
            frames = f", {promised} frames were promised" if promised else ""
            raise self._broken(f"the file is at least {lost} bytes too short{frames}")
        end = _promised_end(self._container, self._track)
        if end is None or self._last is None:
            return
        # Between the last frame and the end lies that frame's own duration, hence the allowance.
        left = end - self._start - self._last
        if left > 2 * max(self._longest_step, 1 / self._rate if self._rate else Fraction(1)):
            raise self._broken(f"its header promises {as_seconds(to_ns(end - self._start))}")

    def _broken(self, reason: str) -> TruncatedSourceError:
        at = as_seconds(to_ns(self._last or Fraction(0)))
        return TruncatedSourceError(
            f"{self._path} breaks off after frame {self._count - 1} ({at}): {reason}",
            hint="the frames up to there are used; copy or record the file again for the rest",
        )


def _set_threads(codec: VideoCodecContext) -> None:
    """One decoder thread, but several for FFV1.

    FFmpeg marks the frames that it had to patch only so: with slice threads its error concealment
    is off, and with frame threads good frames are lost along with a bad one. One thread holds no
    queue of frames either, and decodes H.264 several times faster than FFV1, where every slice is
    coded by itself and threads lose nothing.
    """
    if codec.name == "ffv1":
        codec.thread_type, codec.thread_count = "SLICE", 0
    else:
        codec.thread_count = 1


def _good_frames(
    container: InputContainer, track: VideoStream
) -> Generator[VideoFrame, None, None]:
    """Frames in order of presentation, up to the first that is damaged.

    Raises:
        _BreakError: after the last good frame, where it is not the end of the file.
    """
    from av.error import FFmpegError

    packets = container.demux(track)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError as exc:
            reason = f"the file cannot be read on ({exc.strerror})"
            break
        if packet is None:
            return
        if packet.is_corrupt:
            reason = "its last picture is cut short"
            break
        try:
            frames = packet.decode()
        except FFmpegError as exc:
            reason = f"a picture cannot be decoded ({exc.strerror})"
            break
        for frame in frames:
            if frame.is_corrupt:
                raise _BreakError("the next picture is damaged")
            yield frame
    # Frames that wait for their turn in the decoder are good; a second failure adds nothing.
    with suppress(FFmpegError):
        for frame in track.decode(None):
            if frame.is_corrupt:
                break
            yield frame
    raise _BreakError(reason)


def _promised_end(container: InputContainer, track: VideoStream) -> Fraction | None:
    """End of the track in s as a Matroska header has it; None where nothing is promised.

    Other containers either say nothing or are judged by their size and number of frames.
    """
    if "matroska" not in container.format.name:
        return None
    stated = track.metadata.get("DURATION", "")
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stated)
    if match:
        return 3600 * int(match[1]) + 60 * int(match[2]) + Fraction(match[3])
    if len(container.streams) == 1 and container.duration:
        return Fraction(container.duration, 1_000_000)
    return None
