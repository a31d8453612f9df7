"""From a camera's settings to the code that reads it."""

from __future__ import annotations

import sys
import types

import pytest

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import UsageError
from fusion_rt.frame import Sensor
from fusion_rt.sources import gst_library, gstreamer, network, opencv_camera, v4l2
from fusion_rt.sources.open_live import asked_for, check_live, open_live
from fusion_rt.thermal.layout import load_layout

IR, VIS = Sensor.IR, Sensor.VIS


@pytest.fixture
def opened(monkeypatch):
    """What was called, with the camera that it was given."""
    calls = []

    def opener(name):
        return lambda camera, sensor, **more: calls.append((name, camera, sensor, more)) or name

    monkeypatch.setattr(v4l2, "open_v4l2", opener("v4l2"))
    monkeypatch.setattr(opencv_camera, "open_opencv", opener("opencv"))
    monkeypatch.setattr(gstreamer, "open_gst", opener("gst"))
    monkeypatch.setattr(gstreamer, "open_rtsp_gst", opener("rtsp-gst"))
    monkeypatch.setattr(network, "open_network", opener("pyav"))
    return calls


@pytest.mark.parametrize(
    ("uri", "library", "there", "name"),
    [
        ("v4l2:/dev/video0", "auto", True, "v4l2"),
        ("/dev/video0", "auto", True, "v4l2"),
        ("v4l2:/dev/video0", "gstreamer", True, "gst"),
        ("camera:0", "auto", True, "opencv"),
        ("csi:0?width=1280&height=720&fps=30", "auto", True, "gst"),
        ("gst:v4l2src ! videoconvert", "auto", True, "gst"),
        ("rtsp://h/a", "auto", True, "rtsp-gst"),
        ("rtsp://h/a", "auto", False, "pyav"),
        ("RTSPS://h/a", "auto", True, "rtsp-gst"),
        ("rtsp://h/a", "pyav", True, "pyav"),
        ("rtsp://h/a", "gstreamer", False, "rtsp-gst"),  # which then says what is missing
        ("http://h/a", "auto", True, "pyav"),
        ("udp://@:5000", "auto", True, "pyav"),
    ],
)
def test_who_reads_a_camera(opened, monkeypatch, uri, library, there, name):
    missing = None if there else "GStreamer is not installed"
    monkeypatch.setattr(gst_library, "gstreamer_missing", lambda: missing)
    camera = CameraSettings(uri=uri, library=library)
    assert open_live(camera, VIS) == name
    assert opened == [(name, camera, VIS, {})]


def test_gstreamer_is_not_looked_for_where_it_is_not_wanted(opened, monkeypatch):
    monkeypatch.setitem(sys.modules, "fusion_rt.sources.gst_library", types.ModuleType("empty"))
    assert open_live(CameraSettings(uri="rtsp://h/a", library="pyav"), VIS) == "pyav"


@pytest.mark.parametrize(
    ("layout", "sensor", "given", "size", "format_", "raw16"),
    [
        pytest.param("boson", IR, {}, "640x514", "Y16", False, id="its-first-size"),
        pytest.param("infiray-p2-pro", IR, {}, "256x384", "YUYV", True, id="counts-in-yuyv"),
        pytest.param("y16", IR, {}, None, "Y16", False, id="any-size"),
        pytest.param(
            "boson", IR, {"size": "320x256"}, "320x256", "Y16", False, id="what-was-asked-stays"
        ),
        pytest.param("boson", IR, {"format": "GREY"}, "640x514", "GREY", False, id="its-format"),
    ],
)
def test_layout_decides_what_a_camera_is_asked_for(
    opened, layout, sensor, given, size, format_, raw16
):
    open_live(CameraSettings(uri="/dev/video0", layout=layout, **given), sensor)
    (_, camera, _, more) = opened[0]
    assert (camera.size, camera.format, more) == (size, format_, {"raw16": raw16})


def test_layout_is_of_no_meaning_for_the_visible_camera(opened):
    camera = CameraSettings(uri="/dev/video0", layout="boson")
    open_live(camera, VIS)
    assert opened == [("v4l2", camera, VIS, {})]


def test_settings_themselves_are_not_changed():
    camera = CameraSettings(uri="/dev/video0", layout="boson")
    asked_for(camera, load_layout("boson"))
    assert (camera.size, camera.format) == (None, None)


@pytest.mark.parametrize(
    "uri", ["/dev/video0", "rtsp://h/a", "csi:0", "gst:videotestsrc", "camera:0", "synthetic:"]
)
def test_cameras_may_run_live(uri):
    check_live(CameraSettings(uri=uri))


@pytest.mark.parametrize("uri", ["street.mp4", "frames/", "ir_*.png"])
def test_recordings_may_not(uri):
    with pytest.raises(UsageError, match="is no live camera but a recording") as caught:
        check_live(CameraSettings(uri=uri))
    assert "fusion-rt replay" in caught.value.hint


def test_built_in_scene_runs_in_real_time():
    pictures = {}
    for sensor in (IR, VIS):
        with open_live(CameraSettings(uri="synthetic:?seconds=2"), sensor) as source:
            found = [frame for frame in (source.poll(0.5) for _ in range(4)) if frame is not None]
            assert source.info.clock == "driver"
        assert len(found) >= 3
        assert [frame.seq for frame in found] == sorted({frame.seq for frame in found})
        assert all(frame.size_wh == source.info.size_wh for frame in found)
        assert all(frame.captured_ns <= frame.arrived_ns for frame in found)
        pictures[sensor] = found
    assert pictures[IR][0].image.ndim == 2
    assert pictures[VIS][0].image.shape[2] == 3
