"""Writes a solution into a rig, and reads back what a later check needs."""

from __future__ import annotations

import datetime
import importlib.metadata
from typing import Any

import cv2
import numpy as np

from ..rig import Rig
from .crosscheck import CrossCheck
from .model import FLAT, Bow
from .predict import Prediction
from .solution import Solution
from .verdict import Verdict, metres


def to_rig(
    solution: Solution,
    prediction: Prediction,
    verdict: Verdict,
    cross: CrossCheck | None = None,
    *,
    distance_m: float | None = None,
    ir_offset_ms: float | None = None,
    date: datetime.date | None = None,
) -> Rig:
    """A rig with everything that is known about its making.

    Args:
        solution: the geometry.
        prediction: how good it is.
        verdict: the same in words.
        cross: check by halves, where it was made.
        distance_m: what the pictures are made to match at unless told otherwise.
        ir_offset_ms: how far the infrared clock is ahead of the visible one.
        date: when it was made; today if not given.
    """
    quality: dict[str, Any] = {
        "verdict": verdict.headline,
        "grade": verdict.grade,
        "registration_error_px": {
            metres(distance): _short(rms * verdict.enlarged)
            for distance, rms in zip(prediction.distances_m, prediction.rms_px, strict=True)
        },
        "pairs": solution.pairs,
        "residual_rms_px": {"ir": _short(solution.ir_rms_px), "vis": _short(solution.vis_rms_px)},
        "noise_px": {"ir": _short(solution.noise_ir_px), "vis": _short(solution.noise_vis_px)},
    }
    if cross is not None:
        quality["half_data_px"] = _short(cross.difference_px.max())
        quality["hold_out_px"] = _short(cross.hold_out.rms_px)
    if prediction.no_data:
        quality["no_data"] = list(prediction.no_data)
    quality["sigma"] = {name: _short(solution.sigma(name)) for name in solution.names}
    if verdict.alarms:
        quality["alarms"] = [alarm.message for alarm in verdict.alarms]
    board = solution.board
    made = {
        "by": f"fusion-rt {_version('fusion-rt')}, calibrate solve",
        "date": (date or datetime.date.today()).isoformat(),
        "board": {
            "kind": board.kind,
            "columns": board.columns,
            "rows": board.rows,
            "spacing_mm": _short(board.spacing_m * 1e3, 6),
            "bow_mm": [_short(bow * 1e3) for bow in solution.bow_m],
        },
        "data": solution.data_hash,
        "tools": {"opencv": cv2.__version__, "numpy": np.__version__},
    }
    return Rig(
        solution.pair.ir.size_wh,
        solution.pair.vis.size_wh,
        None,
        solution.pair,
        distance_m,
        ir_offset_ms,
        {"quality": quality, "made": made},
    )


def bow_of(rig: Rig) -> Bow:
    """How the board was bent that the rig was made with, see `Solution`; flat where unknown."""
    board = _table(_table(rig.facts, "made"), "board")
    bow = board.get("bow_mm")
    if not (isinstance(bow, list) and len(bow) == len(FLAT) and all(_number(one) for one in bow)):
        return FLAT
    return bow[0] / 1e3, bow[1] / 1e3, bow[2] / 1e3


def noise_of(rig: Rig) -> tuple[float, float] | None:
    """Noise per axis in px of infrared and visible points when the rig was made."""
    noise = _table(_table(rig.facts, "quality"), "noise_px")
    ir, vis = noise.get("ir"), noise.get("vis")
    if ir is None or vis is None or not (_number(ir) and _number(vis) and ir > 0 and vis > 0):
        return None
    return float(ir), float(vis)


def _table(data: Any, key: str) -> dict[str, Any]:
    inner = data.get(key)
    return inner if isinstance(inner, dict) else {}


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _short(value: float, digits: int = 3) -> float:
    return float(f"{value:.{digits}g}")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
