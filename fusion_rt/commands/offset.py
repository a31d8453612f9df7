"""``fusion-rt offset``: how far the clocks of a recorded pair are apart, told by its motion."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..clock_offset.estimate import OffsetState
from ..clock_offset.motion import Steps
from ..clock_offset.recorded import motion_of, offset_of_motion
from ..errors import PipelineError, TruncatedSourceError
from ..frame import Frame, Sensor
from ..sources import Source, open_source
from ..terminal import print_facts, progress_bar, say
from ..timing import NS_PER_S

_WANDERS_MS = 3.0  # what a fixed offset may be off by at the ends before it is worth a word


@dataclass(frozen=True)
class OffsetRequest:
    """Which pair.

    Attributes:
        ir: URI of the infrared recording.
        vis: URI of the visible recording.
        as_json: whether the answer goes to standard output as JSON.
    """

    ir: str
    vis: str
    as_json: bool = False


def tell_offset(request: OffsetRequest) -> OffsetState:
    """Follow the motion of both recordings, print the offset and how it is used.

    A recording that breaks off counts as far as it goes, with a note.

    Raises:
        FusionError: a recording cannot be read, or no offset can be told; in words.
    """
    ir, vis = _motions(request)
    state = offset_of_motion(ir, vis)
    if request.as_json:
        print(json.dumps(_as_data(request, state), indent=2))
    if state.offset_ms is None:
        raise PipelineError(
            f"the clock offset is {state.why}",
            hint="shake both cameras together for ten seconds before a scene with detail while "
            "they record; an offset that you know goes to `fusion-rt replay --ir-offset-ms`",
        )
    if not request.as_json:
        print_facts(_facts(state, _seconds(ir, vis)))
        pair = f"--ir {shlex.quote(request.ir)} --vis {shlex.quote(request.vis)}"
        say(f"use it: fusion-rt replay {pair} --ir-offset-ms={state.offset_ms:.1f}")
        say(f"or in a settings file: pairing: {{ir_offset_ms: {state.offset_ms:.1f}}}")
    return state


def _motions(request: OffsetRequest) -> tuple[Steps, Steps]:
    with open_source(request.ir, Sensor.IR) as ir, open_source(request.vis, Sensor.VIS) as vis:
        both, counts = (ir, vis), (ir.info.frame_count, vis.info.frame_count)
        for source in both:
            for note in source.info.notes:
                say(f"note: {source.info.sensor.value}: {note}")
        total = None if None in counts else sum(count or 0 for count in counts)
        with progress_bar("following the motion", total) as bar:

            def counted(source: Source) -> Iterator[Frame]:
                for frame in _frames(source):
                    yield frame
                    bar.advance()

            return motion_of(counted(ir)), motion_of(counted(vis))


def _frames(source: Source) -> Iterator[Frame]:
    """All frames up to the end, or to where the recording breaks off."""
    try:
        while (frame := source.read()) is not None:
            yield frame
    except TruncatedSourceError as error:
        say(f"note: {source.info.sensor.value}: {error}; what comes before it counts")


def _facts(state: OffsetState, seconds: float) -> list[tuple[str, str]]:
    assert state.offset_ms is not None
    way = "ahead of" if state.offset_ms >= 0 else "behind"
    facts = [
        (
            "offset",
            f"{state.offset_ms:+.1f} ms (±{state.plus_minus_ms:.1f}): the infrared clock is "
            f"{way} the visible one",
        )
    ]
    if state.ppm is not None:
        facts.append(("rate", f"{state.ppm:+.1f} ppm (±{state.ppm_plus_minus:.1f})"))
        wanders_ms = abs(state.ppm) * 1e-3 * seconds / 2
        if wanders_ms >= _WANDERS_MS:
            words = f"the offset holds in the middle, {wanders_ms:.0f} ms less or more at the ends"
            facts.append(("", words))
    return [*facts, ("told by", state.why)]


def _seconds(ir: Steps, vis: Steps) -> float:
    """The longer of the two recordings."""
    return max(int(steps.end_ns[-1] - steps.begin_ns[0]) for steps in (ir, vis)) / NS_PER_S


def _as_data(request: OffsetRequest, state: OffsetState) -> dict[str, Any]:
    """Null where something is unknown."""
    return {
        "fusion_rt": __version__,
        "ir": request.ir,
        "vis": request.vis,
        "sure": state.sure,
        "ir_offset_ms": state.offset_ms,
        "plus_minus_ms": state.plus_minus_ms,
        "ppm": state.ppm,
        "ppm_plus_minus": state.ppm_plus_minus,
        "correlation": state.quality,
        "why": state.why,
        "at_s": state.at_ns / NS_PER_S if state.sure else None,
    }
