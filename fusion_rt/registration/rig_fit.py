"""Which geometry a run goes by: its rig, with presets, for pictures of the right sizes."""

from __future__ import annotations

import math

from calibration.errors import RigError
from calibration.geometry import Geometry
from calibration.presets import Presets
from calibration.rig import Rig, stretch
from calibration.rig_file import load_rig

from ..errors import UsageError
from .settings import RegistrationSettings

NO_DISTANCES = "this rig holds for one distance only"
NO_DISTANCES_HINT = (
    "calibrate both cameras, or name rigs of other distances in registration.presets"
)


def fit_geometry(
    rig: Rig | None,
    ir_wh: tuple[int, int],
    vis_wh: tuple[int, int],
    settings: RegistrationSettings,
) -> Geometry:
    """The geometry for two sources of these sizes.

    Args:
        rig: what the user gave; None for pictures that already lie on each other.
        ir_wh: size of the infrared source in px.
        vis_wh: size of the visible source in px.
        settings: whose presets are read.

    Raises:
        UsageError: see `fit_rig`; presets without a rig.
        RigError: a preset that cannot be used.
    """
    fitted = fit_rig(rig, ir_wh, vis_wh)
    if not settings.presets:
        return fitted
    if rig is None:
        raise UsageError(
            "registration.presets go with a rig, and none is given",
            hint="give one of them as the rig, the others as presets",
        )
    presets = [load_rig(path) for path in settings.presets]
    for path, preset in zip(settings.presets, presets, strict=True):
        if preset.pair is None and preset.distance_m is None:
            raise RigError(
                f"{path} does not say at which distance it is right",
                hint="add distance_m, in metres",
            )
    return Presets.of([rig, *presets])


def check_distances(geometry: Geometry, settings: RegistrationSettings) -> None:
    """Whether the geometry can do what is asked for.

    Raises:
        UsageError: a distance is, and it knows none.
    """
    if settings.speaks_of_distances and not geometry.knows_distances:
        key = "auto" if settings.auto else "distance_m"
        raise UsageError(f"registration.{key}: {NO_DISTANCES}", hint=NO_DISTANCES_HINT)


def wanted_inverse_distance(geometry: Geometry, settings: RegistrationSettings) -> float:
    """1/m to match the pictures at: as set, else as the rig says, else 0 for far away."""
    distance_m = settings.distance_m or geometry.distance_m or math.inf
    return 0.0 if math.isinf(distance_m) else 1 / distance_m


def fit_rig(rig: Rig | None, ir_wh: tuple[int, int], vis_wh: tuple[int, int]) -> Rig:
    """The rig to use for two sources of these sizes.

    Args:
        rig: what the user gave; None for pictures that already lie on each other.
        ir_wh: size of the infrared source in px.
        vis_wh: size of the visible source in px.

    Raises:
        UsageError: no rig and different sizes, or a rig for other sizes.
    """
    if rig is None:
        if ir_wh != vis_wh:
            raise UsageError(
                f"infrared is {_x(ir_wh)} and visible {_x(vis_wh)}: they do not lie on each other",
                hint="give the cameras' geometry with --rig RIG.yaml; where both see the same "
                f"field it reads: {{rig: 2, ir: {{size: [{ir_wh[0]}, {ir_wh[1]}]}}, "
                f"vis: {{size: [{vis_wh[0]}, {vis_wh[1]}]}}, H_vis_ir: {stretch(ir_wh, vis_wh)}}}",
            )
        return Rig.identity(vis_wh)
    for name, source_wh, rig_wh in (
        ("infrared", ir_wh, rig.ir_wh),
        ("visible", vis_wh, rig.vis_wh),
    ):
        if source_wh != rig_wh:
            raise UsageError(
                f"the rig is for {name} pictures of {_x(rig_wh)}, but this source has "
                f"{_x(source_wh)}",
                hint="give the rig of these cameras in this mode",
            )
    return rig


def _x(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]}x{size_wh[1]}"
