"""Opening a camera: what is agreed with the driver; no failed step leaves anything open."""

from __future__ import annotations

import errno
import sys
from fractions import Fraction

import numpy as np
import pytest
from fake_v4l2 import Burst, FakeCamera, FakeSystem, Mode, Shot

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import SourceError
from fusion_rt.frame import Sensor
from fusion_rt.sources.live import CameraLostError
from fusion_rt.sources.v4l2 import kernel, open_v4l2
from fusion_rt.sources.v4l2.fourcc import fourcc
from fusion_rt.sources.v4l2.open import open_camera

BOSON = [Mode("YU12", [((640, 512), [60, 30])]), Mode("Y16", [((640, 512), [60, 30])])]
WEBCAM = [
    Mode("MJPG", [((1280, 720), [30]), ((640, 480), [30])], kernel.FMT_FLAG_COMPRESSED),
    Mode("YUYV", [((1280, 720), [10]), ((640, 480), [30, 15])]),
]
ANY_SIZE = [Mode("YUYV", [((48, 1920, 16, 32, 1080, 8), [Fraction(60), Fraction(1)])])]


@pytest.fixture
def system(tmp_path):
    system = FakeSystem(tmp_path)
    system.node(0, "Test camera")
    return system


@pytest.fixture
def open_it(system):
    """Opens a camera, and closes it in the end."""
    opened = []

    def run(camera: FakeCamera, sensor: Sensor = Sensor.IR, raw16: bool = False, **settings):
        source = open_camera(
            CameraSettings(uri=f"v4l2:{system.roots.dev}/video0", **settings),
            sensor,
            raw16=raw16,
            device_type=camera.device,
            roots=system.roots,
            now_ns=camera.now_ns,
        )
        opened.append(source)
        return source

    yield run
    for source in opened:
        source.close()


def test_boson_is_opened_for_its_counts(open_it):
    camera = FakeCamera(BOSON, name="Boson: FLIR Video")
    info = open_it(camera).info
    assert (info.kind, info.size_wh, info.bit_depth, info.fps) == ("v4l2", (640, 512), 16, 60)
    assert info.notes[0] == "Y16 640x512 at 60 fps was chosen; 2 formats on offer"
    (wish,) = camera.wishes
    assert (wish.pixelformat, wish.width, wish.height) == (fourcc("Y16"), 640, 512)
    assert wish.priv == kernel.PIX_FMT_PRIV_MAGIC
    assert camera.opened[0].streaming
    assert len(camera.opened[0].queued) == 4


def test_what_is_asked_for_in_full_needs_no_note(open_it):
    info = open_it(FakeCamera(BOSON), format="Y16", size="640x512", fps=30).info
    assert info.fps == 30
    assert not any("chosen" in note for note in info.notes)


def test_webcam_is_opened_for_colour(open_it):
    info = open_it(FakeCamera(WEBCAM), Sensor.VIS).info
    assert (info.size_wh, info.bit_depth, info.fps) == ((1280, 720), 8, 30)
    assert "MJPG 1280x720 at 30 fps was chosen" in info.notes[0]


def test_any_size_of_a_range(open_it):
    info = open_it(FakeCamera(ANY_SIZE), Sensor.VIS, size="256x192", fps=12.5).info
    assert (info.size_wh, info.fps) == ((256, 192), 12.5)


def test_usual_sizes_of_a_range_are_on_offer(open_it):
    info = open_it(FakeCamera(ANY_SIZE), Sensor.VIS).info
    assert (info.size_wh, info.fps) == ((1280, 720), 30)


def smaller(pix: kernel.PixFormat) -> None:
    pix.width, pix.height = 320, 240


def as_grey(pix: kernel.PixFormat) -> None:
    pix.pixelformat = fourcc("GREY")


def as_codec(pix: kernel.PixFormat) -> None:
    pix.pixelformat = fourcc("H264")


def test_another_size_than_the_chosen_one_is_taken_as_the_driver_has_it(open_it):
    camera = FakeCamera([Mode("Y16", [((640, 512), [30])])], answers=smaller)
    source = open_it(camera)
    assert source.info.size_wh == (320, 240)
    assert "Y16 320x240" in source.info.notes[0]
    camera.events.append(Burst((Shot(bytes(320 * 240 * 2)),)))
    assert source.poll(0.1).size_wh == (320, 240)


def test_another_format_than_the_chosen_one_is_taken_where_it_can_be_read(open_it):
    source = open_it(FakeCamera(BOSON, answers=as_grey))
    assert (source.info.bit_depth, source.info.size_wh) == (8, (640, 512))
    assert "GREY 640x512" in source.info.notes[0]


