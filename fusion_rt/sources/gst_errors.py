"""What GStreamer says went wrong, as errors that say what to do."""

from __future__ import annotations

import difflib
import re
from typing import Any

from ..errors import SourceError, UsageError
from .gst_library import GstLibrary
from .live import CameraLostError
from .uri import redacted

# Beginnings of element names and the package that holds them; the first that fits counts.
_PACKAGES = (
    (r"nv(arguscamerasrc|v4l2|vidconv|jpeg|compositor|ivafilter)", "the GStreamer of JetPack"),
    (r"(nv|va(?!api)|qsv|msdk|v4l2sl|openh264|srt|rtmp|uvch264|decklink)", "plugins-bad"),
    (r"(h26[345]parse|jpegparse|mpegvideoparse|tsdemux|tsparse|libde265)", "plugins-bad"),
    (r"x264", "plugins-ugly"),
    (r"av(dec|enc|demux|mux)_", "libav"),
    (r"vaapi", "vaapi"),
    (r"libcamera", "libcamera"),
    (r"pipewire", "pipewire"),
    (r"(rtp|rtsp|udp|v4l2|jpeg|souphttp|multipart|multifile|matroska|qt|avi|flv)", "plugins-good"),
    (r"(videocrop|videoflip|videobox|videobalance|deinterlace|vp[89])", "plugins-good"),
    (r"(video|decodebin|uridecodebin|parsebin|playbin|app|tcp|rawvideo|ogg)", "plugins-base"),
)
_NO_ELEMENT = re.compile(r'no element "([^"]+)"')
_FLOW_FAULT = re.compile(r"reason (not-negotiated|not-linked)")
# How rtspsrc says that nobody answers, behind a general word and before another one.
_NO_CONNECTION = "Failed to connect. (Generic error)"
# Errors that no waiting mends, by the names of GStreamer's error domains.
_LASTING = {
    "CoreError": ("MISSING_PLUGIN", "NEGOTIATION", "CAPS"),
    "StreamError": ("NOT_IMPLEMENTED", "CODEC_NOT_FOUND"),
    "ResourceError": ("NOT_AUTHORIZED", "SETTINGS"),
}


def missing_element(library: GstLibrary, element: str, name: str) -> SourceError:
    """An element that is not installed, or whose name is misspelt.

    Args:
        element: its name.
        name: of the camera, for the message.
    """
    package = package_of(element)
    features = library.gst.Registry.get().get_feature_list(library.gst.ElementFactory)
    near = difflib.get_close_matches(element, [f.get_name() for f in features], n=1, cutoff=0.8)
    steps = [f"did you mean {near[0]}?"] if near else []
    if package and " " in package:
        steps.append(f"it is a part of {package}")
    elif package:
        steps.append(f"sudo apt install {package}")
    hint = "; or ".join(steps) or "gst-inspect-1.0 lists the elements that are installed"
    return SourceError(f"{name}: GStreamer has no element '{element}' here", hint=hint)


def package_of(element: str) -> str | None:
    """The Debian package of an element, or a name with blanks where it is no such package."""
    for pattern, package in _PACKAGES:
        if re.match(pattern, element):
            return package if " " in package else f"gstreamer1.0-{package}"
    return None


def refused_text(library: GstLibrary, error: Exception, name: str) -> SourceError | UsageError:
    """What to say of a pipeline's text that GStreamer refused.

    Args:
        error: the GLib.Error of its parser.
        name: of the camera, for the message.
    """
    message = redacted(getattr(error, "message", str(error)))
    missing = _NO_ELEMENT.match(message)
    if missing:
        return missing_element(library, missing[1], name)
    return UsageError(
        f"{name}: GStreamer refuses the pipeline: {message}",
        hint="try it by gst-launch-1.0, with '! videoconvert ! autovideosink' at its end",
    )


def failure(library: GstLibrary, message: Any, name: str, offered: str = "") -> SourceError:
    """An error message of the bus as an error of ours, in the element's own words.

    Args:
        message: a Gst.Message of type ERROR.
        name: of the camera, for the message.
        offered: pixel formats that reach the appsink but do not fit; empty where they fit.
    Returns:
        `SourceError` where it will fail again, as something is missing or set wrongly, else
        `CameraLostError`.
    """
    error, debug = message.parse_error()
    words = error_words(error.message, debug)
    if _NO_CONNECTION in words:
        return CameraLostError(
            f"{name}: cannot connect",
            hint="check address and port, and that the camera is switched on and can be reached",
        )
    text = f"{name}: {message.src.get_name() if message.src else 'GStreamer'}: {words}"
    flow = _FLOW_FAULT.search(debug or "")
    if flow and offered:
        return SourceError(
            f"{name}: the pipeline gives {offered} to its appsink, which takes raw pictures",
            hint="put '! videoconvert' before the appsink, after a decoder where it is needed",
        )
    if flow:
        return SourceError(text, hint="neighbours in the pipeline do not fit: try ! videoconvert")
    if _is(library, error, "ResourceError", "NOT_AUTHORIZED"):
        return SourceError(text, hint="check name and password: rtsp://name:password@host/path")
    if _is(library, error, "CoreError", "MISSING_PLUGIN") or _is(
        library, error, "StreamError", "CODEC_NOT_FOUND"
    ):
        return SourceError(
            text, hint="sudo apt install gstreamer1.0-libav gstreamer1.0-plugins-bad"
        )
    if any(_is(library, error, domain, *names) for domain, names in _LASTING.items()):
        return SourceError(text, hint="change the camera's settings or its pipeline")
    return CameraLostError(text, hint="check that the camera is switched on and can be reached")


def error_words(message: str, debug: str | None) -> str:
    """GStreamer's message and the detail behind it, in one line and without passwords.

    Args:
        message: the text for users, often general.
        debug: where it happened, then on lines of its own what happened; may be missing.
    """
    detail = " ".join((debug or "").split("\n")[1:]).strip()
    general = message.strip().rstrip(".")
    return redacted(f"{general}: {detail}" if detail.rstrip(".") not in ("", general) else general)


def _is(library: GstLibrary, error: Any, domain: str, *names: str) -> bool:
    kind = getattr(library.gst, domain)
    return any(error.matches(kind.quark(), getattr(kind, name)) for name in names)
