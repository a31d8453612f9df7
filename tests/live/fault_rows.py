"""Faults of two running cameras: what happens, the state expected, its words, and what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from live.live_run import LiveRun
from live.virtual_cameras import SECOND, WH, Device

from fusion_rt.errors import SourceError
from fusion_rt.frame import Frame, FrameFlags, Sensor

IR, VIS = Sensor.IR, Sensor.VIS

Act = Callable[[LiveRun], None]
LARGER, SMALLER, SQUARE = (144, 96), (48, 32), (96, 96)
HOUR = 3600 * SECOND


def nothing_done(run: LiveRun) -> None:
    """The fault ends by itself, or the run gets over it."""


def set_ir(**changes: Any) -> Act:
    return lambda run: change(run.ir, changes)


def set_vis(**changes: Any) -> Act:
    return lambda run: change(run.vis, changes)


def set_both(**changes: Any) -> Act:
    def act(run: LiveRun) -> None:
        for device in (run.ir, run.vis):
            change(device, changes)

    return act


def change(device: Device, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        assert hasattr(device, name)
        setattr(device, name, value)


def add_stamp(sensor: Sensor, step_ns: int) -> Act:
    def act(run: LiveRun) -> None:
        run.device(sensor).stamp_ns += step_ns

    return act


def both(*acts: Act) -> Act:
    return lambda run: [act(run) for act in acts] and None


def no_large(frame: Frame) -> Frame:
    """A layout that knows one size alone."""
    if frame.size_wh != WH:
        raise SourceError(f"layout test has no size {frame.size_wh[0]}x{frame.size_wh[1]}")
    return frame


def no_shutter(frame: Frame) -> Frame | None:
    """A camera that sends its shutter in place of pictures, as its telemetry says."""
    return None if frame.flags & FrameFlags.REPEATED else frame


@dataclass(frozen=True)
class Fault:
    """One row.

    Attributes:
        breaks: what happens.
        level: health of the run while it lasts.
        words: regular expression that its words match; empty: there are none.
        shown: "fused", "ir", "vis" or "nothing".
        mends: ends it.
        run: how the run is set up otherwise.
        bits: of the infrared camera.
        check: what else holds at the end.
    """

    breaks: Act
    level: str
    words: str
    shown: str
    mends: Act = nothing_done
    run: Mapping[str, Any] = field(default_factory=dict)
    bits: int = 8
    check: Act = nothing_done


def row(name: str, *given: Any, **more: Any) -> Any:
    return pytest.param(Fault(*given, **more), id=name)


def came_back(sensor: Sensor, times: int = 1) -> Act:
    def check(run: LiveRun) -> None:
        assert run.cameras.states()[sensor].reconnects == times

    return check


def replaced(count: int) -> Act:
    def check(run: LiveRun) -> None:
        assert run.cameras.replaced == count

    return check


def said(words: str) -> Act:
    def check(run: LiveRun) -> None:
        assert any(re.search(words, line) for line in run.said)

    return check


def missing(sensor: Sensor, least: int) -> Act:
    def check(run: LiveRun) -> None:
        assert run.cameras.states()[sensor].missing >= least

    return check


def dropped(reason: str, sensor: Sensor, least: int) -> Act:
    def check(run: LiveRun) -> None:
        assert run.cameras.ledger.summary()["dropped"][reason][sensor.value] >= least

    return check


def jumped(sensor: Sensor) -> Act:
    def check(run: LiveRun) -> None:
        assert run.pipeline.pairing_summary()["clock_jumps"][sensor.value] >= 1

    return check


QUICK = {"timeout_s": 0.3}
HANGS = {"stuck_s": 0.5}
UNPLUGGED, PLUGGED = {"plugged": False}, {"plugged": True}
SILENT, LOUD = {"silent": True}, {"silent": False}

GONE = [
    row(
        "ir-unplugged",
        set_ir(**UNPLUGGED),
        "degraded",
        r"^infrared camera lost \((unplugged|not there)\)$",
        "vis",
        set_ir(**PLUGGED),
        check=came_back(IR),
    ),
    row(
        "vis-unplugged",
        set_vis(**UNPLUGGED),
        "degraded",
        r"^visible camera lost \((unplugged|not there)\)$",
        "ir",
        set_vis(**PLUGGED),
        check=came_back(VIS),
    ),
    row(
        "both-unplugged",
        set_both(**UNPLUGGED),
        "down",
        r"infrared camera lost .*; visible camera lost",
        "nothing",
        set_both(**PLUGGED),
        check=both(came_back(IR), came_back(VIS)),
    ),
    row(
        "ir-refused-a-while",
        set_ir(plugged=False, refusals=3),
        "degraded",
        r"infrared camera lost",
        "vis",
        set_ir(**PLUGGED),
        check=came_back(IR),
    ),
    row(
        "ir-lost-with-an-error-of-its-driver",
        lambda run: change(run.ir, {"error": SourceError("wrong setting"), "plugged": False}),
        "degraded",
        r"infrared camera lost",
        "vis",
        set_ir(**PLUGGED),
        check=came_back(IR),
    ),
    row(
        "ir-refused-by-a-wrong-setting-later",
        set_ir(plugged=False, open_error=SourceError("name and password are wrong")),
        "degraded",
        r"infrared camera lost \(name and password are wrong\)",
        "vis",
        set_ir(plugged=True, open_error=None),
        check=came_back(IR),
    ),
    row(
        "ir-silent",
        set_ir(**SILENT),
        "degraded",
        r"^infrared camera silent \(no picture for \d\.\d s\)$",
        "vis",
        set_ir(**LOUD),
        check=came_back(IR, 0),
    ),
    row(
        "vis-silent",
        set_vis(**SILENT),
        "degraded",
        r"^visible camera silent \(no picture for \d\.\d s\)$",
        "ir",
        set_vis(**LOUD),
        check=came_back(VIS, 0),
    ),
    row(
        "both-silent",
        set_both(**SILENT),
        "down",
        r"infrared camera silent .*visible camera silent",
        "nothing",
        set_both(**LOUD),
    ),
    row(
        "ir-silent-beyond-the-time-out-is-opened-anew",
        set_ir(**SILENT),
        "degraded",
        r"infrared camera lost \(no picture for 0\.\d s\)",
        "vis",
        set_ir(**LOUD),
        run=QUICK,
        check=came_back(IR),
    ),
    row(
        "both-silent-beyond-the-time-out",
        set_both(**SILENT),
        "down",
        r"infrared camera lost .*visible camera lost",
        "nothing",
        set_both(**LOUD),
        run=QUICK,
        check=both(came_back(IR), came_back(VIS)),
    ),
    row(
        "ir-unplugged-while-vis-is-silent",
        both(set_ir(**UNPLUGGED), set_vis(**SILENT)),
        "down",
        r"infrared camera lost .*visible camera silent",
        "nothing",
        both(set_ir(**PLUGGED), set_vis(**LOUD)),
    ),
    row(
        "ir-driver-hangs",
        set_ir(hangs=1, plugged=False),
        "degraded",
        r"^infrared camera (stuck|lost) ",
        "vis",
        set_ir(**PLUGGED),
        run=HANGS,
        check=both(
            replaced(1),
            said(r"^infrared camera: its driver has not answered for \d s; it is opened anew$"),
            came_back(IR),
        ),
    ),
    row(
        "vis-driver-hangs",
        set_vis(hangs=1, plugged=False),
        "degraded",
        r"^visible camera (stuck|lost) ",
        "ir",
        set_vis(**PLUGGED),
        run=HANGS,
        check=both(replaced(1), came_back(VIS)),
    ),
    row(
        "both-drivers-hang",
        set_both(hangs=1, plugged=False),
        "down",
        r"^infrared camera (stuck|lost) .*visible camera (stuck|lost) ",
        "nothing",
        set_both(**PLUGGED),
        run=HANGS,
        check=both(replaced(2), came_back(IR), came_back(VIS)),
    ),
    row(
        "ir-hangs-while-it-is-opened-again",
        set_ir(hangs_opening=1, plugged=False),
        "degraded",
        r"^infrared camera (stuck|lost) ",
        "vis",
        set_ir(**PLUGGED),
        run=HANGS,
        check=both(replaced(1), came_back(IR)),
    ),
]
OTHER_PICTURES = [
    row(
        "ir-larger-of-the-same-shape",
        set_ir(size_wh=LARGER),
        "degraded",
        r"^infrared: sends 144x96, scaled to 96x64$",
        "fused",
        set_ir(size_wh=WH),
    ),
    row(
        "vis-larger-of-the-same-shape",
        set_vis(size_wh=LARGER),
        "degraded",
        r"^visible: sends 144x96, scaled to 96x64$",
        "fused",
        set_vis(size_wh=WH),
    ),
    row(
        "ir-smaller-of-the-same-shape",
        set_ir(size_wh=SMALLER),
        "degraded",
        r"^infrared: sends 48x32, scaled to 96x64$",
        "fused",
        set_ir(size_wh=WH),
    ),
    row(
        "raw-ir-smaller-of-the-same-shape",
        set_ir(size_wh=SMALLER),
        "degraded",
        r"^infrared: sends 48x32, scaled",
        "fused",
        set_ir(size_wh=WH),
        bits=16,
    ),
    row(
        "ir-of-another-shape",
        set_ir(size_wh=SQUARE),
        "degraded",
        r"^infrared camera misfit \(it sends 96x96, this run is for 96x64\)$",
        "vis",
        set_ir(size_wh=WH),
        check=dropped("misfit", IR, 1),
    ),
    row(
        "vis-of-another-shape",
        set_vis(size_wh=SQUARE),
        "degraded",
        r"^visible camera misfit \(it sends 96x96, this run is for 96x64\)$",
        "ir",
        set_vis(size_wh=WH),
        check=dropped("misfit", VIS, 1),
    ),
    row(
        "both-of-another-shape",
        set_both(size_wh=SQUARE),
        "down",
        r"infrared camera misfit .*visible camera misfit",
        "nothing",
        set_both(size_wh=WH),
    ),
    row(
        "ir-of-a-size-that-its-layout-does-not-know",
        set_ir(size_wh=LARGER),
        "degraded",
        r"infrared camera misfit \(layout test has no size 144x96\)",
        "vis",
        set_ir(size_wh=WH),
        run={"prepare": no_large},
    ),
    row(
        "ir-sends-its-shutter-in-place-of-pictures",
        set_ir(flags=FrameFlags.REPEATED),
        "degraded",
        r"infrared camera silent",
        "vis",
        set_ir(flags=FrameFlags.NONE),
        run={"prepare": no_shutter, **HANGS},
        check=both(replaced(0), dropped("misfit", IR, 1)),
    ),
    row("ir-8-bit-becomes-raw", set_ir(bits=16), "good", "", "fused"),
    row("raw-ir-becomes-8-bit", set_ir(bits=8), "good", "", "fused", bits=16),
]
RATES = [
    row("ir-half-the-rate", set_ir(fps=50), "good", "", "fused"),
    row("ir-twice-the-rate", set_ir(fps=200), "good", "", "fused", check=dropped("surplus", IR, 1)),
    row("ir-down-to-nine-a-second", set_ir(fps=9), "good", "", "fused", set_ir(fps=100)),
    row("vis-half-the-rate", set_vis(fps=60), "good", "", "fused"),
    row("vis-twice-the-rate", set_vis(fps=200), "good", "", "fused"),
    row("ir-loses-a-fifth", set_ir(loss=0.2), "good", "", "fused", check=missing(IR, 1)),
    row(
        "both-lose-a-fifth",
        set_both(loss=0.2),
        "good",
        "",
        "fused",
        check=both(missing(IR, 1), missing(VIS, 1)),
    ),
    row("ir-torn", set_ir(torn=4), "good", "", "fused", check=missing(IR, 4)),
]
TIMES = [
    *[
        row(
            f"{sensor.value}-clock-jumps-{name}",
            add_stamp(sensor, step),
            "good",
            "",
            "fused",
            check=both(jumped(sensor), dropped("clock_jump", sensor, 1)),
        )
        for sensor in (IR, VIS)
        for name, step in (
            ("1-s-ahead", SECOND),
            ("1-s-back", -SECOND),
            ("1-h-ahead", HOUR),
            ("1-h-back", -HOUR),
        )
    ],
    row(
        "both-clocks-jump-1-h-back",
        both(add_stamp(IR, -HOUR), add_stamp(VIS, -HOUR)),
        "good",
        "",
        "fused",
        check=both(jumped(IR), jumped(VIS)),
    ),
    row(
        "ir-each-picture-twice",
        set_ir(twice=True),
        "good",
        "",
        "fused",
        check=dropped("duplicate", IR, 1),
    ),
    row(
        "vis-each-picture-twice",
        set_vis(twice=True),
        "good",
        "",
        "fused",
        check=dropped("duplicate", VIS, 1),
    ),
    row(
        "ir-time-stands-still",
        set_ir(stuck_stamp=True),
        "degraded",
        r"infrared camera's time stamps",
        "vis",
        set_ir(stuck_stamp=False),
    ),
    row(
        "vis-time-stands-still",
        set_vis(stuck_stamp=True),
        "degraded",
        r"visible camera's time stamps",
        "ir",
        set_vis(stuck_stamp=False),
    ),
    row("ir-out-of-order", set_ir(swapped=True), "good", "", "fused", set_ir(swapped=False)),
    row("vis-out-of-order", set_vis(swapped=True), "good", "", "fused", set_vis(swapped=False)),
]
SHUTTER = [
    row(
        "raw-ir-freezes-and-is-held",
        set_ir(frozen=True),
        "degraded",
        r"^infrared recalibrating \(the same raw picture came \d+ times in a row\)$",
        "fused",
        set_ir(frozen=False),
        bits=16,
    ),
    row(
        "ir-says-that-it-recalibrates",
        set_ir(flags=FrameFlags.SHUTTER),
        "degraded",
        r"^infrared recalibrating \(the camera says that it calibrates itself\)$",
        "fused",
        set_ir(flags=FrameFlags.NONE),
    ),
    row(
        "raw-ir-lost-while-it-recalibrates",
        set_ir(frozen=True, plugged=False),
        "degraded",
        r"^infrared camera lost \((unplugged|not there)\)$",
        "vis",
        set_ir(frozen=False, plugged=True),
        bits=16,
    ),
]
