"""What can be chosen about the synthetic scene, and how an address says it."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...frame import Sensor

if TYPE_CHECKING:
    from ..uri import SourceUri

SCENE = "night-street"
SIDE_PX = (48, 3840)
LIMITS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**31 - 1),
    "seconds": (0.1, 3600),
    "fps": (1, 240),
    "offset_ms": (-1000, 1000),
    "noise": (0, 4),
}


@dataclass(frozen=True)
class SceneSettings:
    """One recording by two cameras, fully determined by these numbers.

    Attributes:
        seed: which street: houses, windows, colours, people, noise.
        seconds: length of the recording.
        ir_wh: width and height of the infrared picture in px.
        vis_wh: width and height of the visible picture in px.
        ir_fps: infrared frames per second.
        vis_fps: visible frames per second.
        ir_offset_ms: how much later the infrared stamps are than the truth.
        ir_bits: 8, or 16 for raw counts of 1/100 K.
        noise: strength of the noise of both cameras; 1 is usual, 0 is none.

    Raises:
        UsageError: a number is out of its range.
    """

    seed: int = 1
    seconds: float = 6.0
    ir_wh: tuple[int, int] = (640, 512)
    vis_wh: tuple[int, int] = (1280, 720)
    ir_fps: float = 30.0
    vis_fps: float = 30.0
    ir_offset_ms: float = 0.0
    ir_bits: int = 8
    noise: float = 1.0

    def __post_init__(self) -> None:
        check("seed", self.seed, "seed")
        check("seconds", self.seconds, "seconds", "s")
        check("ir_fps", self.ir_fps, "fps")
        check("vis_fps", self.vis_fps, "fps")
        check("offset_ms", self.ir_offset_ms, "offset_ms", "ms")
        check("noise", self.noise, "noise")
        for name, size_wh in (("ir_size", self.ir_wh), ("vis_size", self.vis_wh)):
            if not all(SIDE_PX[0] <= side <= SIDE_PX[1] for side in size_wh):
                raise UsageError(
                    f"synthetic: {name} is {size_wh[0]}x{size_wh[1]}, but each side must be "
                    f"from {SIDE_PX[0]} to {SIDE_PX[1]} px",
                    hint=f"for instance synthetic:?{name}=640x480",
                )
        if self.ir_bits not in (8, 16):
            raise UsageError(
                f"synthetic: bits is {self.ir_bits}, but must be 8 or 16",
                hint="for instance synthetic:?bits=16",
            )

    def size_wh(self, sensor: Sensor) -> tuple[int, int]:
        """Width and height in px of one camera's picture."""
        return self.ir_wh if sensor is Sensor.IR else self.vis_wh

    def fps(self, sensor: Sensor) -> Fraction:
        """Frames per second of one camera; 29.97 and its like become n/1001 exactly."""
        value = self.ir_fps if sensor is Sensor.IR else self.vis_fps
        thousands = round(value * 1.001)
        if value != round(value) and abs(thousands / 1.001 - value) < 0.005:
            return Fraction(thousands * 1000, 1001)
        return Fraction(value).limit_denominator(1000)

    def frame_count(self, sensor: Sensor) -> int:
        """Number of frames that one camera delivers, at least 1."""
        return max(1, round(Fraction(self.seconds) * self.fps(sensor)))

    def scene_ns(self, sensor: Sensor, index: int) -> int:
        """True time in ns, from the start of the scene, at which frame ``index`` was taken."""
        fps = self.fps(sensor)
        return index * 1_000_000_000 * fps.denominator // fps.numerator

    def captured_ns(self, sensor: Sensor, index: int) -> int:
        """Time stamp in ns that frame ``index`` carries: the true time plus the clock offset."""
        offset_ns = round(self.ir_offset_ms * 1e6) if sensor is Sensor.IR else 0
        return self.scene_ns(sensor, index) + offset_ns


def check(name: str, value: float, limit: str, unit: str = "") -> None:
    """Refuse a number outside ``LIMITS[limit]``, naming it, its value and the range."""
    low, high = LIMITS[limit]
    if not (math.isfinite(value) and low <= value <= high):
        raise UsageError(
            f"synthetic: {name} is {value:.10g}, but must be from {low:.10g} to {high:.10g} "
            f"{unit}".rstrip(),
            hint=f"leave {name} out to take its default",
        )


def parse_settings(uri: SourceUri) -> SceneSettings:
    """Settings that an address such as ``synthetic:night-street?seed=3&ir_fps=9`` asks for.

    Raises:
        UsageError: unknown scene or option, or a value that is not allowed.
    """
    if uri.path not in ("", SCENE):
        raise UsageError(
            f"synthetic: there is no scene called '{uri.path}'", hint=f"use synthetic:{SCENE}"
        )
    chosen: dict[str, Any] = {}
    for key, text in uri.options.items():
        if key not in OPTIONS:
            near = difflib.get_close_matches(key, OPTIONS, n=1, cutoff=0.0)[0]
            raise UsageError(
                f"synthetic: unknown option '{key}', did you mean '{near}'?",
                hint="known options: " + ", ".join(OPTIONS),
            )
        field, read, wanted = OPTIONS[key]
        try:
            chosen[field] = read(text)
        except ValueError as exc:
            raise UsageError(
                f"synthetic: {key} is '{text}', but must be {wanted}",
                hint=f"leave {key} out to take its default",
            ) from exc
    return SceneSettings(**chosen)


def _size(text: str) -> tuple[int, int]:
    width, height = text.lower().split("x")
    return int(width), int(height)


def _range(limit: str, kind: str) -> str:
    low, high = LIMITS[limit]
    return f"{kind} from {low:.10g} to {high:.10g}"


_SIZE = f"WIDTHxHEIGHT with sides from {SIDE_PX[0]} to {SIDE_PX[1]} px"
# Option in the address: field above, how to read it, what it may be.
OPTIONS: dict[str, tuple[str, Any, str]] = {
    "seed": ("seed", int, _range("seed", "a whole number")),
    "seconds": ("seconds", float, _range("seconds", "a number")),
    "ir_size": ("ir_wh", _size, _SIZE),
    "vis_size": ("vis_wh", _size, _SIZE),
    "ir_fps": ("ir_fps", float, _range("fps", "a number")),
    "vis_fps": ("vis_fps", float, _range("fps", "a number")),
    "offset_ms": ("ir_offset_ms", float, _range("offset_ms", "a number")),
    "bits": ("ir_bits", int, "8 or 16"),
}
