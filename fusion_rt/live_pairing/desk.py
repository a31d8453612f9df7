"""Where both cameras' frames lie while it is decided what becomes of them."""

from __future__ import annotations

from ..frame import FramePair, Sensor
from ..ledger import DropReason
from ..limits import CLEARLY_FASTER, HYSTERESIS, TOLERANCE, UNKNOWN_TOLERANCE_NS
from ..pairing import Matched
from .clock import MOST_LATENCY_NS
from .rhythm import SILENT_NS
from .rules import PairingRules
from .stream import LiveStream, Waiting


class Desk:
    """Both streams, the limits in force, and the ways in which a frame may leave.

    Attributes:
        ir: infrared stream.
        vis: visible stream.
        rules: in force.
        now_ns: monotonic time of this step.
        done: what this step has decided so far.
        hysteresis_ns: see `fusion_rt.limits.Limits`.
        slack_ns: what arrival may jitter where the end of a wait is foreseen.
        longest_hold_ns: longest time that a frame of either stream may wait.
        together_since_ns: since when both cameras deliver; None while one does not.
    """

    def __init__(self, ir: LiveStream, vis: LiveStream) -> None:
        self.ir, self.vis = ir, vis
        self.rules = PairingRules()
        self.now_ns = 0
        self.done = Matched()
        self.hysteresis_ns = self.slack_ns = 0
        self.together_since_ns: int | None = None
        self.longest_hold_ns = SILENT_NS
        self._hold_ns = (SILENT_NS, SILENT_NS)
        self._started_ns: int | None = None
        self._period_ns: float | None = None

    def begin(self, now_ns: int, rules: PairingRules) -> None:
        """A step begins; time never goes back."""
        if self._started_ns is None:
            self._started_ns = self.now_ns = now_ns
        self.now_ns = max(self.now_ns, now_ns)
        self.done = Matched()
        if rules is not self.rules:
            self.rules = rules
            self.ir.retime(rules)

    def measure(self) -> None:
        """Takes over what the streams have learned: limits, and who is there."""
        ir, vis = self.ir.rhythm.period_ns, self.vis.rhythm.period_ns
        self._period_ns = min(ir, vis) if ir and vis else ir or vis
        share_ns = self._period_ns or 0
        self.hysteresis_ns, self.slack_ns = round(HYSTERESIS * share_ns), round(share_ns / 2)
        for stream in (self.ir, self.vis):
            stream.gone = stream.ended or self.now_ns >= self.silent_at_ns(stream)
        heard = self.ir.heard_ns is not None and self.vis.heard_ns is not None
        if not heard or self.ir.gone or self.vis.gone:
            self.together_since_ns = None
        elif self.together_since_ns is None:
            self.together_since_ns = self.now_ns
        silent_ns = max(self.ir.rhythm.silent_after_ns, self.vis.rhythm.silent_after_ns)
        self._hold_ns = (self.lag_ns(self.ir) + silent_ns, self.lag_ns(self.vis) + silent_ns)
        self.longest_hold_ns = max(self._hold_ns)

    def other(self, stream: LiveStream) -> LiveStream:
        """The stream that is not this one."""
        return self.vis if stream is self.ir else self.ir

    def tolerance_ns(self) -> int:
        """Largest skew of a pair: as set, or a share of the faster camera's period."""
        if self.rules.max_skew_ns is not None:
            return self.rules.max_skew_ns
        return round(TOLERANCE * self._period_ns) if self._period_ns else UNKNOWN_TOLERANCE_NS

    def silent_at_ns(self, stream: LiveStream) -> int:
        """When this stream counts as silent if nothing comes until then."""
        heard_ns = stream.heard_ns
        if heard_ns is None:
            assert self._started_ns is not None
            heard_ns = self._started_ns
        return heard_ns + stream.rhythm.silent_after_ns

    def lag_ns(self, stream: LiveStream) -> int:
        """How much later than this stream's the other's frames of one moment arrive, 0 to 1 s."""
        lag_ns = self.signed_lag_ns
        return min(max(lag_ns if stream is self.ir else -lag_ns, 0), MOST_LATENCY_NS)

    @property
    def signed_lag_ns(self) -> int:
        """How much later visible frames arrive than infrared frames of the same time."""
        ir, vis = self.ir, self.vis
        return vis.rhythm.latency_ns - ir.rhythm.latency_ns - ir.offset_ns + vis.offset_ns

    def hold_ns(self, stream: LiveStream) -> int:
        """Longest time that a frame of this stream may wait."""
        return self._hold_ns[stream is self.vis]

    def ends_ns(self, stream: LiveStream) -> int:
        """When the oldest frame of this stream that was not shown has waited as long as it may."""
        queue = stream.queue
        waiting = queue[1] if queue[0].used and len(queue) > 1 else queue[0]
        return waiting.since_ns + self.hold_ns(stream)

    def pair(self, ir: Waiting, vis: Waiting) -> None:
        """Both are given out together. Taking them off the queues is up to the caller."""
        offset_ns = ir.frame.captured_ns - ir.time_ns
        pair = FramePair(ir.frame, vis.frame, offset_ns)
        if ir.used or vis.used:
            pair.reused = Sensor.IR if ir.used else Sensor.VIS
        ir.used = vis.used = True
        self.ir.given_ns, self.vis.given_ns = ir.frame.captured_ns, vis.frame.captured_ns
        self.done.add_pair(pair)

    def alone(self, stream: LiveStream) -> None:
        """The oldest frame of a stream is given out by itself, unless it was in a pair already."""
        waiting = stream.queue.popleft()
        if not waiting.used:
            waiting.used = True
            stream.given_ns = waiting.frame.captured_ns
            self.done.add_alone(stream.sensor, waiting.frame)

    def let_go(self, stream: LiveStream) -> None:
        """The oldest frame of a stream finds no partner.

        It is shown alone where it was taken while the other camera was silent. That one is back,
        but this frame took longer to arrive than its first one.
        """
        back_ns = self.other(stream).back_ns
        if back_ns is not None and stream.queue[0].time_ns < back_ns:
            self.alone(stream)
        else:
            self.give_up(stream)

    def give_up(self, stream: LiveStream) -> None:
        """The oldest frame of a stream goes without having been shown, unless it was in a pair."""
        waiting = stream.queue.popleft()
        if not waiting.used:
            own, others = stream.rhythm.period_ns, self.other(stream).rhythm.period_ns
            faster = own is not None and others is not None and own < CLEARLY_FASTER * others
            reason = DropReason.SURPLUS if faster else DropReason.UNMATCHED
            self.done.unmatched.append((stream.sensor, waiting.frame, reason))
