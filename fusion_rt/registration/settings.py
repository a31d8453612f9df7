"""Settings of how the two pictures are laid on each other."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from .nearest import NEAREST_M


class RegistrationSettings(BaseModel):
    """See `fusion_rt.registration.running`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # Distance at which the pictures match; .inf for far away. None: that of the rig, else far away.
    distance_m: float | None = Field(default=None, ge=NEAREST_M, allow_inf_nan=True)
    # Whether the distance is found from the pictures.
    auto: bool = False
    # In whose pixels the fused picture is: of the visible camera, or of the infrared one.
    output: Literal["vis", "ir"] = "vis"
    # Rig files with homographies taken at other distances, between which the rig is interpolated.
    presets: tuple[Path, ...] = ()

    @property
    def speaks_of_distances(self) -> bool:
        """Whether anything here wants a rig that is right at any distance."""
        return self.auto or self.distance_m is not None
