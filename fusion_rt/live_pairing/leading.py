"""Live pairing in which one camera sets the pace."""

from __future__ import annotations

from ..limits import TOLERANCE
from .desk import Desk
from .rules import PairingMode
from .stream import LiveStream, Waiting

# Of the leader, until it is measured.
_PERIOD_NS = 33_333_333


class Leading:
    """Every frame of the leader, with the nearest of the other camera, or alone without one.

    A frame of the other camera may be in several pairs. The leader's waits for a nearer one half
    its own period, and before that as long as the other camera's frames take longer to arrive; so
    the leader's frames come out as evenly as they come in.
    """

    out_of_step = False

    def __init__(self, mode: PairingMode) -> None:
        self._ir_leads = mode is PairingMode.IR_LEADS

    def tolerance_ns(self, desk: Desk) -> int:
        """See `Mode.tolerance_ns`.

        The other camera's nearest frame is at most half its period away. If it is the slower one,
        its next frame may be nearer, but come too late; then the last one is older than that.
        """
        leader, other = self._roles(desk)
        period_ns, pace_ns = other.rhythm.period_ns, leader.rhythm.period_ns
        if desk.rules.max_skew_ns is not None or not period_ns or not pace_ns:
            return desk.tolerance_ns()
        farthest_ns = max(period_ns / 2, period_ns - pace_ns / 2)
        return round(farthest_ns + (TOLERANCE - 0.5) * period_ns)

    def decide(self, desk: Desk) -> int | None:
        """See `Mode.decide`."""
        leader, other = self._roles(desk)
        tolerance_ns = self.tolerance_ns(desk)
        while leader.queue:
            frame = leader.queue[0]
            index = _nearest(other, frame.time_ns)
            nearest = other.queue[index] if other.queue else None
            due_ns = self._wait(desk, leader, other, frame, nearest)
            while index and (due_ns is None or desk.now_ns >= desk.ends_ns(other)):
                desk.give_up(other)  # older than the nearest: of no use to this or a later frame
                index -= 1
            if due_ns is not None:
                return min(due_ns, desk.ends_ns(other)) if index else due_ns
            if nearest is None or abs(nearest.time_ns - frame.time_ns) > tolerance_ns:
                desk.alone(leader)
                continue
            leader.queue.popleft()
            desk.pair(*((frame, nearest) if self._ir_leads else (nearest, frame)))
        return self._tidy(desk, leader, other)

    def _roles(self, desk: Desk) -> tuple[LiveStream, LiveStream]:
        return (desk.ir, desk.vis) if self._ir_leads else (desk.vis, desk.ir)

    @staticmethod
    def _wait(
        desk: Desk, leader: LiveStream, other: LiveStream, frame: Waiting, nearest: Waiting | None
    ) -> int | None:
        """Until when a nearer one is waited for; None to take what there is."""
        if other.gone or (other.reach_ns is not None and other.reach_ns >= frame.time_ns):
            return None
        half_ns = round((leader.rhythm.period_ns or _PERIOD_NS) / 2)
        until_ns = frame.pushed_ns + desk.lag_ns(leader) + half_ns
        if nearest is not None and not nearest.used:
            until_ns = min(until_ns, nearest.since_ns + desk.hold_ns(other))
        if desk.now_ns >= until_ns:
            return None
        if nearest is not None:
            skew_ns = frame.time_ns - nearest.time_ns
            next_ns = nearest.time_ns + other.rhythm.shortest_ns
            arrives_ns = next_ns + other.rhythm.least_latency_ns + other.offset_ns
            no_nearer = next_ns - frame.time_ns >= skew_ns
            if skew_ns <= desk.hysteresis_ns or no_nearer or arrives_ns > until_ns:
                return None
        return min(until_ns, desk.silent_at_ns(other))

    @staticmethod
    def _tidy(desk: Desk, leader: LiveStream, other: LiveStream) -> int | None:
        """Of the other camera's frames only those stay that may be the nearest to one to come."""
        queue = other.queue
        if leader.gone and queue:
            newest = queue[-1]
            while queue:
                desk.alone(other)
            queue.append(newest)  # the leader's first frame may be near to it
        while len(queue) > 1 and leader.reach_ns is not None:
            if queue[1].time_ns > leader.reach_ns:
                break
            desk.give_up(other)
        while queue and not (queue[0].used and len(queue) == 1):
            if desk.now_ns < desk.ends_ns(other):
                return min(desk.ends_ns(other), desk.silent_at_ns(leader))
            desk.give_up(other)
        return None


def _nearest(stream: LiveStream, time_ns: int) -> int:
    """Index of the waiting frame nearest to this time, of two the newer; 0 where none waits."""
    queue = stream.queue
    index = 0
    while index + 1 < len(queue) and abs(queue[index + 1].time_ns - time_ns) <= abs(
        queue[index].time_ns - time_ns
    ):
        index += 1
    return index
