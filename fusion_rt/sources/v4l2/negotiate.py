"""Format and rate, as camera and program agree on them."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from ...errors import SourceError
from . import kernel
from .choice import Choice, Wish, rate_text
from .device import Device
from .fourcc import READABLE, Kind, PixelFormat, fourcc, fourcc_text

_RATE_TOLERANCE: Final = Fraction(1, 100)  # 29.97 is what 30 means
_RATE_FIXED: Final = (errno.EINVAL, errno.ENOTTY)  # a driver that has one rate only
_WHOLE_FIELDS: Final = (0, kernel.FIELD_NONE)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the driver will deliver.

    Attributes:
        format: of the pixels.
        size_wh: width and height in px.
        fps: frames per second; None where unknown.
        bytes_per_line: of the first plane, padding included; of no meaning for JPEG.
        full_range, limited_range: what the driver says of luma; mostly neither.
        notes: for the user, one sentence each.
    """

    format: PixelFormat
    size_wh: tuple[int, int]
    fps: Fraction | None
    bytes_per_line: int
    full_range: bool
    limited_range: bool
    notes: tuple[str, ...]


def agree(device: Device, choice: Choice, wish: Wish, name: str) -> Agreement:
    """Set format and rate.

    Args:
        choice: to ask for.
        wish: what of it the user insists on: the driver may answer otherwise in all else.
        name: of the camera, for messages.

    Raises:
        SourceError: the driver makes something else of it.
        OSError: as the kernel reports it.
    """
    pix = _set_format(device, choice)
    size_wh = (pix.width, pix.height)
    format_ = READABLE.get(pix.pixelformat)
    fixed = (wish.size_wh is not None and size_wh != choice.size_wh) or (
        wish.format is not None and format_ is not choice.format
    )
    if format_ is None or fixed:
        given = "{} {}x{}".format(fourcc_text(pix.pixelformat), *size_wh)
        raise SourceError(
            f"{name} was asked for {choice.words}, but gives {given}",
            hint="fusion-rt sources shows what it offers: set format and size to that",
        )
    fps, rate_notes = _agree_rate(device, choice, wish)
    notes = list(rate_notes)
    if pix.field not in _WHOLE_FIELDS:
        notes.append("the pictures are interlaced: what moves shows combs")
    yuv = format_.kind in (Kind.PACKED_YUV, Kind.NV12, Kind.I420)
    return Agreement(
        format_,
        size_wh,
        fps,
        # 0 where a driver leaves it out: then there is no padding
        bytes_per_line=max(pix.bytesperline, pix.width * format_.bytes_per_px),
        full_range=yuv
        and (
            pix.quantization == kernel.QUANTIZATION_FULL or pix.colorspace == kernel.COLORSPACE_JPEG
        ),
        limited_range=yuv and pix.quantization == kernel.QUANTIZATION_LIMITED,
        notes=tuple(notes),
    )


def _set_format(device: Device, choice: Choice) -> kernel.PixFormat:
    request = kernel.Format(type=kernel.BUF_TYPE_VIDEO_CAPTURE)
    request.pix.width, request.pix.height = choice.size_wh
    request.pix.pixelformat = fourcc(choice.format.text)
    request.pix.field = kernel.FIELD_NONE
    request.pix.priv = kernel.PIX_FMT_PRIV_MAGIC
    device.ioctl(kernel.VIDIOC_S_FMT, request)
    return request.pix


def _agree_rate(
    device: Device, choice: Choice, wish: Wish
) -> tuple[Fraction | None, tuple[str, ...]]:
    if choice.fps is None:
        return None, ()
    try:
        given = _set_rate(device, choice.fps)
    except OSError as error:
        if error.errno not in _RATE_FIXED:
            raise
        given = None
    if wish.fps is None:
        return given or choice.fps, ()
    asked = Fraction(wish.fps)
    if given is None:
        return None, (f"its rate cannot be set to {rate_text(asked)} fps: it has its own",)
    if abs(given - asked) > _RATE_TOLERANCE * asked:
        return given, (f"it gives {rate_text(given)} fps, not {rate_text(asked)}",)
    return given, ()


def _set_rate(device: Device, fps: Fraction) -> Fraction | None:
    """The rate that the driver answers with; None where it has its own."""
    request = kernel.StreamParameters(type=kernel.BUF_TYPE_VIDEO_CAPTURE)
    request.capture.timeperframe.numerator = fps.denominator
    request.capture.timeperframe.denominator = fps.numerator
    device.ioctl(kernel.VIDIOC_S_PARM, request)
    interval = request.capture.timeperframe
    settable = request.capture.capability & kernel.CAP_TIMEPERFRAME
    if not settable or not interval.numerator or not interval.denominator:
        return None
    return Fraction(interval.denominator, interval.numerator)
