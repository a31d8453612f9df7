"""Pictures for people: PNG or JPEG."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..errors import SinkError, UsageError

_JPEG_QUALITY = 92  # sharp edges of pictures and letters stay clean


def check_suffix(option: str, path: Path, suffixes: tuple[str, ...]) -> None:
    """Refuse a file name whose kind cannot be written.

    Raises:
        UsageError: it ends in none of ``suffixes``.
    """
    if path.suffix.lower() not in suffixes:
        raise UsageError(
            f"{option} {path} does not end in {' or '.join(suffixes)}",
            hint=f"name it for instance {path.with_suffix(suffixes[0])}",
        )


def encode(picture: np.ndarray, suffix: str) -> bytes:
    """Bytes of a PNG or JPEG file.

    Args:
        picture: (H, W, 3) uint8 BGR.
        suffix: ".png", ".jpg" or ".jpeg".
    """
    jpeg = [] if suffix.lower() == ".png" else [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    ok, data = cv2.imencode(suffix.lower(), picture, jpeg)
    if not ok:
        raise SinkError(
            f"a picture of shape {picture.shape} does not fit into {suffix}",
            hint="name a PNG file",
        )
    return bytes(data)
