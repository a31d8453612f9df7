"""Pixels of any still or decoded picture brought to what the two sensors' frames hold."""

from __future__ import annotations

import cv2
import numpy as np

from engines.contract import BT601_BGR

from ..errors import SourceError

_TWELVE_BIT_MAX = 4095


def as_ir(image: np.ndarray) -> tuple[np.ndarray, str | None]:
    """One plane of infrared.

    Alpha is dropped. Three equal channels are a grey picture and taken as it is; other colour
    becomes BT.601 luma, rounded to nearest.

    Args:
        image: (H, W), (H, W, 1), (H, W, 2) grey and alpha, (H, W, 3) BGR or (H, W, 4) BGRA;
            uint8 or uint16.
    Returns:
        Shape (H, W) in the dtype of ``image``, values unchanged for grey; and a note for the
        user where something was converted.
    Raises:
        SourceError: another shape or dtype. Floating point is refused, as the unit behind it is
            unknown and a scale taken from one picture would not hold for the next.
    """
    _check_pixels(image)
    if image.ndim == 2:
        return image, None
    if image.shape[2] < 3:
        return np.ascontiguousarray(image[:, :, 0]), None
    blue, green, red = (np.ascontiguousarray(image[:, :, c]) for c in range(3))
    if np.array_equal(blue, green) and np.array_equal(green, red):
        return blue, None
    weights = np.asarray(BT601_BGR, dtype=np.float32)
    luma = np.rint(image[:, :, :3].astype(np.float32) @ weights)
    return luma.astype(
        image.dtype
    ), "colour picture as infrared: its luma is used (are infrared and visible swapped?)"


def as_vis(image: np.ndarray) -> tuple[np.ndarray, str | None]:
    """A visible picture in 8-bit BGR.

    Alpha is dropped and grey is repeated in three channels. 16-bit values are divided by 257 and
    rounded, so 65535 becomes 255: one rule for every picture, because a range taken from each
    picture's content would make a recording flicker. 12-bit data in 16-bit files therefore turn
    out dark; the note says so.

    Args:
        image: as in `as_ir`.
    Returns:
        Shape (H, W, 3), uint8 BGR; and a note for the user where something was converted.
    Raises:
        SourceError: another shape or dtype.
    """
    _check_pixels(image)
    notes = []
    if image.dtype == np.uint16:
        note = "16-bit visible picture: values are divided by 257 to 8 bit"
        brightest = int(image.max())
        if brightest <= _TWELVE_BIT_MAX:
            note += f"; its brightest value is only {brightest} of 65535, so it will look dark"
        notes.append(note)
        # (v + 128) // 257 rounds to nearest; uint32 keeps 65535 + 128 from wrapping around.
        image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if image.ndim == 2 or image.shape[2] < 3:
        notes.append("grey picture as visible: repeated in three channels")
        plane = image if image.ndim == 2 else np.ascontiguousarray(image[:, :, 0])
        image = cv2.cvtColor(plane, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(image[:, :, :3]), "; ".join(notes) or None


def _check_pixels(image: np.ndarray) -> None:
    if image.ndim not in (2, 3) or (image.ndim == 3 and not 1 <= image.shape[2] <= 4):
        raise SourceError(
            f"pixels have shape {image.shape}, but must be (H, W) or (H, W, 1 to 4)",
            hint="save the picture as grey or colour PNG",
        )
    if image.dtype in (np.uint8, np.uint16):
        return
    broken = 0
    if np.issubdtype(image.dtype, np.floating):
        broken = int(image.size - np.count_nonzero(np.isfinite(image)))
    damage = f", {broken} of them NaN or infinite" if broken else ""
    raise SourceError(
        f"pixels are {image.dtype}{damage}, but must be 8- or 16-bit whole numbers",
        hint="save it as 16-bit first, for instance 100 * kelvin rounded",
    )
