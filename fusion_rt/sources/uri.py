"""The one grammar that names a recording.

=============================  ==================================================
text                           meaning
=============================  ==================================================
``street.mp4``                 video file
``frames/``, ``shot.png``      folder of pictures, or one picture
``frames/ir_*.png``            pictures by pattern: ``*``, ``?``, ``[...]``
``synthetic:``                 built-in scene
=============================  ==================================================

Each may end in options: ``frames/?fps=30``, ``both.mkv?track=1``. What follows the last ``?`` is
taken as options only if it reads ``key=value&key=value``, so a ``?`` in a pattern stays one; a
path that exists is always taken as it stands.
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
OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {"video": ("track",), "images": ("fps",)}
MAX_FPS: Final = 1000

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_OPTIONS = re.compile(r"[A-Za-z_]\w*=[^&=?]*(&[A-Za-z_]\w*=[^&=?]*)*")
_GLOB = re.compile(r"[*?\[]")
_STREAM_SCHEMES = {"rtsp", "rtsps", "rtmp", "rtp", "http", "https", "udp", "tcp", "srt"}
_CAMERA_SCHEMES = {"v4l2", "gst", "gstreamer", "csi", "usb", "camera"}


@dataclass(frozen=True, slots=True)
class SourceUri:
    """A recording as the user named it, taken apart.

    Attributes:
        kind: "video", "images" or "synthetic".
        path: file, folder or pattern; for "synthetic" the name after the colon.
        options: text of each option. Those of files are checked for their names, those of a
            synthetic scene are left to it.
        text: as the user wrote it.
    """

    kind: str
    path: str
    options: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def name(self) -> str:
        """Short name for messages: the last part of the path."""
        return Path(self.path).name or self.path


def parse_uri(text: str) -> SourceUri:
    """Take a source's name apart; looks at the file system, opens nothing.

    Raises:
        UsageError: empty text, unknown scheme or option.
    """
    if not text.strip():
        raise UsageError(
            "the source's name is empty", hint="name a video file, a folder or synthetic:"
        )
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
    if scheme in _STREAM_SCHEMES | _CAMERA_SCHEMES:
        raise UsageError(
            f"{text}: live cameras ({scheme}:) are not supported by this version",
            hint="record the camera to a file first and name that file",
        )
    raise UsageError(
        f"{text}: unknown scheme '{scheme}:', known here: synthetic:",
        hint=_nearest(scheme, ["synthetic"]) or "name a video file, a folder or synthetic:",
    )


def _file_uri(path: str, options: dict[str, str], text: str) -> SourceUri:
    if Path(path).is_char_device():
        raise UsageError(
            f"{text} is a device: live cameras are not supported by this version",
            hint="record the camera to a file first and name that file",
        )
    kind = "images" if _means_images(Path(path)) else "video"
    check_options(options, OPTIONS[kind], text)
    return SourceUri(kind, path, options, text)


def _means_images(path: Path) -> bool:
    if os.path.exists(path):
        return path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES
    # What is not there: a name without suffix was meant as a folder.
    return bool(_GLOB.search(str(path))) or path.suffix.lower() in IMAGE_SUFFIXES | {""}


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean '{near[0]}'?" if near else ""
