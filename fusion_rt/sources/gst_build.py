"""Pipelines made from text, with a sink that keeps the newest picture alone."""

from __future__ import annotations

import re
from typing import Any

from ..errors import UsageError
from .gst_errors import missing_element, refused_text
from .gst_library import GstLibrary
from .gst_pipelines import CONVERT, SINK_CAPS

SINK = "appsink"
_OWN_SINK = re.compile(r"(^|[\s!])appsink(\s|$)")
# Nothing waits for the time to show it either.
_NEWEST_ONLY = {
    "max-buffers": 1,
    "drop": True,
    "sync": False,
    "qos": False,
    "emit-signals": False,
    "enable-last-sample": False,
    "wait-on-eos": False,
}


def build_text(
    library: GstLibrary, text: str, name: str, properties: dict[str, dict[str, Any]] | None = None
) -> tuple[Any, Any]:
    """A pipeline from its text, and the appsink at its end, which is appended where it has none.

    Args:
        text: in the language of gst-launch-1.0.
        name: of the camera, for messages.
        properties: to be set, by the names of element and property.
    Returns:
        A stopped Gst.Pipeline and its sink.
    Raises:
        UsageError: GStreamer cannot read the text.
        SourceError: an element is missing.
    """
    ended = f"{text} ! {CONVERT} ! {SINK}"
    pipeline = _parse(library, text if _OWN_SINK.search(text) else ended, name)
    sinks = _elements(library, pipeline, SINK)
    if not sinks:  # the word stood for something else
        pipeline = _parse(library, ended, name)
        sinks = _elements(library, pipeline, SINK)
    if len(sinks) > 1:
        raise UsageError(f"{name}: the pipeline has {len(sinks)} appsinks", hint="leave one")
    for element, values in (properties or {}).items():
        for key, value in values.items():
            pipeline.get_by_name(element).set_property(key, value)
    prepare_sink(library, sinks[0])
    return pipeline, sinks[0]


def factories(library: GstLibrary, pipeline: Any) -> set[str]:
    """Names of the kinds of element in a pipeline, those inside bins included."""
    found = _walk(library, pipeline.iterate_recurse())
    return {e.get_factory().get_name() for e in found if e.get_factory() is not None}


def make(library: GstLibrary, element: str, name: str) -> Any:
    """A new element.

    Raises:
        SourceError: it is not installed; ``name`` is the camera's, for the message.
    """
    made = library.gst.ElementFactory.make(element, None)
    if made is None:
        raise missing_element(library, element, name)
    return made


def prepare_sink(library: GstLibrary, sink: Any) -> None:
    """Have an appsink keep the newest picture alone, in a format that can be read here."""
    for key, value in _NEWEST_ONLY.items():
        sink.set_property(key, value)
    if sink.get_property("caps") is None:  # a user may have set other ones
        sink.set_property("caps", library.gst.Caps.from_string(SINK_CAPS))


def _parse(library: GstLibrary, text: str, name: str) -> Any:
    try:
        return library.gst.parse_launch_full(text, None, library.gst.ParseFlags.FATAL_ERRORS)
    except library.error as error:
        raise refused_text(library, error, name) from error


def _elements(library: GstLibrary, pipeline: Any, factory: str) -> list[Any]:
    if not isinstance(pipeline, library.gst.Bin):  # a single element
        return []
    found = _walk(library, pipeline.iterate_recurse())
    return [e for e in found if e.get_factory() and e.get_factory().get_name() == factory]


def _walk(library: GstLibrary, iterator: Any) -> list[Any]:
    found: list[Any] = []
    while True:
        result, item = iterator.next()
        if result != library.gst.IteratorResult.OK:
            return found
        found.append(item)
