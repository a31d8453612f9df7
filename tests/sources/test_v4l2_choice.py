"""Which of the formats on offer is taken."""

from __future__ import annotations

from fractions import Fraction

import pytest

from fusion_rt.errors import SourceError
from fusion_rt.frame import Sensor
from fusion_rt.sources.v4l2.choice import Wish, choose, rate_text
from fusion_rt.sources.v4l2.fourcc import fourcc
from fusion_rt.sources.v4l2.offers import FormatOffer, SizeOffer, SizeRange

NTSC = Fraction(30000, 1001)


def offer(text: str, *sizes: tuple[int, int, list], emulated: bool = False) -> FormatOffer:
    listed = tuple(
        SizeOffer((width, height), tuple(Fraction(rate) for rate in rates))
        for width, height, rates in sizes
    )
    return FormatOffer(fourcc(text), text, listed, emulated=emulated)


def wide(text: str, *rates: int) -> FormatOffer:
    """Any even size up to 1920x1080, any rate between two."""
    sizes = tuple(
        SizeOffer(wh, tuple(map(Fraction, rates)), any_rate=True)
        for wh in [(320, 240), (640, 480), (1280, 720), (1920, 1080)]
    )
    return FormatOffer(fourcc(text), text, sizes, SizeRange((32, 32), (1920, 1080), (2, 2)))


BOSON = (
    offer("YU12", (640, 512, [60, 30]), (640, 514, [60, 30])),
    offer("Y16", (640, 512, [60, 30]), (640, 514, [60, 30])),
)
PURETHERMAL = (
    offer("UYVY", (160, 120, [9])),
    offer("Y16", (160, 120, [9]), (160, 122, [9])),
    offer("GREY", (160, 120, [9])),
    offer("BGR3", (160, 120, [9])),
)
WEBCAM = (  # USB 2: large pictures come as JPEG or slowly
    offer("MJPG", (1920, 1080, [30]), (1280, 720, [60, 30]), (640, 480, [30])),
    offer("YUYV", (1920, 1080, [5]), (1280, 720, [10]), (640, 480, [30, 15]), (320, 240, [30])),
)
WEBCAM_USB3 = (
    offer("MJPG", (1280, 720, [60, 30])),
    offer("YUYV", (1280, 720, [60, 30])),
    offer("NV12", (1280, 720, [30])),
)
SLOW = (offer("YUYV", (1280, 720, [10]), (640, 480, [15])),)
INDUSTRIAL = (offer("Y12", (1280, 1024, [40])), offer("GREY", (1280, 1024, [60])))
LARGE_ONLY = (offer("NV12", (3840, 2160, [30]), (1920, 1080, [30])),)


