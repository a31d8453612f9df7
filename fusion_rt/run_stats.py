"""What a run measures of itself: latency of each stage, skew, throughput."""

from __future__ import annotations

from .frame import FramePair
from .timing import NS_PER_MS, Histogram, RateMeter

STAGES = ("capture", "pair", "register", "fuse", "sink", "end_to_end")


class RunStats:
    """Fed by the main thread with every pair that went through; fixed memory.

    ========== ===============================================================================
    stage      from ... to
    ========== ===============================================================================
    capture    reading began (live: picture taken) ... pixels in memory; both sensors
    pair       later of the two frames in memory ... paired, waiting included
    register   paired ... infrared lies on the visible picture
    fuse       the engine takes the pair ... fused picture in memory
    sink       the main thread takes the picture ... all sinks have it
    end_to_end reading of the earlier frame began (live: taken) ... all sinks have the picture
    ========== ===============================================================================

    Waiting between the stages is in ``end_to_end`` alone.
    """

    def __init__(self) -> None:
        self.latency = {stage: Histogram() for stage in STAGES}
        self.skew = Histogram()
        self.rate = RateMeter()
        self.last_latency_ms = 0.0
        self.last_skew_ms = 0.0
        self.first_fused_ns: int | None = None

    def add(self, pair: FramePair, sink_begun_ns: int, sunk_ns: int) -> None:
        """Take the stamps of one finished pair; times are monotonic, in ns."""
        stamps = pair.stamps_ns
        frames = pair.frames
        for frame in frames:
            self._add("capture", frame.begun_ns, frame.arrived_ns)
        self._add("pair", max(frame.arrived_ns for frame in frames), stamps["paired"])
        self._add("register", stamps["paired"], stamps["registered"])
        self._add("fuse", stamps["fuse_begun"], stamps["fused"])
        self._add("sink", sink_begun_ns, sunk_ns)
        begun_ns = min(frame.begun_ns for frame in frames)
        self._add("end_to_end", begun_ns, sunk_ns)
        self.last_latency_ms = (sunk_ns - begun_ns) / NS_PER_MS
        if pair.alone is None:
            self.last_skew_ms = pair.skew_ns / NS_PER_MS
            self.skew.add(abs(self.last_skew_ms))
        self.rate.tick(sunk_ns)
        if self.first_fused_ns is None:
            self.first_fused_ns = stamps["fused"]

    def _add(self, stage: str, begun_ns: int, ended_ns: int) -> None:
        self.latency[stage].add(max(0, ended_ns - begun_ns) / NS_PER_MS)
