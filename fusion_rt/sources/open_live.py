"""From the settings of a live camera to an open one."""

from __future__ import annotations

from typing import Any

from ..camera_settings import CameraSettings
from ..errors import UsageError
from ..frame import Sensor
from ..thermal.layout import Layout, load_layout
from .live import LiveSource
from .uri import parse_uri


def check_live(camera: CameraSettings) -> None:
    """Refuse what is no live camera.

    Raises:
        UsageError: a recording, or a name that cannot be understood.
    """
    uri = parse_uri(camera.uri)
    if not uri.live and uri.kind != "synthetic":
        raise UsageError(
            f"{camera.name} is no live camera but a recording",
            hint="recordings are played by `fusion-rt replay --ir FILE --vis FILE`; cameras are "
            "named like v4l2:/dev/video0 or rtsp://host/path, see `fusion-rt sources`",
        )


def open_live(camera: CameraSettings, sensor: Sensor) -> LiveSource:
    """Open a live camera.

    Raises:
        UsageError: its name cannot be understood.
        CameraLostError: it is not there now.
        SourceError: it cannot be used.
    """
    kind = parse_uri(camera.uri).kind
    # Each kind loads its own libraries, and only when it is asked for.
    if kind == "v4l2" and camera.library != "gstreamer":
        from .v4l2 import open_v4l2

        layout = load_layout(camera.layout) if camera.layout and sensor is Sensor.IR else None
        if layout is None:
            return open_v4l2(camera, sensor)
        return open_v4l2(asked_for(camera, layout), sensor, raw16=layout.pixel_format == "YUYV")
    if kind == "camera":
        from .opencv_camera import open_opencv

        return open_opencv(camera, sensor)
    if kind == "synthetic":
        from .synthetic.live import open_live_scene

        return open_live_scene(parse_uri(camera.uri), sensor)
    if kind in ("gst", "csi", "v4l2"):
        from .gstreamer import open_gst

        return open_gst(camera, sensor)
    if camera.library != "pyav" and camera.uri.lower().startswith(("rtsp:", "rtsps:")):
        from .gst_library import gstreamer_missing

        missing = gstreamer_missing()
        if missing is None or camera.library == "gstreamer":
            from .gstreamer import open_rtsp_gst

            return open_rtsp_gst(camera, sensor)
    from .network import open_network

    return open_network(camera, sensor)


def asked_for(camera: CameraSettings, layout: Layout) -> CameraSettings:
    """What to ask a V4L2 camera for, so that its pictures are those the layout describes.

    What the user has set himself stays.
    """
    changes: dict[str, Any] = {}
    if camera.format is None:
        changes["format"] = layout.pixel_format
    if camera.size is None and layout.sizes_wh:
        width, height = layout.sizes_wh[0]
        changes["size"] = f"{width}x{height}"
    return camera.model_copy(update=changes)
