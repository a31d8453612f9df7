"""Which pictures of a network stream may be shown: those of now, and those without damage."""

from __future__ import annotations

_SECOND = 1_000_000_000
# Pictures that come in less than this share of the time between them were waiting somewhere.
_IN_STEP = 0.5
_MOST_HELD_NS = 2 * _SECOND
# A packet that came sooner was there already.
_WAITED_NS = _SECOND // 1000
_NEVER_WAITED_NS = _SECOND
# A stream that is so late for so long was not merely held up for a moment.
_LATE_NS, _LATE_FOR_NS = _SECOND, 2 * _SECOND


class StartGate:
    """Keeps back the old pictures that a camera or a buffer on the way sends first, all at once.

    A stream keeps step from the first picture on that came no sooner than its time stamp asks.
    """

    def __init__(self) -> None:
        self._open = False
        self._first_ns = 0
        self._before: tuple[int, int] | None = None

    def passes(self, stamp_ns: int, arrived_ns: int) -> bool:
        """Whether the packet with these times, and all after it, are of now."""
        if self._open:
            return True
        if self._before is None:
            self._first_ns = arrived_ns
        else:
            step_ns, waited_ns = stamp_ns - self._before[0], arrived_ns - self._before[1]
            in_step = step_ns > 0 and waited_ns >= _IN_STEP * step_ns
            self._open = in_step or arrived_ns - self._first_ns > _MOST_HELD_NS
        self._before = (stamp_ns, arrived_ns)
        return self._open


class DamageGuard:
    """Keeps back damaged pictures, and those after them that are made from them.

    Decoders mark a picture of which parts are missing, but not the next ones, which build on it
    until a key frame comes. A camera may send those seldom, so the wait has an end.
    """

    def __init__(self, patience_ns: int) -> None:
        """All is well.

        Args:
            patience_ns: pictures are shown again so long after the first damage, whatever comes.
        """
        self._patience_ns = patience_ns
        self._since_ns: int | None = None

    def harm(self, now_ns: int) -> None:
        """Something was lost or could not be decoded."""
        if self._since_ns is None:
            self._since_ns = now_ns

    def passes(self, now_ns: int, *, key: bool, corrupt: bool) -> bool:
        """Whether a picture is sound."""
        if corrupt:
            self.harm(now_ns)
        if self._since_ns is None:
            return True
        over = now_ns - self._since_ns > self._patience_ns
        if over or (key and not corrupt):
            self._since_ns = None
            return not corrupt
        return False


class BacklogWatch:
    """Notices that packets queue up because they are decoded more slowly than they come.

    A reader that keeps up waits for nearly every packet. One that finds the next packet there each
    time, for a second on end, works on old pictures; it then leaves out packets, which costs next
    to nothing, until it has to wait for one again.
    """

    def __init__(self) -> None:
        self._since_ns: int | None = None

    def skips(self, waited_ns: int, now_ns: int) -> bool:
        """Whether to leave out a packet that was waited for so long."""
        if waited_ns > _WAITED_NS:
            self._since_ns = None
            return False
        if self._since_ns is None:
            self._since_ns = now_ns
        return now_ns - self._since_ns > _NEVER_WAITED_NS


class LateWatch:
    """Notices a stream that falls behind for good, where only the age of its pictures is seen."""

    def __init__(self) -> None:
        self._since_ns: int | None = None

    def behind(self, late_ns: int, now_ns: int) -> bool:
        """Whether all pictures of the last two seconds were more than a second late."""
        if late_ns < _LATE_NS:
            self._since_ns = None
            return False
        if self._since_ns is None:
            self._since_ns = now_ns
        return now_ns - self._since_ns > _LATE_FOR_NS
