"""From what the user calls a camera to its video node."""

from __future__ import annotations

import os
from collections.abc import Callable

from ...errors import SourceError
from ..live import CameraLostError
from .nodes import VideoNode

_SERIAL = "serial="
# Tells of a path whether it gives pictures; None where that cannot be found out.
Captures = Callable[[str], bool | None]


def find_node(what: str, nodes: tuple[VideoNode, ...], captures: Captures) -> VideoNode:
    """The video node that is meant.

    Args:
        what: path ("/dev/video0", or a link to it), a part of a name below /dev/v4l/by-id or
            by-path, or "serial=" and the USB serial number.
        nodes: all there are.
        captures: whether a node gives pictures; is asked where more than one fits, as cameras
            have nodes for metadata beside the one for pictures.

    Raises:
        CameraLostError: there is no such camera, now.
        SourceError: more than one is meant.
    """
    if what.startswith("/"):
        return _by_path(what, nodes, captures)
    if what.startswith(_SERIAL):
        serial = what.removeprefix(_SERIAL)
        fitting = [node for node in nodes if node.usb and node.usb.serial == serial]
        meaning = f"serial number {serial}"
    else:
        exact = [node for node in nodes if what in (*node.by_id, *node.by_path)]
        fitting = exact or [
            node for node in nodes if any(what in name for name in (*node.by_id, *node.by_path))
        ]
        meaning = f"a name with '{what}' in it"
    if len(fitting) > 1:
        fitting = [node for node in fitting if captures(node.path) is not False]
    if not fitting:
        raise CameraLostError(f"no camera has {meaning}", hint=_there(nodes, captures))
    if len(fitting) > 1:
        names = ", ".join(_distinct(node) for node in fitting)
        raise SourceError(
            f"{len(fitting)} cameras have {meaning}: {names}",
            hint="name one of them wholly; two of the same kind differ by socket alone",
        )
    return fitting[0]


def _by_path(path: str, nodes: tuple[VideoNode, ...], captures: Captures) -> VideoNode:
    for node in nodes:
        if path == node.path or path.rpartition("/")[2] in (*node.by_id, *node.by_path):
            return node
    if not os.path.exists(path):
        raise CameraLostError(f"there is no {path}", hint=_there(nodes, captures))
    return VideoNode(path)  # a node under a name of the user's own


def _there(nodes: tuple[VideoNode, ...], captures: Captures) -> str:
    listed = ", ".join(_described(node) for node in nodes if captures(node.path) is not False)
    return f"there are: {listed}" if listed else "there is no camera at all: fusion-rt sources"


def _described(node: VideoNode) -> str:
    serial = f" serial={node.usb.serial}" if node.usb and node.usb.serial else ""
    names = f" {node.by_id[0]}" if node.by_id else ""
    return f"{node.words}{names}{serial}"


def _distinct(node: VideoNode) -> str:
    """The name that is most sure to mean this node alone."""
    return f"{node.words} {' '.join((*node.by_path[:1], *node.by_id[:1]))}".strip()