@pytest.mark.parametrize(
    ("answers", "settings", "given"),
    [
        pytest.param(smaller, {"size": "640x512"}, "gives Y16 320x240", id="size-asked-for"),
        pytest.param(as_grey, {"format": "Y16"}, "gives GREY 640x512", id="format-asked-for"),
        pytest.param(as_codec, {}, "gives H264 640x512", id="not-readable"),
    ],
)
def test_what_was_asked_for_is_not_given_up(open_it, answers, settings, given):
    camera = FakeCamera(BOSON, answers=answers)
    with pytest.raises(SourceError, match=given):
        open_it(camera, **settings)
    assert camera.leaks() == []


@pytest.mark.parametrize(
    ("rate", "asked", "fps", "note"),
    [
        pytest.param(None, 30, 30, None, id="as-asked"),
        pytest.param(Fraction(30000, 1001), 30, 30000 / 1001, None, id="29.97-is-as-asked"),
        pytest.param(Fraction(15), 30, 15, "it gives 15 fps, not 30", id="slower"),
        pytest.param(Fraction(0), 30, None, "cannot be set to 30 fps", id="driver-has-its-own"),
        pytest.param(Fraction(0), None, 60, None, id="driver-has-its-own-none-asked"),
        pytest.param(Fraction(9), None, 9, None, id="told-by-the-driver"),
    ],
)
def test_rates(open_it, rate, asked, fps, note):
    info = open_it(FakeCamera(BOSON, rate=rate), fps=asked).info
    assert info.fps == fps
    assert any(note in line for line in info.notes) if note else len(info.notes) == 2


def test_counts_in_disguise_are_asked_for_as_yuyv(open_it):
    modes = [Mode("MJPG", [((256, 384), [25])]), Mode("YUYV", [((256, 384), [25])])]
    camera = FakeCamera(modes)
    assert open_it(camera, raw16=True).info.bit_depth == 16
    assert camera.wishes[0].pixelformat == fourcc("YUYV")


def test_two_pictures_in_one_are_told_where_no_layout_takes_them_apart(open_it):
    camera = FakeCamera([Mode("YUYV", [((256, 384), [25])])])
    assert any("two in one" in note for note in open_it(camera).info.notes)
    assert not any("two in one" in note for note in open_it(camera, raw16=True).info.notes)


@pytest.mark.parametrize(
    ("settings", "sensor", "message"),
    [
        pytest.param({"format": "MJPG"}, Sensor.IR, "cannot be read from MJPG", id="jpeg"),
        pytest.param({}, Sensor.VIS, "of a visible camera", id="visible"),
    ],
)
def test_counts_in_disguise_are_refused_elsewhere(open_it, settings, sensor, message):
    camera = FakeCamera(WEBCAM)
    with pytest.raises(SourceError, match=message):
        open_it(camera, sensor, raw16=True, **settings)
    assert camera.leaks() == []


def test_limited_luma_of_an_infrared_camera_is_stretched(open_it):
    def limited(pix):
        pix.quantization = kernel.QUANTIZATION_LIMITED

    camera = FakeCamera([Mode("YUYV", [((16, 8), [30])])], answers=limited)
    source = open_it(camera)
    camera.events.append(Burst((Shot(bytes([235, 128] * 128)),)))
    assert (source.poll(0.1).image == 255).all()


def test_full_range_of_a_visible_camera_is_told(open_it):
    def full(pix):
        pix.colorspace = kernel.COLORSPACE_JPEG

    info = open_it(FakeCamera([Mode("YUYV", [((16, 8), [30])])], answers=full), Sensor.VIS).info
    assert any("full range" in note for note in info.notes)


def test_interlaced_and_grey_are_told(open_it):
    def interlaced(pix):
        pix.field = 4

    camera = FakeCamera([Mode("GREY", [((16, 8), [30])])], answers=interlaced)
    notes = " ".join(open_it(camera, Sensor.VIS).info.notes)
    assert "interlaced" in notes
    assert "grey picture as visible" in notes


@pytest.mark.parametrize(
    ("caps", "message", "hint"),
    [
        pytest.param(kernel.CAP_STREAMING, "gives no pictures", "fusion-rt sources", id="metadata"),
        pytest.param(kernel.CAP_VIDEO_CAPTURE, "gives no pictures", "", id="without-streaming"),
        pytest.param(
            kernel.CAP_VIDEO_CAPTURE_MPLANE | kernel.CAP_STREAMING,
            "several planes",
            "gst:v4l2src",
            id="multi-planar",
        ),
    ],
)
def test_nodes_without_pictures_are_refused(open_it, caps, message, hint):
    camera = FakeCamera(BOSON, caps=caps)
    with pytest.raises(SourceError, match=message) as caught:
        open_it(camera)
    assert hint in caught.value.hint
    assert camera.leaks() == []


