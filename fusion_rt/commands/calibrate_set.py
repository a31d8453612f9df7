"""``fusion-rt calibrate set``: keeps in a rig what was found after it was made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from calibration.errors import RigError
from calibration.rig import Rig
from calibration.rig_file import load_rig, rig_text

from ..errors import UsageError
from ..sinks.text import check_writable, write_bytes
from ..terminal import say

_MOST_OFFSET_MS = 60_000.0  # as pairing.ir_offset_ms


@dataclass(frozen=True)
class SetRequest:
    """What to keep.

    Attributes:
        rig: rig file, which is written anew.
        ir_offset_ms: how far the infrared clock is ahead; None leaves it.
        distance_m: metres at which runs match the pictures unless told otherwise, infinity for
            far away; None leaves it.
    """

    rig: Path
    ir_offset_ms: float | None = None
    distance_m: float | None = None


def set_facts(request: SetRequest) -> int:
    """Write the rig anew, with all that it said before; its comments go.

    Raises:
        RigError: the rig cannot be used, or is a homography, whose distance is that of its points.
        UsageError: nothing to set, or a value that cannot be.
        SinkError: it cannot be written.
    """
    changed = _changed(load_rig(request.rig), request)
    check_writable(request.rig)
    write_bytes(request.rig, rig_text(changed).encode())
    if request.ir_offset_ms is not None:
        say(f"{request.rig}: the infrared clock is {request.ir_offset_ms:+g} ms ahead")
    if request.distance_m is not None:
        say(f"{request.rig}: matched at {request.distance_m:g} m unless told otherwise")
    return 0


def _changed(rig: Rig, request: SetRequest) -> Rig:
    if request.ir_offset_ms is None and request.distance_m is None:
        raise UsageError("nothing to set", hint="give --ir-offset MS, --distance METRES, or both")
    if request.ir_offset_ms is not None:
        # Written so that NaN is refused too.
        if not abs(request.ir_offset_ms) <= _MOST_OFFSET_MS:
            raise UsageError(
                f"a clock offset of {request.ir_offset_ms:g} ms cannot be",
                hint=f"{_MOST_OFFSET_MS:g} ms at most, either way",
            )
        rig = replace(rig, ir_offset_ms=request.ir_offset_ms)
    if request.distance_m is not None:
        if not request.distance_m > 0:
            raise UsageError(
                f"a distance of {request.distance_m:g} m cannot be",
                hint="metres above 0, or inf for far away",
            )
        if rig.pair is None:
            raise RigError(
                f"{request.rig} is a homography: it is right at the distance of its points alone",
                hint="align anew at the other distance, or calibrate both cameras",
            )
        rig = replace(rig, distance_m=request.distance_m)
    return rig
