"""One picture file as training takes it: whole, of 8 bit, and what it claims to be."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from trainer.errors import DataError

# Compression leaves a little colour in grey pictures; a palette, or a visible picture, far more.
_FAINT_COLOUR = 8.0  # mean difference between the channels of a pixel, levels


def read_file(path: Path) -> bytes:
    """Content of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise DataError(f"{path} cannot be read: {exc.strerror}", hint="remove the pair") from exc


def decode_ir(path: Path, content: bytes) -> np.ndarray:
    """Infrared (H, W) uint8; a file with three grey channels counts as grey.

    Args:
        path: for the words of an error.
        content: of the file.
    Raises:
        DataError: no whole picture, not of 8 bit, or in colour.
    """
    image = _decode(path, content, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
    _check_depth(path, image, "fusion-rt fuse --view ir writes infrared as 8 bit")
    if image.ndim == 2:
        return image
    colour = float((image.max(2).astype(np.int16) - image.min(2)).mean())
    if colour > _FAINT_COLOUR:
        raise DataError(
            f"{path} is in colour, but infrared must be grey: light is warm",
            hint="give it without a palette; or are infrared and visible swapped?",
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def decode_vis(path: Path, content: bytes) -> np.ndarray:
    """Visible (H, W, 3) uint8 BGR; grey is repeated in three channels.

    Args:
        path: for the words of an error.
        content: of the file.
    Raises:
        DataError: no whole picture, or not of 8 bit.
    """
    image = _decode(path, content, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    _check_depth(path, image, "write it as 8 bit first")
    return image


def _decode(path: Path, content: bytes, flags: int) -> np.ndarray:
    # From memory: only so a JPEG that is cut short is refused.
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    if image is None:
        reason = "damaged, cut short or no picture" if content else "empty"
        raise DataError(f"{path} cannot be read: it is {reason}", hint="remove the pair")
    return image


def _check_depth(path: Path, image: np.ndarray, hint: str) -> None:
    if image.dtype != np.uint8:
        what = {"uint16": "of 16 bit"}.get(str(image.dtype), f"of type {image.dtype}")
        raise DataError(f"{path} is {what}, but training takes 8-bit pictures", hint=hint)
