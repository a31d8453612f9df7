"""The thread that reads and decodes one network stream."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..camera_settings import CameraSettings
from ..channel import Channel, ChannelClosed
from ..decoder_log import DecoderLog, Listener
from ..pyav import import_av
from ..sender_clock import SenderClock, wall_zero_ns
from .live import CameraLostError
from .network_guards import BacklogWatch, DamageGuard, StartGate
from .network_open import SILENCE
from .network_reports import SenderReports

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_SECOND = 1_000_000_000
_NO_TIME_STAMPS = 0x80  # AVFMT_NOTIMESTAMPS: FFmpeg only counts the pictures
# Where FFmpeg finds the end of a picture by the beginning of the next one, by container and codec.
_ENDLESS_CONTAINERS = ("rtsp", "h264", "hevc", "m4v", "nut")
_ENDLESS_CODECS = ("h264", "hevc", "mpeg4")
_PATIENCE = 0.5  # share of the time-out that damage may last


@dataclass(frozen=True, slots=True)
class Decoded:
    """A sound picture as the decoder gave it.

    Attributes:
        frame: of PyAV.
        captured_ns: monotonic time at which it was taken.
        seq: its number, damaged and passed over ones counted.
        arrived_ns: monotonic time at which it was decoded.
    """

    frame: VideoFrame
    captured_ns: int
    seq: int
    arrived_ns: int


class StreamReader(threading.Thread):
    """Reads without pause, so that no picture waits anywhere; keeps the newest one.

    Attributes:
        newest: holds one picture; ends when the stream does.
        error: why the stream ended; set before ``newest`` ends.
        clock: of the stream. Its ``kind`` may be read by any thread.
        rate: pictures in a second as the stream's head says; None where it does not.
        damaged: pictures left out because parts of them, or of those before, were missing.
        skipped: pictures left out because decoding could not keep up.
    """

    def __init__(
        self,
        camera: CameraSettings,
        container: InputContainer,
        track: VideoStream,
        log: DecoderLog,
    ) -> None:
        """Take over an open stream: it is closed on this thread, once started."""
        # A daemon, so that a driver call that never returns cannot keep the process alive.
        super().__init__(name=f"read {camera.name}", daemon=True)
        self.newest: Channel[Decoded] = Channel(1, "latest")
        self.error: BaseException | None = None
        self.damaged = self.skipped = 0
        self._camera = camera
        self._container = container
        self._track = track
        self._log = log
        self._own_times = not container.format.flags & _NO_TIME_STAMPS
        self._held_back = _is_held_back(container.format.name, track.codec_context.name)
        self.clock = SenderClock(wall_zero_ns(), held_back=self._held_back and self._own_times)
        self.rate = round(float(track.average_rate), 3) if track.average_rate else None
        self._reports = SenderReports(held_back=self._held_back)
        self._invalid_data = import_av().error.InvalidDataError
        self._seq = 0
        self._heard_ns = time.monotonic_ns()

    def run(self) -> None:
        """See `threading.Thread.run`."""
        try:
            with self._log.listening() as listener:
                try:
                    self._read(listener)
                finally:
                    self._container.close()
        except ChannelClosed:
            pass  # asked to end
        except BaseException as error:  # raised again by whoever polls
            self.error = self._explained(error)
        finally:
            self.newest.end()

    def _read(self, listener: Listener) -> None:
        gate, backlog = StartGate(), BacklogWatch()
        guard = DamageGuard(round(_PATIENCE * self._camera.timeout_s * _SECOND))
        packets = self._container.demux(self._track)
        while True:
            before_ns, asked_ns = self._heard_ns, time.monotonic_ns()
            packet = next(packets, None)
            now_ns = self._heard_ns = time.monotonic_ns()
            if packet is None or packet.size == 0:  # an empty one is FFmpeg's mark of the end
                break
            if listener.collect():
                guard.harm(now_ns)
            # A picture that is held back began to arrive when the one before was handed out.
            stamp_ns = self._stamp_ns(packet, before_ns if self._held_back else now_ns)
            self.clock.packet(stamp_ns, now_ns, self._reports.wall_ns(packet))
            live = gate.passes(stamp_ns, now_ns)
            if backlog.skips(now_ns - asked_ns, now_ns):
                guard.harm(now_ns)  # the next pictures are built on this one
                self.skipped += 1
                self._seq += 1
            else:
                self._decode(packet, stamp_ns, guard, live)
        raise CameraLostError(
            f"{self._camera.name}: the camera ended the stream", hint="it may be starting anew"
        )

    def _decode(self, packet: Packet, stamp_ns: int, guard: DamageGuard, live: bool) -> None:
        try:
            frames = packet.decode()
        except self._invalid_data:
            guard.harm(time.monotonic_ns())
            self.damaged += 1
            self._seq += 1
            return
        for frame in frames:
            seq, self._seq = self._seq, self._seq + 1
            now_ns = time.monotonic_ns()
            corrupt = frame.is_corrupt or packet.is_corrupt
            if not guard.passes(now_ns, key=frame.key_frame, corrupt=corrupt):
                self.damaged += 1
            elif live:
                taken_ns = self.clock.captured_ns(self._stamp_ns(frame, stamp_ns))
                self.newest.put(Decoded(frame, taken_ns, seq, now_ns))

    def _stamp_ns(self, item: Packet | VideoFrame, otherwise_ns: int) -> int:
        """Its time stamp in ns; the other one where the stream has none of its own."""
        base = item.time_base
        if not self._own_times or item.pts is None or base is None:
            return otherwise_ns
        return item.pts * base.numerator * _SECOND // base.denominator

    def _explained(self, error: BaseException) -> BaseException:
        """A failure of FFmpeg in words; anything else as it is."""
        if not isinstance(error, import_av().error.FFmpegError):
            return error
        silent_s = (time.monotonic_ns() - self._heard_ns) / _SECOND
        if silent_s >= SILENCE * self._camera.timeout_s:
            return CameraLostError(
                f"{self._camera.name}: no picture for {silent_s:.1f} s",
                hint="check its cable or radio link; timeout_s sets how long to wait",
            )
        lines = self._log.lines
        return CameraLostError(
            f"{self._camera.name}: the stream broke off ({error.strerror})",
            hint=f"FFmpeg said: {lines[-1]}" if lines else "the camera may be starting anew",
        )


def _is_held_back(container: str, codec: str) -> bool:
    """Whether FFmpeg hands out a picture only when the next one begins."""
    if container == "mpegts":  # the length of a picture is left open there
        return True
    return container in _ENDLESS_CONTAINERS and codec in _ENDLESS_CODECS
