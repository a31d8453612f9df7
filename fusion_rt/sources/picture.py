"""One picture file: read wholly or refused with one clear line."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from ..errors import SourceError
from ..frame import Sensor
from .pixels import as_ir, as_vis

# Grey stays grey, 16 bit stays 16 bit, alpha is dropped and the EXIF orientation is applied.
_READ_FLAGS = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def read_image(path: Path, sensor: Sensor) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read a PNG, JPEG, BMP or TIFF file as one camera's picture.

    Returns:
        The picture, infrared (H, W) uint8 or uint16, visible (H, W, 3) uint8 BGR, turned upright
        as its EXIF orientation asks; and notes for the user, one sentence each.
    Raises:
        SourceError: missing, damaged, cut short, or not a picture of 8 or 16 bit.
    """
    raw = _decode(path)
    try:
        image, note = as_ir(raw) if sensor is Sensor.IR else as_vis(raw)
    except SourceError as exc:
        raise SourceError(f"{path}: {exc}", hint=exc.hint) from None
    return image, (note,) if note else ()


def _decode(path: Path) -> np.ndarray:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise SourceError(
            f"{path} cannot be read: {os.strerror(exc.errno or 0)}", hint="check name and rights"
        ) from exc
    fault = _fault(data)
    if not fault:
        with _quiet_opencv():
            # Read from memory, as only so a JPEG that is cut short is refused.
            image = cv2.imdecode(np.frombuffer(data, np.uint8), _READ_FLAGS)
        if image is not None:
            return image
        fault = "it is damaged, cut short or of a kind that is not known here"
    raise SourceError(
        f"{path} cannot be read as a picture: {fault}", hint="replace it by a sound copy"
    )


def _fault(data: bytes) -> str:
    """What is wrong with the file as a whole; empty where nothing is seen.

    PNG is walked here chunk by chunk, because its library writes to the terminal by itself when a
    chunk is short or its checksum is wrong.
    """
    if not data:
        return "the file is empty"
    if not data.startswith(_PNG_MAGIC):
        return ""
    at, kind = len(_PNG_MAGIC), b""
    while kind != b"IEND":
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + size
        if end > len(data):
            return f"the file ends after {len(data)} bytes, inside the picture"
        body = memoryview(data)[at + 4 : end - 4]
        if zlib.crc32(body) != int.from_bytes(data[end - 4 : end], "big"):
            return f"the checksum at byte {at} is wrong"
        at = end
    return ""


_log_lock = threading.Lock()
_log_readers = 0
_log_level_before = 0


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's own lines off the terminal; what they say becomes an error of ours.

    The level belongs to the whole process, so the first reader lowers it and the last restores
    it; readers on other threads are not held up.
    """
    global _log_readers, _log_level_before
    with _log_lock:
        _log_readers += 1
        if _log_readers == 1:
            _log_level_before = _log_call("getLogLevel")()
            _log_call("setLogLevel")(0)
    try:
        yield
    finally:
        with _log_lock:
            _log_readers -= 1
            if _log_readers == 0:
                _log_call("setLogLevel")(_log_level_before)


def _log_call(name: str) -> Callable[..., int]:
    """OpenCV 5 moved its logging functions from ``cv2`` to ``cv2.utils.logging``."""
    home = cv2 if hasattr(cv2, name) else cv2.utils.logging
    call: Callable[..., int] = getattr(home, name)
    return call
