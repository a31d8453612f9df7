"""Whether a video file is as long as its own structure says.

FFmpeg ends a file that was cut between two packets like one that is whole. The sizes written in
the file itself tell them apart.

Sources: ISO/IEC 14496-12 section 4.2 (boxes), RFC 8794 sections 4 to 6 (EBML elements), RFC 9559
(Matroska identifiers), the RIFF chunk layout of AVI.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Final

_EBML_MAGIC: Final = 0x1A45DFA3
_SEGMENT: Final = 0x18538067
_CLUSTER: Final = 0x1F43B675
_ISO_TOP: Final = frozenset(
    {b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"styp"}
)


def missing_bytes(path: Path) -> int:
    """Bytes by which an MP4, MOV, Matroska, WebM or AVI file is shorter than it says.

    Returns:
        0 where the file is whole, or of a kind that does not say.
    """
    size = path.stat().st_size
    if size < 12:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[4:8] in _ISO_TOP:
            end = _iso_end(data, size)
        elif data[:4] == _EBML_MAGIC.to_bytes(4, "big"):
            end = _ebml_end(data, size)
        elif data[:4] == b"RIFF":
            end = _riff_end(data, size)
        else:
            return 0
    return max(0, end - size)


def _iso_end(data: mmap.mmap, size: int) -> int:
    at = 0
    while at + 8 <= size:
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1:  # a 64-bit length follows the name
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        if length < 8:  # 0: up to the end of the file; less makes no sense
            return size
        at += length
    return at if at >= size else at + 8  # a rest too short for a box is a box cut short


def _riff_end(data: mmap.mmap, size: int) -> int:
    at = 0
    while at + 8 <= size and data[at : at + 4] == b"RIFF":  # long AVI files are several in a row
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if length == 0:  # never finished: the length is written last
            return size
        at += 8 + length + length % 2
    # The padding byte of an odd last chunk may be left out.
    return at if at - size != 1 else size


def _ebml_end(data: mmap.mmap, size: int) -> int:
    at = 0
    while at < size:
        element, id_length = _ebml_number(data, at, keep_marker=True)
        length, length_length = _ebml_number(data, at + id_length, keep_marker=False)
        if not id_length or not length_length:
            return size  # damaged rather than short; the decoder has its say about that
        body = at + id_length + length_length
        if body > size:
            return body
        unknown = length == (1 << (7 * length_length)) - 1
        if element == _SEGMENT and not unknown:
            return body + length
        if unknown and element in (_SEGMENT, _CLUSTER):
            at = body  # written live: go through its children instead
        elif unknown:
            return size
        else:
            at = body + length
    return at


def _ebml_number(data: mmap.mmap, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """Number of variable length and its length in bytes; length 0 where there is none."""
    if at >= len(data) or data[at] == 0:
        return 0, 0
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep_marker else value & ((1 << (7 * length)) - 1)), length
