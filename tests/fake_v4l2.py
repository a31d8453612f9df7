"""A driver of Video4Linux made of plain data: real buffer sequences, real shared memory, no kernel.

It answers the same requests in the same structures as the kernel does. Time is its own and passes
in `FakeNode.wait` alone.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from fusion_rt.sources.v4l2 import kernel
from fusion_rt.sources.v4l2.device import Wake
from fusion_rt.sources.v4l2.fourcc import fourcc
from fusion_rt.sources.v4l2.nodes import Roots

MS = 1_000_000
START_NS = 50_000_000_000
UVC_STAMPS = kernel.BUF_FLAG_TIMESTAMP_MONOTONIC | kernel.BUF_FLAG_TSTAMP_SRC_SOE
CAPTURE = kernel.CAP_VIDEO_CAPTURE | kernel.CAP_STREAMING


@dataclass(frozen=True)
class Shot:
    """One picture that the camera makes.

    Attributes:
        data: bytes of the buffer.
        sequence: the driver's number; one more than the last unless given.
        stamp_ns: the driver's time stamp; the moment of arrival less 5 ms unless given.
        flags: beside those of the stream.
        used: bytesused; all of ``data`` unless given.
    """

    data: bytes
    sequence: int | None = None
    stamp_ns: int | None = None
    flags: int = 0
    used: int | None = None


@dataclass(frozen=True)
class Burst:
    """Pictures that arrive together, so long after the last event."""

    shots: tuple[Shot, ...]
    after_ms: float = 33


class Unplug:
    """As the UVC driver does it: queued buffers come back as damaged, nothing works afterwards."""


@dataclass(frozen=True)
class Breaks:
    """From now on taking a buffer fails with this number."""

    errno: int


class Signal:
    """The driver signals an error without giving one."""


Event = Burst | Unplug | Breaks | Signal


@dataclass(frozen=True)
class Mode:
    """A format with sizes and their rates; a size that is a 6-tuple is a range."""

    format: str
    sizes: Sequence[tuple[tuple[int, ...], Sequence[Fraction | int]]] = ()
    flags: int = 0


@dataclass
class FakeCamera:
    """A camera behind one or more opened nodes, and what becomes of it.

    Attributes:
        modes: formats on offer.
        caps: device capabilities of the node.
        events: what happens while the program waits.
        padding: bytes added to each line.
        answers: what S_FMT makes of a wish; may change the structure.
        rate: what S_PARM answers; None: as asked; 0: not settable.
        stamps: flags about the time stamps.
        fail_at: number of the call, from 1, that fails, and how.
    """

    modes: Sequence[Mode]
    name: str = "Test camera"
    driver: str = "uvcvideo"
    bus: str = "usb-0000:00:14.0-1"
    caps: int = CAPTURE
    events: list[Event] = field(default_factory=list)
    padding: int = 0
    answers: Callable[[kernel.PixFormat], None] = lambda pix: None
    rate: Fraction | None = None
    stamps: int = UVC_STAMPS
    buffers: int | None = None
    fail_at: tuple[int, int] | None = None
    calls: int = 0
    requests: list[int] = field(default_factory=list)
    now: int = START_NS
    opened: list[FakeNode] = field(default_factory=list)
    wishes: list[kernel.PixFormat] = field(default_factory=list)

    def device(self, path: str) -> FakeNode:
        """Open its node: to be given as ``device_type``."""
        self.count()
        node = FakeNode(self, path)
        self.opened.append(node)
        return node

    def now_ns(self) -> int:
        return self.now

    def count(self) -> None:
        """One more call; fails if it is its turn."""
        self.calls += 1
        if self.fail_at is not None and self.calls == self.fail_at[0]:
            raise OSError(self.fail_at[1], os.strerror(self.fail_at[1]))

    def leaks(self) -> list[str]:
        """What was opened and never given back."""
        left = [f"node {node.path}" for node in self.opened if not node.closed]
        maps = [shared for node in self.opened for shared in node.shared]
        return left + [f"buffer {shared.index}" for shared in maps if not shared.view.closed]


@dataclass
class Shared:
    """One buffer: the driver's side, writable, and the program's, read only."""

    index: int
    memory: mmap.mmap
    view: mmap.mmap


class FakeNode:
    """Stands for `fusion_rt.sources.v4l2.device.Device`."""

    def __init__(self, camera: FakeCamera, path: str) -> None:
        self.camera, self.path = camera, path
        self.closed = False
        self.streaming = False
        self.gone = False
        self.breaks: int | None = None
        self.shared: list[Shared] = []
        self.files: list[int] = []
        self.queued: deque[int] = deque()
        self.done: deque[kernel.Buffer] = deque()
        self.sequence = 0
        self.size = 0

    def ioctl(self, request: int, argument) -> None:
        assert not self.closed
        camera = self.camera
        camera.requests.append(request)
        camera.count()
        if self.gone and request != kernel.VIDIOC_DQBUF:
            raise OSError(errno.ENODEV, "gone")
        getattr(self, _NAMES[request])(argument)

    def querycap(self, answer: kernel.Capability) -> None:
        camera = self.camera
        answer.driver, answer.card = camera.driver.encode(), camera.name.encode()
        answer.bus_info = camera.bus.encode()
        # the card as a whole has a node for metadata too
        answer.capabilities = camera.caps | kernel.CAP_DEVICE_CAPS | kernel.CAP_VIDEO_CAPTURE
        answer.device_caps = camera.caps

    def enum_fmt(self, entry: kernel.FormatDescription) -> None:
        mode = _at(self.camera.modes, entry.index)
        entry.pixelformat, entry.flags = fourcc(mode.format), mode.flags
        entry.description = f"{mode.format} pictures".encode()

    def enum_framesizes(self, entry: kernel.FrameSize) -> None:
        size, _ = _at(self._mode(entry.pixel_format).sizes, entry.index)
        if len(size) == 2:
            entry.type = kernel.RANGE_DISCRETE
            entry.discrete.width, entry.discrete.height = size
            return
        entry.type = 3
        steps = entry.stepwise
        steps.min_width, steps.max_width, steps.step_width = size[:3]
        steps.min_height, steps.max_height, steps.step_height = size[3:]

    def enum_frameintervals(self, entry: kernel.FrameInterval) -> None:
        wanted = (entry.width, entry.height)
        sizes = self._mode(entry.pixel_format).sizes
        size, rates = _at([one for one in sizes if one[0] == wanted or len(one[0]) == 6], 0)
        if len(size) == 6:
            _at([None], entry.index)
            entry.type = 3
            _set(entry.stepwise.min, 1 / Fraction(rates[0]))
            _set(entry.stepwise.max, 1 / Fraction(rates[-1]))
            return
        entry.type = kernel.RANGE_DISCRETE
        _set(entry.discrete, 1 / Fraction(_at(rates, entry.index)))

    def s_fmt(self, request: kernel.Format) -> None:
        pix = request.pix
        self.camera.wishes.append(kernel.PixFormat.from_buffer_copy(pix))
        self.camera.answers(pix)
        letters = pix.pixelformat.to_bytes(4, "little").decode("latin-1").strip()
        depth = {"GREY": 1, "NV12": 1, "YU12": 1, "MJPG": 0, "BGR3": 3, "RGB3": 3}.get(letters, 2)
        pix.bytesperline = depth and pix.width * depth + self.camera.padding
        pix.sizeimage = (pix.bytesperline or pix.width * 2) * pix.height * 3 // 2
        self.size = pix.sizeimage

    def s_parm(self, request: kernel.StreamParameters) -> None:
        rate = self.camera.rate
        if rate == 0:
            raise OSError(errno.ENOTTY, "no rates")
        request.capture.capability = kernel.CAP_TIMEPERFRAME
        if rate is not None:
            _set(request.capture.timeperframe, 1 / rate)

    def reqbufs(self, request: kernel.RequestBuffers) -> None:
        request.count = self.camera.buffers or request.count
        for index in range(request.count):
            file = os.memfd_create(f"buffer{index}")
            os.ftruncate(file, self._room)
            self.files.append(file)

    def querybuf(self, buffer: kernel.Buffer) -> None:
        buffer.length = self._room
        buffer.offset = buffer.index * self._room
        buffer.flags = self.camera.stamps

    def map(self, length: int, offset: int) -> mmap.mmap:
        self.camera.count()
        assert length == self._room
        index = offset // length
        memory = mmap.mmap(self.files[index], length)
        view = mmap.mmap(self.files[index], length, mmap.MAP_SHARED, mmap.PROT_READ)
        self.shared.append(Shared(index, memory, view))
        return view

    def qbuf(self, buffer: kernel.Buffer) -> None:
        assert buffer.index not in self.queued, "queued twice"
        assert all(done.index != buffer.index for done in self.done), "queued while filled"
        self.queued.append(buffer.index)

    def streamon(self, _) -> None:
        self.streaming = True

    def streamoff(self, _) -> None:
        self.streaming = False

    def dqbuf(self, buffer: kernel.Buffer) -> None:
        if self.breaks is not None:
            raise OSError(self.breaks, os.strerror(self.breaks))
        if not self.done:
            number = errno.ENODEV if self.gone else errno.EAGAIN
            raise OSError(number, os.strerror(number))
        filled = self.done.popleft()
        for name, _ in kernel.Buffer._fields_:
            if name != "m":
                setattr(buffer, name, getattr(filled, name))

    def wait(self, timeout_s: float) -> Wake:
        assert not self.closed
        if self.done:
            return Wake.READY
        if self.gone or self.breaks is not None or not self.queued:
            return Wake.FAULT
        camera = self.camera
        if not camera.events:
            camera.now += round(timeout_s * 1e9)
            return Wake.TIMEOUT
        event = camera.events[0]
        if isinstance(event, Burst) and event.after_ms > timeout_s * 1e3:
            camera.now += round(timeout_s * 1e9)
            camera.events[0] = replace(event, after_ms=event.after_ms - timeout_s * 1e3)
            return Wake.TIMEOUT
        del camera.events[0]
        return self._happens(event)

    def _happens(self, event: Event) -> Wake:
        if isinstance(event, Burst):
            self.camera.now += round(event.after_ms * MS)
            for shot in event.shots:
                self._fill(shot)
            return Wake.READY
        if isinstance(event, Unplug):
            self.gone = True
            while self.queued:
                self._finish(Shot(b"", flags=kernel.BUF_FLAG_ERROR))
            return Wake.READY
        if isinstance(event, Breaks):
            self.breaks = event.errno
        return Wake.FAULT

    def _fill(self, shot: Shot) -> None:
        if shot.sequence is not None:
            self.sequence = shot.sequence
        if self.queued:
            self._finish(shot)
        self.sequence = (self.sequence + 1) % (1 << 32)  # counted even where there was no room

    def _finish(self, shot: Shot) -> None:
        index = self.queued.popleft()
        next(s for s in self.shared if s.index == index).memory[: len(shot.data)] = shot.data
        stamp_ns = self.camera.now - 5 * MS if shot.stamp_ns is None else shot.stamp_ns
        self.done.append(
            kernel.Buffer(
                index=index,
                type=kernel.BUF_TYPE_VIDEO_CAPTURE,
                bytesused=len(shot.data) if shot.used is None else shot.used,
                flags=self.camera.stamps | shot.flags,
                timestamp=kernel.Timeval(stamp_ns // 10**9, stamp_ns % 10**9 // 1000),
                sequence=self.sequence,
                length=self._room,
            )
        )

    def close(self) -> None:
        assert not self.closed, "closed twice"
        self.closed = True
        for shared in self.shared:
            shared.memory.close()
        for file in self.files:
            os.close(file)

    @property
    def _room(self) -> int:
        """Length of a buffer: whole pages."""
        return -(-self.size // mmap.PAGESIZE) * mmap.PAGESIZE

    def _mode(self, code: int) -> Mode:
        return next(mode for mode in self.camera.modes if fourcc(mode.format) == code)


_NAMES = {
    number: name.removeprefix("VIDIOC_").lower()
    for name, number in vars(kernel).items()
    if name.startswith("VIDIOC_")
}


def _at(items: Sequence, index: int):
    if index >= len(items):
        raise OSError(errno.EINVAL, "end of the list")
    return items[index]


def _set(fraction: kernel.Fraction32, value: Fraction) -> None:
    fraction.numerator, fraction.denominator = value.numerator, value.denominator


@dataclass
class FakeSystem:
    """A folder that looks like the root of a Linux system with cameras plugged in."""

    top: Path

    def __post_init__(self) -> None:
        for folder in ("dev", "sys/class/video4linux", "sys/bus/usb/devices", "proc/sys/kernel"):
            (self.top / folder).mkdir(parents=True)

    @property
    def roots(self) -> Roots:
        return Roots(self.top)

    def usb(self, port: str, ids: str, *, driver: bool = True, **facts: str) -> Path:
        """A device on the USB bus with one video interface."""
        place = self.top / "sys/devices/pci0000:00/0000:00:14.0/usb1" / port
        interface = place / f"{port}:1.0"
        interface.mkdir(parents=True)
        vendor, _, product = ids.partition(":")
        for name, text in {"idVendor": vendor, "idProduct": product, **facts}.items():
            (place / name).write_text(f"{text}\n")
        (interface / "bInterfaceClass").write_text("0e\n" if driver else "ff\n")
        for folder in (place, interface):
            (self.top / "sys/bus/usb/devices" / folder.name).symlink_to(folder)
        return interface

    def node(
        self,
        number: int,
        name: str,
        device: Path | None = None,
        *,
        by_id: str = "",
        by_path: str = "",
        in_dev: bool = True,
    ) -> str:
        """A video node; gives its path."""
        name_of_node = f"video{number}"
        entry = self.top / "sys/class/video4linux" / name_of_node
        entry.mkdir()
        (entry / "name").write_text(f"{name}\n")
        if device is not None:
            (entry / "device").symlink_to(device)
        path = self.top / "dev" / name_of_node
        if in_dev:
            path.touch()
        for folder, link in (("by-id", by_id), ("by-path", by_path)):
            if link:
                place = self.top / "dev/v4l" / folder
                place.mkdir(parents=True, exist_ok=True)
                (place / link).symlink_to(f"../../{name_of_node}")
        return str(path)
