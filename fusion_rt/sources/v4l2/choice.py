"""Which format, size and rate a camera is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from ...errors import SourceError
from ...frame import Sensor
from ..thermal_sizes import THERMAL_SIZES
from .fourcc import READABLE, VIDEO_CODECS, Kind, PixelFormat, fourcc, fourcc_text, is_bayer
from .offers import FormatOffer, SizeOffer

_LEAST_FPS: Final = 25  # below that, motion is seen to stutter
_USUAL_FPS: Final = Fraction(30)
_VIS_AREA: Final = 1280 * 720  # larger visible pictures cost more than they show beside infrared
# Bytes per second of uncompressed pictures up to which they are preferred to JPEG: 1280x720 in
# YUYV at 30. Beyond, copying them costs more than decoding, and two cameras fill a USB 3 hub.
_MOST_LOAD: Final = 60e6


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks for; None where anything will do.

    Attributes:
        format: letters of the pixel format.
        size_wh: width and height in px.
        fps: frames per second.
    """

    format: str | None = None
    size_wh: tuple[int, int] | None = None
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What the driver is to be asked for.

    Attributes:
        format: to be read so.
        size_wh: width and height in px.
        fps: None where the driver names no rates and none is asked for.
    """

    format: PixelFormat
    size_wh: tuple[int, int]
    fps: Fraction | None

    @property
    def words(self) -> str:
        """For instance "Y16 640x512 at 60 fps"."""
        rate = "" if self.fps is None else f" at {rate_text(self.fps)} fps"
        return "{} {}x{}".format(self.format.text, *self.size_wh) + rate


def rate_text(rate: Fraction | float) -> str:
    """A rate to two decimals, whole where it is: "30", "29.97"."""
    return f"{float(rate):.2f}".rstrip("0").rstrip(".")


def choose(offers: tuple[FormatOffer, ...], wish: Wish, sensor: Sensor, name: str) -> Choice:
    """The best of what is offered that fits the wish.

    Infrared: 16-bit grey first, then 8-bit grey, then uncompressed colour; of the sizes one that
    thermal cores have, then the largest; the fastest rate. Visible: at least 25 frames per second,
    then the largest size up to 1280x720, then uncompressed before JPEG unless that is more than
    60 MB/s; the rate nearest to 30. A rate that is asked for comes before all that.

    Args:
        offers: as the camera lists them.
        name: of the camera, for messages.

    Raises:
        SourceError: nothing that is offered fits or can be read; names what there is.
    """
    able = _of_format(offers, wish, name)
    able = _of_size(able, wish, name)
    candidates = [
        Choice(pixel, size.size_wh, _fps(size, wish, sensor))
        for offer, pixel in able
        for size in _sizes(offer, wish)
    ]
    rank = _infrared_rank if sensor is Sensor.IR else _visible_rank
    # max() takes the first of equals: the driver's order decides then
    return max(candidates, key=lambda choice: (-_rate_missed(choice, wish), *rank(choice)))


def _of_format(
    offers: tuple[FormatOffer, ...], wish: Wish, name: str
) -> list[tuple[FormatOffer, PixelFormat]]:
    able = [(offer, pixel) for offer in offers if (pixel := offer.readable)]
    if wish.format is not None:
        _check_format(offers, wish.format, name)
        able = [entry for entry in able if entry[0].code == fourcc(wish.format.upper())]
    elif not able:
        raise _unreadable(offers, name)
    # what a library makes of another format is second to what the camera makes itself
    return [entry for entry in able if not entry[0].emulated] or able


def _check_format(offers: tuple[FormatOffer, ...], letters: str, name: str) -> None:
    code = fourcc(letters.upper())
    offered = ", ".join(offer.text for offer in offers) or "no format"
    if code not in READABLE:
        raise _unreadable_format(code, name)
    if code not in {offer.code for offer in offers}:
        raise SourceError(
            f"{name} does not offer {fourcc_text(code)}, only {offered}",
            hint="leave format out, or take one of these",
        )


def _unreadable(offers: tuple[FormatOffer, ...], name: str) -> SourceError:
    if any(is_bayer(offer.code) for offer in offers):
        code = next(offer.code for offer in offers if is_bayer(offer.code))
        return _unreadable_format(code, name)
    if len(offers) == 1:
        return _unreadable_format(offers[0].code, name)
    offered = ", ".join(offer.text for offer in offers) or "no format at all"
    return SourceError(
        f"{name} offers {offered}, none of which can be read here",
        hint=f"readable are {_readable_words()}; or use gst:v4l2src device=...",
    )


def _unreadable_format(code: int, name: str) -> SourceError:
    letters = fourcc_text(code)
    if code in VIDEO_CODECS:
        return SourceError(
            f"{name}: {letters} is a video codec, which is not decoded here",
            hint="set format: MJPG or YUYV, or use gst:v4l2src device=... ! decodebin ! ...",
        )
    if is_bayer(code):
        return SourceError(
            f"{name}: {letters} is the raw mosaic of a sensor without its image processor",
            hint="on a Jetson use csi:0; on a Raspberry Pi gst:libcamerasrc ! ...",
        )
    return SourceError(
        f"{name}: the format {letters} cannot be read here",
        hint=f"readable are {_readable_words()}",
    )


def _readable_words() -> str:
    return ", ".join(pixel.text for pixel in READABLE.values())


def _of_size(
    able: list[tuple[FormatOffer, PixelFormat]], wish: Wish, name: str
) -> list[tuple[FormatOffer, PixelFormat]]:
    if wish.size_wh is None:
        return able
    fitting = [entry for entry in able if _has_size(entry[0], wish.size_wh)]
    if fitting:
        return fitting
    sizes = dict.fromkeys(size.size_wh for offer, _ in able for size in offer.sizes)
    listed = ", ".join("{}x{}".format(*size_wh) for size_wh in sizes)
    formats = wish.format or "any format"
    raise SourceError(
        "{} does not offer {}x{}".format(name, *wish.size_wh) + f" in {formats}, only {listed}",
        hint="leave size out, or take one of these",
    )


def _has_size(offer: FormatOffer, size_wh: tuple[int, int]) -> bool:
    if offer.range is not None:
        return size_wh in offer.range
    # A driver without a list takes any size and answers with the nearest.
    return not offer.sizes or size_wh in {size.size_wh for size in offer.sizes}


def _sizes(offer: FormatOffer, wish: Wish) -> Iterator[SizeOffer]:
    if wish.size_wh is None:
        yield from offer.sizes or (SizeOffer((640, 480)),)
        return
    listed = [size for size in offer.sizes if size.size_wh == wish.size_wh]
    yield from listed or (SizeOffer(wish.size_wh),)


def _fps(size: SizeOffer, wish: Wish, sensor: Sensor) -> Fraction | None:
    if wish.fps is not None:
        asked = Fraction(wish.fps).limit_denominator(1001)
        return size.nearest(asked) or asked
    if sensor is Sensor.IR:
        return max(size.rates, default=None)
    return size.nearest(_USUAL_FPS)


def _rate_missed(choice: Choice, wish: Wish) -> float:
    """By how much the rate that is asked for is missed; 29.97 does not miss 30."""
    if wish.fps is None or choice.fps is None:
        return 0.0
    missed = abs(float(choice.fps) - wish.fps)
    return missed if missed > 0.01 * wish.fps else 0.0


def _infrared_rank(choice: Choice) -> tuple[float, ...]:
    order = (Kind.DEEP, Kind.GREY, Kind.NV12, Kind.I420, Kind.PACKED_YUV, Kind.RGB, Kind.JPEG)
    return (
        -order.index(choice.format.kind),
        choice.format.bits,
        choice.size_wh in THERMAL_SIZES,
        choice.size_wh[0] * choice.size_wh[1],
        float(choice.fps or 0),
    )


def _visible_rank(choice: Choice) -> tuple[float, ...]:
    area = choice.size_wh[0] * choice.size_wh[1]
    fps = float(choice.fps or _USUAL_FPS)
    order = (Kind.PACKED_YUV, Kind.NV12, Kind.I420, Kind.RGB, Kind.JPEG, Kind.GREY, Kind.DEEP)
    if choice.format.kind is Kind.JPEG:
        ease = 1
    else:
        ease = 2 if choice.format.bytes_per_picture(choice.size_wh) * fps <= _MOST_LOAD else 0
    return (
        choice.format.kind not in (Kind.GREY, Kind.DEEP),
        fps >= _LEAST_FPS * 0.99,  # 24.975 is meant as 25
        area if area <= _VIS_AREA else -area,
        ease,
        -order.index(choice.format.kind),
    )
