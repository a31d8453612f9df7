"""``fusion-rt calibrate show``: what a rig file says, in words and over a pair of pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.parallax import matching_band, parallax_slope
from calibration.report.figures import distance_words
from calibration.report.lay import blended
from calibration.rig import CameraPair, Rig
from calibration.rig_file import load_rig
from calibration.sight_lines import sight_lines

from ..collisions import check_outputs
from ..errors import UsageError
from ..frame import Sensor
from ..quality.picture_file import check_suffix, encode
from ..sinks.text import check_writable, write_bytes
from ..sources.picture import read_image
from ..terminal import print_facts

_DISTANCES_M = (1.0, 2.0, 5.0, 10.0, 20.0, math.inf)
_PROBES = 9  # pixels each way at which the parallax is looked at
_SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class ShowRequest:
    """What to show.

    Attributes:
        rig: rig file.
        ir: infrared picture to lay over the visible one; None for none.
        vis: visible picture; given where ``ir`` is.
        distance_m: for which the infrared is laid; None for the rig's own.
        out: picture to write; given where ``ir`` is.
    """

    rig: Path
    ir: Path | None = None
    vis: Path | None = None
    distance_m: float | None = None
    out: Path | None = None


def show(request: ShowRequest) -> int:
    """Print what the rig says, write the overlay where one is asked for.

    Raises:
        RigError: the rig cannot be used.
        UsageError: only some of pictures and output are given, or a picture of another size.
        SourceError: a picture cannot be read.
        SinkError: the overlay cannot be written.
    """
    given = [value is not None for value in (request.ir, request.vis, request.out)]
    if any(given) and not all(given):
        raise UsageError(
            "an overlay needs --ir, --vis and --out", hint="give all three, or none of them"
        )
    if request.distance_m is not None and not all(given):
        raise UsageError(
            "--distance says where the overlay is laid", hint="give --ir, --vis and --out too"
        )
    rig = load_rig(request.rig)
    print_facts(_facts(rig))
    if request.ir is None or request.vis is None or request.out is None:
        return 0
    check_suffix("--out", request.out, _SUFFIXES)
    check_outputs((), (request.rig, request.ir, request.vis), (request.out,))
    check_writable(request.out)
    picture = _overlay(rig, request.ir, request.vis, request.distance_m)
    write_bytes(request.out, encode(picture, request.out.suffix))
    print_facts([("written", str(request.out))])
    return 0


def _overlay(rig: Rig, ir: Path, vis: Path, distance_m: float | None) -> np.ndarray:
    pictures = []
    for path, sensor, size_wh in ((ir, Sensor.IR, rig.ir_wh), (vis, Sensor.VIS, rig.vis_wh)):
        picture, _ = read_image(path, sensor)
        if picture.shape[1::-1] != size_wh:
            raise UsageError(
                f"{path} is {picture.shape[1]}x{picture.shape[0]}, but the rig was made for "
                f"{size_wh[0]}x{size_wh[1]}",
                hint="take a picture in the mode of the calibration",
            )
        pictures.append(picture)
    wanted_m = distance_m if distance_m is not None else rig.distance_m
    inverse = 0.0 if wanted_m is None else 1 / wanted_m
    return blended(rig, pictures[0], pictures[1], inverse)


def _facts(rig: Rig) -> list[tuple[str, str]]:
    sizes = f"infrared {_x(rig.ir_wh)}, visible {_x(rig.vis_wh)}"
    facts = [("pictures", sizes)]
    if rig.pair is None:
        kind = "the pictures lie on each other" if rig.is_identity else "homography"
        where = "at an unknown distance" if rig.distance_m is None else _at(rig.distance_m)
        facts.append(("kind", kind if rig.is_identity else f"{kind}, right {where}"))
    else:
        facts.append(("kind", "both cameras calibrated, right at all distances"))
        facts += _pair_facts(rig.pair)
        if rig.distance_m is not None:
            facts.append(("matched", f"{_at(rig.distance_m)} unless told otherwise"))
        facts += _bands(rig)
    if rig.ir_offset_ms is not None:
        facts.append(("clock", f"infrared {rig.ir_offset_ms:+g} ms ahead"))
    for name in ("quality", "made"):
        facts += _told(name, rig.facts.get(name))
    return facts


def _pair_facts(pair: CameraPair) -> list[tuple[str, str]]:
    rows = []
    for name, camera in (("infrared", pair.ir), ("visible", pair.vis)):
        wide = math.degrees(2 * math.atan(camera.size_wh[0] / 2 / camera.K[0, 0]))
        rows.append((name, f"focal length {camera.K[0, 0]:.1f} px, about {wide:.0f}° wide"))
    return [*rows, ("lenses", f"{pair.baseline_m * 1e3:.1f} mm apart")]


def _bands(rig: Rig) -> list[tuple[str, str]]:
    """For some distances the band around them in which parallax stays below one px."""
    width, height = rig.ir_wh
    grid = np.meshgrid(np.linspace(0, width - 1, _PROBES), np.linspace(0, height - 1, _PROBES))
    px = np.column_stack([each.ravel() for each in grid])
    places = sight_lines(rig, px, "ir", np.eye(3))
    rows = []
    for distance_m in sorted({*_DISTANCES_M, *([rig.distance_m] if rig.distance_m else [])}):
        slope = parallax_slope(places, 1 / distance_m, rig.vis_wh)
        if slope <= 0:
            rows.append(("", f"matched at {distance_words(distance_m)}: nothing in common"))
            continue
        band = matching_band(slope, 1 / distance_m)
        rows.append(("", f"matched at {distance_words(distance_m)}: {band}"))
    return [("parallax", "stays below one visible px within these distances:"), *rows]


def _told(name: str, value: Any) -> list[tuple[str, str]]:
    """A fact of the file, whatever it holds, in as many lines as it has keys."""
    if value is None:
        return []
    if not isinstance(value, Mapping):
        return [(name, str(value))]
    rows = [
        (str(key).replace("_", " "), _words(each))
        for key, each in value.items()
        if key != "sigma"  # of each single parameter: for those who read the file
    ]
    return [(name if at == 0 else "", f"{key}: {text}") for at, (key, text) in enumerate(rows)]


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(
            f"{str(key).replace('_', ' ')} {_words(one)}" for key, one in value.items()
        )
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "none"
    return str(value)


def _at(distance_m: float) -> str:
    return f"at {distance_words(distance_m)}"


def _x(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]}x{size_wh[1]}"
