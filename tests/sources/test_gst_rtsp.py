"""RTSP through GStreamer, against a real server whose pictures carry number and time."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import statistics
import time
from urllib.parse import quote

import numpy as np
import pytest
from live import marker
from live.rtsp_server import Mount, RtspServer

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import SourceError
from fusion_rt.frame import Sensor
from fusion_rt.sources.gst_library import gstreamer_missing, load_gst
from fusion_rt.sources.gst_pipelines import decoder
from fusion_rt.sources.gstreamer import open_gst, open_rtsp_gst
from fusion_rt.sources.live import CameraLostError

PATIENCE_S = 30.0  # bound on what a busy machine may take; never waited for where all is well


@pytest.fixture(autouse=True)
def real_gst():
    reason = gstreamer_missing()
    if reason:
        pytest.skip(reason)
    for element in ("rtspsrc", "avdec_h264"):
        if not load_gst().has(element):
            pytest.skip(f"GStreamer has no {element} here")


@pytest.fixture(scope="module")
def server():
    mounts = {
        "ir": Mount(),
        "vis": Mount(size_wh=(640, 480), color=True),
        "jpeg": Mount(codec="jpeg"),
    }
    with RtspServer(mounts) as running:
        yield running


def camera(uri: str, **settings) -> CameraSettings:
    return CameraSettings(uri=uri, library="gstreamer", **settings)


def iter_frames(source, until_s: float = PATIENCE_S):
    end = time.monotonic() + until_s
    while time.monotonic() < end:
        frame = source.poll(0.2)
        if frame is not None:
            yield frame
    raise AssertionError("no end within the patience")


def marked_pairs(source):
    for frame in iter_frames(source):
        mark = marker.read(frame.image)
        assert mark is not None
        yield frame, mark


def marked_frames(source, count: int) -> list:
    """So many frames and what their markers say; every one must be readable."""
    return list(itertools.islice(marked_pairs(source), count))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    ("mount", "sensor", "shape", "note"),
    [
        pytest.param("ir", Sensor.IR, (240, 320), "H264 is decoded by ", id="infrared"),
        pytest.param("vis", Sensor.VIS, (480, 640, 3), "H264 is decoded by ", id="visible"),
        pytest.param("jpeg", Sensor.IR, (240, 320), "JPEG is decoded by ", id="jpeg"),
    ],
)
def test_pictures_arrive_in_order_with_their_times(server, mount, sensor, shape, note, transport):
    with open_rtsp_gst(camera(server.url(mount), transport=transport), sensor) as source:
        assert source.info.size_wh == shape[1::-1]
        assert any(text.startswith(note) for text in source.info.notes)
        pairs = marked_frames(source, 20)
    for frame, mark in pairs:
        assert frame.image.shape == shape
        assert frame.captured_ns <= frame.arrived_ns
        # Taken before it arrived, and not much later than the picture itself says.
        assert mark.time_ns <= frame.arrived_ns
    numbers = [mark.number for _, mark in pairs]
    assert numbers == sorted(set(numbers))
    assert [frame.seq for frame, _ in pairs] == sorted({frame.seq for frame, _ in pairs})
    off_ns = [frame.captured_ns - mark.time_ns for frame, mark in pairs]
    assert abs(statistics.median(off_ns)) < 500_000_000


def test_luma_is_that_of_the_picture(server):
    """The marker's squares are drawn with luma 16 and 235: black and white."""
    with open_rtsp_gst(camera(server.url("ir")), Sensor.IR) as source:
        (frame, _), *_ = marked_frames(source, 1)
    squares = frame.image[: marker.HEIGHT, : marker.WIDTH].astype(int)
    middle = squares[6::12, 6::12]
    assert np.all((middle < 15) | (middle > 240))


def test_senders_reports_give_the_time_of_capture(server):
    if load_gst().version < (1, 22, 0):
        pytest.skip("this GStreamer does not hand out the sender's times")
    with open_rtsp_gst(camera(server.url("ir")), Sensor.IR) as source:
        frames = iter_frames(source)
        assert source.info.clock == "arrival"
        while source.info.clock != "sender":  # the first report comes after some seconds
            next(frames)
        # Right to the unit of the marker at best; a picture in between is 33 ms.
        pairs = marked_frames(source, 45)
    off_ns = [frame.captured_ns - mark.time_ns for frame, mark in pairs]
    assert abs(statistics.median(off_ns)) < 10_000_000
    steps = [b.number - a.number for (_, a), (_, b) in itertools.pairwise(pairs)]
    counted = [b.seq - a.seq for (a, _), (b, _) in itertools.pairwise(pairs)]
    # What was passed over shows as a gap; a busy machine sends so unevenly that some are not seen.
    assert sum(a != b for a, b in zip(counted, steps, strict=True)) <= len(steps) // 5


def test_size_changes_in_mid_stream(server):
    with open_rtsp_gst(camera(server.url("vis")), Sensor.VIS) as source:
        try:
            server.tell("size vis 320x240")
            for frame in iter_frames(source):
                if frame.size_wh == (320, 240):
                    break
            assert all(f.size_wh == (320, 240) for f, _ in marked_frames(source, 5))
        finally:
            server.tell("size vis 640x480")


