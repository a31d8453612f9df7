"""Texts of the ready pipelines, and whether GStreamer can read them."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import SourceError, UsageError
from fusion_rt.frame import Sensor
from fusion_rt.sources.gst_errors import error_words, package_of
from fusion_rt.sources.gst_library import gstreamer_missing, load_gst
from fusion_rt.sources.gst_pipelines import csi_text, decoder, rtp_tail, v4l2_text
from fusion_rt.sources.gst_rtsp import rtsp_properties

JETSON = {"nvv4l2decoder", "nvvidconv", "nvh264dec", "avdec_h264", "avdec_h265", "jpegdec"}
DESKTOP = {"nvh264dec", "nvh265dec", "vah264dec", "avdec_h264", "jpegdec"}
LAPTOP = {"vah264dec", "vah265dec", "avdec_h264", "avdec_h265", "jpegdec"}
PLAIN = {"avdec_h264", "avdec_h265", "jpegdec"}


@pytest.mark.parametrize(
    ("codec", "there", "first"),
    [
        pytest.param("H264", JETSON, "nvv4l2decoder", id="jetson-h264"),
        pytest.param("H265", JETSON, "nvv4l2decoder", id="jetson-h265"),
        pytest.param("JPEG", JETSON, "nvv4l2decoder", id="jetson-jpeg"),
        pytest.param("H264", DESKTOP, "nvh264dec", id="nvidia-h264"),
        pytest.param("H265", DESKTOP, "nvh265dec", id="nvidia-h265"),
        pytest.param("H264", LAPTOP, "vah264dec", id="va-h264"),
        pytest.param("H265", LAPTOP, "vah265dec", id="va-h265"),
        pytest.param("H264", PLAIN, "avdec_h264", id="processor-h264"),
        pytest.param("H265", PLAIN, "avdec_h265", id="processor-h265"),
        pytest.param("JPEG", PLAIN, "jpegdec", id="processor-jpeg"),
        # DeepStream on a desktop has the decoder, but not what brings its pictures out.
        pytest.param("H264", {"nvv4l2decoder", "avdec_h264"}, "avdec_h264", id="half-of-a-jetson"),
    ],
)
def test_best_decoder_that_is_there(codec, there, first):
    text = decoder(codec, there.__contains__)
    assert text.split()[0] == first
    used = {part.split()[0] for part in text.split(" ! ")} - {"video/x-raw,format=NV12"}
    assert used <= there
    tail = rtp_tail(codec, there.__contains__)
    assert text in tail
    assert tail.startswith(
        {"H264": "rtph264depay ", "H265": "rtph265depay "}.get(codec, "rtpjpegdepay ")
    )


@pytest.mark.parametrize(
    ("codec", "there", "words", "remedy"),
    [
        pytest.param("VP8", PLAIN, "the camera sends VP8", "pyav", id="unknown-codec"),
        pytest.param("H265", {"avdec_h264"}, "no decoder for H265", "sudo apt", id="not-installed"),
    ],
)
def test_no_decoder_is_said_in_words(codec, there, words, remedy):
    with pytest.raises(SourceError, match=words) as caught:
        rtp_tail(codec, there.__contains__)
    assert remedy in caught.value.hint


def test_what_a_jetson_camera_is_asked_for():
    assert csi_text(1, (1920, 1080), Fraction(30)) == (
        "nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),format=NV12,width=1920,"
        "height=1080,framerate=30/1 ! nvvidconv ! video/x-raw,format=BGRx"
    )
    assert csi_text(0, None, None) == (
        "nvarguscamerasrc sensor-id=0 ! video/x-raw(memory:NVMM),format=NV12 ! nvvidconv ! "
        "video/x-raw,format=BGRx"
    )


@pytest.mark.parametrize(
    ("fourcc", "size_wh", "fps", "text"),
    [
        pytest.param(None, None, None, "v4l2src name=camera", id="as-it-stands"),
        pytest.param(
            None,
            (640, 480),
            Fraction(30000, 1001),
            "v4l2src name=camera ! video/x-raw,width=640,height=480,framerate=30000/1001",
            id="size-and-rate",
        ),
        pytest.param(
            "Y16", None, None, "v4l2src name=camera ! video/x-raw,format=GRAY16_LE", id="thermal"
        ),
        pytest.param(
            "MJPG",
            (1280, 720),
            None,
            "v4l2src name=camera ! image/jpeg,width=1280,height=720 ! nvv4l2decoder mjpeg=true ! "
            "nvvidconv ! video/x-raw,format=NV12",
            id="jpeg-on-a-jetson",
        ),
    ],
)
def test_what_a_v4l2_camera_is_asked_for(fourcc, size_wh, fps, text):
    assert v4l2_text(fourcc, size_wh, fps, JETSON.__contains__) == text


def test_unknown_pixel_format_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"format is H264, but .* MJPG, Y16, "):
        v4l2_text("H264", None, None, PLAIN.__contains__)


@pytest.mark.parametrize(
    ("uri", "location", "login"),
    [
        pytest.param("rtsp://cam:8554/a/b?x=1", "rtsp://cam:8554/a/b?x=1", None, id="no-login"),
        pytest.param("rtsp://me:pw@cam/a", "rtsp://cam/a", ("me", "pw"), id="login"),
        pytest.param("rtsp://me@cam/a", "rtsp://cam/a", ("me", ""), id="name-alone"),
        pytest.param(
            "rtsp://me:p%40%2F%20%22!%21fakesink@cam/a",
            "rtsp://cam/a",
            ("me", 'p@/ "!!fakesink'),
            id="signs-that-mean-something",
        ),
        pytest.param("rtsps://me:a@b@[::1]:322/a", "rtsps://[::1]:322/a", ("me", "a@b"), id="v6"),
    ],
)
def test_address_and_login_are_properties_and_no_text(uri, location, login):
    properties = rtsp_properties(CameraSettings(uri=uri))
    assert properties["location"] == location
    given = (properties["user-id"], properties["user-pw"]) if "user-id" in properties else None
    assert given == login


def test_rtsp_settings():
    camera = CameraSettings(uri="rtsp://cam/a", timeout_s=1.5, latency_ms=80)
    properties = rtsp_properties(camera)
    assert properties["latency"] == 80
    assert properties["drop-on-latency"] is True
    assert properties["tcp-timeout"] == 1_500_000
    assert rtsp_properties(CameraSettings(uri="rtsp://cam/a"))["latency"] == 0
    with pytest.raises(UsageError, match="names no host"):
        rtsp_properties(CameraSettings(uri="rtsp:///a"))


@pytest.mark.parametrize(
    ("element", "package"),
    [
        ("videoconvert", "gstreamer1.0-plugins-base"),
        ("appsink", "gstreamer1.0-plugins-base"),
        ("rtspsrc", "gstreamer1.0-plugins-good"),
        ("rtph264depay", "gstreamer1.0-plugins-good"),
        ("v4l2src", "gstreamer1.0-plugins-good"),
        ("jpegdec", "gstreamer1.0-plugins-good"),
        ("h264parse", "gstreamer1.0-plugins-bad"),
        ("vah264dec", "gstreamer1.0-plugins-bad"),
        ("nvh264dec", "gstreamer1.0-plugins-bad"),
        ("rtmp2src", "gstreamer1.0-plugins-bad"),
        ("avdec_h264", "gstreamer1.0-libav"),
        ("x264enc", "gstreamer1.0-plugins-ugly"),
        ("vaapih264dec", "gstreamer1.0-vaapi"),
        ("nvarguscamerasrc", "the GStreamer of JetPack"),
        ("nvv4l2decoder", "the GStreamer of JetPack"),
        ("strange", None),
    ],
)
def test_package_of_an_element(element, package):
    assert package_of(element) == package


@pytest.mark.parametrize(
    ("message", "debug", "words"),
    [
        pytest.param(
            "Resource not found.",
            '../gstfilesrc.c(5): start (): /Pipe:\nNo such file "x"',
            'Resource not found: No such file "x"',
            id="general-and-detail",
        ),
        pytest.param("It broke.", None, "It broke", id="no-detail"),
        pytest.param("It broke.", "a.c(1): f ():\nIt broke.", "It broke", id="said-twice"),
        pytest.param(
            "No.",
            "a.c(1): f ():\nrtsp://me:geheim@cam/a failed",
            "No: rtsp://me:***@cam/a failed",
            id="password",
        ),
    ],
)
def test_words_of_an_element(message, debug, words):
    assert error_words(message, debug) == words


@pytest.fixture
def real_gst():
    reason = gstreamer_missing()
    if reason:
        pytest.skip(reason)
    return load_gst()


@pytest.mark.parametrize("codec", ["H264", "H265", "JPEG"])
def test_gstreamer_reads_the_tail_for_this_machine(real_gst, codec):
    try:
        text = rtp_tail(codec, real_gst.has)
    except SourceError as error:
        pytest.skip(str(error))
    tail = real_gst.gst.parse_bin_from_description(text, True)
    assert tail.get_static_pad("sink") is not None
    assert tail.get_static_pad("src") is not None


# Stand-ins with the names and properties of elements that only other machines have: what is
# proven is that the texts are whole, not that the real elements do what they should.
_STAND_INS = """
import sys
from fusion_rt.sources.gst_library import load_gst
library = load_gst()
from gi.repository import GObject, Gst

