"""Opening a camera of Video4Linux: format, rate, buffers, and the stream started."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from ...camera_settings import CameraSettings
from ...errors import SourceError
from ...frame import Sensor
from ..base import SourceInfo
from ..thermal_sizes import STACKED_SIZES
from ..uri import parse_uri
from .buffer_pixels import BufferLayout, Reader, picture_reader
from .choice import Choice, Wish, choose
from .device import Device
from .faults import camera_fault
from .find import find_node
from .fourcc import Kind
from .jpeg import JpegReader
from .negotiate import Agreement, agree
from .nodes import SYSTEM, Roots, VideoNode, video_nodes
from .offers import Card, read_card, read_offers
from .source import Opened, V4l2Source
from .stamps import has_driver_clock, stamp_words
from .stream import BufferStream

_STACKED: Final = "its picture is two in one, of a thermal core: a layout takes them apart"
_LEAST_JPEG: Final = 4  # bytes of its marks of beginning and end


def open_camera(
    camera: CameraSettings,
    sensor: Sensor,
    *,
    raw16: bool = False,
    device_type: Callable[[str], Device] = Device,
    roots: Roots = SYSTEM,
    now_ns: Callable[[], int] = time.monotonic_ns,
) -> V4l2Source:
    """Open a camera and start it; see `fusion_rt.sources.v4l2.open_v4l2`.

    Args:
        device_type: opens a node; replaced in tests, as are ``roots`` and ``now_ns``.
    """
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        raise SourceError(
            "cameras of Video4Linux can be read on 64-bit systems only",
            hint="use gst:v4l2src device=... ! ...",
        )
    what = parse_uri(camera.uri).path
    node = find_node(what, video_nodes(roots), lambda path: captures(path, device_type))
    # counts in disguise are always sent as YUYV
    wish = Wish(camera.format or ("YUYV" if raw16 else None), camera.size_wh, camera.fps)
    remedy = _remedy(node, what)
    with ExitStack() as closing:
        with _told("opening it", node, remedy):
            device = device_type(node.path)
        closing.callback(device.close)
        with _told("asking for its formats", node, remedy):
            _check_card(read_card(device), node)
            offers = read_offers(device)
        choice = choose(offers, wish, sensor, node.words)
        with _told(f"setting {choice.words}", node, remedy):
            agreed = agree(device, choice, wish, node.words)
        read, least_bytes = _reader(agreed, sensor, raw16)
        with _told("starting the stream", node, remedy):
            stream = BufferStream(device)
        closing.callback(stream.close)
        deep = raw16 or (sensor is Sensor.IR and agreed.format.kind is Kind.DEEP)
        info = SourceInfo(
            uri=camera.name,
            kind="v4l2",
            sensor=sensor,
            size_wh=agreed.size_wh,
            bit_depth=16 if deep else 8,
            fps=None if agreed.fps is None else float(agreed.fps),
            notes=(
                *_notes(agreed, wish, sensor, len(offers)),
                *((_STACKED,) if agreed.size_wh in STACKED_SIZES and not deep else ()),
                stamp_words(stream.flags),
            ),
            clock="driver" if has_driver_clock(stream.flags) else "arrival",
        )
        opened = Opened(
            node.path, device, stream, read, least_bytes, remedy, closing=closing.pop_all()
        )
        return V4l2Source(opened, info, now_ns)


def captures(path: str, device_type: Callable[[str], Device] = Device) -> bool | None:
    """Whether a node gives pictures; None where it cannot be asked."""
    try:
        device = device_type(path)
    except OSError:  # opening it in earnest will tell what is wrong
        return None
    try:
        return read_card(device).captures
    except OSError:
        return None
    finally:
        device.close()


@contextmanager
def _told(doing: str, node: VideoNode, remedy: str) -> Iterator[None]:
    """Put the kernel's errors into words."""
    try:
        yield
    except OSError as error:
        raise camera_fault(error, doing, node.path, remedy) from error


def _remedy(node: VideoNode, what: str) -> str:
    """What to do when the camera is gone."""
    if node.by_id and what == node.path:
        lasting = f"v4l2:{node.by_id[0]}"
        return f"it may come back under another number: call it {lasting} to find it again"
    return ""


def _check_card(card: Card, node: VideoNode) -> None:
    if card.captures:
        return
    if card.multi_planar:
        raise SourceError(
            f"{node.words} gives its pictures in several planes, which is not read here",
            hint=f"use gst:v4l2src device={node.path} ! ...",
        )
    raise SourceError(
        f"{node.words} gives no pictures: it is a node for metadata, output or coding",
        hint="fusion-rt sources lists the nodes that do",
    )


def _reader(agreed: Agreement, sensor: Sensor, raw16: bool) -> tuple[Reader, int]:
    """What takes a buffer apart, and how many bytes one must hold."""
    if agreed.format.kind is Kind.JPEG and not raw16:
        return JpegReader(sensor), _LEAST_JPEG
    layout = BufferLayout(
        agreed.format, agreed.size_wh, agreed.bytes_per_line, limited=agreed.limited_range
    )
    return picture_reader(layout, sensor, raw16=raw16), layout.least_bytes


def _notes(agreed: Agreement, wish: Wish, sensor: Sensor, offered: int) -> tuple[str, ...]:
    notes = []
    if None in (wish.format, wish.size_wh, wish.fps):
        given = Choice(agreed.format, agreed.size_wh, agreed.fps).words
        notes.append(f"{given} was chosen; {offered} format{'s' * (offered != 1)} on offer")
    notes += agreed.notes
    if sensor is Sensor.VIS:
        if agreed.format.kind in (Kind.GREY, Kind.DEEP):
            notes.append("grey picture as visible: repeated in three channels")
        if agreed.full_range:
            notes.append("its YUV has full range but is read as limited: contrast is too high")
    return tuple(notes)