@pytest.mark.parametrize(
    ("offers", "sensor", "wish", "words"),
    [
        pytest.param(BOSON, Sensor.IR, Wish(), "Y16 640x512 at 60 fps", id="boson-16-bit"),
        pytest.param(
            PURETHERMAL, Sensor.IR, Wish(), "Y16 160x120 at 9 fps", id="lepton-without-telemetry"
        ),
        pytest.param(
            PURETHERMAL,
            Sensor.IR,
            Wish(size_wh=(160, 122)),
            "Y16 160x122 at 9 fps",
            id="lepton-telemetry-is-asked-for",
        ),
        pytest.param(
            PURETHERMAL, Sensor.IR, Wish("grey"), "GREY 160x120 at 9 fps", id="format-asked-for"
        ),
        pytest.param(INDUSTRIAL, Sensor.IR, Wish(), "Y12 1280x1024 at 40 fps", id="deepest"),
        pytest.param(
            BOSON, Sensor.IR, Wish(fps=25), "Y16 640x512 at 30 fps", id="nearest-rate-to-25"
        ),
        pytest.param(
            WEBCAM, Sensor.VIS, Wish(), "MJPG 1280x720 at 30 fps", id="webcam-fast-enough-as-jpeg"
        ),
        pytest.param(
            WEBCAM,
            Sensor.VIS,
            Wish(size_wh=(640, 480)),
            "YUYV 640x480 at 30 fps",
            id="webcam-small-enough-uncompressed",
        ),
        pytest.param(
            WEBCAM, Sensor.VIS, Wish("YUYV"), "YUYV 640x480 at 30 fps", id="rate-before-size"
        ),
        pytest.param(
            WEBCAM_USB3, Sensor.VIS, Wish(), "YUYV 1280x720 at 30 fps", id="usb3-uncompressed"
        ),
        pytest.param(
            WEBCAM_USB3, Sensor.VIS, Wish(fps=60), "MJPG 1280x720 at 60 fps", id="111-MB/s-as-jpeg"
        ),
        pytest.param(SLOW, Sensor.VIS, Wish(), "YUYV 1280x720 at 10 fps", id="no-rate-is-enough"),
        pytest.param(
            LARGE_ONLY, Sensor.VIS, Wish(), "NV12 1920x1080 at 30 fps", id="smallest-of-too-large"
        ),
        pytest.param(
            INDUSTRIAL, Sensor.VIS, Wish(), "GREY 1280x1024 at 60 fps", id="grey-as-visible"
        ),
        pytest.param(
            (offer("YUYV", (640, 480, [30])), offer("GREY", (640, 480, [30]))),
            Sensor.VIS,
            Wish(),
            "YUYV 640x480 at 30 fps",
            id="colour-before-grey",
        ),
        pytest.param(
            (offer("RGB3", (640, 480, [30]), emulated=True), offer("UYVY", (640, 480, [30]))),
            Sensor.VIS,
            Wish(),
            "UYVY 640x480 at 30 fps",
            id="the-cameras-own-before-a-library's",
        ),
        pytest.param(
            (wide("YUYV", 60, 1),), Sensor.VIS, Wish(), "YUYV 1280x720 at 30 fps", id="range"
        ),
        pytest.param(
            (wide("YUYV", 60, 1),),
            Sensor.VIS,
            Wish(size_wh=(500, 300), fps=12.5),
            "YUYV 500x300 at 12.5 fps",
            id="range-takes-any-size-and-rate",
        ),
        pytest.param(
            (offer("YUYV", (640, 480, [NTSC, 15])),),
            Sensor.VIS,
            Wish(fps=30),
            "YUYV 640x480 at 29.97 fps",
            id="29.97-is-meant-by-30",
        ),
        pytest.param(
            (FormatOffer(fourcc("YUYV"), "", ()),),
            Sensor.VIS,
            Wish(size_wh=(720, 576)),
            "YUYV 720x576",
            id="driver-without-lists",
        ),
    ],
)
def test_best_offer(offers, sensor, wish, words):
    assert choose(offers, wish, sensor, "cam").words == words


@pytest.mark.parametrize(
    ("offers", "wish", "message", "hint"),
    [
        pytest.param(
            BOSON, Wish("MJPG"), "cam does not offer MJPG, only YU12, Y16", "", id="format"
        ),
        pytest.param(BOSON, Wish("H264"), "H264 is a video codec", "gst:", id="codec"),
        pytest.param(BOSON, Wish("RG10"), "RG10 is the raw mosaic", "csi:0", id="mosaic-wanted"),
        pytest.param(BOSON, Wish("RGBP"), "RGBP cannot be read", "YUYV", id="not-readable-wanted"),
        pytest.param(
            WEBCAM,
            Wish(size_wh=(800, 600)),
            "cam does not offer 800x600 in any format, only 1920x1080, 1280x720, 640x480, 320x240",
            "leave size out",
            id="size",
        ),
        pytest.param(
            WEBCAM,
            Wish("MJPG", (320, 240)),
            "320x240 in MJPG, only 1920x1080, 1280x720, 640x480",
            "",
            id="size-of-another-format",
        ),
        pytest.param(
            (wide("YUYV", 30, 1),), Wish(size_wh=(501, 300)), "501x300", "", id="between-steps"
        ),
        pytest.param(
            (offer("RG10", (1920, 1080, [30])), offer("RG12", (1920, 1080, [30]))),
            Wish(),
            "RG10 is the raw mosaic of a sensor",
            "csi:0",
            id="jetson-sensor",
        ),
        pytest.param((offer("H264"),), Wish(), "H264 is a video codec", "decodebin", id="h264"),
        pytest.param(
            (offer("H264"), offer("Z16")), Wish(), "offers H264, Z16, none", "readable", id="none"
        ),
        pytest.param((), Wish(), "offers no format at all", "readable", id="nothing"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(offers, wish, message, hint):
    with pytest.raises(SourceError) as caught:
        choose(offers, wish, Sensor.VIS, "cam")
    assert message in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("rate", "text"), [(Fraction(30), "30"), (NTSC, "29.97"), (8.7, "8.7"), (Fraction(100), "100")]
)
def test_rates_in_words(rate, text):
    assert rate_text(rate) == text