ANY = Gst.Caps.new_any()
def pads(*directions):
    return tuple(
        Gst.PadTemplate.new(n, d, Gst.PadPresence.ALWAYS, ANY)
        for n, d in (("sink", Gst.PadDirection.SINK), ("src", Gst.PadDirection.SRC))
        if d in directions
    )

def stand_in(name, properties, *directions):
    class Made(Gst.Element):
        __gtype_name__ = "StandIn_" + name
        __gstmetadata__ = (name, "Test", "stand-in", "none")
        __gsttemplates__ = pads(*directions)
        __gproperties__ = {
            key: (kind, key, key, *default, GObject.ParamFlags.READWRITE)
            for key, (kind, *default) in properties.items()
        }
        def __init__(self):
            super().__init__()
            for template in self.__gsttemplates__:
                self.add_pad(Gst.Pad.new_from_template(template, template.name_template))
        def do_set_property(self, prop, value):
            pass
    Gst.Element.register(None, name, 0, Made)

sink, src = Gst.PadDirection.SINK, Gst.PadDirection.SRC
flag = (bool, False)
stand_in("nvarguscamerasrc", {"sensor-id": (int, 0, 255, 0)}, src)
stand_in("nvvidconv", {}, sink, src)
stand_in(
    "nvv4l2decoder",
    {"enable-max-performance": flag, "disable-dpb": flag, "mjpeg": flag},
    sink, src,
)
for name in ("nvh264dec", "nvh265dec", "vah264dec", "vah265dec"):
    stand_in(name, {}, sink, src)

