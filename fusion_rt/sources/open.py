"""From a source's name to an open source."""

from __future__ import annotations

from ..errors import UsageError
from ..frame import Sensor
from .base import Source
from .uri import parse_uri


def open_source(text: str, sensor: Sensor) -> Source:
    """Open a recording or the built-in scene for one of the two cameras.

    Args:
        text: see `fusion_rt.sources.uri`.
        sensor: which camera it stands for; decides the kind of pixels that frames hold.

    Raises:
        UsageError: the name cannot be understood, or means a live camera.
        SourceError: it cannot be opened, or holds no picture.
    """
    uri = parse_uri(text)
    if uri.live:
        raise UsageError(
            f"{uri.text} is a live camera, not a recording",
            hint="use `fusion-rt run` for cameras",
        )
    # Each kind loads its own libraries, and only when it is asked for.
    if uri.kind == "synthetic":
        from .synthetic import open_synthetic

        return open_synthetic(uri, sensor)
    if uri.kind == "images":
        from .images import ImageSource

        return ImageSource(uri, sensor)
    from .video import VideoSource

    return VideoSource(uri, sensor)
