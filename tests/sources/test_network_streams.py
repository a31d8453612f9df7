"""Network cameras other than RTSP, and every way in which a connection fails."""

from __future__ import annotations

import io
import socket
import time
import wave

import av
import numpy as np
import pytest
from live import marker, senders

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import SourceError, UsageError
from fusion_rt.frame import Frame, Sensor
from fusion_rt.sources.live import CameraLostError, LiveSource
from fusion_rt.sources.network import open_network

MS = 1_000_000
FRAME_MS = 1000 / 30


def watch(source: LiveSource, count: int) -> list[Frame]:
    frames: list[Frame] = []
    end = time.monotonic() + 20
    while len(frames) < count and time.monotonic() < end:
        frame = source.poll(0.1)
        if frame is not None:
            frames.append(frame)
    assert len(frames) == count
    return frames


@pytest.mark.parametrize(
    ("camera", "dtype"),
    [
        pytest.param(lambda: senders.http_camera(senders.motion_jpeg), np.uint8, id="http-mjpeg"),
        pytest.param(senders.udp_camera, np.uint8, id="udp-transport-stream"),
        pytest.param(senders.tcp_camera, np.uint16, id="tcp-16-bit-grey"),
    ],
)
def test_stream_is_read_and_stamped(camera, dtype):
    with camera() as url, open_network(CameraSettings(uri=url), Sensor.IR) as source:
        frames = watch(source, 15)
        assert source.info.size_wh == (320, 240)
        assert source.info.bit_depth == 8 * np.dtype(dtype).itemsize
        assert source.info.clock == "arrival"
    assert all(frame.image.dtype == dtype for frame in frames)
    marks = [marker.read(frame.image) for frame in frames]
    assert None not in marks
    errors = [(f.captured_ns - m.time_ns) / MS for f, m in zip(frames, marks, strict=True)]
    assert abs(float(np.median(errors))) < FRAME_MS / 2
    steps = np.diff([frame.seq for frame in frames])
    np.testing.assert_array_equal(steps, np.diff([mark.number for mark in marks]))


def test_camera_that_ends_its_stream_is_lost():
    def some(handler, over):
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        handler.end_headers()
        for image, _ in zip(senders.pictures(over), range(5), strict=False):
            data = senders.cv2.imencode(".jpg", image)[1].tobytes()
            head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            handler.wfile.write(head.encode() + data + b"\r\n")

    with senders.http_camera(some) as url:
        source = open_network(CameraSettings(uri=url), Sensor.IR)
        with source, pytest.raises(CameraLostError, match="stream"):
            watch(source, 10)


def sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(16_000))
    return file.getvalue()


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        pytest.param(senders.plain(401), SourceError, "name and password (401)", id="401"),
        pytest.param(senders.plain(403), SourceError, "forbids access (403)", id="403"),
        pytest.param(senders.plain(404), CameraLostError, "no stream under this path", id="404"),
        pytest.param(senders.plain(500), CameraLostError, "no video stream", id="500"),
        pytest.param(
            senders.plain(200, body=b"<html>log in first</html>" * 50),
            CameraLostError,
            "no video stream could be opened",
            id="a-page",
        ),
        pytest.param(
            senders.plain(200, "audio/wav", sound()),
            SourceError,
            "no video, but audio",
            id="sound-alone",
        ),
        pytest.param(
            lambda handler, over: over.wait(5) and None, CameraLostError, "no answer in", id="mute"
        ),
    ],
)
def test_refusal_is_told_apart(answer, kind, words):
    with senders.http_camera(answer) as url, pytest.raises(SourceError) as caught:
        open_network(CameraSettings(uri=url, timeout_s=0.5), Sensor.IR)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert url in str(caught.value)
    assert caught.value.hint


def test_nobody_there_is_said():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(CameraLostError, match="connection refused"):
        open_network(CameraSettings(uri=f"rtsp://127.0.0.1:{port}/a"), Sensor.IR)


def test_silent_port_is_said():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"rtsp://me:secret@127.0.0.1:{mute.getsockname()[1]}/a"
        with pytest.raises(CameraLostError, match=r"no answer in 0\.[23] s") as caught:
            open_network(CameraSettings(uri=url, timeout_s=0.2), Sensor.IR)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "line", "kind", "words", "hint"),
    [
        pytest.param(
            lambda: av.error.OSError(5, "Input/output error", "rtsp://me:secret@host/a"),
            "Failed to resolve hostname host: Name or service not known",
            CameraLostError,
            "host's name is not known",
            "IP address",
            id="unknown-host",
        ),
        pytest.param(
            lambda: av.error.ProtocolNotFoundError(1, "Protocol not found", "srt://host"),
            "",
            SourceError,
            "built without that protocol",
            "gst:srtsrc",
            id="protocol",
        ),
        pytest.param(
            lambda: av.error.InvalidDataError(1, "Invalid data", ""),
            "method SETUP failed: 461 Unsupported transport",
            SourceError,
            "does not send over tcp",
            "transport: udp",
            id="transport",
        ),
        pytest.param(
            lambda: av.error.OSError(113, "No route to host", ""),
            "Connection to tcp://me:secret@host:554 failed: No route to host",
            CameraLostError,
            "no video stream could be opened (No route to host)",
            "FFmpeg said: rtsp: Connection to tcp://me:***@host:554 failed",
            id="anything-else-with-FFmpeg-s-words",
        ),
    ],
)
def test_reason_of_a_failure_is_told(monkeypatch, error, line, kind, words, hint):
    def fail(*_, **__):
        if line:
            av.logging.log(av.logging.ERROR, "rtsp", line)
        raise error()

    monkeypatch.setattr(av, "open", fail)
    with pytest.raises(SourceError) as caught:
        open_network(CameraSettings(uri="rtsp://me:secret@host/a"), Sensor.IR)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert hint in caught.value.hint
    assert "secret" not in str(caught.value) + caught.value.hint


def test_recording_is_no_network_address():
    with pytest.raises(UsageError, match="no network address"):
        open_network(CameraSettings(uri="street.mp4"), Sensor.IR)
