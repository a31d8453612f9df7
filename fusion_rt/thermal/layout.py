"""Where the picture and the telemetry lie in what a camera sends: YAML files, checked.

Shipped ones are known by name, a user's own by its path. `split` cuts a frame by a layout.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..errors import SourceError, UsageError
from ..radiometry import Radiometry
from ..settings_file import read_settings
from .telemetry import ParserName

_FOLDER = Path(__file__).with_name("layouts")

Length = Annotated[int, Field(gt=0, le=16384)]
Place = Annotated[int, Field(ge=0, le=16384)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Variant(_Part):
    """One size that the camera sends, and what lies where in it, in px or rows."""

    # Width and height of the whole, telemetry and display half included.
    frame_wh: tuple[Length, Length]
    # Left, top, width, height of the raw counts; None for all of it.
    picture: tuple[Place, Place, Length, Length] | None = None
    # First row and number of rows.
    telemetry_rows: tuple[Place, Length] | None = None
    # Left, top, width, height of the picture that the camera has made for display.
    display: tuple[Place, Place, Length, Length] | None = None

    @model_validator(mode="after")
    def _inside(self) -> Variant:
        width, height = self.frame_wh
        for name in ("picture", "display"):
            box = getattr(self, name)
            if box is not None and (box[0] + box[2] > width or box[1] + box[3] > height):
                raise ValueError(f"{name} goes beyond the frame of {width}x{height}")
        if self.telemetry_rows is not None and sum(self.telemetry_rows) > height:
            raise ValueError(f"telemetry_rows go beyond the frame of {width}x{height}")
        return self


class Layout(_Part):
    """How one kind of camera packs its raw picture.

    Attributes:
        name: as it was asked for; given by `load_layout`.
        title: one line for people.
        pixel_format: to ask the camera for, as V4L2 spells it; every pixel takes 16 bits.
        variants: the sizes that it sends, the one to ask for first at the front; none for a
            camera that sends the picture alone, of any size.
        byte_order: of a 16-bit word as the source hands it on; big swaps its bytes. What comes as
            Y16-BE has been put right by the source.
        bits: meaningful low bits of a word, the rest is cut off.
        kelvin_per_count: step of the temperature, for radiometric cameras; None where the counts
            are no temperatures, or where the telemetry tells.
        kelvin_at_zero: temperature of a count of 0.
        telemetry: reader of the telemetry rows.
    """

    name: str = ""
    title: str
    pixel_format: Literal["Y16", "Y16-BE", "YUYV"]
    variants: tuple[Variant, ...] = ()
    byte_order: Literal["little", "big"] = "little"
    bits: int = Field(default=16, ge=8, le=16)
    kelvin_per_count: float | None = Field(default=None, gt=0, le=10)
    kelvin_at_zero: float = Field(default=0.0, ge=0, le=2000)
    telemetry: ParserName | None = None

    @model_validator(mode="after")
    def _telemetry_has_a_reader(self) -> Layout:
        has_rows = any(variant.telemetry_rows is not None for variant in self.variants)
        if has_rows and self.telemetry is None:
            raise ValueError("telemetry_rows need telemetry, the name of their reader")
        if self.telemetry is not None and not has_rows:
            raise ValueError("telemetry needs a variant with telemetry_rows")
        return self

    @property
    def sizes_wh(self) -> tuple[tuple[int, int], ...]:
        """Sizes to ask the camera for, best first; empty where any size will do."""
        return tuple(variant.frame_wh for variant in self.variants)

    @property
    def radiometry(self) -> Radiometry | None:
        """What the counts mean, as far as the layout knows."""
        if self.kelvin_per_count is None:
            return None
        return Radiometry(self.kelvin_per_count, self.kelvin_at_zero)

    def variant(self, frame_wh: tuple[int, int]) -> Variant:
        """What lies where in a frame of this size.

        Raises:
            SourceError: the layout knows no such size.
        """
        if not self.variants:
            return Variant(frame_wh=frame_wh)
        for variant in self.variants:
            if variant.frame_wh == frame_wh:
                return variant
        wanted = " or ".join(_size(size) for size in self.sizes_wh)
        raise SourceError(
            f"this camera sends {_size(frame_wh)}, the layout {self.name} wants {wanted}",
            hint=f"set size={_size(self.sizes_wh[0])}, or choose {' or '.join(_fitting(frame_wh))}",
        )


def known_layouts() -> tuple[str, ...]:
    """Names of the shipped layouts."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def load_layout(name_or_path: str) -> Layout:
    """Read a shipped layout by its name, or a file by its path (anything with ``.yaml``).

    Raises:
        UsageError: unknown name, unreadable file, unknown key, or a value that does not go.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        path = Path(name_or_path)
    elif name_or_path in known_layouts():
        path = _FOLDER / f"{name_or_path}.yaml"
    else:
        near = difflib.get_close_matches(name_or_path, known_layouts(), n=1, cutoff=0.5)
        guess = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"there is no layout '{name_or_path}'",
            hint=f"{guess}known: {', '.join(known_layouts())}; or give the path of a .yaml file",
        )
    return read_settings(Layout, path).model_copy(update={"name": name_or_path})


def _fitting(frame_wh: tuple[int, int]) -> list[str]:
    """Shipped layouts that take a frame of this size, those that name it first."""
    layouts = [load_layout(name) for name in known_layouts()]
    named = [layout.name for layout in layouts if frame_wh in layout.sizes_wh]
    return named + [layout.name for layout in layouts if not layout.variants]


def _size(frame_wh: tuple[int, int]) -> str:
    return f"{frame_wh[0]}x{frame_wh[1]}"
