"""``fusion-rt calibrate check``: pairs that had no part in a calibration, seen through its rig."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from calibration.errors import CalibrationError, RigError
from calibration.points_file import Points, load_points
from calibration.report.figures import load_plotting
from calibration.report.hold_out import draw_hold_out
from calibration.rig import Rig, apply_homography
from calibration.rig_file import load_rig
from calibration.solve import HeldView, HoldOut, bow_of, hold_out, noise_of
from calibration.views import PairView

from .. import __version__
from ..collisions import check_outputs
from ..quality.picture_file import check_suffix
from ..report import write_json
from ..sinks.text import check_writable, write_bytes
from ..terminal import console, print_facts, say


@dataclass(frozen=True)
class CheckRequest:
    """What to check by what.

    Attributes:
        rig: rig file.
        points: points file of other pairs.
        picture: PNG to write; None for none.
        json: file for the figures; None for none.
    """

    rig: Path
    points: Path
    picture: Path | None = None
    json: Path | None = None


def check(request: CheckRequest) -> int:
    """Measure and tell the error of each pair; the exit code is 0.

    Raises:
        RigError: rig or points cannot be used, or are for pictures of other sizes.
        UsageError: an output would replace an input.
        SinkError: an output cannot be written.
    """
    outputs = (request.picture, request.json)
    if request.picture is not None:
        check_suffix("--picture", request.picture, (".png",))
        load_plotting()
    check_outputs((), (request.rig, request.points), outputs)
    for path in outputs:
        if path is not None:
            check_writable(path)
    rig, points = load_rig(request.rig), load_points(request.points)
    _check_sizes(rig, points, request)
    held = _held(rig, points)
    _tell(held)
    if request.picture is not None:
        seen = {pair.name: pair.vis for pair in points.pairs if pair.vis is not None}
        names = [view.name for view in held.views]
        errors = [view.error_px for view in held.views]
        png = draw_hold_out(rig.vis_wh, names, [seen[name] for name in names], errors)
        write_bytes(request.picture, png)
    if request.json is not None:
        write_json(request.json, {"fusion_rt": __version__, **_data(held)})
    print_facts([("written", str(path)) for path in outputs if path is not None])
    return 0


def _check_sizes(rig: Rig, points: Points, request: CheckRequest) -> None:
    for name, rig_wh, points_wh in (
        ("infrared", rig.ir_wh, points.ir_wh),
        ("visible", rig.vis_wh, points.vis_wh),
    ):
        if rig_wh != points_wh:
            raise RigError(
                f"{request.rig} is for {name} pictures of {rig_wh[0]}x{rig_wh[1]}, but the points "
                f"are of {points_wh[0]}x{points_wh[1]}",
                hint="take the pairs in the mode of the calibration",
            )


def _held(rig: Rig, points: Points) -> HoldOut:
    if rig.pair is not None:
        return hold_out(rig.pair, points.pairs, points.board, bow_of(rig), noise_of(rig))
    assert rig.H_vis_ir is not None
    views = [_laid(pair, rig.H_vis_ir) for pair in points.pairs]
    known = [view for view in views if view is not None]
    if not known:
        raise CalibrationError(
            "no pair has the board in both pictures", hint="take pairs in which both cameras see it"
        )
    lengths = np.concatenate([_lengths(view.error_px) for view in known])
    rms = math.sqrt(float(np.mean(lengths**2)))
    return HoldOut(tuple(known), rms, float(np.percentile(lengths, 95)), None, ())


def _laid(pair: PairView, H: np.ndarray) -> HeldView | None:
    if pair.ir is None or pair.vis is None:
        return None
    error = apply_homography(H, pair.ir) - pair.vis
    lengths = _lengths(error)
    if not len(lengths):
        return None
    return HeldView(pair.name, error, math.sqrt(float(np.mean(lengths**2))), math.nan)


def _lengths(error_px: np.ndarray) -> np.ndarray:
    return np.hypot(*error_px[np.isfinite(error_px).all(axis=1)].T)


def _tell(held: HoldOut) -> None:
    table = Table(box=None, padding=(0, 2))
    table.add_column("pair")
    for title in ("RMS, px", "worst, px", "distance"):
        table.add_column(title, justify="right")
    for view in held.views:
        far = "–" if math.isnan(view.distance_m) else f"{view.distance_m:.2f} m"
        worst = float(_lengths(view.error_px).max())
        table.add_row(view.name, f"{view.rms_px:.2f}", f"{worst:.2f}", far)
    console.print(table)
    for left in held.skipped:
        say(f"  left out: {left.name}: {left.reason}")
    noise = "" if held.noise_px is None else f"; detector noise alone gives {held.noise_px:.2f} px"
    count = f"{len(held.views)} pair{'s' if len(held.views) > 1 else ''}"
    say(f"error of {count}: {held.rms_px:.2f} px RMS, 95 % below {held.p95_px:.2f} px{noise}")


def _data(held: HoldOut) -> dict[str, Any]:
    return {
        "unit": "px of the visible picture",
        "rms": held.rms_px,
        "p95": held.p95_px,
        "noise": held.noise_px,
        "pairs": [
            {
                "name": view.name,
                "rms": view.rms_px,
                "worst": float(_lengths(view.error_px).max()),
                "distance_m": None if math.isnan(view.distance_m) else view.distance_m,
            }
            for view in held.views
        ],
    }
