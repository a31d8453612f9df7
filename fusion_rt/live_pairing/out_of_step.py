"""Both cameras deliver, but no pair comes about: then the visible one is shown alone.

So it is when a clock offset is set wrong, one camera is late by seconds, or the tolerance is too
small. Without this the last pair would stand still as if it were live.
"""

from __future__ import annotations

from collections import deque

from .clock import MOST_LATENCY_NS
from .desk import Desk
from .stream import LiveStream

# So many times the longest wait of a frame without a pair: a few bad frames in a row are no reason.
_HOLDS = 3
_SHOWN = 64


class OutOfStep:
    """Notices it, and notices its end.

    Attributes:
        lost: it is so now.
    """

    def __init__(self) -> None:
        self.lost = False
        self._paired_ns: int | None = None
        self._rules: object = None
        # Of visible frames shown alone: when they were taken, and when they came.
        self._shown: deque[tuple[int, int]] = deque(maxlen=_SHOWN)

    def paired(self, desk: Desk) -> None:
        """A pair was made."""
        self.lost = False
        self._paired_ns = desk.now_ns

    def look(self, desk: Desk, tolerance_ns: int) -> None:
        """Called at the beginning of each step."""
        if desk.together_since_ns is None or desk.rules is not self._rules:
            self._rules = desk.rules
            self._again(desk)
        elif abs(desk.signed_lag_ns) > MOST_LATENCY_NS:
            self.lost = True
        elif not self.lost:
            self.lost = desk.now_ns >= self._lost_at_ns(desk)
            self._shown.clear()
        elif self._fits(desk, tolerance_ns):
            self._again(desk)

    def shows(self, desk: Desk, stream: LiveStream) -> bool:
        """Whether frames of this stream do not wait but are shown alone."""
        return self.lost and stream is desk.vis

    def let_go(self, desk: Desk, stream: LiveStream) -> None:
        """The oldest frame of the stream finds no partner."""
        if not self.shows(desk, stream):
            desk.let_go(stream)
            return
        self._shown.append((stream.queue[0].time_ns, stream.queue[0].pushed_ns))
        desk.alone(stream)

    def due_ns(self, desk: Desk, due_ns: int) -> int:
        """When to look again, given when a wait ends."""
        if self.lost or desk.together_since_ns is None:
            return due_ns
        return min(due_ns, self._lost_at_ns(desk))

    def _fits(self, desk: Desk, tolerance_ns: int) -> bool:
        """Whether a visible frame that was shown alone would have met an infrared one by now."""
        if not desk.ir.queue:
            return False
        time_ns = desk.ir.queue[-1].time_ns
        since_ns = desk.now_ns - desk.hold_ns(desk.vis)
        return any(
            came_ns > since_ns and abs(time_ns - vis_ns) <= tolerance_ns
            for vis_ns, came_ns in self._shown
        )

    def _again(self, desk: Desk) -> None:
        self.lost = False
        self._paired_ns = desk.now_ns

    def _lost_at_ns(self, desk: Desk) -> int:
        assert desk.together_since_ns is not None
        since_ns = max(desk.together_since_ns, self._paired_ns or 0)
        return since_ns + _HOLDS * desk.longest_hold_ns
