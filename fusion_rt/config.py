"""Settings of a run: checked, with defaults, from a YAML file and single overrides."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import UsageError


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EngineSettings(_Section):
    """Which engine fuses, see `engines.registry`."""

    name: str = "auto"
    model: str = "bts"
    precision: str = "auto"


class PairingSettings(_Section):
    """How frames find each other."""

    # None: 0.65 of the faster camera's period; free-running cameras stay below that.
    max_skew_ms: float | None = Field(default=None, gt=0, le=10_000)
    # How far the infrared clock is ahead of the visible one.
    ir_offset_ms: float = Field(default=0.0, ge=-60_000, le=60_000)


class ThermalSettings(_Section):
    """16-bit infrared to 8 bit, see `thermal.LinearAgc`."""

    low_percent: float = Field(default=0.5, ge=0, lt=100)
    high_percent: float = Field(default=99.5, gt=0, le=100)
    damping_s: float = Field(default=0.5, ge=0, le=60)
    min_span: int = Field(default=64, ge=1, le=65535)

    @model_validator(mode="after")
    def _ordered(self) -> ThermalSettings:
        if self.low_percent >= self.high_percent:
            raise ValueError("low_percent must be below high_percent")
        return self


class ViewSettings(_Section):
    """What films and the window show."""

    view: str = "fused"
    palette: str = "white-hot"
    hud_in_film: bool = False


class Settings(_Section):
    """Everything that a configuration file may say."""

    engine: EngineSettings = EngineSettings()
    pairing: PairingSettings = PairingSettings()
    thermal: ThermalSettings = ThermalSettings()
    view: ViewSettings = ViewSettings()
    pace: Literal["fast", "realtime"] = "fast"


_SECTIONS = tuple(name for name, value in Settings() if isinstance(value, BaseModel))


def load_settings(path: Path | None = None, overrides: list[str] | None = None) -> Settings:
    """Defaults, then the file, then each override.

    Args:
        path: YAML file; None for defaults alone.
        overrides: "section.key=value", the value in YAML.

    Raises:
        UsageError: unreadable file, unknown key, or a value that does not go.
    """
    data: dict[str, Any] = {}
    where = "settings"
    if path is not None:
        data, where = _read(path), str(path)
    for override in overrides or []:
        _apply(data, override)
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise _explain(error, where) from error


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


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"cannot read configuration {path}: {error.strerror}", hint="check --config"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text file", hint="check --config") from error
    except yaml.YAMLError as error:
        raise UsageError(
            f"{path} is not YAML: {' '.join(str(error).split())}",
            hint=_known(Settings),
        ) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(
            f"{path} holds no sections, but {type(data).__name__}",
            hint=_known(Settings),
        )
    # A section with nothing below it keeps its defaults.
    return {key: {} if value is None and key in _SECTIONS else value for key, value in data.items()}


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise UsageError(f"cannot read --set {override}", hint="write --set section.key=value")
    *sections, last = key.split(".")
    for section in sections:
        data = data.setdefault(section, {})
        if not isinstance(data, dict):
            raise UsageError(f"--set {override}: '{section}' is no section", hint=_known(Settings))
    try:
        data[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(
            f"--set {override}: the value is not YAML", hint="quote it, or write a plain value"
        ) from error


def _explain(error: ValidationError, where: str) -> UsageError:
    """The first of the errors in one line; an unknown key with the nearest known one."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(path)
    if first["type"] == "extra_forbidden":
        section: Any = Settings
        for part in path[:-1]:
            section = section.model_fields[part].annotation
        near = difflib.get_close_matches(path[-1], section.model_fields, n=1, cutoff=0.5)
        guess = f"did you mean '{'.'.join([*path[:-1], near[0]])}'? " if near else ""
        return UsageError(f"{where}: unknown key '{key}'", hint=guess + _known(section))
    message = first["msg"].removeprefix("Value error, ")
    value = "" if isinstance(first["input"], dict) else f" is {first['input']!r}:"
    section = Settings.model_fields[path[0]].annotation
    known = section if path[0] in _SECTIONS else Settings
    return UsageError(f"{where}: {key}{value} {message}", hint=_known(known))


def _known(section: type[BaseModel]) -> str:
    return f"known here: {', '.join(section.model_fields)}"
