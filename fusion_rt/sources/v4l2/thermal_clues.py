"""Which of the cameras is thermal, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Final

from ..thermal_sizes import ONLY_THERMAL_SIZES, STACKED_SIZES, THERMAL_SIZES
from .fourcc import Kind, is_bayer
from .nodes import UsbDevice
from .survey import FoundCamera


@dataclass(frozen=True, slots=True)
class KnownCamera:
    """A thermal camera that is known by its numbers on the USB bus.

    Attributes:
        name: of the kind.
        layout: name of its layout in `fusion_rt.thermal.layout`; empty where there is none.
    """

    name: str
    layout: str = ""


# By vendor and product, as owners of such cameras report them.
KNOWN: Final = {
    "09cb:4007": KnownCamera("FLIR Boson", "boson"),
    "1e4e:0100": KnownCamera("PureThermal board with a FLIR Lepton", "purethermal"),
    "0bda:5830": KnownCamera("InfiRay P2 Pro, Topdon TC001 or sister", "infiray-p2-pro"),
    "0bda:5840": KnownCamera("InfiRay core, as in the HTI HT-820"),
    "1514:0001": KnownCamera("InfiRay T3 or HTI HT-301"),
    "04b4:0100": KnownCamera("InfiRay T2S+"),
    "3474:4321": KnownCamera("Thermal Master P2"),
    "2bdf:0101": KnownCamera("Hikmicro core"),
}
# The same that no video driver speaks to.
DRIVERLESS: Final = {
    "289d:0010": "Seek Thermal Compact",
    "289d:0011": "Seek Thermal Compact Pro or Nano",
    "09cb:1996": "FLIR One",
    "3474:45a2": "Thermal Master P3",
    "3474:45c2": "Thermal Master P1",
}
_THERMAL_NAME: Final = re.compile(
    r"thermal|boson|lepton|flir|infiray|\biray|seek|topdon|hikmicro|lwir|bolometer", re.IGNORECASE
)
_NEAR_INFRARED_NAME: Final = re.compile(r"\bIR\b|infrared|hello", re.IGNORECASE)
_DEPTH_NAME: Final = re.compile(r"realsense|depth|kinect|orbbec", re.IGNORECASE)

_SURE: Final = 50
_MAYBE: Final = 25
_SLOW_FPS: Final = 9.5  # export rules hold many thermal cameras to 9
_LARGE_PX: Final = 1920 * 1080


class Verdict(str, Enum):
    """What a camera seems to be."""

    THERMAL = "thermal"
    MAYBE = "perhaps thermal"
    VISIBLE = "visible"
    NEAR_INFRARED = "near infrared"
    RAW = "raw sensor"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a camera seems to be.

    Attributes:
        verdict: in one word.
        score: from 50 on it counts as thermal.
        reasons: each with its points, for instance "offers 16-bit grey (+40)".
    """

    verdict: Verdict
    score: int
    reasons: tuple[str, ...]


def judge(camera: FoundCamera) -> Judgement:
    """What a camera seems to be, from what can be known without looking at its pictures."""
    if camera.fault:
        return Judgement(Verdict.UNKNOWN, 0, (camera.fault,))
    if camera.offers and all(is_bayer(offer.code) for offer in camera.offers):
        return Judgement(Verdict.RAW, 0, ("gives the raw mosaic of its sensor",))
    clues = tuple(_clues(camera))
    score = sum(points for points, _ in clues)
    reasons = tuple(f"{words} ({points:+d})" for points, words in clues)
    if score >= _SURE:
        return Judgement(Verdict.THERMAL, score, reasons)
    if _is_near_infrared(camera):
        words = "gives grey pictures alone and is called infrared, as cameras for face log-in are"
        return Judgement(Verdict.NEAR_INFRARED, score, (*reasons, words))
    if score >= _MAYBE:
        return Judgement(Verdict.MAYBE, score, reasons)
    return Judgement(Verdict.VISIBLE, score, reasons or ("nothing speaks for a thermal camera",))


def driverless(usb: tuple[UsbDevice, ...]) -> tuple[tuple[UsbDevice, str], ...]:
    """Thermal cameras on the USB bus that no video driver speaks to, with their names."""
    return tuple((device, DRIVERLESS[device.ids]) for device in usb if device.ids in DRIVERLESS)


def is_stacked(camera: FoundCamera) -> bool:
    """Whether it offers a picture to look at and one of counts in one."""
    return not STACKED_SIZES.isdisjoint(_sizes(camera))


def _clues(camera: FoundCamera) -> Iterator[tuple[int, str]]:
    """Points and words of each clue."""
    usb = camera.node.usb
    if usb is not None and usb.ids in KNOWN:
        yield 100, f"USB number {usb.ids} is that of {KNOWN[usb.ids].name}"
    names = " ".join((camera.name, *((usb.maker, usb.model) if usb else ())))
    if word := _THERMAL_NAME.search(names):
        yield 60, f"is called '{word[0]}'"
    yield from _format_clues(camera)
    yield from _size_clues(camera)
    if _DEPTH_NAME.search(names):
        yield -80, "is a depth camera by its name"


def _format_clues(camera: FoundCamera) -> Iterator[tuple[int, str]]:
    kinds = {offer.readable.kind: offer.text for offer in camera.offers if offer.readable}
    if Kind.DEEP in kinds:
        yield 40, f"offers 16-bit grey ({kinds[Kind.DEEP]})"
    if Kind.JPEG in kinds:
        yield -20, "offers JPEG, as webcams do"


def _size_clues(camera: FoundCamera) -> Iterator[tuple[int, str]]:
    sizes = _sizes(camera)
    if not sizes:
        return
    largest = max(sizes, key=lambda wh: wh[0] * wh[1])
    words = "{}x{}".format(*largest)
    if largest in STACKED_SIZES:
        yield 50, f"its largest picture, {words}, is two of a thermal core in one"
    elif largest in ONLY_THERMAL_SIZES:
        yield 50, f"its largest picture, {words}, is of a size that thermal cores have"
    elif largest in THERMAL_SIZES and largest[0] <= 320:
        yield 40, f"its largest picture, {words}, is smaller than any webcam's"
    elif largest[0] * largest[1] >= _LARGE_PX:
        yield -40, f"its largest picture, {words}, is larger than any thermal camera's"
    fastest = max(_rates(camera), default=None)
    if fastest is not None and fastest <= _SLOW_FPS:
        yield 20, "gives 9 frames per second at most, as export rules want of thermal cameras"


def _is_near_infrared(camera: FoundCamera) -> bool:
    grey = all(offer.readable and offer.readable.kind is Kind.GREY for offer in camera.offers)
    return bool(camera.offers) and grey and bool(_NEAR_INFRARED_NAME.search(camera.name))


def _sizes(camera: FoundCamera) -> set[tuple[int, int]]:
    return {size.size_wh for offer in camera.offers for size in offer.sizes}


def _rates(camera: FoundCamera) -> set[Fraction]:
    rates = (size.rates for offer in camera.offers for size in offer.sizes)
    return {rate for of_size in rates for rate in of_size}
