"""Settings of a run: checked, with defaults, from a YAML file and single overrides."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .registration.settings import RegistrationSettings
from .settings_file import read_settings
from .thermal.settings import ThermalSettings


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EngineSettings(_Section):
    """Which engine fuses, see `engines.registry`."""

    name: str = "auto"
    model: str = "bts"
    precision: str = "auto"
    # Which GPU, as CUDA counts them; of no meaning on a processor.
    device: int = Field(default=0, ge=0)
    # What fuses while the engine is being built for the first time; None waits for it.
    preview: str | None = None


class PairingSettings(_Section):
    """How frames find each other."""

    # None: 0.65 of the faster camera's period; free-running cameras stay below that.
    max_skew_ms: float | None = Field(default=None, gt=0, le=10_000)
    # How far the infrared clock is ahead of the visible one.
    ir_offset_ms: float = Field(default=0.0, ge=-60_000, le=60_000)


class ViewSettings(_Section):
    """What films and the window show."""

    view: str = "fused"
    palette: str = "white-hot"
    hud_in_film: bool = False


class Settings(_Section):
    """Everything that a configuration file may say."""

    engine: EngineSettings = EngineSettings()
    pairing: PairingSettings = PairingSettings()
    registration: RegistrationSettings = RegistrationSettings()
    thermal: ThermalSettings = ThermalSettings()
    view: ViewSettings = ViewSettings()
    pace: Literal["fast", "realtime"] = "fast"


def load_settings(path: Path | None = None, overrides: list[str] | None = None) -> Settings:
    """Defaults, then the file, then each override; see `settings_file.read_settings`.

    Raises:
        UsageError: unreadable file, unknown key, or a value that does not go.
    """
    return read_settings(Settings, path, overrides)


def with_flags(settings: Settings, flags: dict[str, Any]) -> Settings:
    """Settings with what was given on the command line.

    Args:
        settings: checked.
        flags: values, or a dict of values for a section; None leaves a setting as it is. Their
            types are right, as the command line checked them.
    """
    changes = {}
    for key, value in flags.items():
        if isinstance(value, dict):
            given = {name: item for name, item in value.items() if item is not None}
            changes[key] = getattr(settings, key).model_copy(update=given)
        elif value is not None:
            changes[key] = value
    return settings.model_copy(update=changes)
