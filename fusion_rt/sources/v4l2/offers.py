"""What a camera says of itself: its name, pixel formats, sizes and rates."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeVar

from . import kernel
from .fourcc import READABLE, PixelFormat, fourcc_text

if TYPE_CHECKING:
    from .device import Device

# Sizes looked at where a camera takes any within a range: those of webcams and thermal cores.
_USUAL_SIZES: Final = (
    (160, 120),
    (256, 192),
    (320, 240),
    (320, 256),
    (384, 288),
    (640, 480),
    (640, 512),
    (1280, 720),
    (1280, 1024),
    (1920, 1080),
)
# End of a list; a driver without lists; no lists for this input.
_NO_MORE: Final = frozenset({errno.EINVAL, errno.ENOTTY, errno.ENODATA})
_LIST_ENDS: Final = 256  # entries after which a driver that never ends its list is not believed
_Entry = TypeVar("_Entry", kernel.FormatDescription, kernel.FrameSize, kernel.FrameInterval)


@dataclass(frozen=True, slots=True)
class Card:
    """A video node as its driver describes it.

    Attributes:
        driver: its name, for instance "uvcvideo".
        name: of the camera.
        bus: where it is plugged in, for instance "usb-0000:00:14.0-2".
        captures: whether it gives pictures in buffers of one piece, as is read here.
        multi_planar: whether it gives them in the other interface, of several pieces.
    """

    driver: str
    name: str
    bus: str
    captures: bool
    multi_planar: bool


@dataclass(frozen=True, slots=True)
class SizeOffer:
    """A size and its rates.

    Attributes:
        size_wh: width and height in px.
        rates: frames per second, fastest first; empty where the driver does not tell.
        any_rate: whether ``rates`` are the ends of a range.
    """

    size_wh: tuple[int, int]
    rates: tuple[Fraction, ...] = ()
    any_rate: bool = False

    def nearest(self, fps: Fraction) -> Fraction | None:
        """The rate nearest to one that is wanted; None where the driver does not tell."""
        if self.any_rate:
            return min(max(fps, self.rates[-1]), self.rates[0])
        return min(self.rates, key=lambda rate: abs(rate - fps), default=None)


@dataclass(frozen=True, slots=True)
class SizeRange:
    """All sizes from one to another, in steps; each is (width, height) in px."""

    least_wh: tuple[int, int]
    most_wh: tuple[int, int]
    step_wh: tuple[int, int]

    def __contains__(self, size_wh: tuple[int, int]) -> bool:
        return all(
            least <= side <= most and (side - least) % max(1, step) == 0
            for side, least, most, step in zip(
                size_wh, self.least_wh, self.most_wh, self.step_wh, strict=True
            )
        )


@dataclass(frozen=True, slots=True)
class FormatOffer:
    """A pixel format and its sizes.

    Attributes:
        code: number of the format, see `fourcc`.
        description: in the driver's words.
        sizes: in the driver's order; of a range the usual ones.
        range: where any size in it goes.
        emulated: made from another format by software.
    """

    code: int
    description: str
    sizes: tuple[SizeOffer, ...]
    range: SizeRange | None = None
    emulated: bool = False

    @property
    def text(self) -> str:
        """The format's letters."""
        return fourcc_text(self.code)

    @property
    def readable(self) -> PixelFormat | None:
        """How it is read here; None where it cannot be."""
        return READABLE.get(self.code)


def read_card(device: Device) -> Card:
    """Ask a node what it is.

    Raises:
        OSError: as the kernel reports it; ENOTTY where it is no video node.
    """
    answer = kernel.Capability()
    device.ioctl(kernel.VIDIOC_QUERYCAP, answer)
    # capabilities are those of the whole card, device_caps those of this node alone
    own = answer.capabilities & kernel.CAP_DEVICE_CAPS
    flags = answer.device_caps if own else answer.capabilities
    streams = bool(flags & kernel.CAP_STREAMING)
    return Card(
        driver=_text(answer.driver),
        name=_text(answer.card),
        bus=_text(answer.bus_info),
        captures=streams and bool(flags & kernel.CAP_VIDEO_CAPTURE),
        multi_planar=streams and bool(flags & kernel.CAP_VIDEO_CAPTURE_MPLANE),
    )


def read_offers(device: Device) -> tuple[FormatOffer, ...]:
    """All formats of a capturing node, in the driver's order.

    Raises:
        OSError: as the kernel reports it.
    """
    return tuple(_format_offer(device, entry) for entry in _formats(device))


def _formats(device: Device) -> Iterator[kernel.FormatDescription]:
    def request(index: int) -> kernel.FormatDescription:
        return kernel.FormatDescription(index=index, type=kernel.BUF_TYPE_VIDEO_CAPTURE)

    return _listed(device, kernel.VIDIOC_ENUM_FMT, request)


def _format_offer(device: Device, entry: kernel.FormatDescription) -> FormatOffer:
    code = entry.pixelformat
    sizes: list[SizeOffer] = []
    allowed: SizeRange | None = None
    for size in _listed(
        device,
        kernel.VIDIOC_ENUM_FRAMESIZES,
        lambda index: kernel.FrameSize(index=index, pixel_format=code),
    ):
        if size.type == kernel.RANGE_DISCRETE:
            sizes.append(_size_offer(device, code, (size.discrete.width, size.discrete.height)))
            continue
        allowed = _size_range(size.stepwise)
        usual = [wh for wh in _USUAL_SIZES if wh in allowed] or [allowed.most_wh]
        sizes = [_size_offer(device, code, wh) for wh in usual]
        break  # a range is the only entry of its list
    return FormatOffer(
        code=code,
        description=_text(entry.description),
        sizes=tuple(dict.fromkeys(sizes)),
        range=allowed,
        emulated=bool(entry.flags & kernel.FMT_FLAG_EMULATED),
    )


def _size_range(steps: kernel.StepwiseSize) -> SizeRange:
    return SizeRange(
        (steps.min_width, steps.min_height),
        (steps.max_width, steps.max_height),
        (steps.step_width, steps.step_height),
    )


def _size_offer(device: Device, code: int, size_wh: tuple[int, int]) -> SizeOffer:
    width, height = size_wh
    rates: set[Fraction] = set()
    any_rate = False
    for entry in _listed(
        device,
        kernel.VIDIOC_ENUM_FRAMEINTERVALS,
        lambda index: kernel.FrameInterval(
            index=index, pixel_format=code, width=width, height=height
        ),
    ):
        if entry.type == kernel.RANGE_DISCRETE:
            rates |= _rate(entry.discrete)
            continue
        rates = _rate(entry.stepwise.min) | _rate(entry.stepwise.max)
        any_rate = bool(rates)
        break
    return SizeOffer(size_wh, tuple(sorted(rates, reverse=True)), any_rate)


def _rate(interval: kernel.Fraction32) -> set[Fraction]:
    """Frames per second of an interval in seconds; none of one that is no time."""
    if not interval.numerator or not interval.denominator:
        return set()
    return {Fraction(interval.denominator, interval.numerator)}


def _listed(device: Device, request: int, entry_at: Callable[[int], _Entry]) -> Iterator[_Entry]:
    """Entries of a list until the driver says that there are no more."""
    for index in range(_LIST_ENDS):
        entry = entry_at(index)
        try:
            device.ioctl(request, entry)
        except OSError as error:
            if error.errno in _NO_MORE:
                return
            raise
        yield entry


def _text(raw: bytes) -> str:
    """A name from a driver; cameras write all kinds of bytes."""
    return raw.decode("utf-8", "replace").strip()
