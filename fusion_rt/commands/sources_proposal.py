"""A configuration for the cameras that were found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from ..sources.v4l2.survey import FoundCamera, Survey
from ..sources.v4l2.thermal_clues import KNOWN, Verdict, is_stacked, judge

_STACKED_LAYOUT = "infiray-p2-pro"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to write into a configuration.

    Attributes:
        config: as plain data; None where it takes a camera that was not found.
        lines: for people.
    """

    config: dict[str, Any] | None
    lines: tuple[str, ...]


def propose(found: Survey) -> Proposal:
    """A thermal and a visible camera together, where there are both."""
    judged = [(judge(camera), camera) for camera in found.cameras]
    thermal = [pair for pair in judged if pair[0].verdict in (Verdict.THERMAL, Verdict.MAYBE)]
    visible = [pair for pair in judged if pair[0].verdict is Verdict.VISIBLE]
    if not thermal or not visible:
        return Proposal(None, _missing(bool(thermal), bool(visible)) if found.cameras else ())
    ir = max(thermal, key=lambda pair: pair[0].score)[1]
    vis = min(visible, key=lambda pair: pair[0].score)[1]
    config = {"cameras": {"ir": _thermal_settings(ir), "vis": _uri(vis)}}
    text = yaml.safe_dump(config, sort_keys=False, width=1000)
    lines = ["as a configuration for fusion-rt run:", "", *text.splitlines()]
    if len(thermal) > 1 or len(visible) > 1:
        lines.append("# there are more cameras than these two: take the ones that you mean")
    return Proposal(config, tuple(lines))


def _missing(thermal: bool, visible: bool) -> tuple[str, ...]:
    missing = "visible" if thermal else "thermal" if visible else "visible or thermal"
    return (f"fusing needs one of each: no {missing} camera was recognised",)


def _thermal_settings(camera: FoundCamera) -> dict[str, str] | str:
    """URI and layout, as `fusion_rt.camera_settings.CameraSettings` has them."""
    usb = camera.node.usb
    known = KNOWN.get(usb.ids) if usb else None
    layout = known.layout if known else ""
    if not layout and is_stacked(camera):
        layout = _STACKED_LAYOUT
    return {"uri": _uri(camera), "layout": layout} if layout else _uri(camera)


def _uri(camera: FoundCamera) -> str:
    return f"v4l2:{camera.node.lasting_name}"
