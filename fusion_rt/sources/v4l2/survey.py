"""All cameras of this machine with what they offer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from .device import Device
from .faults import camera_fault
from .nodes import SYSTEM, Roots, UsbDevice, VideoNode, usb_devices, video_nodes
from .offers import Card, FormatOffer, read_card, read_offers


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A node that gives pictures, or could not be asked.

    Attributes:
        node: its names.
        card: as the driver describes it; None where it could not be asked.
        offers: formats, sizes and rates.
        fault: why it could not be asked; empty where it could.
        remedy: what to do about that.
    """

    node: VideoNode
    card: Card | None
    offers: tuple[FormatOffer, ...] = ()
    fault: str = ""
    remedy: str = ""

    @property
    def name(self) -> str:
        """What the camera calls itself."""
        return self.card.name if self.card else self.node.name


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is.

    Attributes:
        cameras: by the number of their node.
        others: nodes for metadata, output or coding.
        hidden: names of nodes that the kernel has but that are not below /dev, as in a container.
        usb: all devices on the USB bus.
    """

    cameras: tuple[FoundCamera, ...]
    others: tuple[VideoNode, ...]
    hidden: tuple[str, ...]
    usb: tuple[UsbDevice, ...]


def survey(device_type: Callable[[str], Device] = Device, roots: Roots = SYSTEM) -> Survey:
    """Look at every video node. Opens each for a moment, which disturbs no program that uses it."""
    cameras = []
    others = []
    nodes = video_nodes(roots)
    for node in nodes:
        camera = _look_at(node, device_type)
        if camera.card and not (camera.card.captures or camera.card.multi_planar):
            others.append(node)
        else:
            cameras.append(camera)
    there = {node.path.rpartition("/")[2] for node in nodes}
    known = sorted(place.name for place in (roots.sys / "class/video4linux").glob("video*"))
    hidden = tuple(name for name in known if name not in there)
    return Survey(tuple(cameras), tuple(others), hidden, usb_devices(roots))


def _look_at(node: VideoNode, device_type: Callable[[str], Device]) -> FoundCamera:
    card = None
    try:
        with closing(device_type(node.path)) as device:
            card = read_card(device)
            return FoundCamera(node, card, read_offers(device) if card.captures else ())
    except OSError as error:
        fault = camera_fault(error, "asking what it offers", node.path)
        return FoundCamera(node, card, fault=str(fault), remedy=fault.hint)