def test_losses_damage_no_picture():
    """Damaged ones are left out, and so are those that build on them."""
    with (
        RtspServer({"ir": Mount()}, loss=0.01) as lossy,
        # Patient, as otherwise pictures are shown again after half the time-out, whatever comes.
        open_rtsp_gst(camera(lossy.url("ir"), transport="udp", timeout_s=60), Sensor.IR) as source,
    ):
        pairs = marked_frames(source, 120)
    steps = [b.number - a.number for (_, a), (_, b) in itertools.pairwise(pairs)]
    assert max(steps) > 1  # the loss was real
    for frame, mark in pairs:
        rows = np.arange(240)[:, None] + mark.number % 64
        luma = 64 + (np.arange(320)[None] * 2 + rows % 64 * 3) % 128
        grey = (luma - 16) * 255 / 219
        # The pattern jumps by 128 at places, where coding rings; damage moves or smears blocks.
        off = np.abs(frame.image[marker.HEIGHT :] - grey[marker.HEIGHT :])
        blocks = off.reshape(-1, 16, 20, 16).mean(axis=(1, 3))
        assert blocks.max() < 25


def test_a_decoder_that_is_too_slow_does_not_fall_behind(monkeypatch):
    """Fifteen pictures a second at most, of thirty: half of them would wait longer and longer."""

    def slow(codec: str, has) -> str:
        return f"{decoder(codec, has)} ! identity sleep-time=66000"

    monkeypatch.setattr("fusion_rt.sources.gst_pipelines.decoder", slow)
    with (
        RtspServer({"ir": Mount()}) as own,
        open_rtsp_gst(camera(own.url("ir")), Sensor.IR) as source,
    ):
        end = time.monotonic() + 6.0
        ages_ns = []
        for frame, mark in marked_pairs(source):
            ages_ns.append(frame.arrived_ns - mark.time_ns)
            if time.monotonic() > end:
                break
    # Without leaving any out, the last would be nearly three seconds old.
    assert max(ages_ns[len(ages_ns) // 2 :]) < 1_500_000_000


def test_killed_server_is_lost_and_found_again():
    with RtspServer({"ir": Mount()}) as own:
        with open_rtsp_gst(camera(own.url("ir")), Sensor.IR) as source:
            marked_frames(source, 3)
            own.kill()
            with pytest.raises(CameraLostError) as caught:
                for _ in iter_frames(source):
                    pass
            assert "rtsp://127.0.0.1" in str(caught.value)
        with pytest.raises(CameraLostError, match="cannot connect"):
            open_rtsp_gst(camera(own.url("ir")), Sensor.IR)
        own.start()
        with open_rtsp_gst(camera(own.url("ir")), Sensor.IR) as source:
            marked_frames(source, 3)


def test_frozen_server_gives_nothing_and_closing_does_not_wait_for_it():
    with RtspServer({"ir": Mount()}) as own:
        source = open_rtsp_gst(camera(own.url("ir"), timeout_s=1), Sensor.IR)
        with source:
            marked_frames(source, 3)
            own.freeze()
            # Whatever is on its way comes first; then either silence or a word of GStreamer.
            with contextlib.suppress(CameraLostError):
                while source.poll(0.5) is not None:
                    pass
            begun = time.monotonic()
        assert time.monotonic() - begun < 10
        own.thaw()
        with open_rtsp_gst(camera(own.url("ir")), Sensor.IR) as again:
            marked_frames(again, 3)


PASSWORD = 'p@ss/w:rd #?% "quoted" ! filesink location=/tmp/no \\'


def test_password_with_any_signs():
    with RtspServer({"ir": Mount()}, password=PASSWORD) as guarded:
        login = f"user:{quote(PASSWORD, safe='')}@"
        with open_rtsp_gst(camera(guarded.url("ir", login)), Sensor.IR) as source:
            assert source.info.uri == f"rtsp://user:***@127.0.0.1:{guarded.port}/ir"
            marked_frames(source, 2)
        for wrong in ("user:geheim@", ""):
            with pytest.raises(SourceError) as caught:
                open_rtsp_gst(camera(guarded.url("ir", wrong)), Sensor.IR)
            assert not isinstance(caught.value, CameraLostError)  # no waiting mends it
            assert "geheim" not in str(caught.value) + caught.value.hint
            assert "password" in caught.value.hint


def test_path_that_is_not_there(server):
    with pytest.raises(CameraLostError, match=r"Not Found \(404\)"):
        open_gst(camera(server.url("nothing")), Sensor.IR)


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="counts by Linux's /proc")
def test_reconnecting_leaks_nothing(server):
    def counts() -> tuple[int, int]:
        gc.collect()
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    def cycle() -> None:
        with open_rtsp_gst(camera(server.url("ir")), Sensor.IR) as source:
            marked_frames(source, 1)

    for _ in range(3):
        cycle()
    handles, threads = counts()
    for _ in range(12):
        cycle()
    after_handles, after_threads = counts()
    assert after_handles - handles < 6
    assert after_threads - threads < 6
