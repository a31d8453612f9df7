"""The one grammar that names a recording or a camera.

=============================  ==================================================
text                           meaning
=============================  ==================================================
``street.mp4``                 video file
``frames/``, ``shot.png``      folder of pictures, or one picture
``frames/ir_*.png``            pictures by pattern: ``*``, ``?``, ``[...]``
``synthetic:``                 built-in scene
``rtsp://user:pass@host/a``    network camera; also rtsps, http, https, udp, tcp, srt, rtmp
``/dev/video0``                camera of Video4Linux; also ``v4l2:/dev/video0``
``v4l2:usb-FLIR_Boson-...``    the same by its name below /dev/v4l/by-id
``v4l2:serial=1234``           the same by its USB serial number
``camera:0``                   camera of the system by number, where there is no Video4Linux
``csi:0?width=1920&height=1080&fps=30``  camera on the ribbon cable of a Jetson
``gst:v4l2src ! ... ``         pipeline of GStreamer without its sink
=============================  ==================================================

Recordings, ``synthetic:`` and ``csi:`` may end in options: ``frames/?fps=30``,
``both.mkv?track=1``. What follows the last ``?`` is taken as options only if it reads
``key=value&key=value``, so a ``?`` in a pattern stays one; a path that exists is always taken as it
stands. Nothing is taken off a network address or a pipeline; what those cameras can be asked for
stands in `fusion_rt.camera_settings`.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

from ..errors import UsageError

IMAGE_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "video": ("track",),
    "images": ("fps",),
    "v4l2": (),
    "camera": (),
    "csi": ("width", "height", "fps"),
}
LIVE_KINDS: Final = frozenset({"network", "v4l2", "camera", "csi", "gst"})
MAX_FPS: Final = 1000

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_OPTIONS = re.compile(r"[A-Za-z_]\w*=[^&=?]*(&[A-Za-z_]\w*=[^&=?]*)*")
_GLOB = re.compile(r"[*?\[]")
_NETWORK_SCHEMES = {"rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "srt"}
_KNOWN_SCHEMES = [*sorted(_NETWORK_SCHEMES), "camera", "csi", "gst", "synthetic", "v4l2"]
_VIDEO_DEVICE = re.compile(r"/dev/(video\d+|v4l/.+)")
_VIDEO4LINUX_MAJOR = 81  # Linux, Documentation/admin-guide/devices.txt
# The login of an address. Where it holds a colon all is taken up to the last @, as a password may
# hold any sign, if by mistake; a path with an @ is then hidden in part, which does no harm.
_LOGIN = re.compile(r"://([^\s\"'/?#:]*)(:[^\s\"']*)?@")
_SECRET = re.compile(
    r"(?<![a-z])((?:pass|passwd|password|passphrase|pwd|pw|token|auth|apikey|key|secret|sig)=)"
    r"(\"[^\"]*\"|'[^']*'|[^&\s\"']+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SourceUri:
    """A recording or camera as the user named it, taken apart.

    Attributes:
        kind: "video", "images" or "synthetic"; of cameras "network", "v4l2", "camera",
            "csi" or "gst".
        path: file, folder or pattern; the whole address of a network camera, its password
            included; otherwise what stands after the scheme's colon.
        options: text of each option. They are checked for their names, but those of a synthetic
            scene are left to it.
        text: as the user wrote it, for messages and reports: without passwords.
    """

    kind: str
    path: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def name(self) -> str:
        """Short name for messages: the last part of the path."""
        if self.live:
            return self.text
        return Path(self.path).name or self.path

    @property
    def live(self) -> bool:
        """Whether this is a camera, not a recording."""
        return self.kind in LIVE_KINDS


def redacted(text: str) -> str:
    """Text without the passwords in it: those of addresses, and of ``password=...`` and its like.

    For whatever may be shown or kept: messages, reports, logs. Rather hides too much.
    """
    text = _LOGIN.sub(_hide_login, text)
    return _SECRET.sub(r"\1***", text)


def parse_uri(text: str) -> SourceUri:
    """Take a source's name apart; looks at the file system, opens nothing.

    Raises:
        UsageError: empty text, unknown scheme or option.
    """
    if not text.strip():
        raise UsageError(
            "the source's name is empty", hint="name a video file, a folder or synthetic:"
        )
    camera = _SCHEME.match(text)
    if camera and camera[1].lower() in _NETWORK_SCHEMES:
        return _network_uri(camera[1], text)
    if camera and camera[1].lower() == "gst":
        return _pipeline_uri(text[camera.end() :].strip(), text)
    if os.path.exists(text):
        return _file_uri(text, {}, text)
    path, options = _split_options(text)
    scheme = _SCHEME.match(path)
    if scheme and not os.path.exists(path):
        return _scheme_uri(scheme[1].lower(), path[scheme.end() :], options, text)
    return _file_uri(path, options, text)


def check_options(options: Iterable[str], known: Iterable[str], text: str) -> None:
    """Refuse an option that the source does not know.

    Raises:
        UsageError: names it, the known ones and the nearest of them.
    """
    known = sorted(known)
    for key in options:
        if key not in known:
            raise UsageError(
                f"{text}: unknown option '{key}', known here: {', '.join(known) or 'none'}",
                hint=_nearest(key, known) or "leave the option out",
            )


def frames_per_second(text: str, uri: str) -> Fraction:
    """Frame rate from an option's text, exactly: ``25``, ``29.97`` or ``30000/1001``.

    Raises:
        UsageError: not a number, not above 0, or above 1000.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError(
            f"{uri}: fps is '{text}', but must be a number",
            hint="for instance fps=25, fps=29.97 or fps=30000/1001",
        ) from None
    if not 0 < rate <= MAX_FPS:
        raise UsageError(
            f"{uri}: fps is {text}, but must be above 0 and up to {MAX_FPS}",
            hint="for instance fps=25",
        )
    return rate


