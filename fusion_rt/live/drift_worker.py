"""A thread that measures how the pictures lie on each other, beside a live pipeline."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from calibration.online.evidence import Evidence, Together, counts
from calibration.online.matcher import Matcher
from calibration.online.pair_estimate import Estimate

from ..channel import Channel, ChannelClosed
from ..clock_offset.motion import MotionTrack
from ..frame import FrameFlags, FramePair
from ..registration.alignment import Alignment
from ..registration.running import Registration
from ..stage import Stage
from ..timing import NS_PER_MS, NS_PER_S

_EVERY_NS = NS_PER_S // 2
_LONGEST_NS = 10 * NS_PER_S
# Share of one core that measuring may take; on a slow processor pairs are measured less often.
_SHARE = 0.07
# A microbolometer is late by about so much, whatever the time stamps say.
_LATE_NS = 10 * NS_PER_MS
# What may move in that time, as a share of the width: 1 px of 640.
_MOST_MOVED = 1 / 640


@dataclass(frozen=True)
class DriftState:
    """What is known now.

    Attributes:
        together: the evidence; None while there is none.
        alignment: how its pairs were laid on each other; None while there is none.
        pairs: pairs that were looked at so far.
        why: why the last one did not count, in words; empty where it did.
    """

    together: Together | None = None
    alignment: Alignment | None = None
    pairs: int = 0
    why: str = ""


class DriftWorker(Stage):
    """Gets pairs by `offer` from the main thread, twice a second, and keeps `state` up to date.

    Start it as a thread; it ends when ``stopping`` is set or by `close`. Evidence begins anew with
    each other alignment: another distance, another correction.
    """

    def __init__(
        self,
        registration: Registration,
        stopping: threading.Event,
        matcher: Matcher | None = None,
        cpu_ns: Callable[[], int] = time.thread_time_ns,
    ) -> None:
        """Prepare; nothing runs before ``start``.

        Args:
            registration: lays the infrared onto the visible where nobody has yet.
            stopping: set when this stage fails.
            matcher: finds points in both pictures, in place of the blocks of edges.
            cpu_ns: processor time that the calling thread has used, in ns.
        """
        super().__init__("drift", stopping)
        self._registration = registration
        self._evidence = Evidence(matcher)
        self._cpu_ns = cpu_ns
        self._pairs: Channel[tuple[FramePair, FramePair]] = Channel(1, "latest")
        self._state = DriftState()
        self._held: FramePair | None = None
        self._due_ns = 0
        self._every_ns = _EVERY_NS
        self._paused = False
        self._restarted = False

    @property
    def state(self) -> DriftState:
        """What is known now; safe from any thread."""
        return self._state

    def offer(self, pair: FramePair) -> bool:
        """Show a finished pair, from one thread, in order of time; returns at once.

        Returns:
            Whether it was taken. Two that follow each other are taken each time, as motion is seen
            between them. None is while paused, where one camera is alone, and while the infrared
            stands still.
        """
        if (
            self._paused
            or pair.alone is not None
            or pair.alignment is None
            or pair.ir.flags & FrameFlags.SHUTTER
            or pair.ir_trust < 1
        ):
            self._held = None
            return False
        now_ns = pair.vis.captured_ns
        held = self._held
        if held is None:
            if 0 <= now_ns < self._due_ns <= now_ns + _LONGEST_NS:
                return False
            self._held = pair
            return True
        if pair.vis is held.vis:
            return False
        self._held, self._due_ns = None, now_ns + self._every_ns
        try:
            self._pairs.put((held, pair))
        except ChannelClosed:
            return False
        return True

    def pause(self, paused: bool) -> None:
        """Leave pairs out: True at the start of a shutter event, False at its end."""
        self._paused = paused

    def restart(self) -> None:
        """Forget everything: a camera was opened anew."""
        self._restarted = True

    def close(self, timeout_s: float = 2.0) -> None:
        """End the thread; may be called twice, and before it was started."""
        self._pairs.close()
        if self.is_alive():
            self.join(timeout_s)

    def work(self) -> None:
        """See `Stage.work`."""
        while not self.stopping.is_set() and not self._pairs.exhausted:
            item = self._pairs.get(timeout_s=0.1)
            if self._restarted:
                self._restarted = False
                self._evidence.clear()
                self._state = DriftState(pairs=self._state.pairs)
            if item is None:
                continue
            begun_ns = self._cpu_ns()
            self._measure(*item)
            cost_ns = self._cpu_ns() - begun_ns
            self._every_ns = min(max(_EVERY_NS, round(cost_ns / _SHARE)), _LONGEST_NS)

    def _measure(self, pair: FramePair, after: FramePair) -> None:
        alignment = pair.alignment
        assert alignment is not None
        known = self._state
        if known.alignment is None or known.alignment.number != alignment.number:
            self._evidence.clear()
        why = _motion(pair, after)
        if not why:
            why = _why_not(self._add(pair, alignment))
        self._state = DriftState(self._evidence.together, alignment, known.pairs + 1, why)

    def _add(self, pair: FramePair, alignment: Alignment) -> Estimate:
        assert pair.vis_bgr is not None
        # At the seam and beyond one of the pictures is mirrored or filled in by the other.
        seen = None if alignment.seen is None else alignment.weight == 255
        return self._evidence.add(self._registration.warped(pair), pair.vis_bgr, seen)


def _motion(pair: FramePair, after: FramePair) -> str:
    """Why the infrared, which is late, would lie off by the motion alone; empty where not."""
    track = MotionTrack()
    track.add(pair.vis.image, pair.vis.captured_ns)
    step = track.add(after.vis.image, after.vis.captured_ns)
    if step is None:  # the same picture again, or too long after
        return ""
    late = (abs(pair.skew_ns) + _LATE_NS) / (step.end_ns - step.begin_ns)
    off = step.weight * late * math.hypot(step.dx, step.dy)
    return "the cameras move too fast" if off > _MOST_MOVED else ""


def _why_not(single: Estimate) -> str:
    return "" if counts(single) else "too little that both cameras see"
