"""An RTSP server in a process of its own, run by the system's Python; see `rtsp_server.py`.

GStreamer's RTSP server sends H.264 with real RTCP sender reports. Every picture carries a marker
with its number and its time on the monotonic clock, which all processes of a machine share.

Its one argument is a JSON object, see `RtspServer`. It prints one line, {"port": ...}, then takes
commands on standard input, one a line, and ends itself when that closes or its life time is over:

    pause MOUNT | resume MOUNT | size MOUNT 800x600 | rate MOUNT 15 | quit
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import marker  # noqa: E402

_ELEMENTS = ("appsrc", "x264enc", "rtph264pay", "jpegenc", "rtpjpegpay")
# x264 repeats its headers before every key frame; the payloader would do so before every slice.
_PAY = (
    "video/x-h264,stream-format=byte-stream ! rtph264pay name=pay0 pt=96 config-interval=0 mtu=1400"
)


class Camera:
    """One mount: pictures at fixed times, whoever looks on."""

    def __init__(self, name: str, *, loss: float, **given) -> None:
        self.name = name
        self.width, self.height = given["size_wh"]
        self.period_ns = round(1e9 / given["fps"])
        self.offset_ns = round(given["offset_ms"] * 1e6)
        self.jitter_ns = round(given["jitter_ms"] * 1e6)
        self.chroma = (90, 170) if given["color"] else (128, 128)
        self.codec = given["codec"]
        self.loss = loss
        self.paused = False
        self.changed = True
        self.random = random.Random(name)

    def launch(self) -> str:
        source = "appsrc name=source is-live=true format=time block=false max-buffers=4 ! "
        if self.codec == "jpeg":
            return f"( {source} jpegenc quality=85 ! rtpjpegpay name=pay0 pt=26 )"
        # Small slices, so that a lost packet is a part of a picture.
        slices = "option-string=slice-max-size=1200" if self.loss else ""
        return (
            f"( {source} x264enc tune=zerolatency speed-preset=ultrafast bitrate=3000 bframes=0 "
            f"threads=1 key-int-max=6 {slices} ! {_PAY} )"
        )

    def configure(self, media: GstRtspServer.RTSPMedia) -> None:
        element = media.get_element()
        source = element.get_by_name("source")
        if self.loss:
            pad = element.get_by_name("pay0").get_static_pad("src")
            kind = Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST
            pad.add_probe(kind, self._lose)
        over = threading.Event()
        media.connect("unprepared", lambda _: over.set())
        threading.Thread(target=self._feed, args=(source, over), daemon=True).start()

    def _lose(self, _pad: Gst.Pad, _info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        lost = self.random.random() < self.loss
        return Gst.PadProbeReturn.DROP if lost else Gst.PadProbeReturn.OK

    def _feed(self, source: Gst.Element, over: threading.Event) -> None:
        base = b""
        size = None
        number = (time.monotonic_ns() - self.offset_ns) // self.period_ns
        while not over.is_set():
            number += 1
            due_ns = number * self.period_ns + self.offset_ns
            due_ns += round(self.random.uniform(-0.5, 0.5) * self.jitter_ns)
            wait_ns = due_ns - time.monotonic_ns()
            if wait_ns < -self.period_ns:  # was stopped, or its rate was changed: no burst
                number = (time.monotonic_ns() - self.offset_ns) // self.period_ns
                continue
            time.sleep(max(0, wait_ns) / 1e9)
            clock = source.get_clock()
            if clock is None or self.paused:
                continue
            if size != (self.width, self.height, self.period_ns):
                size = (self.width, self.height, self.period_ns)
                source.set_property("caps", Gst.Caps.from_string(self._caps()))
                base = texture(self.width, self.height)
            taken_ns = time.monotonic_ns()
            data = self._picture(base, size, number, taken_ns)
            buffer = Gst.Buffer.new_wrapped(data)
            # GStreamer's clock is the monotonic one, so the marker's time is the stream's.
            buffer.pts = max(0, taken_ns - source.get_base_time())
            buffer.duration = self.period_ns
            if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                return

    def _caps(self) -> str:
        rate = Gst.util_double_to_fraction(1e9 / self.period_ns)
        return (
            f"video/x-raw,format=I420,width={self.width},height={self.height},"
            f"framerate={rate[0]}/{rate[1]}"
        )

    def _picture(self, base: bytes, size: tuple, number: int, taken_ns: int) -> bytes:
        width, height, _ = size
        start = number % 64 * width  # the background rolls
        luma = bytearray(base[start : start + width * height])
        for row, line in enumerate(marker.pixel_rows(number, taken_ns)):
            for y in range(row * marker.BLOCK, (row + 1) * marker.BLOCK):
                luma[y * width : y * width + marker.WIDTH] = line
        plane = width * height // 4
        return bytes(luma) + bytes([self.chroma[0]]) * plane + bytes([self.chroma[1]]) * plane


def texture(width: int, height: int) -> bytes:
    """A grey pattern, 64 rows higher than the picture; it repeats after 64 rows."""
    return b"".join(
        bytes(64 + (x * 2 + (y % 64) * 3) % 128 for x in range(width)) for y in range(height + 64)
    )


def main() -> None:
    given = json.loads(sys.argv[1])
    Gst.init(None)
    absent = [name for name in _ELEMENTS if Gst.ElementFactory.find(name) is None]
    if absent:
        sys.exit(f"GStreamer lacks {', '.join(absent)}")
    if given.get("check"):
        return
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(str(given["port"]))
    cameras = {}
    for name, mount in given["mounts"].items():
        camera = cameras[name] = Camera(name, loss=given["loss"], **mount)
        factory = GstRtspServer.RTSPMediaFactory.new()
        factory.set_launch(camera.launch())
        factory.set_shared(True)
        factory.connect("media-configure", lambda _, media, camera=camera: camera.configure(media))
        if given["password"]:
            access(factory)
        server.get_mount_points().add_factory(f"/{name}", factory)
    if given["password"]:
        server.set_auth(login("user", given["password"]))
    if not server.attach(None):
        sys.exit(f"port {given['port']} is taken")
    loop = GLib.MainLoop()
    threading.Thread(target=obey, args=(cameras, loop), daemon=True).start()
    GLib.timeout_add_seconds(given["lifetime_s"], loop.quit)
    print(json.dumps({"port": server.get_bound_port()}), flush=True)
    loop.run()
    # Feeding threads may stand in GStreamer: the process ends with them.
    os._exit(0)


def obey(cameras: dict[str, Camera], loop: GLib.MainLoop) -> None:
    for line in sys.stdin:
        verb, *rest = line.split()
        if verb == "quit":
            break
        camera = cameras[rest[0]]
        if verb in ("pause", "resume"):
            camera.paused = verb == "pause"
        elif verb == "size":
            width, _, height = rest[1].partition("x")
            camera.width, camera.height = int(width), int(height)
        elif verb == "rate":
            camera.period_ns = round(1e9 / float(rest[1]))
        else:
            print(f"unknown command {line!r}", file=sys.stderr, flush=True)
    loop.quit()


def access(factory: GstRtspServer.RTSPMediaFactory) -> None:
    """Only who has logged in may see and use the mount."""
    permissions = GstRtspServer.RTSPPermissions.new()
    for right in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("viewer", right, True)
    factory.set_permissions(permissions)


def login(user: str, password: str) -> GstRtspServer.RTSPAuth:
    auth = GstRtspServer.RTSPAuth.new()
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    return auth


if __name__ == "__main__":
    main()
