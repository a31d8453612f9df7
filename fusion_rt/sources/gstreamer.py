"""Cameras through GStreamer: any pipeline, RTSP with the least delay, cameras of a Jetson."""

from __future__ import annotations

from fractions import Fraction

from ..camera_settings import CameraSettings
from ..errors import SourceError, UsageError
from ..frame import Sensor
from .base import SourceInfo
from .gst_build import build_text, factories
from .gst_clock import CaptureClock
from .gst_coded import CodedWatch
from .gst_library import GstLibrary, load_gst
from .gst_picture import PictureReader
from .gst_pipelines import csi_text, v4l2_text
from .gst_rtsp import RtspBuild
from .gst_run import GstRun
from .gst_source import GstSource
from .live import LiveSource
from .uri import SourceUri, frames_per_second, parse_uri

# Long enough for the next key frame; shorter than what counts as a driver that hangs.
_FIRST_FRAME_S = 8.0
_MOST_PX = 16384
# Elements that stamp with the time of the driver or the sensor, not with that of arrival.
_DRIVER_SOURCES = frozenset({"v4l2src", "libcamerasrc"})


def open_gst(camera: CameraSettings, sensor: Sensor) -> LiveSource:
    """Open a camera through GStreamer and wait for its first picture.

    ``gst:`` runs the user's pipeline: one without an appsink gets a converter and one at its end;
    a source that is not live, for instance a file, is played at its own pace. ``csi:`` runs a
    camera of a Jetson, RTSP addresses see `open_rtsp_gst`, and ``v4l2:`` reads a device by
    GStreamer, which on a Jetson decodes JPEG on its chip.

    Args:
        camera: size, rate and pixel format are kept to for ``csi:`` and ``v4l2:``; a pipeline
            says these itself. Its ``layout`` is for the caller to apply.
        sensor: infrared gives grey as it stands, or luma; visible BGR.

    Raises:
        GstUnavailableError: GStreamer cannot be used from this Python.
        UsageError: the pipeline's text or a setting is wrong.
        CameraLostError: it is not there, or sends nothing for 8 s.
        SourceError: it cannot be read so, for instance as an element is missing.
    """
    uri = parse_uri(camera.uri)
    if uri.kind == "network":
        return open_rtsp_gst(camera, sensor)
    library = load_gst()
    if uri.kind == "gst":
        _refuse_wishes(camera)
        pipeline, sink = build_text(library, uri.path, camera.name)
    elif uri.kind == "csi":
        pipeline, sink = build_text(library, _csi(uri, camera), camera.name)
    elif uri.kind == "v4l2":
        text = v4l2_text(camera.format, camera.size_wh, _rate(camera), library.has)
        device = {"camera": {"device": _device(uri)}}
        pipeline, sink = build_text(library, text, camera.name, device)
    else:
        raise UsageError(
            f"{camera.name} is no camera for GStreamer", hint="use gst:, csi:, rtsp: or v4l2:"
        )
    kinds = factories(library, pipeline)
    clock = "driver" if kinds & _DRIVER_SOURCES else "arrival"
    run = GstRun(library, pipeline, sink, camera.name)
    return _start(library, run, sensor, clock)


def open_rtsp_gst(camera: CameraSettings, sensor: Sensor) -> LiveSource:
    """Open an RTSP camera through GStreamer and wait for its first picture.

    Packets that come out of order are waited for ``latency_ms`` (0 unless set). The best decoder
    that is installed is taken, see `fusion_rt.sources.gst_pipelines`; ``info.notes`` name it.

    Args:
        camera: its ``uri`` is ``rtsp://`` or ``rtsps://``; a name or password in it may hold any
            sign, those that have a meaning in an address as %XX.
        sensor: infrared gives luma, visible BGR.

    Raises:
        As `open_gst`.
    """
    if not camera.uri.lower().startswith(("rtsp://", "rtsps://")):
        raise UsageError(
            f"{camera.name}: by GStreamer only RTSP addresses are opened",
            hint="set library: pyav, or write the pipeline yourself: gst:souphttpsrc ...",
        )
    library = load_gst()
    built = RtspBuild(library, camera)
    run = GstRun(library, built.pipeline, built.sink, camera.name, closing=built.release)
    built.on_failure(run.fail)
    return _start(library, run, sensor, "arrival", built)


def _start(
    library: GstLibrary, run: GstRun, sensor: Sensor, clock: str, rtsp: RtspBuild | None = None
) -> GstSource:
    """Play a pipeline; it is stopped again where that fails."""
    reader = PictureReader(library, sensor)
    try:
        times = CaptureClock(library.gst, run.pipeline, clock)
        first = run.start(_FIRST_FRAME_S)
        try:
            image, note = reader.pixels(first, describe=True)
        except SourceError as error:
            raise SourceError(f"{run.name}: {error}", hint=error.hint) from None
    except BaseException:
        run.stop()
        raise
    decoder = rtsp.decoder if rtsp else ""
    pace = "" if run.live else "its source is not live: it is played at its own pace"
    info = SourceInfo(
        uri=run.name,
        kind="gst",
        sensor=sensor,
        size_wh=(image.shape[1], image.shape[0]),
        bit_depth=image.dtype.itemsize * 8,
        fps=reader.fps,
        notes=tuple(text for text in (decoder, pace, note) if text),
        clock=clock,
    )
    coded = rtsp.coded if rtsp else CodedWatch(library.gst, patience_s=0)
    return GstSource(run, info, times, reader, coded, first)


def _csi(uri: SourceUri, camera: CameraSettings) -> str:
    if not (uri.path.isascii() and uri.path.isdigit()):
        raise UsageError(f"{uri.text}: '{uri.path}' is no number of a camera", hint="csi:0")
    width, height = (_whole(uri, key) for key in ("width", "height"))
    if (width is None) is not (height is None):
        raise UsageError(f"{uri.text}: width and height belong together", hint="give both")
    size_wh = camera.size_wh if width is None or height is None else (width, height)
    fps = uri.options.get("fps")
    rate = frames_per_second(fps, uri.text) if fps else _rate(camera)
    return csi_text(int(uri.path), size_wh, rate)


def _whole(uri: SourceUri, key: str) -> int | None:
    text = uri.options.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST_PX):
        raise UsageError(
            f"{uri.text}: {key} is '{text}', but must be a whole number of px up to {_MOST_PX}",
            hint="for instance width=1920&height=1080",
        )
    return int(text)


def _rate(camera: CameraSettings) -> Fraction | None:
    return Fraction(camera.fps).limit_denominator(1001) if camera.fps else None


def _device(uri: SourceUri) -> str:
    """Path of the video node that the user means."""
    from .v4l2.find import find_node
    from .v4l2.nodes import video_nodes

    return find_node(uri.path, video_nodes(), lambda _: None).path


def _refuse_wishes(camera: CameraSettings) -> None:
    """A pipeline says itself what it asks its camera for."""
    wishes = {"size": camera.size, "fps": camera.fps, "format": camera.format}
    for key, value in wishes.items():
        if value is not None:
            raise UsageError(
                f"{camera.name}: {key} is {value}, but a pipeline must say that itself",
                hint="for instance ! video/x-raw,width=640,height=480,framerate=30/1 !",
            )
