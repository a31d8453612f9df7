"""Live pairing by mutual nearest neighbours."""

from __future__ import annotations

from .desk import Desk
from .out_of_step import OutOfStep
from .stream import LiveStream


class Nearest:
    """Mutual nearest neighbours, as in `fusion_rt.pairing.Pairer`, but no wait without an end.

    A pair is made at once where nothing that follows can be nearer by more than the hysteresis:
    with a skew within it, or where the older frame's successor, by its camera's rhythm, will be
    farther off. Otherwise it waits for that successor, but only as long as a nearer one could
    still arrive: twice the skew, and half a period for arrivals that jitter.
    """

    def __init__(self) -> None:
        self._step = OutOfStep()
        self._earlier: LiveStream | None = None

    @property
    def out_of_step(self) -> bool:
        """See `Mode.out_of_step`."""
        return self._step.lost

    def tolerance_ns(self, desk: Desk) -> int:
        """See `Mode.tolerance_ns`."""
        return desk.tolerance_ns()

    def decide(self, desk: Desk) -> int | None:
        """See `Mode.decide`."""
        tolerance_ns = desk.tolerance_ns()
        self._step.look(desk, tolerance_ns)
        ir, vis = desk.ir, desk.vis
        while ir.queue or vis.queue:
            if not ir.queue or not vis.queue:
                due_ns = self._without_partner(desk, ir if ir.queue else vis, tolerance_ns)
            else:
                older = ir if ir.queue[0].time_ns <= vis.queue[0].time_ns else vis
                due_ns = self._meet(desk, older, tolerance_ns)
            if due_ns is not None:
                return self._step.due_ns(desk, due_ns)
        return None

    def _without_partner(self, desk: Desk, lone: LiveStream, tolerance_ns: int) -> int | None:
        other = desk.other(lone)
        if other.gone:
            desk.alone(lone)
            return None
        head = lone.queue[0]
        passed = other.reach_ns is not None and other.reach_ns - head.time_ns > tolerance_ns
        until_ns = desk.ends_ns(lone)
        if passed or desk.now_ns >= until_ns or self._step.shows(desk, lone):
            self._step.let_go(desk, lone)
            return None
        return min(until_ns, desk.silent_at_ns(other))

    def _meet(self, desk: Desk, older: LiveStream, tolerance_ns: int) -> int | None:
        newer = desk.other(older)
        first, partner = older.queue[0], newer.queue[0]
        skew_ns = partner.time_ns - first.time_ns
        if skew_ns > tolerance_ns:
            self._step.let_go(desk, older)
            return None
        if skew_ns > desk.hysteresis_ns:
            margin_ns = desk.hysteresis_ns if older is self._earlier else 0
            nearer_ns = skew_ns - margin_ns
            if _comes_nearer(older, partner.time_ns, nearer_ns):
                self._step.let_go(desk, older)
                return None
            reach_ns = first.time_ns if older.reach_ns is None else older.reach_ns
            next_ns = reach_ns + older.rhythm.shortest_ns
            if not older.gone and next_ns < partner.time_ns + nearer_ns:
                until_ns = min(
                    first.pushed_ns + 2 * skew_ns + desk.slack_ns,
                    desk.ends_ns(older),
                    desk.ends_ns(newer),
                )
                if desk.now_ns < until_ns:
                    return min(until_ns, desk.silent_at_ns(older))
        if skew_ns:
            self._earlier = older
        older.queue.popleft()
        newer.queue.popleft()
        desk.pair(*((first, partner) if older is desk.ir else (partner, first)))
        self._step.paired(desk)
        return None


def _comes_nearer(stream: LiveStream, time_ns: int, within_ns: int) -> bool:
    """Whether one of the frames behind the oldest is less than so far from a time."""
    for index in range(1, len(stream.queue)):
        if abs(stream.queue[index].time_ns - time_ns) < within_ns:
            return True
        if stream.queue[index].time_ns >= time_ns:
            break
    return False
