"""The time stamps of one camera: repeated, out of order, or from a clock that has jumped."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from ..frame import Frame, FrameFlags
from ..ledger import DropReason

# No live camera is later than this; an older stamp is wrong.
MOST_LATENCY_NS = 1_000_000_000
# A jump is bridged by the camera's rhythm over so many periods; beyond, by the time of arrival.
_PERIODS = 10
_RECENT = 16


class CameraClock:
    """Lets frames pass whose time stamps go on, and finds the way again after a jump.

    A stamp that goes back, or lies in the future, by more than a given limit is a jump. One such
    frame alone may be damaged: it is dropped. The next one that agrees with it shows that the
    clock has changed. If its stamps are possible ones for a live camera, they are taken as they
    come: the camera, or the reader of its clock, has found the right time. If not, they are moved
    so that the camera goes on in its rhythm, until its clock comes right again.

    Attributes:
        jumps: how often the clock has changed.
        correction_ns: what is added to the stamps now.
        epoch: how often the stamps that pass have gone back or ahead with it.
    """

    def __init__(self) -> None:
        self.jumps = 0
        self.correction_ns = 0
        self.epoch = 0
        self._newest_ns: int | None = None
        self._newest_arrived_ns = 0
        self._floor_ns = 0
        self._suspect: Frame | None = None
        self._recent: deque[int] = deque(maxlen=_RECENT)

    def admit(self, frame: Frame, period_ns: float | None, limit_ns: int) -> Frame | DropReason:
        """The frame with its stamp put right, or why it cannot be used.

        Args:
            frame: as the camera gave it, ``arrived_ns`` on a clock that never jumps.
            period_ns: of the camera; None while unknown.
            limit_ns: what counts as a jump.

        Returns:
            A frame that is older than one before has the flag LATE.
        """
        captured_ns = frame.captured_ns + self.correction_ns
        if self._newest_ns is None:
            self._floor_ns = frame.arrived_ns - captured_ns
        elif self._is_off(captured_ns, frame.arrived_ns, limit_ns):
            suspect, self._suspect = self._suspect, frame
            if suspect is None or not _agree(suspect, frame, limit_ns):
                return DropReason.CLOCK_JUMP
            captured_ns = self._jump(frame, self._newest_ns, period_ns, limit_ns)
        self._suspect = None
        flags = frame.flags
        if self._newest_ns is None or captured_ns > self._newest_ns:
            leak_ns = (frame.arrived_ns - self._newest_arrived_ns) // 1000
            self._floor_ns = min(self._floor_ns + leak_ns, frame.arrived_ns - captured_ns)
            self._newest_ns, self._newest_arrived_ns = captured_ns, frame.arrived_ns
        elif captured_ns in self._recent:
            return DropReason.DUPLICATE
        else:
            flags |= FrameFlags.LATE
        self._recent.append(captured_ns)
        if captured_ns == frame.captured_ns and flags == frame.flags:
            return frame
        begun_ns = frame.begun_ns + captured_ns - frame.captured_ns
        return replace(frame, captured_ns=captured_ns, begun_ns=begun_ns, flags=flags)

    def _is_off(self, captured_ns: int, arrived_ns: int, limit_ns: int) -> bool:
        assert self._newest_ns is not None
        if captured_ns < self._newest_ns - limit_ns:
            return True
        # In the future, and not by an offset that was there all the time.
        return arrived_ns - captured_ns < min(self._floor_ns, 0) - limit_ns

    def _jump(self, frame: Frame, newest_ns: int, period_ns: float | None, limit_ns: int) -> int:
        elapsed_ns = frame.arrived_ns - self._newest_arrived_ns
        steps = round(elapsed_ns / period_ns) if period_ns else 0
        if period_ns and 1 <= steps <= _PERIODS:
            elapsed_ns = round(steps * period_ns)
        expected_ns = newest_ns + elapsed_ns
        self.jumps += 1
        if -limit_ns <= frame.arrived_ns - frame.captured_ns <= MOST_LATENCY_NS:
            self.correction_ns = 0
            captured_ns = frame.captured_ns
            if abs(captured_ns - expected_ns) > limit_ns:
                self.epoch += 1
                self._newest_ns = None
                self._recent.clear()
        else:
            captured_ns = expected_ns
            self.correction_ns = captured_ns - frame.captured_ns
        self._floor_ns = frame.arrived_ns - captured_ns
        return captured_ns


def _agree(first: Frame, second: Frame, limit_ns: int) -> bool:
    """Whether both stamps are of one clock: it went on, and by about as much as time did."""
    step_ns = second.captured_ns - first.captured_ns
    return step_ns > 0 and abs(step_ns - (second.arrived_ns - first.arrived_ns)) <= limit_ns
