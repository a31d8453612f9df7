"""Opening a network stream with FFmpeg so that nothing is buffered, and saying why it fails."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ..camera_settings import CameraSettings
from ..decoder_log import DecoderLog
from ..errors import SourceError
from ..pyav import import_av
from .container import video_tracks
from .live import CameraLostError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Share of the time-out after which a failure counts as silence: FFmpeg reports a wait that was cut
# off under several names.
SILENCE: Final = 0.95
_TRANSPORT_STREAMS: Final = ("udp", "srt")
_SOCKET_BYTES: Final = 1 << 21  # of UDP: a key frame comes all at once
_CAMERA_S_OWN: Final = "look it up in the camera's manual"

# By name of PyAV's error: whether it passes by itself, what is wrong, how to mend it.
_REFUSALS: Final = {
    "HTTPUnauthorizedError": (
        False,
        "the camera does not accept this name and password (401)",
        "write them into the address, rtsp://name:password@host/path, with @ : / ? # as "
        "%40 %3A %2F %3F %23",
    ),
    "HTTPForbiddenError": (
        False,
        "the camera forbids access (403)",
        "give this user the right to see live video in the camera's settings",
    ),
    "HTTPNotFoundError": (
        True,
        "the camera has no stream under this path (404)",
        f"{_CAMERA_S_OWN}; it often reads like /stream1 or /Streaming/Channels/101",
    ),
    "ConnectionRefusedError": (
        True,
        "connection refused",
        "check address and port, and that the camera's stream is switched on",
    ),
    "ProtocolNotFoundError": (
        False,
        "this PyAV was built without that protocol",
        "read it by GStreamer, for instance gst:srtsrc uri=... ! tsdemux ! decodebin",
    ),
}


def open_stream(camera: CameraSettings, log: DecoderLog) -> InputContainer:
    """Connect to a camera; waits for ``camera.timeout_s``, for a host's name maybe longer.

    Args:
        camera: with a network address.
        log: takes what FFmpeg says.

    Raises:
        CameraLostError: not there, or not now.
        SourceError: it will not work like this.
    """
    av = import_av()
    begun_s = time.monotonic()
    try:
        with log.listening():
            return av.open(
                camera.uri, options=_options(camera), timeout=(camera.timeout_s, camera.timeout_s)
            )
    except av.error.FFmpegError as error:
        waited_s = time.monotonic() - begun_s
        raise _explained(error, camera, log, waited_s) from None  # its text holds the password


def choose_stream(container: InputContainer, camera: CameraSettings) -> VideoStream:
    """The camera's video track, its decoder set up to hold nothing back.

    Raises:
        SourceError: no video track, or no decoder for it.
    """
    tracks = video_tracks(container)
    if not tracks:
        kinds = ", ".join(stream.type for stream in container.streams) or "nothing"
        raise SourceError(
            f"{camera.name} sends no video, but {kinds}", hint="name the camera's video stream"
        )
    track = tracks[0]
    if track.codec_context is None:
        raise SourceError(
            f"{camera.name} sends video that cannot be decoded here",
            hint="set the camera to H.264, H.265 or MJPEG",
        )
    from av.codec.context import Flags

    # Worker threads would hold back a picture each, and hide which one is damaged.
    track.codec_context.thread_count = 1
    track.codec_context.flags |= Flags.low_delay
    return track


def _options(camera: CameraSettings) -> dict[str, str]:
    """FFmpeg's options: no buffer, no look ahead for what comes with the first picture anyway."""
    options = {"fflags": "nobuffer", "probesize": "32768", "analyzeduration": "0"}
    scheme = camera.uri.partition(":")[0].lower()
    if scheme in ("rtsp", "rtsps"):
        options |= {
            "rtsp_transport": camera.transport,
            # With sound beside it, FFmpeg would shift the time stamps at every sender report.
            "allowed_media_types": "video",
            "buffer_size": str(_SOCKET_BYTES),
        }
        if camera.latency_ms is not None:
            options["max_delay"] = str(round(camera.latency_ms * 1000))
            if camera.latency_ms == 0:
                options["reorder_queue_size"] = "0"
    elif scheme in _TRANSPORT_STREAMS:
        # What it holds is said only now and then. Its packets are whole pictures as they come;
        # FFmpeg's search for the pictures' ends would hold back one more.
        options |= {
            "probesize": "500000",
            "analyzeduration": "500000",
            "fflags": "nobuffer+noparse",
            "overrun_nonfatal": "1",
            "buffer_size": str(_SOCKET_BYTES),
        }
    return options


def _explained(
    error: Exception, camera: CameraSettings, log: DecoderLog, waited_s: float
) -> SourceError:
    """What the camera's user can make of a failed connection."""
    name, said = camera.name, "; ".join(log.lines)
    refusal = _REFUSALS.get(type(error).__name__)
    if refusal is not None:
        passes, what, hint = refusal
        kind = CameraLostError if passes else SourceError
        return kind(f"{name}: {what}", hint=hint)
    if "461" in said and "SETUP" in said:
        other = {"tcp": "udp", "udp": "tcp"}[camera.transport]
        return SourceError(
            f"{name}: the camera does not send over {camera.transport}",
            hint=f"set transport: {other}",
        )
    if "Failed to resolve hostname" in said:
        return CameraLostError(
            f"{name}: the host's name is not known", hint="check it, or write the IP address"
        )
    if waited_s >= SILENCE * camera.timeout_s:
        return CameraLostError(
            f"{name}: no answer in {waited_s:.1f} s",
            hint="is it switched on and in this network? timeout_s sets how long to wait",
        )
    words = getattr(error, "strerror", None) or str(type(error).__name__)
    return CameraLostError(
        f"{name}: no video stream could be opened ({words})",
        hint=f"FFmpeg said: {log.lines[-1]}" if log.lines else _CAMERA_S_OWN,
    )
