"""A frame number and a time drawn into a picture, to be read back after any way it went.

64 bits as white and black squares in the top left corner, four rows of sixteen: 16 bits of frame
number, 40 bits of time in units of 0.1 ms, 8 bits of check sum. Squares of 12 px with levels of 16
and 235 survive H.264 and JPEG. Nothing is imported, so that a test server without NumPy draws the
same marker as a test reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

BLOCK = 12  # px
COLUMNS, ROWS = 16, 4
WIDTH, HEIGHT = BLOCK * COLUMNS, BLOCK * ROWS
UNIT_NS = 100_000
_BLACK, _WHITE = 16, 235
_SEED = 0xA5  # an even grey picture is no marker


class Marker(NamedTuple):
    """What a marker says: frame number modulo 65536; time in ns, rounded down to 0.1 ms."""

    number: int
    time_ns: int


def pixel_rows(number: int, time_ns: int) -> list[bytes]:
    """The marker's four rows, each to be repeated ``BLOCK`` times.

    Args:
        number: its lowest 16 bits are drawn.
        time_ns: 0 and up to 2**40 units, which is over three years.
    """
    payload = (number & 0xFFFF) << 40 | time_ns // UNIT_NS
    bits = f"{payload << 8 | _check(payload):064b}"
    return [
        b"".join(bytes([_WHITE if bit == "1" else _BLACK]) * BLOCK for bit in bits[at : at + 16])
        for at in range(0, 64, COLUMNS)
    ]


def draw(image: np.ndarray, number: int, time_ns: int) -> None:
    """Draw a marker into (H, W) or (H, W, 3) uint8, in place."""
    for row, line in enumerate(pixel_rows(number, time_ns)):
        for column, level in enumerate(line[::BLOCK]):
            y, x = row * BLOCK, column * BLOCK
            image[y : y + BLOCK, x : x + BLOCK] = level


def read(image: np.ndarray, scale: float = 1.0) -> Marker | None:
    """The marker in a picture of any depth, grey or colour; None where the check sum is wrong.

    Args:
        image: (H, W) or (H, W, C).
        scale: size of the picture over that in which the marker was drawn.
    """
    step, half = BLOCK * scale, max(1, round(BLOCK * scale / 6))
    levels = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            y, x = int((row + 0.5) * step), int((column + 0.5) * step)
            square = image[y - half : y + half, x - half : x + half]
            if square.size == 0:
                return None
            levels.append(float(square.mean()))
    middle = (min(levels) + max(levels)) / 2
    value = int("".join("1" if level > middle else "0" for level in levels), 2)
    payload, check = value >> 8, value & 0xFF
    if check != _check(payload):
        return None
    return Marker(payload >> 40, (payload & (1 << 40) - 1) * UNIT_NS)


def _check(payload: int) -> int:
    check = _SEED
    for byte in payload.to_bytes(7, "big"):
        check = check * 33 + byte & 0xFF  # more than an exclusive or: swapped bytes are found too
    return check
