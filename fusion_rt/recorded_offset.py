"""How far the clocks of a recorded pair are apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .clock_drift import ClockDrift
from .clock_offset import MOST_PLUS_MINUS_MS, WINDOW_NS, OffsetEstimator, OffsetState
from .frame import Frame
from .motion import MotionTrack, Steps
from .offset_follower import add_frame, on_line

_STRIDE_NS = WINDOW_NS // 2


def estimate_offset(ir_frames: Iterable[Frame], vis_frames: Iterable[Frame]) -> OffsetState:
    """How far the clocks of a recorded pair are apart.

    Args:
        ir_frames: infrared frames in order of time; read once, none is kept.
        vis_frames: the same of the visible camera.

    Returns:
        The offset in the middle of the recording, from all windows of ten seconds that tell one.
        Where that is none, and where they contradict each other, it is unknown.
    """
    return offset_of_motion(motion_of(ir_frames), motion_of(vis_frames))


def offset_of_motion(ir: Steps, vis: Steps) -> OffsetState:
    """The same from the motion of both whole recordings."""
    estimator = OffsetEstimator()
    if not len(ir) or not len(vis):
        return estimator.estimate(ir, vis)
    if ir.begin_ns[0] > vis.end_ns[-1] or vis.begin_ns[0] > ir.end_ns[-1]:
        return OffsetState(why="unknown: the times of the two recordings do not overlap")
    windows = [estimator.estimate(*both) for both in _windows(ir, vis)]
    best = max(windows, key=lambda window: (window.sure, window.quality))
    drift, jumps = ClockDrift(), 0
    for window in windows:
        if window.offset_ms is not None and window.plus_minus_ms is not None:
            jumps += drift.add(window.at_ns, window.offset_ms, window.plus_minus_ms)
    at_ns = (windows[0].at_ns + windows[-1].at_ns) // 2
    line = drift.at(at_ns)
    if line is None:
        return best
    unknown = OffsetState(quality=best.quality, at_ns=at_ns)
    if jumps:
        return replace(unknown, why="unknown: the offset jumps within the recording")
    sure = sum(window.sure for window in windows)
    if sure == 1 and len(windows) > 2:  # one of many may be wrong
        why = (
            f"one window of {len(windows)} says {line.offset_ms:+.0f} ms, and no other confirms it"
        )
        return replace(unknown, why=f"unknown: {why}")
    if line.plus_minus_ms > MOST_PLUS_MINUS_MS:
        why = f"told at {line.windows} moments only, from which the clocks may have drifted"
        return replace(unknown, why=f"unknown: {why}")
    why = f"{sure} of {len(windows)} windows of motion that both cameras saw"
    return on_line(line, replace(unknown, why=f"{why}, correlation {best.quality:.2f}"))


def motion_of(frames: Iterable[Frame]) -> Steps:
    """Motion of one camera's whole recording."""
    track = MotionTrack()
    for frame in frames:
        add_frame(track, frame)
    return track.steps


def _windows(ir: Steps, vis: Steps) -> Iterator[tuple[Steps, Steps]]:
    """Motion of both cameras in windows of ten seconds, each half-way into the one before."""
    first_ns = min(int(ir.begin_ns[0]), int(vis.begin_ns[0]))
    last_ns = max(int(ir.end_ns[-1]), int(vis.end_ns[-1]))
    for begin_ns in range(first_ns, max(first_ns + 1, last_ns - _STRIDE_NS), _STRIDE_NS):
        yield (
            ir.between(begin_ns, begin_ns + WINDOW_NS),
            vis.between(begin_ns, begin_ns + WINDOW_NS),
        )
