"""Network cameras by PyAV: RTSP, HTTP, and transport streams over UDP or TCP."""

from __future__ import annotations

from dataclasses import replace

from ..camera_settings import CameraSettings
from ..decoder_log import DecoderLog
from ..errors import SourceError, UsageError
from ..frame import Frame, Sensor
from .base import SourceInfo
from .live import CameraLostError, LiveSource
from .network_open import choose_stream, open_stream
from .network_reader import Decoded, StreamReader
from .network_reports import reports_can_be_read
from .planes import FrameConverter
from .uri import parse_uri

# A stream that was joined between two key frames shows nothing until the next one.
_FIRST_PICTURE_S = 6.0
_END_S = 1.0  # what closing may take beyond the time-out
_HIGHEST_FPS = 480  # where nothing is known FFmpeg tells the rate of its own clock


def open_network(camera: CameraSettings, sensor: Sensor) -> LiveSource:
    """Connect to a network camera and wait for its first picture.

    Its capture times come from its sender reports where it sends them and its clock is set
    (``info.clock`` is then "sender", some seconds after the start), else from its time stamps and
    the fastest arrivals. See `fusion_rt.sender_clock`.

    Args:
        camera: uses ``uri``, ``transport``, ``timeout_s`` and ``latency_ms``.
        sensor: which of the two cameras it is.

    Raises:
        CameraLostError: it is not there now.
        SourceError: it cannot be used like this: wrong password, no video, unknown codec.
    """
    if parse_uri(camera.uri).kind != "network":
        raise UsageError(f"{camera.name} is no network address", hint="write rtsp://host/path")
    log = DecoderLog()
    container = open_stream(camera, log)
    try:
        reader = StreamReader(camera, container, choose_stream(container, camera), log)
    except BaseException:
        container.close()
        raise
    reader.start()
    return NetworkSource(camera, sensor, reader, log)


class NetworkSource(LiveSource):
    """A running stream; a thread of its own reads it, see `network_reader`."""

    def __init__(
        self, camera: CameraSettings, sensor: Sensor, reader: StreamReader, log: DecoderLog
    ) -> None:
        """Take over a reader that runs; see `open_network`."""
        self._camera = camera
        self._reader = reader
        self._log = log
        self._converter = FrameConverter(sensor)
        self._closed = False
        try:
            self._first: Frame | None = self._wait_for_first(sensor)
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> SourceInfo:
        """Facts known by now: ``clock`` may change while the camera runs."""
        if self._info.clock != self._reader.clock.kind:
            self._info = replace(self._info, clock=self._reader.clock.kind)
        return self._info

    @property
    def log_lines(self) -> tuple[str, ...]:
        """The last lines that FFmpeg wrote about this stream, oldest first."""
        return self._log.lines

    @property
    def damaged(self) -> int:
        """Pictures left out so far because parts of them, or of those before, were missing."""
        return self._reader.damaged

    @property
    def skipped(self) -> int:
        """Pictures left out so far because decoding could not keep up."""
        return self._reader.skipped

    def poll(self, timeout_s: float) -> Frame | None:
        """See `LiveSource.poll`."""
        if self._closed:
            raise SourceError(f"{self._camera.name} is closed", hint="open it again")
        first, self._first = self._first, None
        decoded = self._reader.newest.get(0 if first else timeout_s)
        if decoded is not None:
            return self._frame(decoded)
        if first is None:
            self._raise_end()
        return first

    def close(self) -> None:
        """Close the connection; waits no longer than its time-out where the camera is silent."""
        self._closed = True
        self._reader.newest.close()
        self._reader.join(self._camera.timeout_s + _END_S)
        # Its traceback leads back to us: such a circle would keep the converter and its threads.
        self._reader.error = None

    def _wait_for_first(self, sensor: Sensor) -> Frame:
        decoded = self._reader.newest.get(_FIRST_PICTURE_S)
        if decoded is None:
            self._raise_end()
            raise CameraLostError(
                f"{self._camera.name}: connected, but no whole picture in {_FIRST_PICTURE_S:g} s",
                hint="set the camera to a key frame (I frame) every second",
            )
        frame, note = self._converted(decoded, describe=True)
        rate = self._reader.rate
        notes = [note] if note else []
        if not reports_can_be_read():
            notes.append(
                "PyAV before version 17 does not tell the sender's time: capture times are "
                "estimated from arrivals"
            )
        self._info = SourceInfo(
            uri=self._camera.name,
            kind="network",
            sensor=sensor,
            size_wh=frame.size_wh,
            bit_depth=frame.image.dtype.itemsize * 8,
            fps=rate if rate is not None and 0 < rate <= _HIGHEST_FPS else None,
            notes=tuple(notes),
            clock=self._reader.clock.kind,
        )
        return frame

    def _frame(self, decoded: Decoded) -> Frame:
        return self._converted(decoded)[0]

    def _converted(self, decoded: Decoded, *, describe: bool = False) -> tuple[Frame, str | None]:
        try:
            image, note = self._converter.pixels(decoded.frame, describe=describe)
        except SourceError as error:
            raise SourceError(f"{self._camera.name}: {error}", hint=error.hint) from None
        taken_ns = min(decoded.captured_ns, decoded.arrived_ns)  # a clock may be a little ahead
        return Frame(image, taken_ns, decoded.seq, taken_ns, decoded.arrived_ns), note

    def _raise_end(self) -> None:
        """Raise what ended the stream, if it ended."""
        if self._reader.newest.exhausted and self._reader.error is not None:
            raise self._reader.error
