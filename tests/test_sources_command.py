"""``fusion-rt sources``: which camera is thermal and why, and how it looks."""

from __future__ import annotations

import errno
import json
import sys
from dataclasses import replace

import pytest
import yaml
from fake_v4l2 import CAPTURE, FakeCamera, FakeSystem, Mode

from fusion_rt.commands.sources import list_sources
from fusion_rt.commands.sources_advice import advice
from fusion_rt.commands.sources_proposal import propose
from fusion_rt.commands.sources_report import as_data
from fusion_rt.errors import SourceError
from fusion_rt.run_settings import CamerasSettings
from fusion_rt.sources.v4l2 import kernel
from fusion_rt.sources.v4l2.fourcc import fourcc
from fusion_rt.sources.v4l2.nodes import UsbDevice, VideoNode
from fusion_rt.sources.v4l2.offers import Card, FormatOffer, SizeOffer
from fusion_rt.sources.v4l2.survey import FoundCamera, Survey, survey
from fusion_rt.sources.v4l2.thermal_clues import KNOWN, Verdict, judge
from fusion_rt.terminal import console
from fusion_rt.thermal.layout import known_layouts

BOSON = [Mode("YU12", [((640, 512), [60, 30])]), Mode("Y16", [((640, 512), [60, 30])])]
WEBCAM = [
    Mode("MJPG", [((1920, 1080), [30]), ((1280, 720), [60, 30]), ((640, 480), [30])]),
    Mode("YUYV", [((1280, 720), [10]), ((640, 480), [30, 15])]),
]
METADATA = kernel.CAP_STREAMING


class Desk:
    """A system with cameras plugged in."""

    def __init__(self, top) -> None:
        self.system = FakeSystem(top)
        self.cameras: dict[str, FakeCamera] = {}

    def plug(self, number: int, camera: FakeCamera, device=None, **names) -> None:
        self.cameras[self.system.node(number, camera.name, device, **names)] = camera

    def look(self) -> Survey:
        return survey(lambda path: self.cameras[path].device(path), self.system.roots)

    def boson(self, number: int = 2, **facts) -> None:
        device = self.system.usb(
            "1-2", "09cb:4007", manufacturer="FLIR", product="Boson", serial="77", speed="480"
        )
        camera = FakeCamera(BOSON, name="Boson: FLIR Video", **facts)
        self.plug(number, camera, device, by_id="usb-FLIR_Boson_77-video-index0")

    def webcam(self, number: int = 0) -> None:
        device = self.system.usb("1-3", "046d:0825", product="Webcam C270", serial="A1B2")
        camera = FakeCamera(WEBCAM, name="UVC Camera (046d:0825)")
        self.plug(number, camera, device, by_id="usb-046d_C270_A1B2-video-index0")
        self.plug(number + 1, replace(camera, caps=METADATA), device)


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    assert [leak for camera in desk.cameras.values() for leak in camera.leaks()] == []


def found(
    *offers: tuple[str, tuple[int, int], float], name: str = "USB Camera", ids: str = "1111:2222"
) -> FoundCamera:
    """A camera by its formats."""
    vendor, _, product = ids.partition(":")
    return FoundCamera(
        VideoNode("/dev/video0", name, UsbDevice(vendor, product)),
        Card("uvcvideo", name, "usb-1", captures=True, multi_planar=False),
        tuple(
            FormatOffer(fourcc(text), text, (SizeOffer(wh, (fps,)),)) for text, wh, fps in offers
        ),
    )