@pytest.mark.parametrize("metadata_fails", [False, True], ids=["asked", "cannot-be-asked"])
def test_nodes_that_are_only_asked_are_closed_again(tmp_path, metadata_fails):
    system = FakeSystem(tmp_path)
    device = system.usb("1-2", "09cb:4007", serial="77")
    cameras = {
        system.node(0, "Boson", device): FakeCamera(BOSON),
        system.node(1, "Boson", device): FakeCamera(
            [],
            caps=kernel.CAP_STREAMING,
            fail_at=(2, errno.EIO) if metadata_fails else None,
        ),
    }

    def start():
        return open_camera(
            CameraSettings(uri="v4l2:serial=77"),
            Sensor.IR,
            device_type=lambda path: cameras[path].device(path),
            roots=system.roots,
        )

    if metadata_fails:
        with pytest.raises(SourceError, match="2 cameras have serial number 77"):
            start()
    else:
        start().close()
    assert [leak for camera in cameras.values() for leak in camera.leaks()] == []


CALLS_OF_OPENING = 31


def calls_of(camera: FakeCamera, open_it) -> int:
    open_it(camera)
    return camera.calls


def test_number_of_calls_is_the_one_that_is_tested_below(open_it):
    assert calls_of(FakeCamera(BOSON), open_it) == CALLS_OF_OPENING


@pytest.mark.parametrize("call", range(1, CALLS_OF_OPENING + 1))
@pytest.mark.parametrize("number", [errno.ENODEV, errno.ENOMEM])
def test_a_failure_at_any_call_leaves_nothing_open(open_it, call, number):
    camera = FakeCamera(BOSON, fail_at=(call, number))
    with pytest.raises(SourceError) as caught:
        open_it(camera)
    assert isinstance(caught.value, CameraLostError) is (number == errno.ENODEV)
    assert caught.value.hint
    assert camera.leaks() == []


@pytest.mark.parametrize(
    ("number", "message", "hint"),
    [
        (errno.EBUSY, "is in use by another program", "fuser -v"),
        (errno.EACCES, "may not be opened by this user", "usermod -aG video"),
        (errno.EPERM, "may not be opened by this user", "--group-add video"),
        (errno.ENOSPC, "no bandwidth left", "MJPG"),
        (errno.ENOTTY, "is no camera", "fusion-rt sources"),
        (errno.ENODEV, "the camera is gone (starting the stream: No such device)", "plug"),
    ],
    ids=lambda value: errno.errorcode.get(value) if isinstance(value, int) else None,
)
def test_errors_of_the_kernel_in_words(open_it, number, message, hint):
    camera = FakeCamera(BOSON, fail_at=(CALLS_OF_OPENING, number))
    with pytest.raises(SourceError) as caught:
        open_it(camera)
    assert message in str(caught.value)
    assert hint in caught.value.hint


def test_a_driver_with_one_buffer_is_refused(open_it):
    camera = FakeCamera(BOSON, buffers=1)
    with pytest.raises(SourceError, match="starting the stream failed"):
        open_it(camera)
    assert camera.leaks() == []


def test_a_driver_with_more_buffers_is_drained_to_its_newest(open_it):
    camera = FakeCamera([Mode("Y16", [((16, 8), [30])])], buffers=6)
    source = open_it(camera)
    pictures = [np.full((8, 16), value, "<u2").tobytes() for value in range(6)]
    camera.events.append(Burst(tuple(map(Shot, pictures))))
    frame = source.poll(0.1)
    assert (frame.seq, int(frame.image[0, 0])) == (5, 5)


def test_what_is_no_camera_is_told_by_the_kernel_itself():
    # The real device layer on a real character device.
    with pytest.raises(SourceError, match="/dev/null is no camera"):
        open_camera(CameraSettings(uri="v4l2:/dev/null"), Sensor.IR)


def test_a_node_that_is_not_there_is_a_lost_camera(system):
    with pytest.raises(CameraLostError, match="there is no /dev/video987") as caught:
        open_camera(CameraSettings(uri="v4l2:/dev/video987"), Sensor.IR, roots=system.roots)
    assert "Test camera" in caught.value.hint


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_told_what_they_have(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(SourceError, match="Linux alone") as caught:
        open_v4l2(CameraSettings(uri="v4l2:/dev/video0"), Sensor.IR)
    assert "camera:0" in caught.value.hint