from fractions import Fraction
from fusion_rt.sources.gst_build import build_text
from fusion_rt.sources.gst_pipelines import csi_text, rtp_tail, v4l2_text

for size, fps in (((1920, 1080), Fraction(30)), (None, None)):
    build_text(library, csi_text(0, size, fps), "csi:0")
jetson, desktop, laptop = ("nvv", "jpegdec"), ("nvh", "jpegdec"), ("vah", "jpegdec")
for names in (jetson, desktop, laptop):
    for codec in ("H264", "H265", "JPEG"):
        text = rtp_tail(codec, lambda name: name.startswith(names))
        Gst.parse_bin_from_description(text, True)
device = {"camera": {"device": "/dev/video7"}}
pipeline, _ = build_text(
    library, v4l2_text("MJPG", (1280, 720), None, lambda n: n.startswith("nvv")), "v", device
)
assert pipeline.get_by_name("camera").get_property("device") == "/dev/video7"
print("all read")
"""


def test_gstreamer_reads_the_texts_for_other_machines(real_gst):
    """In a process of its own, as the stand-ins would be taken for decoders."""
    done = subprocess.run(
        [sys.executable, "-c", _STAND_INS], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "all read"


@pytest.mark.parametrize(
    ("settings", "error", "words", "remedy"),
    [
        pytest.param(
            {"uri": "gst:nvarguscamerasrc ! nvvidconv"},
            SourceError,
            "no element 'nvarguscamerasrc'",
            "JetPack",
            id="jetson-element-elsewhere",
        ),
        pytest.param(
            {"uri": "gst:videotestsrcs"},
            SourceError,
            "no element 'videotestsrcs'",
            "did you mean videotestsrc?",
            id="misspelt-element",
        ),
        pytest.param(
            {"uri": "gst:videotestsrc patern=ball"},
            UsageError,
            'no property "patern"',
            "gst-launch-1.0",
            id="misspelt-property",
        ),
        pytest.param(
            {"uri": "gst:videotestsrc ! autovideosink"},
            UsageError,
            "could not link autovideosink0",
            "gst-launch-1.0",
            id="own-sink",
        ),
        pytest.param(
            {"uri": "gst:videotestsrc ! appsink videotestsrc ! appsink"},
            UsageError,
            "has 2 appsinks",
            "leave one",
            id="two-sinks",
        ),
        pytest.param(
            {"uri": "gst:videotestsrc", "size": "640x480"},
            UsageError,
            "size is 640x480, but a pipeline must say that itself",
            "width=640",
            id="wish-beside-a-pipeline",
        ),
        pytest.param(
            {"uri": "csi:first"}, UsageError, "'first' is no number", "csi:0", id="csi-name"
        ),
        pytest.param(
            {"uri": "csi:0?width=1920"}, UsageError, "belong together", "both", id="csi-half-size"
        ),
        pytest.param(
            {"uri": "csi:0?width=-1&height=9"}, UsageError, "width is '-1'", "width=", id="csi-size"
        ),
        pytest.param(
            {"uri": "http://cam/video", "library": "gstreamer"},
            UsageError,
            "only RTSP addresses",
            "souphttpsrc",
            id="other-network",
        ),
        pytest.param(
            {"uri": "synthetic:"}, UsageError, "no camera for GStreamer", "gst:", id="recording"
        ),
    ],
)
def test_wrong_settings_are_refused_in_words(real_gst, settings, error, words, remedy):
    from fusion_rt.sources.gstreamer import open_gst

    if "nvarguscamerasrc" in words and real_gst.has("nvarguscamerasrc"):
        pytest.skip("this is a Jetson")
    with pytest.raises(error, match=words) as caught:
        open_gst(CameraSettings(**settings), Sensor.VIS)
    assert remedy in caught.value.hint
