"""Network cameras by PyAV against a real RTSP server with marked pictures."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from live import marker
from live.rtsp_server import Mount, RtspServer

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import SourceError
from fusion_rt.frame import Frame, Sensor
from fusion_rt.sources.live import CameraLostError, LiveSource
from fusion_rt.sources.network import open_network
from fusion_rt.sources.network_reader import StreamReader
from fusion_rt.sources.network_reports import reports_can_be_read

MS = 1_000_000
HALF_FRAME_MS = 1000 / 30 / 2
GIVE_UP_S = 20.0  # far beyond what anything here takes


@pytest.fixture(scope="module")
def server() -> Iterator[RtspServer]:
    mounts = {
        "ir": Mount(jitter_ms=6),
        "vis": Mount(size_wh=(640, 480), offset_ms=5, color=True),
        "jpeg": Mount(codec="jpeg"),
        "small": Mount(size_wh=(320, 240)),
    }
    with RtspServer(mounts) as running:
        yield running


def watch(source: LiveSource, count: int) -> list[Frame]:
    """So many frames, as they come."""
    frames: list[Frame] = []
    end = time.monotonic() + GIVE_UP_S
    while len(frames) < count and time.monotonic() < end:
        frame = source.poll(0.1)
        if frame is not None:
            frames.append(frame)
    assert len(frames) == count
    return frames


def watch_until_lost(source: LiveSource) -> CameraLostError:
    with pytest.raises(CameraLostError) as caught:
        watch(source, 10_000)
    with pytest.raises(CameraLostError):  # and stays lost
        source.poll(0.1)
    return caught.value


def errors_ms(frames: list[Frame]) -> np.ndarray:
    """Capture time less the time in the picture."""
    marks = [marker.read(frame.image) for frame in frames]
    assert None not in marks
    return np.array([(f.captured_ns - m.time_ns) / MS for f, m in zip(frames, marks, strict=True)])


def numbers(frames: list[Frame]) -> list[int]:
    return [marker.read(frame.image).number for frame in frames]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_frames_are_whole_in_order_and_stamped(server, transport):
    camera = CameraSettings(uri=server.url("ir"), transport=transport)
    with open_network(camera, Sensor.IR) as source:
        assert source.info.size_wh == (320, 240)
        assert source.info.kind == "network"
        frames = watch(source, 25)
    assert all(frame.image.shape == (240, 320) for frame in frames)
    assert all(frame.image.dtype == np.uint8 for frame in frames)
    steps = np.diff([frame.seq for frame in frames])
    assert (steps >= 1).all()
    # What the source counts is what the camera made.
    np.testing.assert_array_equal(steps, np.diff(numbers(frames)))
    assert np.diff([frame.captured_ns for frame in frames]).min() > 0
    assert all(frame.begun_ns == frame.captured_ns < frame.arrived_ns for frame in frames)
    errors = errors_ms(frames)
    assert np.abs(np.median(errors)) < HALF_FRAME_MS
    assert errors.std() < HALF_FRAME_MS / 2


def test_visible_frames_are_colour_as_sent(server):
    with open_network(CameraSettings(uri=server.url("vis")), Sensor.VIS) as source:
        frame = watch(source, 2)[-1]
    assert frame.image.shape == (480, 640, 3)
    blue, _, red = (float(frame.image[100:, :, c].mean()) for c in range(3))
    assert red - blue > 100  # Cb 90, Cr 170


def test_motion_jpeg_over_rtsp(server):
    with open_network(CameraSettings(uri=server.url("jpeg")), Sensor.IR) as source:
        errors = errors_ms(watch(source, 15))
    assert np.abs(np.median(errors)) < HALF_FRAME_MS


@pytest.mark.skipif(not reports_can_be_read(), reason="needs PyAV 17 for sender reports")
def test_sender_reports_put_two_cameras_in_step(server):
    with (
        open_network(CameraSettings(uri=server.url("ir")), Sensor.IR) as ir,
        open_network(CameraSettings(uri=server.url("vis")), Sensor.VIS) as vis,
    ):
        end = time.monotonic() + GIVE_UP_S
        while {ir.info.clock, vis.info.clock} != {"sender"} and time.monotonic() < end:
            ir.poll(0.05)
            vis.poll(0.05)
        assert (ir.info.clock, vis.info.clock) == ("sender", "sender")
        watch(ir, 40)  # the change from the first estimate is gradual
        found = [errors_ms(watch(source, 5)) for source in (ir, vis)]
    assert np.abs(np.concatenate(found)).max() < 10


def test_newest_wins_and_what_was_passed_over_is_a_gap(server):
    with open_network(CameraSettings(uri=server.url("ir")), Sensor.IR) as source:
        before = watch(source, 3)[-1]
        threading.Event().wait(0.5)
        after = watch(source, 1)[0]
        assert after.seq - before.seq > 5
        assert numbers([after])[0] - numbers([before])[0] == after.seq - before.seq
        assert time.monotonic_ns() - after.arrived_ns < 200 * MS


def test_slow_decoder_leaves_out_pictures_instead_of_falling_behind(server, monkeypatch):
    decode = StreamReader._decode

    def slowly(*given) -> None:
        threading.Event().wait(0.08)  # pictures come each 33 ms
        decode(*given)

    monkeypatch.setattr(StreamReader, "_decode", slowly)
    with open_network(CameraSettings(uri=server.url("ir")), Sensor.IR) as source:
        end = time.monotonic() + GIVE_UP_S
        while not source.skipped and time.monotonic() < end:
            source.poll(0.1)
        watch(source, 2)
        frame = watch(source, 1)[0]
        age_ms = (time.monotonic_ns() - marker.read(frame.image).time_ns) / MS
        np.testing.assert_allclose(errors_ms([frame]), 0, atol=3 * HALF_FRAME_MS)
    assert source.skipped
    assert age_ms < 1000


def test_size_may_change_in_mid_stream(server):
    with open_network(CameraSettings(uri=server.url("small")), Sensor.IR) as source:
        watch(source, 5)
        server.tell("size small 480x360")
        end = time.monotonic() + GIVE_UP_S
        frame = None
        while (frame is None or frame.size_wh == (320, 240)) and time.monotonic() < end:
            frame = source.poll(0.1) or frame
        assert frame.size_wh == (480, 360)
        assert np.abs(errors_ms(watch(source, 10))).max() < 2 * HALF_FRAME_MS


def test_wrong_path_is_said(server):
    with pytest.raises(CameraLostError, match=r"no stream under this path \(404\)") as caught:
        open_network(CameraSettings(uri=server.url("other")), Sensor.IR)
    assert "manual" in caught.value.hint


@pytest.mark.parametrize(
    "login", [pytest.param("", id="none"), pytest.param("user:wrong@", id="wrong")]
)
def test_password_is_asked_for_and_never_shown(login):
    with RtspServer({"ir": Mount()}, password="right") as guarded:
        with pytest.raises(SourceError, match="name and password") as caught:
            open_network(CameraSettings(uri=guarded.url("ir", login)), Sensor.IR)
        assert not isinstance(caught.value, CameraLostError)
        assert "wrong" not in str(caught.value) + caught.value.hint
        if login:
            url = guarded.url("ir", "user:right@")
            with open_network(CameraSettings(uri=url), Sensor.IR) as source:
                watch(source, 2)
                assert "right" not in repr(source.info)


def test_killed_server_is_noticed_and_found_again():
    camera_of = {"timeout_s": 1.0}
    with RtspServer({"ir": Mount()}) as server:
        camera = CameraSettings(uri=server.url("ir"), **camera_of)
        with open_network(camera, Sensor.IR) as source:
            watch(source, 3)
            server.kill()
            lost = watch_until_lost(source)
            assert "stream" in str(lost)
        with pytest.raises(CameraLostError, match="connection refused"):
            open_network(camera, Sensor.IR)
        server.start()
        with open_network(camera, Sensor.IR) as source:
            watch(source, 3)


def test_frozen_server_is_lost_after_the_time_out():
    with RtspServer({"ir": Mount()}) as server:
        camera = CameraSettings(uri=server.url("ir"), timeout_s=0.5)
        with open_network(camera, Sensor.IR) as source:
            watch(source, 3)
            server.freeze()
            begun = time.monotonic()
            lost = watch_until_lost(source)
            assert "no picture for 0." in str(lost)
            assert 0.4 < time.monotonic() - begun < 5
        with pytest.raises(CameraLostError, match=r"no answer in 0\.[56] s"):
            open_network(camera, Sensor.IR)
        server.thaw()
        with open_network(camera, Sensor.IR) as source:
            errors = errors_ms(watch(source, 10))
        assert np.abs(errors).max() < 2 * HALF_FRAME_MS  # nothing of what was held up meanwhile


def test_silent_camera_is_closed_within_its_time_out():
    with RtspServer({"ir": Mount()}) as server:
        camera = CameraSettings(uri=server.url("ir"), timeout_s=0.5)
        threads = threading.active_count()
        source = open_network(camera, Sensor.IR)
        server.freeze()
        begun = time.monotonic()
        source.close()
        assert time.monotonic() - begun < 5
        assert threading.active_count() == threads


def test_paused_camera_is_lost_though_the_server_answers():
    with RtspServer({"ir": Mount()}) as server:
        camera = CameraSettings(uri=server.url("ir"), timeout_s=0.5)
        with open_network(camera, Sensor.IR) as source:
            watch(source, 3)
            server.tell("pause ir")
            assert "no picture for" in str(watch_until_lost(source))


def test_no_damaged_picture_is_shown_when_packets_are_lost():
    with RtspServer({"ir": Mount()}, loss=0.02) as server:
        camera = CameraSettings(uri=server.url("ir"), transport="udp", timeout_s=20)
        with open_network(camera, Sensor.IR) as source:
            frames = watch(source, 25)
            assert source.damaged > 0
    assert max(differs(frame) for frame in frames) < 0.02


def differs(frame: Frame) -> float:
    """Share of the pixels that are not as the server drew them."""
    height, width = frame.image.shape
    mark = marker.read(frame.image)
    if mark is None:
        return 1.0
    number = mark.number
    y, x = np.mgrid[:height, :width]
    drawn = 64 + (2 * x + 3 * ((y + number % 64) % 64)) % 128
    full_range = (drawn - 16) * 255 / 219
    off = np.abs(frame.image - full_range) > 40
    off[: marker.HEIGHT, : marker.WIDTH] = False
    return float(off.mean())


def test_reconnecting_leaves_no_handle_and_no_thread_behind(server):
    camera = CameraSettings(uri=server.url("ir"))

    def held() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    with open_network(camera, Sensor.IR):
        pass
    before = held()
    for _ in range(20):
        with open_network(camera, Sensor.IR) as source:
            watch(source, 1)
    after = held()
    assert after[0] <= before[0]
    assert after[1] <= before[1]


def test_closed_camera_says_so(server):
    source = open_network(CameraSettings(uri=server.url("ir")), Sensor.IR)
    source.close()
    source.close()
    with pytest.raises(SourceError, match="is closed"):
        source.poll(0.1)
