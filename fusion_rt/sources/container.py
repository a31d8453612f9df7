"""Opening a video file and choosing its track, before anything is decoded."""

from __future__ import annotations

import os
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SourceError, UsageError
from ..pyav import import_av

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_PEEK_PACKETS = 500


def open_container(path: Path) -> InputContainer:
    """Open a video file with FFmpeg.

    Raises:
        SourceError: missing, a folder, empty or not a video.
    """
    av = import_av()
    if not path.exists():
        from .listing import missing

        raise missing(path)
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError(f"{path} is empty", hint="record it again")
    try:
        # The prefix keeps FFmpeg from taking a colon in the name for a network protocol.
        container = av.open(f"file:{path}")
    except av.error.FFmpegError as exc:
        if isinstance(exc, OSError):
            raise SourceError(
                f"{path} cannot be opened: {os.strerror(exc.errno or 0)}",
                hint="check name and rights",
            ) from exc
        raise SourceError(
            f"{path} cannot be read as a video: {exc.strerror}",
            hint="it is no video file, or its recording was cut off before its index was written",
        ) from exc
    if container.format.name == "tty":  # FFmpeg draws any text file as a film
        container.close()
        raise SourceError(f"{path} is a text file, not a video", hint="name a video file")
    return container


def choose_track(container: InputContainer, path: Path, number: int) -> VideoStream:
    """The n-th video track, from 0; covers do not count.

    Raises:
        SourceError: no video track, or no decoder for it.
        UsageError: fewer video tracks than that.
    """
    tracks = video_tracks(container)
    if not tracks:
        raise SourceError(f"{path} has no video track; it holds {_contents(container)}")
    if number >= len(tracks):
        raise UsageError(
            f"{path} has no video track {number}, it has {len(tracks)}",
            hint=f"track counts from 0; the last one is track={len(tracks) - 1}",
        )
    track = tracks[number]
    # FFmpeg leaves this out for codecs it cannot decode and for tracks cut off in their first
    # frame; decoding such a track would end the process.
    if track.codec_context is None:
        raise SourceError(
            f"{path}: video track {number} cannot be decoded",
            hint="its codec is not known here, or it was cut off inside its first frame",
        )
    return track


def video_tracks(container: InputContainer) -> list[VideoStream]:
    """Video tracks in the order of the file, without covers."""
    from av.stream import Disposition

    cover = Disposition.attached_pic
    # PyAV gives a number or a flag, depending on its version.
    return [t for t in container.streams.video if not Disposition(t.disposition) & cover]


def start_of_tracks(container: InputContainer, path: Path) -> Fraction:
    """Time in s at which the earliest video track begins: zero of the recording for all of them.

    Taken from the tracks, as the container's own figure is rounded to microseconds.
    """
    tracks = video_tracks(container)
    starts = {
        t.index: Fraction(t.start_time) * t.time_base
        for t in tracks
        if t.start_time is not None and t.time_base is not None
    }
    if len(starts) < len(tracks):  # FFmpeg did not look far enough
        starts = {**_first_times(path), **starts}
    return min(starts.values(), default=Fraction(0))


def _first_times(path: Path) -> dict[int, Fraction]:
    """First time stamp in s of each video track, read from the first packets."""
    av = import_av()
    found: dict[int, Fraction] = {}
    with open_container(path) as container:
        wanted = {track.index for track in video_tracks(container)}
        try:
            for count, packet in enumerate(container.demux(video_tracks(container))):
                if packet.pts is not None:
                    found.setdefault(packet.stream.index, packet.pts * packet.time_base)
                if found.keys() == wanted or count == _PEEK_PACKETS:
                    break
        except av.error.FFmpegError:
            return found  # whoever decodes the file says where it breaks off
    return found


def _contents(container: InputContainer) -> str:
    kinds = Counter(
        f"{stream.type} ({stream.codec_context.name})" if stream.codec_context else stream.type
        for stream in container.streams
    )
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "no tracks at all"