@pytest.mark.parametrize(
    ("camera", "verdict", "reason"),
    [
        pytest.param(
            found(("Y16", (640, 512), 60), name="Boson", ids="09cb:4007"),
            Verdict.THERMAL,
            "that of FLIR Boson",
            id="boson",
        ),
        pytest.param(
            found(("UYVY", (160, 120), 9), ids="1e4e:0100"),
            Verdict.THERMAL,
            "PureThermal",
            id="purethermal-by-its-number",
        ),
        pytest.param(
            found(("YUYV", (256, 384), 25)), Verdict.THERMAL, "two of a thermal core", id="stacked"
        ),
        pytest.param(
            found(("YUYV", (384, 288), 25)), Verdict.THERMAL, "384x288", id="size-of-a-core"
        ),
        pytest.param(
            found(("Y16", (320, 240), 30)), Verdict.THERMAL, "16-bit grey (Y16)", id="16-bit-small"
        ),
        pytest.param(
            found(("YUYV", (160, 120), 8.7)), Verdict.THERMAL, "9 frames", id="small-and-slow"
        ),
        pytest.param(
            found(("YUYV", (640, 480), 30), name="HIKMICRO Mini"),
            Verdict.THERMAL,
            "'HIKMICRO'",
            id="name",
        ),
        pytest.param(
            found(("Y12", (1280, 1024), 40)), Verdict.MAYBE, "16-bit grey", id="machine-vision"
        ),
        pytest.param(
            found(("MJPG", (1920, 1080), 30), ("YUYV", (640, 480), 30)),
            Verdict.VISIBLE,
            "larger than any thermal",
            id="webcam",
        ),
        pytest.param(
            found(("YUYV", (640, 480), 30)), Verdict.VISIBLE, "nothing speaks", id="plain-webcam"
        ),
        pytest.param(
            found(("Y16", (1280, 720), 30), ("YUYV", (1280, 720), 30), name="Intel RealSense D435"),
            Verdict.VISIBLE,
            "depth camera",
            id="depth-camera-offers-16-bit-too",
        ),
        pytest.param(
            found(("GREY", (640, 360), 15), name="Integrated IR Camera"),
            Verdict.NEAR_INFRARED,
            "face log-in",
            id="laptop-near-infrared",
        ),
        pytest.param(
            found(("RG10", (3280, 2464), 21), name="vi-output, imx219"),
            Verdict.RAW,
            "mosaic",
            id="ribbon-sensor",
        ),
        pytest.param(
            FoundCamera(VideoNode("/dev/video0"), None, fault="may not be opened"),
            Verdict.UNKNOWN,
            "may not be opened",
            id="not-asked",
        ),
    ],
)
def test_verdicts_have_reasons(camera, verdict, reason):
    judged = judge(camera)
    assert judged.verdict is verdict
    assert any(reason in line for line in judged.reasons), judged.reasons


def test_layouts_of_known_cameras_are_there():
    named = {camera.layout for camera in KNOWN.values()} - {""}
    assert named <= set(known_layouts())
    assert named


def test_two_cameras_become_a_configuration_that_is_understood(desk):
    desk.boson()
    desk.webcam()
    config = propose(desk.look()).config
    cameras = CamerasSettings.model_validate(config["cameras"])
    assert cameras.ir.uri == "v4l2:usb-FLIR_Boson_77-video-index0"
    assert cameras.ir.layout == "boson"
    assert cameras.vis.uri == "v4l2:usb-046d_C270_A1B2-video-index0"


def test_printed_configuration_is_the_proposed_one(desk):
    desk.boson()
    desk.webcam()
    proposal = propose(desk.look())
    assert yaml.safe_load("\n".join(proposal.lines[1:])) == proposal.config


def test_stacked_pictures_get_a_layout():
    camera = found(("YUYV", (256, 384), 25), ids="3474:9999")
    webcam = found(("MJPG", (1920, 1080), 30))
    config = propose(Survey((camera, webcam), (), (), ())).config
    assert config["cameras"]["ir"]["layout"] == "infiray-p2-pro"


@pytest.mark.parametrize(
    ("cameras", "missing"),
    [
        ((found(("YUYV", (640, 480), 30)),), "no thermal camera"),
        ((found(("Y16", (640, 512), 30)),), "no visible camera"),
        ((found(("RG10", (640, 512), 30)),), "no visible or thermal camera"),
    ],
)
def test_what_is_missing_for_a_pair_is_told(cameras, missing):
    proposal = propose(Survey(cameras, (), (), ()))
    assert proposal.config is None
    assert missing in proposal.lines[0]


def test_data_hold_everything(desk, capsys):
    desk.boson()
    desk.webcam()
    assert list_sources(True, desk.look) == 0
    data = json.loads(capsys.readouterr().out)
    webcam, boson = data["cameras"]
    assert boson["uri"] == "v4l2:usb-FLIR_Boson_77-video-index0"
    assert boson["usb"]["serial"] == "77"
    assert boson["verdict"] == "thermal"
    assert boson["score"] >= 200
    assert boson["formats"][1]["format"] == "Y16"
    assert boson["formats"][1]["sizes"] == [
        {"size": "640x512", "fps": [60.0, 30.0], "any_rate_between": False}
    ]
    assert webcam["verdict"] == "visible"
    assert data["other_nodes"] == [str(desk.system.roots.dev / "video1")]
    assert data["config"]["cameras"]["ir"]["layout"] == "boson"


