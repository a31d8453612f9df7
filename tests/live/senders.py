"""Small cameras on the local machine, each a thread: HTTP with MJPEG, and PyAV over UDP or TCP.

Their pictures carry markers with the monotonic clock's time, see `marker`.
"""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction

import av
import cv2
import numpy as np
from live import marker

PERIOD_NS = 33_333_333
_LIFETIME_NS = 60_000_000_000


def pictures(over: threading.Event, dtype: type = np.uint8) -> Iterator[np.ndarray]:
    """Marked pictures of 320 x 240 px, 30 in a second, until ``over`` is set or a minute is."""
    begun_ns = time.monotonic_ns()
    number = 0
    while not over.is_set() and time.monotonic_ns() - begun_ns < _LIFETIME_NS:
        number += 1
        over.wait(max(0, begun_ns + number * PERIOD_NS - time.monotonic_ns()) / 1e9)
        image = np.full((240, 320), 90, np.uint8)
        marker.draw(image, number, time.monotonic_ns())
        yield image if dtype is np.uint8 else image.astype(dtype) * 200


@contextmanager
def http_camera(
    answer: Callable[[http.server.BaseHTTPRequestHandler, threading.Event], None],
) -> Iterator[str]:
    """An HTTP server whose every GET is answered so; gives its address."""
    over = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            with suppress(OSError):  # the client may go
                answer(self, over)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/camera"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def motion_jpeg(handler: http.server.BaseHTTPRequestHandler, over: threading.Event) -> None:
    """Answer with pictures one after the other, as cameras do for browsers."""
    handler.send_response(200)
    handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
    handler.end_headers()
    for image in pictures(over):
        data = cv2.imencode(".jpg", image)[1].tobytes()
        head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        handler.wfile.write(head.encode() + data + b"\r\n")


def plain(status: int, kind: str = "text/html", body: bytes = b"") -> Callable[..., None]:
    """Answer once, with a status and some bytes."""

    def answer(handler: http.server.BaseHTTPRequestHandler, _: threading.Event) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def udp_camera() -> Iterator[str]:
    """H.264 in a transport stream, sent to a port of this machine that was free just now."""
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()

    class Datagrams:
        def write(self, data: bytes) -> int:
            for at in range(0, len(data), 1316):
                with suppress(ConnectionRefusedError):  # nobody listens yet
                    sink.sendto(data[at : at + 1316], ("127.0.0.1", port))
            return len(data)

    over = threading.Event()
    options = {"preset": "ultrafast", "tune": "zerolatency", "g": "6", "threads": "1"}
    send = threading.Thread(
        target=_encode, args=(Datagrams(), "mpegts", "libx264", "yuv420p", options, over)
    )
    send.start()
    try:
        yield f"udp://127.0.0.1:{port}"
    finally:
        over.set()
        send.join()
        sink.close()


@contextmanager
def tcp_camera() -> Iterator[str]:
    """16-bit grey without loss, in NUT, for the first who connects."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)
    over = threading.Event()

    def serve() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, connection.makefile("wb", buffering=0) as file, suppress(OSError):
            _encode(file, "nut", "ffv1", "gray16le", {}, over)  # the client may go

    send = threading.Thread(target=serve)
    send.start()
    try:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()
        send.join()


def _encode(
    file: object, container: str, codec: str, pix_fmt: str, options: dict, over: threading.Event
) -> None:
    dtype = np.uint16 if "16" in pix_fmt else np.uint8
    begun_ns = time.monotonic_ns()
    with av.open(file, "w", format=container, options={"flush_packets": "1"}) as out:
        track = out.add_stream(codec, rate=30, options=options)
        track.width, track.height, track.pix_fmt = 320, 240, pix_fmt
        track.time_base = track.codec_context.time_base = Fraction(1, 90_000)
        for image in pictures(over, dtype):
            given = "gray16le" if dtype is np.uint16 else "gray"
            frame = av.VideoFrame.from_ndarray(image, format=given)
            frame.pts = (time.monotonic_ns() - begun_ns) * 9 // 100_000
            frame.time_base = Fraction(1, 90_000)
            out.mux(track.encode(frame))
