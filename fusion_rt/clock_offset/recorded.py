"""How far the clocks of a recorded pair are apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..frame import Frame
from ..timing import NS_PER_MS
from .drift import ClockDrift
from .estimate import MOST_PLUS_MINUS_MS, WINDOW_NS, OffsetState, offset_in_window
from .follower import add_frame, on_line
from .motion import MotionTrack, Steps
from .rough import rough_offset_ns

_STRIDE_NS = WINDOW_NS // 2


def offset_of_motion(ir: Steps, vis: Steps) -> OffsetState:
    """How far the clocks of a recorded pair are apart, from the motion of both.

    Recordings that were started by hand may be a minute apart: where the windows tell nothing as
    they stand, they are laid together roughly first.

    Args:
        ir: motion of the whole infrared recording, see `motion_of`.
        vis: the same of the visible one.

    Returns:
        The offset in the middle of the time that both have in common, from all windows of ten
        seconds that tell one. Where none does, or they contradict each other, it is unknown.
    """
    as_stamped = _from_windows(ir, vis)
    if as_stamped.sure or not len(ir) or not len(vis):
        return as_stamped
    rough_ns = rough_offset_ns(ir, vis)
    if rough_ns is None:
        return as_stamped
    moved = _from_windows(ir.moved_by(-rough_ns), vis)
    if moved.offset_ms is None:
        return as_stamped
    return replace(moved, offset_ms=moved.offset_ms + rough_ns / NS_PER_MS)


def motion_of(frames: Iterable[Frame]) -> Steps:
    """Motion of one camera's whole recording.

    Args:
        frames: in order of time; read once, none is kept.
    """
    track = MotionTrack()
    for frame in frames:
        add_frame(track, frame)
    return track.steps


def _from_windows(ir: Steps, vis: Steps) -> OffsetState:
    """The line through all windows, for clocks that are nearly together."""
    if not len(ir) or not len(vis):
        return offset_in_window(ir, vis)
    begin_ns = max(int(ir.begin_ns[0]), int(vis.begin_ns[0]))
    end_ns = min(int(ir.end_ns[-1]), int(vis.end_ns[-1]))
    if begin_ns >= end_ns:
        return OffsetState(why="unknown: the times of the two recordings do not overlap")
    windows = [offset_in_window(*both) for both in _windows(ir, vis, begin_ns, end_ns)]
    best = max(windows, key=lambda window: (window.sure, window.quality))
    told = [
        (window.at_ns, window.offset_ms, window.plus_minus_ms)
        for window in windows
        if window.offset_ms is not None and window.plus_minus_ms is not None
    ]
    drift = ClockDrift(keep_ns=None)
    jumps = sum(drift.add(*one) for one in told)
    at_ns = (begin_ns + end_ns) // 2
    line = drift.at(at_ns)
    if line is None:
        return best
    unknown = OffsetState(quality=best.quality, at_ns=at_ns)
    agree = sum(drift.fits(*one) for one in told)
    if jumps or len(told) - agree > agree // 2:
        return replace(unknown, why="unknown: the offset jumps within the recording")
    if agree == 1 and len(windows) > 2:  # one of many may be wrong
        why = (
            f"one window of {len(windows)} says {line.offset_ms:+.0f} ms, and no other confirms it"
        )
        return replace(unknown, why=f"unknown: {why}")
    if line.plus_minus_ms > MOST_PLUS_MINUS_MS:
        why = f"told at {line.windows} moments only, from which the clocks may have drifted"
        return replace(unknown, why=f"unknown: {why}")
    why = f"{agree} of {len(windows)} windows of motion that both cameras saw"
    return on_line(line, replace(unknown, why=f"{why}, correlation {best.quality:.2f}"))


def _windows(ir: Steps, vis: Steps, begin_ns: int, end_ns: int) -> Iterator[tuple[Steps, Steps]]:
    """Motion of both cameras in windows of ten seconds, each half-way into the one before."""
    for first_ns in range(begin_ns, max(begin_ns + 1, end_ns - _STRIDE_NS), _STRIDE_NS):
        span = (first_ns, first_ns + WINDOW_NS)
        yield ir.between(*span), vis.between(*span)