@pytest.fixture
def narrow(monkeypatch):
    """A terminal of 80 columns."""
    monkeypatch.setattr(console, "_width", 80)


def test_people_see_names_reasons_and_configuration_in_80_columns(desk, capsys, narrow):
    desk.boson()
    desk.webcam()
    assert list_sources(look=desk.look) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "  v4l2:usb-FLIR_Boson_77-video-index0\n" in shown.err
    assert "640x512 at 30 to 60 fps" in shown.err
    assert "1920x1080, 640x480 at 30 fps; 1280x720 at 30 to 60 fps" in shown.err
    assert "USB number 09cb:4007 is that of FLIR Boson (+100)" in shown.err
    assert "    uri: v4l2:usb-FLIR_Boson_77-video-index0\n" in shown.err
    table_lines = [line for line in shown.err.splitlines() if str(desk.system.top) not in line]
    assert max(map(len, table_lines)) <= 80


def test_a_camera_that_may_not_be_opened_is_shown_with_its_remedy(desk, capsys):
    desk.boson(fail_at=(1, errno.EACCES))
    assert list_sources(look=desk.look) == 0
    shown = " ".join(capsys.readouterr().err.split())
    assert "may not be opened by this user" in shown
    assert "usermod -aG video" in shown


def test_a_camera_in_use_is_still_listed(desk):
    desk.boson(fail_at=(2, errno.EBUSY))
    (camera,) = desk.look().cameras
    assert "in use by another program" in camera.fault


def test_nodes_of_several_planes_and_unknown_formats_are_shown(desk):
    sensor = [Mode("RG10", [((1920, 1080), [30])])]
    desk.plug(0, FakeCamera(sensor, name="vi-output, imx219", driver="tegra-video"))
    planes = kernel.CAP_VIDEO_CAPTURE_MPLANE | kernel.CAP_STREAMING
    desk.plug(1, FakeCamera([], name="rkisp_mainpath", driver="rkisp_v5", caps=planes))
    looked = desk.look()
    assert [camera.name for camera in looked.cameras] == ["vi-output, imx219", "rkisp_mainpath"]
    assert "Jetson is read as csi:0" in advice(looked, desk.system.roots)[0]


def test_thermal_cameras_without_a_driver_are_named(desk, capsys):
    desk.system.usb("1-5", "289d:0010", driver=False)
    assert list_sources(look=desk.look) == 1
    shown = " ".join(capsys.readouterr().err.split())
    assert "USB 1-5: Seek Thermal Compact, 289d:0010: no video driver" in shown
    assert "v4l2loopback" in shown


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        pytest.param(lambda system: None, "check plug and power", id="nothing-at-all"),
        pytest.param(
            lambda system: system.usb("1-1", "046d:0825"), "modprobe uvcvideo", id="no-driver"
        ),
        pytest.param(
            lambda system: (system.top / "proc/sys/kernel/osrelease").write_text(
                "5.15.90.1-microsoft-standard-WSL2"
            ),
            "usbipd attach --wsl",
            id="wsl",
        ),
        pytest.param(
            lambda system: (system.top / ".dockerenv").touch(), "--device /dev/video0", id="docker"
        ),
        pytest.param(
            lambda system: system.node(3, "Webcam", in_dev=False),
            "--device /dev/video3 --group-add video",
            id="container-without-the-node",
        ),
    ],
)
def test_nothing_found_tells_what_to_do(desk, prepare, words):
    prepare(desk.system)
    lines = advice(desk.look(), desk.system.roots)
    assert words in " ".join(lines)


def test_all_well_needs_no_advice(desk):
    desk.boson()
    desk.webcam()
    assert advice(desk.look(), desk.system.roots) == ()


def test_other_systems_are_told_what_they_have(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SourceError, match="Linux alone"):
        list_sources()


def test_sizes_of_a_range_and_silent_drivers(desk):
    steps = (32, 1920, 16, 32, 1080, 8)
    camera = FakeCamera([Mode("YUYV", [(steps, [60, 1])]), Mode("Z16")], caps=CAPTURE)
    desk.plug(0, camera)
    yuyv, depth = as_data(desk.look())["cameras"][0]["formats"]
    assert yuyv["range"] == {"least": "32x32", "most": "1920x1080", "step": "16x8"}
    assert {"size": "640x480", "fps": [60.0, 1.0], "any_rate_between": True} in yuyv["sizes"]
    assert (depth["readable"], depth["sizes"]) == (False, [])