def track_number(text: str, uri: str) -> int:
    """Number of a video track from an option's text, counted from 0.

    Raises:
        UsageError: not a whole number from 0 on.
    """
    if not (text.isascii() and text.isdigit()):
        raise UsageError(
            f"{uri}: track is '{text}', but must be a whole number from 0 on",
            hint="track=0 is the first video track",
        )
    return int(text)


def _split_options(text: str) -> tuple[str, dict[str, str]]:
    path, mark, tail = text.rpartition("?")
    if not mark or not _OPTIONS.fullmatch(tail):
        return text, {}
    options: dict[str, str] = {}
    for item in tail.split("&"):
        key, _, value = item.partition("=")
        if key in options:
            raise UsageError(f"{text}: option '{key}' is given twice", hint="give it once")
        options[key] = value
    return path, options


def _scheme_uri(scheme: str, rest: str, options: dict[str, str], text: str) -> SourceUri:
    if scheme == "synthetic":
        return SourceUri("synthetic", rest, options, text)
    if scheme in ("v4l2", "camera", "csi"):
        check_options(options, OPTIONS[scheme], text)
        if not rest:
            example = "/dev/video0" if scheme == "v4l2" else "0"
            raise UsageError(f"{text} names no camera", hint=f"for instance {scheme}:{example}")
        return SourceUri(scheme, rest, options, text)
    raise UsageError(
        f"{text}: unknown scheme '{scheme}:', known here: {', '.join(_KNOWN_SCHEMES)}",
        hint=_nearest(scheme, _KNOWN_SCHEMES) or "name a video file, a folder or synthetic:",
    )


def _network_uri(scheme: str, text: str) -> SourceUri:
    address = text[len(scheme) + 1 :]
    if not address.startswith("//") or not address.strip("/"):
        raise UsageError(
            f"{redacted(text)} is no network address", hint=f"write {scheme.lower()}://host/path"
        )
    return SourceUri("network", text, {}, redacted(text))


def _pipeline_uri(pipeline: str, text: str) -> SourceUri:
    if not pipeline:
        raise UsageError("gst: has no pipeline", hint="for instance gst:v4l2src ! videoconvert")
    return SourceUri("gst", pipeline, {}, redacted(text))


def _hide_login(match: re.Match[str]) -> str:
    if match[2]:
        return f"://{match[1]}:***@"
    return "://***@" if match[1] else match[0]  # udp://@:5000 has no login


def _file_uri(path: str, options: dict[str, str], text: str) -> SourceUri:
    if _VIDEO_DEVICE.fullmatch(path) or _is_video_device(path):
        check_options(options, OPTIONS["v4l2"], text)
        return SourceUri("v4l2", path, options, text)
    if Path(path).is_char_device():
        raise UsageError(
            f"{text} is a device, but no camera",
            hint="`fusion-rt sources` lists the cameras of this machine",
        )
    kind = "images" if _means_images(Path(path)) else "video"
    check_options(options, OPTIONS[kind], text)
    return SourceUri(kind, path, options, text)


def _is_video_device(path: str) -> bool:
    place = Path(path)
    return place.is_char_device() and os.major(place.stat().st_rdev) == _VIDEO4LINUX_MAJOR


def _means_images(path: Path) -> bool:
    if os.path.exists(path):
        return path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES
    # What is not there: a name without suffix was meant as a folder.
    return bool(_GLOB.search(str(path))) or path.suffix.lower() in IMAGE_SUFFIXES | {""}


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean '{near[0]}'?" if near else ""
