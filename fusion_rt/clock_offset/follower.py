"""The offset between two running cameras, from frame to frame."""

from __future__ import annotations

from dataclasses import replace

from ..frame import Frame, FrameFlags, Sensor
from ..timing import NS_PER_S
from .drift import RATE_KNOWN_PPM, ClockDrift, Drift
from .estimate import MOST_PLUS_MINUS_MS, WINDOW_NS, OffsetState, offset_in_window
from .motion import MotionTrack

# A window that is believed by mistake is rare, but there is a new one each second for days: the
# next one that shares at most half of its motion must say the same.
_LEAST_WINDOWS = 2


class OffsetFollower:
    """Motion of both cameras, one window after the other, and the line through their offsets.

    Not thread-safe: one thread owns it, that of `fusion_rt.clock_offset.worker.OffsetWorker`.
    """

    def __init__(self) -> None:
        """Start with nothing known."""
        self._tracks = {sensor: MotionTrack(keep_ns=WINDOW_NS) for sensor in Sensor}
        self._drift = ClockDrift()

    def add(self, sensor: Sensor, frame: Frame) -> None:
        """Take the next frame of a camera, in order of time; those between may be missing."""
        add_frame(self._tracks[sensor], frame)

    def interrupt(self) -> None:
        """Motion from the last frames to the next ones means nothing, as after a shutter event."""
        for track in self._tracks.values():
            track.interrupt()

    def restart(self) -> None:
        """Forget everything: a camera was opened anew, and its clock may be another."""
        for track in self._tracks.values():
            track.clear()
        self._drift.clear()

    def estimate(self) -> OffsetState:
        """What is known now; takes some milliseconds."""
        vis = self._tracks[Sensor.VIS].steps
        window = offset_in_window(self._tracks[Sensor.IR].steps, vis)
        if window.offset_ms is not None and window.plus_minus_ms is not None:
            self._drift.add(window.at_ns, window.offset_ms, window.plus_minus_ms)
        return self._told(int(vis.end_ns[-1]) if len(vis) else 0, window)

    def _told(self, now_ns: int, window: OffsetState) -> OffsetState:
        line = self._drift.at(now_ns)
        if line is None:
            return replace(window, at_ns=now_ns)
        unknown = OffsetState(quality=window.quality, at_ns=now_ns)
        ago = f"{max(0, now_ns - line.newest_ns - WINDOW_NS // 2) / NS_PER_S:.0f} s ago"
        if line.windows < _LEAST_WINDOWS:
            why = f"one look said {line.offset_ms:+.0f} ms {ago}; more motion has to confirm it"
            return replace(unknown, why=f"unknown: {why}")
        if self._drift.contradicted:
            why = "the newest motion says another offset than before; the clocks may have jumped"
            return replace(unknown, why=f"unknown: {why}")
        if line.plus_minus_ms > MOST_PLUS_MINUS_MS:
            why = f"last told {ago}, and the clocks may have drifted apart; shake the cameras again"
            return replace(unknown, why=f"unknown: {why}")
        return on_line(line, replace(unknown, why=window.why if window.sure else f"told {ago}"))


def on_line(line: Drift, state: OffsetState) -> OffsetState:
    """``state`` made sure, with the line's offset and, where that is well known, its rate."""
    rate_known = line.ppm_plus_minus <= RATE_KNOWN_PPM
    return replace(
        state,
        offset_ms=line.offset_ms,
        plus_minus_ms=line.plus_minus_ms,
        ppm=line.ppm if rate_known else None,
        ppm_plus_minus=line.ppm_plus_minus if rate_known else None,
        sure=True,
    )


def add_frame(track: MotionTrack, frame: Frame) -> None:
    """Hand a frame to its camera's track as far as its picture is a new one."""
    if frame.flags & FrameFlags.SHUTTER:
        track.interrupt()
    elif not frame.flags & FrameFlags.REPEATED:
        track.add(frame.image, frame.captured_ns)
