"""Settings of a live run: which cameras, and what else a configuration file may say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .camera_settings import CameraSettings
from .config import EngineSettings, ThermalSettings, ViewSettings
from .registration.settings import RegistrationSettings
from .settings_file import read_settings


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CamerasSettings(_Section):
    """The two cameras."""

    ir: CameraSettings
    vis: CameraSettings


class LivePairingSettings(_Section):
    """How frames find each other, see `fusion_rt.live_pairing`."""

    # None: 0.65 of the faster camera's period; free-running cameras stay below that.
    max_skew_ms: float | None = Field(default=None, gt=0, le=10_000)
    # How far the infrared clock is ahead of the visible one; None: as the rig says, else 0.
    ir_offset_ms: float | None = Field(default=None, ge=-60_000, le=60_000)
    mode: Literal["nearest", "latest", "ir-leads", "vis-leads"] = "nearest"


class ClockSettings(_Section):
    """The cameras' clocks, compared by what moves in both, see `fusion_rt.clock_offset`."""

    # Whether the offset is estimated at all.
    estimate: bool = True
    # offer: it is shown. auto: it is used for pairing too.
    apply: Literal["offer", "auto"] = "offer"


class DriftSettings(_Section):
    """How the pictures lie on each other, measured on them, see `calibration.online`."""

    # Whether it is measured at all.
    estimate: bool = True
    # offer: it is shown. auto: the pictures are laid accordingly; the rig file stays as it is.
    apply: Literal["offer", "auto"] = "offer"
    # ONNX file of a learned matcher, see docs/drift.md; None: edges are compared.
    matcher: Path | None = None


class OutputSettings(_Section):
    """Where the fused pictures go."""

    window: bool = True
    film: Path | None = None  # MP4
    report: Path | None = None  # JSON, written at the end


class RunSettings(_Section):
    """Everything that the configuration of a live run may say."""

    cameras: CamerasSettings
    rig: Path | None = None
    engine: EngineSettings = EngineSettings()
    pairing: LivePairingSettings = LivePairingSettings()
    clock: ClockSettings = ClockSettings()
    drift: DriftSettings = DriftSettings()
    registration: RegistrationSettings = RegistrationSettings()
    thermal: ThermalSettings = ThermalSettings()
    view: ViewSettings = ViewSettings()
    output: OutputSettings = OutputSettings()
    # Ends the run after so long; None: until it is stopped.
    seconds: float | None = Field(default=None, gt=0)


# A camera as its URI alone in an override; braces make a whole camera.
_CAMERA = re.compile(r"^(cameras\.(?:ir|vis))=(?!\s*\{)")

# Sections that take effect while a run goes on.
RELOADABLE = ("pairing", "clock", "drift", "registration", "thermal", "view")
# Keys of these sections that do not: the size of the fused picture must stay.
AT_START = ("registration.output", "registration.presets")


def load_run_settings(
    path: Path | None,
    overrides: list[str] | None = None,
    given: Mapping[str, Any] | None = None,
) -> RunSettings:
    """Defaults, then the file, then each override, then what was given; see `read_settings`.

    Paths in the file are relative to it, others to the working folder.

    Raises:
        UsageError: unreadable file, unknown or missing key, or a value that does not go.
    """
    folder = Path() if path is None else path.parent

    def prepare(data: dict[str, Any]) -> None:
        _spell_out_cameras(data)
        _place_paths(data, folder)

    spelt_out = [_CAMERA.sub(r"\1.uri=", override) for override in overrides or []]
    return read_settings(RunSettings, path, spelt_out, given, prepare)


def _spell_out_cameras(data: dict[str, Any]) -> None:
    """A camera may be given as its URI alone; overrides want a section."""
    cameras = data.get("cameras")
    if isinstance(cameras, dict):
        for name, camera in cameras.items():
            if isinstance(camera, str):
                cameras[name] = {"uri": camera}


def _place_paths(data: dict[str, Any], folder: Path) -> None:
    _place(data, ("rig",), folder)
    _place(data.get("output"), ("film", "report"), folder)
    _place(data.get("drift"), ("matcher",), folder)
    _place(data.get("registration"), ("presets",), folder)
    # These may be names too.
    _place(data.get("engine"), ("model",), folder, (".onnx",))
    cameras = data.get("cameras")
    for camera in cameras.values() if isinstance(cameras, dict) else ():
        _place(camera, ("layout",), folder, (".yaml", ".yml"))


def _place(
    section: Any, keys: tuple[str, ...], folder: Path, endings: tuple[str, ...] = ()
) -> None:
    """Paths in a section of the file, if they end so; any ending where none is named."""
    for key in keys if isinstance(section, dict) else ():
        paths = section.get(key)
        if isinstance(paths, list):
            section[key] = [str(folder / each) for each in paths]
        elif isinstance(paths, str) and (not endings or paths.endswith(endings)):
            section[key] = str(folder / paths)
