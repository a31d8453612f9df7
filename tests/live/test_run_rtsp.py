"""Live runs against a real RTSP server: what was paired is read back from the pictures themselves.

Every picture carries its number and the time at which it was made, see `marker`.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial

import av
import numpy as np
import pytest
from fakes import FakeEngine
from live import marker
from live.live_run import IR, VIS, Played, Shown, Story
from live.rtsp_server import Mount, RtspServer
from live.virtual_cameras import MS

from calibration.rig import Rig, stretch
from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import SourceError
from fusion_rt.frame import FramePair
from fusion_rt.live.cameras import Camera, LiveCameras
from fusion_rt.run_settings import RunSettings
from fusion_rt.sources.gst_library import gstreamer_missing
from fusion_rt.sources.network_reports import reports_can_be_read
from fusion_rt.sources.open_live import open_live

IR_WH, VIS_WH = (320, 240), (640, 480)
RIG = Rig(IR_WH, VIS_WH, np.array(stretch(IR_WH, VIS_WH)))
PERIOD_MS = 1000 / 30
LATE_MS = 8.0  # of the visible camera behind the infrared one

LIBRARIES = [
    pytest.param("pyav", id="pyav"),
    pytest.param(
        "gstreamer",
        marks=pytest.mark.skipif(gstreamer_missing() is not None, reason="needs GStreamer"),
        id="gstreamer",
    ),
]
needs_reports = pytest.mark.skipif(not reports_can_be_read(), reason="needs PyAV 17 or newer")


@pytest.fixture
def servers() -> Iterator[dict]:
    """A server for each camera, so that one of them can go alone."""
    with (
        RtspServer({"ir": Mount(size_wh=IR_WH)}) as ir,
        RtspServer({"vis": Mount(size_wh=VIS_WH, offset_ms=LATE_MS, color=True)}) as vis,
    ):
        yield {IR: ir, VIS: vis}


class RtspRun(Played):
    """A run with both cameras of such servers."""

    def __init__(self, servers: dict, library: str, **camera) -> None:
        usual = {"library": library, "timeout_s": 1.0, **camera}
        named = {s: {"uri": servers[s].url(s.value), **usual} for s in (IR, VIS)}
        settings = RunSettings.model_validate(
            {"cameras": {sensor.value: camera for sensor, camera in named.items()}}
        )
        both = {IR: settings.cameras.ir, VIS: settings.cameras.vis}
        sizes = {IR: IR_WH, VIS: VIS_WH}
        cameras = LiveCameras(
            {
                sensor: Camera(
                    partial(open_live, camera, sensor), lambda f: f, camera.timeout_s, sizes[sensor]
                )
                for sensor, camera in both.items()
            }
        )
        super().__init__(cameras, settings)
        # Of what was fused, as the pictures themselves tell, and as the run has it. GStreamer's
        # stamps are those of arrival, decoding included, until the cameras have told their time.
        self.skews_ms: list[float] = []
        self.measured_ms: list[float] = []
        self.library = library
        self.unread = 0
        self.scale = {IR: 1.0, VIS: 1.0}
        self._threads = set(threading.enumerate())

    def play(self, story: Story) -> None:
        """Run until the story is over; nothing may stay behind."""
        try:
            self.drive(lambda: FakeEngine(VIS_WH), RIG, story, lambda pair, health: None)
        finally:
            story.close()
            self.cameras.close()
        for thread in set(threading.enumerate()) - self._threads:
            thread.join(10)
            assert not thread.is_alive(), f"{thread.name} was left behind"
        for sensor in (IR, VIS):
            assert self.cameras.ledger.in_flight(sensor) == 0
        assert self.unread == 0, f"{self.unread} pictures without a marker were shown"

    def note(self, pair: FramePair) -> Shown:
        now_ns = time.monotonic_ns()
        marks = {}
        for sensor, frame in ((IR, pair.ir), (VIS, pair.vis)):
            if pair.alone in (None, sensor):
                mark = marker.read(frame.image, self.scale[sensor])
                if mark is None:
                    self.unread += 1
                    return Shown("unread", 0, 0, 1)
                marks[sensor] = mark.time_ns
        skew_ms = (marks[VIS] - marks[IR]) / MS if pair.alone is None else 0
        if pair.alone is None and (self.library == "pyav" or self.clocks() == {"sender"}):
            self.skews_ms.append(skew_ms)
            self.measured_ms.append(pair.skew_ns / MS)
        kind = "fused" if pair.alone is None else pair.alone.value
        return Shown(kind, skew_ms, (now_ns - min(marks.values())) / MS, 1)

    def clocks(self) -> set[str]:
        return {state.clock for state in self.cameras.states().values()}


@pytest.mark.parametrize("library", LIBRARIES)
@needs_reports
def test_pairs_are_those_that_were_taken_together(servers, library):
    run = RtspRun(servers, library)
    counts = []

    def story():
        yield run.next("fused")
        yield lambda: run.clocks() == {"sender"}
        yield run.next("fused", 30)  # an estimate that becomes better is taken over gradually
        counts.append(len(run.measured_ms))
        yield run.next("fused", 60)

    run.play(story())
    assert max(abs(skew) for skew in run.skews_ms) < PERIOD_MS
    true, measured = run.skews_ms[counts[0] :], run.measured_ms[counts[0] :]
    tolerance_ms = run.pipeline.max_skew_ms
    assert 15 < tolerance_ms < 25  # 0.65 of the period
    assert max(abs(skew) for skew in true) <= tolerance_ms
    assert statistics.median(true) == pytest.approx(LATE_MS, abs=2)  # each with its own partner
    assert abs(statistics.median(np.subtract(true, measured))) < 5
    assert run.levels[-1] == "good"


@pytest.mark.parametrize("library", LIBRARIES)
def test_killed_server_is_shown_and_found_again(servers, library):
    run = RtspRun(servers, library)

    def story():
        yield run.next("fused")
        servers[IR].kill()
        yield run.feels("degraded", "^infrared camera (lost|silent)")
        yield run.next("vis")
        yield run.feels("degraded", "infrared camera lost .*([Cc]onnect|refused)")
        servers[IR].start()
        yield run.feels("good")
        yield lambda: len(run.skews_ms) >= 10

    run.play(story())
    assert run.cameras.states()[IR].reconnects == 1
    assert run.cameras.states()[VIS].reconnects == 0
    assert max(abs(skew) for skew in run.skews_ms) < PERIOD_MS


def test_both_servers_killed_and_found_again(servers):
    run = RtspRun(servers, "pyav")

    def story():
        yield run.next("fused")
        for server in servers.values():
            server.kill()
        yield run.feels("down", "infrared camera lost .*visible camera lost")
        yield run.next("nothing")
        servers[VIS].start()
        yield run.next("vis")
        servers[IR].start()
        yield run.feels("good")
        yield lambda: len(run.skews_ms) >= 10

    run.play(story())
    assert max(abs(skew) for skew in run.skews_ms) < PERIOD_MS


@pytest.mark.parametrize("library", LIBRARIES)
def test_frozen_server_never_stands_still_as_if_it_were_live(servers, library):
    run = RtspRun(servers, library)
    thawed = []

    def story():
        yield run.next("fused")
        servers[IR].freeze()
        yield run.feels("degraded", r"^infrared camera (silent|lost) \(.*no picture for")
        yield run.next("vis")
        yield run.feels("degraded", "^infrared camera lost")
        servers[IR].thaw()
        yield run.feels("good")
        yield run.next("fused", 3)
        thawed.append(len(run.shown))
        yield run.next("fused", 15)
        yield lambda: len(run.skews_ms) >= 10

    run.play(story())
    # Nothing of what was held up meanwhile: pictures are of now, and of one moment.
    assert max(shown.age_ms for shown in run.shown[thawed[0] :]) < 1000
    assert max(abs(skew) for skew in run.skews_ms) < PERIOD_MS


def test_other_resolution_in_mid_stream(servers):
    run = RtspRun(servers, "pyav")

    def story():
        yield run.next("fused")
        run.scale[IR] = 320 / 480  # as it is scaled back to what the run began with
        servers[IR].tell("size ir 480x360")
        yield run.feels("degraded", "^infrared: sends 480x360, scaled to 320x240$")
        yield run.next("fused")
        servers[IR].tell("size ir 480x300")
        yield run.feels("degraded", r"^infrared camera misfit \(it sends 480x300")
        yield run.next("vis")
        servers[IR].tell("size ir 480x360")
        yield run.feels("degraded", "^infrared: sends 480x360")
        yield run.next("fused")

    # Until the change has arrived, pictures of the old size are read with the wrong scale.
    note = run.note

    def either(pair: FramePair) -> Shown:
        before = run.unread
        shown = note(pair)
        if run.unread > before:
            run.unread = before
            scales, run.scale = run.scale, {IR: 1.0, VIS: 1.0}
            shown, run.scale = note(pair), scales
        return shown

    run.note = either
    run.play(story())
    assert max(abs(skew) for skew in run.skews_ms) < PERIOD_MS
    assert run.cameras.states()[IR].reconnects <= 2


@pytest.mark.parametrize("library", LIBRARIES)
def test_lost_packets_cost_pictures_but_show_no_damage_and_no_wrong_pairs(library):
    with (
        RtspServer({"ir": Mount(size_wh=IR_WH)}, loss=0.05) as ir,
        RtspServer({"vis": Mount(size_wh=VIS_WH, color=True)}) as vis,
    ):
        # Damaged pictures are kept back for some time-outs, until a whole key frame comes.
        run = RtspRun({IR: ir, VIS: vis}, library, transport="udp", timeout_s=20)

        def story():
            # GStreamer marks the begin of a stream as it marks a loss: that one may be damaged.
            yield lambda: run.cameras.states()[IR].frames >= 8
            run.unread = 0
            yield lambda: run.cameras.states()[IR].missing > 0
            before = len(run.skews_ms)
            yield lambda: len(run.skews_ms) >= before + 8

        run.play(story())
    assert max(abs(skew) for skew in run.skews_ms) < PERIOD_MS
    states = run.cameras.states()
    assert states[IR].reconnects == states[VIS].reconnects == 0


def test_password_is_refused_at_the_start_and_never_shown():
    with RtspServer({"ir": Mount(), "vis": Mount()}, password="rightword") as server:
        url = server.url("ir", "user:wrongword@")
        camera = CameraSettings(uri=url, timeout_s=2)
        cameras = LiveCameras(
            {IR: Camera(partial(open_live, camera, IR), lambda f: f, 2.0, None)}  # one is enough
        )
        cameras.start()
        end_s = time.monotonic() + 20
        try:
            with pytest.raises(SourceError, match=r"name and password|\(401\)") as caught:
                cameras.sizes(lambda: time.monotonic() > end_s, lambda words: None)
        finally:
            cameras.close()
        assert "wrongword" not in str(caught.value) + caught.value.hint


# --- the command itself ---------------------------------------------------------------------------


def start(*arguments) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "fusion_rt", "run", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_until(process: subprocess.Popen, words: str) -> list[str]:
    """What it says until a line has these words."""
    said = []
    for line in process.stderr:
        said.append(line.rstrip())
        if words in line:
            return said
    raise AssertionError(f"never said {words!r}: {said}")


def test_command_fuses_reconnects_and_reports(servers, tmp_path):
    rig = tmp_path / "rig.yaml"
    rig.write_text(
        "{rig: 1, ir: {size: [320, 240]}, vis: {size: [640, 480]}, "
        f"H_vis_ir: {stretch(IR_WH, VIS_WH)}}}"
    )
    config = tmp_path / "c.yaml"
    config.write_text(
        f"cameras:\n  ir: {{uri: '{servers[IR].url('ir')}', timeout_s: 1}}\n"
        f"  vis: '{servers[VIS].url('vis', 'user:secretword@')}'\n"
        "rig: rig.yaml\nengine: {name: classical}\n"
        "output: {window: false, film: f.mp4, report: r.json}\n"
    )
    process = start(config)
    try:
        said = lines_until(process, "good")
        servers[IR].kill()
        said += lines_until(process, "degraded: infrared camera lost")
        config.write_text(config.read_text() + "pairing: {mode: latest}\n")
        said += lines_until(process, "pairing.mode changed")
        servers[IR].start()
        said += lines_until(process, "good")
        threading.Event().wait(2)  # some more pictures
        process.send_signal(signal.SIGINT)
        said += process.stderr.readlines()
        assert process.wait(20) == 0, said
    finally:
        process.kill()
        process.stderr.close()
    text = (tmp_path / "r.json").read_text()
    assert "secretword" not in text + " ".join(said)
    report = json.loads(text)
    frames = report["frames"]
    assert frames["fused"] > 5
    assert frames["shown_alone"]["vis"] > 0
    assert report["cameras"]["ir"]["reconnects"] == 1
    assert report["cameras"]["vis"]["uri"].startswith("rtsp://user:***@127.0.0.1:")
    assert report["cameras"]["vis"]["fps"] == pytest.approx(30, rel=0.1)
    assert report["pairing"]["mode"] == "latest"
    assert report["health"]["seconds"]["degraded"] > 0
    assert report["stopped_by_user"] is True
    assert 0 < report["latency_ms"]["end_to_end"]["p50"] < 1000
    for name in ("ir", "vis"):
        dropped = sum(counts[name] for counts in frames["dropped"].values())
        shown = frames["fused"] - frames["reused"][name] + frames["shown_alone"][name]
        assert frames[f"captured_{name}"] == shown + dropped
    with av.open(str(tmp_path / "f.mp4")) as container:
        pictures = sum(1 for _ in container.decode(video=0))
    assert pictures == frames["fused"] + frames["shown_alone"]["ir"] + frames["shown_alone"]["vis"]
    assert isinstance(report["clock"], dict)
