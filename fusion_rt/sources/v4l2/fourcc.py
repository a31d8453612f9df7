"""Pixel formats of Video4Linux by their four letters.

Source: linux/videodev2.h and the kernel's user space documentation, chapter on image formats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

_BIG_ENDIAN: Final = 1 << 31  # marks the big-endian twin of a format


class Kind(Enum):
    """How a buffer is taken apart."""

    GREY = "grey"
    DEEP = "16-bit grey"  # 16-bit words, unused high bits 0
    PACKED_YUV = "packed YUV"
    NV12 = "NV12"
    I420 = "I420"
    RGB = "RGB"
    JPEG = "JPEG"


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """A format that can be read here.

    Attributes:
        text: its letters without trailing blanks.
        kind: how its buffers are taken apart.
        bits: per sample.
        bytes_per_px: in the first plane; 0 for compressed ones.
    """

    text: str
    kind: Kind
    bits: int
    bytes_per_px: int

    def bytes_per_picture(self, size_wh: tuple[int, int]) -> int:
        """Of an uncompressed picture without padding."""
        first_plane = size_wh[0] * size_wh[1] * self.bytes_per_px
        half_size_planes = self.kind in (Kind.NV12, Kind.I420)
        return first_plane * 3 // 2 if half_size_planes else first_plane


def fourcc(text: str) -> int:
    """Number of a format: its letters, filled with blanks, the first in the lowest byte.

    A trailing "-BE" names the big-endian twin, as tools for Video4Linux write it.
    """
    letters = text.removesuffix("-BE")
    code = int.from_bytes(letters.ljust(4).encode("latin-1")[:4], "little")
    return code | _BIG_ENDIAN if text.endswith("-BE") else code


def fourcc_text(code: int) -> str:
    """Letters of a format's number."""
    letters = (code & ~_BIG_ENDIAN).to_bytes(4, "little").decode("latin-1").rstrip()
    plain = "".join(letter if letter.isprintable() else "?" for letter in letters)
    return f"{plain}-BE" if code & _BIG_ENDIAN else plain


_TABLE: Final = (
    PixelFormat("Y16", Kind.DEEP, 16, 2),
    PixelFormat("Y16-BE", Kind.DEEP, 16, 2),
    PixelFormat("Y14", Kind.DEEP, 14, 2),
    PixelFormat("Y12", Kind.DEEP, 12, 2),
    PixelFormat("Y10", Kind.DEEP, 10, 2),
    PixelFormat("GREY", Kind.GREY, 8, 1),
    PixelFormat("YUYV", Kind.PACKED_YUV, 8, 2),
    PixelFormat("UYVY", Kind.PACKED_YUV, 8, 2),
    PixelFormat("NV12", Kind.NV12, 8, 1),
    PixelFormat("YU12", Kind.I420, 8, 1),
    PixelFormat("BGR3", Kind.RGB, 8, 3),
    PixelFormat("RGB3", Kind.RGB, 8, 3),
    PixelFormat("MJPG", Kind.JPEG, 8, 0),
    PixelFormat("JPEG", Kind.JPEG, 8, 0),
)
READABLE: Final = {fourcc(entry.text): entry for entry in _TABLE}

# Streams with pictures that need those before them: a decoder's work, not that of a camera reader.
VIDEO_CODECS: Final = frozenset(map(fourcc, ("H264", "AVC1", "H265", "HEVC", "VP80", "MPG4")))


_BAYER: Final = re.compile(
    r"BA81|GBRG|GRBG|RGGB|BYR2|BA10|BA12|GR1[46]"  # 8 bit each; deeper ones with odd names
    r"|(BG|GB|RG)1[0246]"  # in 16-bit words
    r"|p[BGgR](AA|CC|EE)"  # packed 10, 12 and 14 bit
)


def is_bayer(code: int) -> bool:
    """Whether it is the raw mosaic of a sensor, which needs an image processor."""
    return _BAYER.fullmatch(fourcc_text(code)) is not None
