"""Which video nodes there are, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_VIDEO: Final = re.compile(r"video(\d+)")


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the system keeps its facts; tests put a folder of their own in place."""

    top: Path = Path("/")

    @property
    def sys(self) -> Path:
        """Facts about devices."""
        return self.top / "sys"

    @property
    def dev(self) -> Path:
        """Nodes of devices."""
        return self.top / "dev"


SYSTEM: Final = Roots()


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """A device on the USB bus.

    Attributes:
        vendor, product: their numbers, four hexadecimal digits each.
        maker, model: names as the device gives them; empty where it does not.
        serial: number of the device; empty where it has none. Cheap ones share theirs.
        mbps: speed of its connection in Mbit/s; None where unknown.
        port: place on the bus, for instance "1-2".
    """

    vendor: str
    product: str
    maker: str = ""
    model: str = ""
    serial: str = ""
    mbps: float | None = None
    port: str = ""

    @property
    def ids(self) -> str:
        """For instance "09cb:4007"."""
        return f"{self.vendor}:{self.product}"


@dataclass(frozen=True, slots=True)
class VideoNode:
    """One node below /dev; a camera may have several, for instance one for metadata.

    Attributes:
        path: for instance "/dev/video0".
        name: as its driver calls it; empty where unknown.
        usb: the device behind it; None where it is not on USB or that is not known.
        by_id: its names below /dev/v4l/by-id, which stay the same from start to start.
        by_path: its names below /dev/v4l/by-path, which go with the socket.
    """

    path: str
    name: str = ""
    usb: UsbDevice | None = None
    by_id: tuple[str, ...] = ()
    by_path: tuple[str, ...] = ()

    @property
    def lasting_name(self) -> str:
        """A name for ``v4l2:`` that outlives a restart where there is one, else the path."""
        serial = (f"serial={self.usb.serial}",) if self.usb and self.usb.serial else ()
        return (*self.by_id, *self.by_path, *serial, self.path)[0]

    @property
    def words(self) -> str:
        """For lists in messages: "/dev/video0 (FLIR Boson)"."""
        return f"{self.path} ({self.name})" if self.name else self.path


def video_nodes(roots: Roots = SYSTEM) -> tuple[VideoNode, ...]:
    """All video nodes, by number; reads sysfs and names below /dev, opens none of them."""
    by_id = _links(roots.dev / "v4l/by-id")
    by_path = _links(roots.dev / "v4l/by-path")
    return tuple(
        VideoNode(
            path=str(path),
            name=_text(roots.sys / "class/video4linux" / path.name / "name"),
            usb=_usb_above(roots.sys / "class/video4linux" / path.name / "device"),
            by_id=by_id.get(path.name, ()),
            by_path=by_path.get(path.name, ()),
        )
        for path in _numbered(roots.dev.glob("video*"))
    )


def usb_devices(roots: Roots = SYSTEM) -> tuple[UsbDevice, ...]:
    """All devices on the USB bus, cameras or not."""
    places = sorted((roots.sys / "bus/usb/devices").glob("*/idVendor"))
    return tuple(_usb_device(place.parent) for place in places)


def _numbered(paths: Iterable[Path]) -> list[Path]:
    found = [(int(match[1]), path) for path in paths if (match := _VIDEO.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def _links(folder: Path) -> dict[str, tuple[str, ...]]:
    """Names of links by the node that they lead to."""
    names: dict[str, tuple[str, ...]] = {}
    if folder.is_dir():
        for link in sorted(folder.iterdir()):
            node = link.resolve().name
            names[node] = (*names.get(node, ()), link.name)
    return names


def _usb_above(device: Path) -> UsbDevice | None:
    """The USB device that an interface belongs to; sysfs keeps it in a folder further up."""
    if not device.exists():
        return None
    place = device.resolve()
    for folder in (place, *place.parents):
        if (folder / "idVendor").exists():
            return _usb_device(folder)
    return None


def _usb_device(folder: Path) -> UsbDevice:
    speed = _text(folder / "speed")
    return UsbDevice(
        vendor=_text(folder / "idVendor").lower(),
        product=_text(folder / "idProduct").lower(),
        maker=_text(folder / "manufacturer"),
        model=_text(folder / "product"),
        serial=_text(folder / "serial"),
        mbps=float(speed) if speed.replace(".", "", 1).isdecimal() else None,
        port=folder.resolve().name,
    )


def _text(path: Path) -> str:
    """A fact of sysfs; empty where it is missing, as most are for most devices."""
    try:
        return path.read_bytes().decode("utf-8", "replace").strip()
    except OSError:
        return ""
