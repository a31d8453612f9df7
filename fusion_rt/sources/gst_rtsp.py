"""The pipeline for an RTSP camera, put together around the codec that the camera names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from ..camera_settings import CameraSettings
from ..errors import SourceError, UsageError
from .gst_build import SINK, make, prepare_sink
from .gst_coded import WATCHED, CodedWatch
from .gst_errors import refused_text
from .gst_library import GstLibrary
from .gst_pipelines import rtp_tail

_PATIENCE = 0.5  # share of the time-out that damage may last


class RtspBuild:
    """An RTSP pipeline whose decoder is put in when the camera has named its codec.

    Attributes:
        pipeline: stopped.
        sink: its appsink.
        coded: tells which pictures are not whole.
        decoder: what decodes, in words; empty until the camera has named its codec.
    """

    def __init__(self, library: GstLibrary, camera: CameraSettings) -> None:
        """Build it; nothing is opened yet.

        Raises:
            SourceError: an element is missing.
            UsageError: the address has no host.
        """
        self.decoder = ""
        self._library = library
        self._name = camera.name
        self._fail: Callable[[SourceError], None] = lambda _: None
        self._linked = False
        self.coded = CodedWatch(library.gst, _PATIENCE * camera.timeout_s)
        gst = library.gst
        self.pipeline = gst.Pipeline.new(None)
        self._source = make(library, "rtspsrc", camera.name)
        self.sink = make(library, SINK, camera.name)
        prepare_sink(library, self.sink)
        self.pipeline.add(self._source)
        self.pipeline.add(self.sink)
        for key, value in rtsp_properties(camera).items():
            if self._source.find_property(key) is not None:
                self._source.set_property(key, value)
        gst.util_set_object_arg(self._source, "protocols", camera.transport)
        self._handlers = [
            self._source.connect("select-stream", self._select),
            self._source.connect("pad-added", self._link),
        ]

    def on_failure(self, fail: Callable[[SourceError], None]) -> None:
        """Who is to be told that the stream cannot be decoded."""
        self._fail = fail

    def release(self) -> None:
        """Let go of the callbacks, which otherwise keep the pipeline alive."""
        for handler in self._handlers:
            self._source.disconnect(handler)
        self._handlers.clear()

    def _select(self, _source: Any, _number: int, caps: Any) -> bool:
        return caps.get_structure(0).get_string("media") == "video" and not self._linked

    def _link(self, _source: Any, pad: Any) -> None:
        """Put the decoder between a new stream and the sink; runs on GStreamer's thread."""
        if self._linked:
            return
        caps = pad.get_current_caps() or pad.query_caps(None)
        codec = caps.get_structure(0).get_string("encoding-name") or "an unnamed codec"
        try:
            text = rtp_tail(codec, self._library.has)
            tail = _parse_tail(self._library, text, self._name)
        except (SourceError, UsageError) as error:
            self._fail(SourceError(f"{self._name}: {error}", hint=error.hint))
            return
        self._linked = True
        self.decoder = f"{codec} is decoded by {text.split(' ! ')[-2].split()[0]}"
        self.pipeline.add(tail)
        tail.get_static_pad("src").link(self.sink.get_static_pad("sink"))
        self.coded.watch(tail.get_by_name(WATCHED))
        tail.sync_state_with_parent()
        result = pad.link(tail.get_static_pad("sink"))
        if result != self._library.gst.PadLinkReturn.OK:
            self._fail(
                SourceError(
                    f"{self._name}: its {codec} stream does not fit the decoder "
                    f"({result.value_nick})",
                    hint="set library: pyav",
                )
            )


def rtsp_properties(camera: CameraSettings) -> dict[str, Any]:
    """Properties of rtspsrc for a camera. Name and password are none of the address there.

    Raises:
        UsageError: the address has no host.
    """
    address = urlsplit(camera.uri)
    if not address.hostname:
        raise UsageError(f"{camera.name} names no host", hint="write rtsp://host/path")
    patience_us = round(camera.timeout_s * 1e6)
    properties: dict[str, Any] = {
        "location": _without_login(address),
        "latency": round(camera.latency_ms or 0),
        "drop-on-latency": True,
        "tcp-timeout": patience_us,
        "timeout": patience_us,
        "add-reference-timestamp-meta": True,  # from GStreamer 1.22 on
    }
    if address.username is not None:
        properties["user-id"] = unquote(address.username)
        properties["user-pw"] = unquote(address.password or "")
    return properties


def _without_login(address: SplitResult) -> str:
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()


def _parse_tail(library: GstLibrary, text: str, name: str) -> Any:
    try:
        return library.gst.parse_bin_from_description(text, True)
    except library.error as error:
        raise refused_text(library, error, name) from error
