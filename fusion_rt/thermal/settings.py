"""What can be set about thermal pictures."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ThermalSettings(BaseModel):
    """16-bit infrared to 8 bit, see `agc.Agc`, and what is shown during a shutter event."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mode: Literal["linear", "plateau", "fixed", "log"] = "linear"
    # linear, log: share of the pixels that may be black, and that are not white.
    low_percent: float = Field(default=0.5, ge=0, lt=100)
    high_percent: float = Field(default=99.5, gt=0, le=100)
    # Time constant of the smoothing over time; 0 follows at once.
    damping_s: float = Field(default=0.5, ge=0, le=60)
    # Least number of counts that fill 0..255: so much the noise is raised at most. Not for fixed.
    min_span: int = Field(default=64, ge=1, le=65535)
    # plateau: most weight of one count, in multiples of the mean.
    plateau: float = Field(default=3.0, ge=1, le=1000)
    # fixed: what is black and what is white.
    fixed_low: float | None = Field(default=None, ge=-300, le=65535)
    fixed_high: float | None = Field(default=None, ge=-300, le=65535)
    fixed_unit: Literal["celsius", "counts"] = "celsius"
    # Keep the table as it is when this takes effect, or as the first picture sets it.
    lock: bool = False
    # Part of the picture that decides: left, top, right, bottom, from 0 to 1; None for all of it.
    roi: tuple[float, float, float, float] | None = None
    # While the infrared stands still: keep it unless the scene moves, or fade it out at once.
    shutter: Literal["hold", "fade"] = "hold"

    @model_validator(mode="after")
    def _ordered(self) -> ThermalSettings:
        if self.low_percent >= self.high_percent:
            raise ValueError("low_percent must be below high_percent")
        if self.mode == "fixed" and (self.fixed_low is None or self.fixed_high is None):
            raise ValueError("mode fixed needs fixed_low and fixed_high")
        if (
            self.fixed_low is not None
            and self.fixed_high is not None
            and self.fixed_low >= self.fixed_high
        ):
            raise ValueError("fixed_low must be below fixed_high")
        if self.roi is not None:
            left, top, right, bottom = self.roi
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise ValueError("roi must be left, top, right, bottom, rising, from 0 to 1")
        return self
