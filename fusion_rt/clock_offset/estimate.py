"""How far apart the clocks of the two cameras are, told by the motion that both of them see.

When the rig shakes, both pictures move. The time by which one motion has to be moved to fit the
other is the offset between the cameras' time stamps, with all that lies between light and stamp:
exposure, the slowness of a microbolometer, transfer where stamps tell arrival. That is what fusion
wants to take out, as it asks which two pictures show the same moment.

Where the scene stands still, or repeats itself, or other things than the rig move, no offset can be
told. Then the answer is "unknown", with the reason in words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..timing import NS_PER_S
from .motion import Steps
from .search import LEAST_COVERED_S, Fit, search

WINDOW_NS = 10 * NS_PER_S
RANGE_MS = 500.0
# What must hold before an offset is believed. Motions that have nothing to do with each other
# reach a correlation of 0.5 at their best lag, periodic ones have rivals of 0.9 and more, and a
# single jolt is one part of ten.
LEAST_CORRELATION = 0.6
MOST_RIVAL = 0.85
LEAST_PARTS = 3.0
LEAST_INDEPENDENT = 25.0
MOST_PLUS_MINUS_MS = 5.0

# 95 % lie within two standard deviations; what motion blur and a rolling shutter add is not seen in
# the spread.
_SPREADS = 2.0
_FLOOR_MS = 1.0
_STILL = 5e-4  # root mean square of a step as a share of the width: its own error at worst


@dataclass(frozen=True, slots=True)
class OffsetState:
    """What is known about the time between the cameras.

    Attributes:
        offset_ms: how far the infrared clock is ahead of the visible one; None while unknown.
        plus_minus_ms: 19 of 20 errors are smaller; None while unknown.
        ppm: how much faster the infrared clock runs, in millionths; None while unknown.
        ppm_plus_minus: 19 of 20 errors of that are smaller; None while unknown.
        quality: correlation of the two motions in the newest window, 0 to 1.
        sure: whether the offset may be used.
        why: what it rests on, or why it is unknown, in words for the user.
        at_ns: time on the visible camera's clock for which the offset holds.
    """

    offset_ms: float | None = None
    plus_minus_ms: float | None = None
    ppm: float | None = None
    ppm_plus_minus: float | None = None
    quality: float = 0.0
    sure: bool = False
    why: str = "unknown: no pictures yet"
    at_ns: int = 0


def offset_in_window(ir: Steps, vis: Steps) -> OffsetState:
    """The offset from the newest ten seconds of motion of each camera.

    Args:
        ir: motion of the infrared picture.
        vis: motion of the visible picture.

    Returns:
        Offset without a rate, which takes many windows; ``at_ns`` is the window's middle.
    """
    for name, steps in (("infrared", ir), ("visible", vis)):
        if not len(steps):
            return OffsetState(why=f"unknown: the {name} camera shows nothing new")
    ir, vis = _newest(ir), _newest(vis)
    at_ns = (int(vis.begin_ns[0]) + int(vis.end_ns[-1])) // 2
    fit = search(ir, vis)
    if fit is None:
        why = f"less than {LEAST_COVERED_S:.0f} s in which both cameras' motion can be followed"
        return OffsetState(why=f"unknown: {why}", at_ns=at_ns)
    quality = min(fit.correlation, 1.0)
    doubt = _doubt(fit, ir, vis)
    if doubt:
        return OffsetState(why=f"unknown: {doubt}", quality=quality, at_ns=at_ns)
    return OffsetState(
        offset_ms=fit.offset_s * 1e3,
        plus_minus_ms=_plus_minus_ms(fit),
        quality=quality,
        sure=True,
        why=f"{fit.covered_s:.0f} s of motion that both cameras saw, correlation {quality:.2f}",
        at_ns=at_ns,
    )


def _newest(steps: Steps) -> Steps:
    end_ns = int(steps.end_ns[-1])
    return steps.between(end_ns - WINDOW_NS, end_ns)


def _plus_minus_ms(fit: Fit) -> float:
    return _FLOOR_MS + _SPREADS * fit.spread_s * 1e3


def _doubt(fit: Fit, ir: Steps, vis: Steps) -> str:
    """Why a fit is not to be believed; empty where it is."""
    if fit.correlation < LEAST_CORRELATION:
        still = [name for name, steps in (("infrared", ir), ("visible", vis)) if _is_still(steps)]
        if still:
            which = "both pictures stand" if len(still) == 2 else f"the {still[0]} picture stands"
            return f"{which} still; shake the cameras a little"
        return (
            f"the two pictures do not move alike (correlation {fit.correlation:.2f}, "
            f"{LEAST_CORRELATION:g} is needed): shake both cameras together"
        )
    if fit.rival > MOST_RIVAL:
        return "the motion repeats itself, so that several offsets fit; shake less evenly"
    if abs(fit.offset_s * 1e3) > RANGE_MS:
        return (
            f"the clocks seem to be {fit.offset_s * 1e3:+.0f} ms apart, more than the "
            f"{RANGE_MS:.0f} ms that are believed"
        )
    if fit.parts < LEAST_PARTS:
        return "the cameras moved for a moment only; go on shaking them for some seconds"
    if fit.independent < LEAST_INDEPENDENT:
        return "the motion is too slow or too short to tell the time; shake faster"
    if _plus_minus_ms(fit) > MOST_PLUS_MINUS_MS:
        return f"the motion tells the offset to ±{_plus_minus_ms(fit):.0f} ms only; shake more"
    return ""


def _is_still(steps: Steps) -> bool:
    return float(np.sqrt(np.mean(np.sum(steps.moved**2, axis=1)))) < _STILL
