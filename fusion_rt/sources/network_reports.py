"""What a sender reports of the time of its pictures, as PyAV hands it out."""

from __future__ import annotations

import struct
from importlib import import_module
from typing import TYPE_CHECKING

from ..pyav import import_av

if TYPE_CHECKING:
    from av import Packet

# Before FFmpeg 8.1, where it searches for the end of a picture, a picture's packet carries the
# time of the next one. Seen with marked pictures: a whole frame off with 8.0, right with 8.1.
_RIGHT_SINCE = (62, 12)  # of libavformat


def reports_can_be_read() -> bool:
    """Whether this PyAV hands out what senders report; from version 17 on."""
    buffer = import_av().buffer.Buffer
    return issubclass(getattr(import_module("av.packet"), "PacketSideData", object), buffer)


class SenderReports:
    """Reads them off the packets of one stream."""

    def __init__(self, *, held_back: bool) -> None:
        """Look what this PyAV can do.

        Args:
            held_back: whether FFmpeg searches for the ends of the pictures, see `SenderClock`.
        """
        version = import_av().library_versions["libavformat"]
        self._readable = reports_can_be_read()
        self._of_next = held_back and version < _RIGHT_SINCE
        self._next_ns: int | None = None

    def wall_ns(self, packet: Packet) -> int | None:
        """When the packet's picture was taken by the sender's wall clock, in ns since 1970.

        To be asked of every packet in turn. None where the sender has not reported yet.
        """
        if not self._readable:
            return None
        wall_ns = _wall_ns(packet)
        if self._of_next:
            wall_ns, self._next_ns = self._next_ns, wall_ns
        return wall_ns


def _wall_ns(packet: Packet) -> int | None:
    """FFmpeg's AVProducerReferenceTime: microseconds as a 64-bit integer, then flags."""
    if not packet.has_sidedata("prft"):
        return None
    return struct.unpack_from("=q", packet.get_sidedata("prft"))[0] * 1000
