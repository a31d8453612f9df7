"""The record of a live run: that of any run, and how cameras, health and clocks fared."""

from __future__ import annotations

from typing import Any

from ..camera_settings import CameraSettings
from ..frame import Sensor
from ..report import run_facts
from .cameras import NAMES
from .health import Level
from .pipeline import LivePipeline


def live_report(
    pipeline: LivePipeline,
    cameras: dict[str, CameraSettings],
    outputs: list[str],
    stopped: bool,
    clock: dict[str, Any] | None,
    drift: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Everything known about a finished live run, as plain data.

    Args:
        pipeline: after its ``run``.
        cameras: keys "ir" and "vis".
        outputs: what was written, in words.
        stopped: whether the user ended it.
        clock: what was found of the cameras' clocks; None where that was off.
        drift: how the pictures lay on each other; None where that was not measured.
    """
    states = pipeline.cameras.states()
    return {
        **run_facts(pipeline, outputs),
        "cameras": {
            sensor.value: {
                "uri": cameras[sensor.value].name,
                "frames": state.frames,
                "missing": state.missing,
                "reconnects": state.reconnects,
                "fps": None if state.fps is None else round(state.fps, 3),
                "clock": state.clock,
                "last_words": state.why,
            }
            for sensor, state in states.items()
        },
        "pairing": pipeline.pairing_summary(),
        "health": pipeline.history.summary(),
        "clock": clock,
        "drift": drift,
        "replaced_threads": pipeline.cameras.replaced,
        "stopped_by_user": stopped,
    }


def live_facts(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows for `fusion_rt.terminal.print_facts`: how each camera fared, and the run as a whole.

    Args:
        report: see `live_report`.
    """
    rows = []
    for sensor in Sensor:
        camera = report["cameras"][sensor.value]
        fps = "" if camera["fps"] is None else f", {camera['fps']:.1f} frames/s"
        words = f"{camera['frames']} pictures{fps}, {camera['missing']} missing"
        if camera["reconnects"]:
            words += f", reconnects: {camera['reconnects']}"
        if camera["last_words"]:
            words += f"; at the end: {camera['last_words']}"
        rows.append((NAMES[sensor], words))
    seconds = report["health"]["seconds"]
    words = ", ".join(f"{level.value} for {seconds[level.value]:.0f} s" for level in Level)
    rows.append(("health", words))
    last = report["health"]["last"]
    return rows + ([("", f"at the end {last[-1]['health']}")] if last else [])
