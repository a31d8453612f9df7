"""From single signs that a picture stands still to an event with a beginning and an end."""

from __future__ import annotations

from collections import deque
from enum import Enum

# Runs that tell how often the camera repeats a picture when all is well.
_REMEMBERED = 32
# Before so many runs have been seen, a camera that repeats by habit cannot be told from a frozen
# one.
_NEEDED = 3
# No shutter event is this short: it was a hiccup, and the next one like it is no news.
_SHORTEST_EVENT_NS = 300_000_000
# The third event in a row, with nothing normal in between, is the camera's own slow rate.
_IN_A_ROW = 3
# New pictures that end an event: a single one may be an encoder's refresh of the same picture.
_NEW_TO_END = 2
# An event lasts at least this long, so that what follows from it does not flicker.
_HOLD_NS = 200_000_000
# An event without further signs ends in this time.
_QUIET_NS = 500_000_000


class Standstill(Enum):
    """Whether a camera's picture stands still."""

    NONE = "none"
    SUSPECTED = "suspected"
    FROZEN = "frozen"


class StandstillJudge:
    """Judges runs of signs by what is usual for this camera.

    A run is the number of signs since the last new picture. Many cameras deliver each picture
    several times (9 pictures a second in a stream of 30 frames), so the longest of the last 32
    runs counts as usual, and only a run more than twice as long is a standstill.
    """

    def __init__(self, least: int) -> None:
        """Start with nothing learnt: the first three runs are only watched.

        Args:
            least: signs that make a standstill for a camera that never repeats a picture.
        """
        self._least = least
        self._usual: deque[int] = deque(maxlen=_REMEMBERED)
        self._run = 0
        self._frozen = False
        self._frozen_ns = 0
        self._changed_ns: int | None = None
        self._sign_ns = 0
        self._new_pictures = 0
        self._in_a_row = 0

    @property
    def run(self) -> int:
        """Signs since the last new picture."""
        return self._run

    def restart(self) -> None:
        """Forget the run under way, not what is usual."""
        self._run = 0
        self._frozen = False
        self._changed_ns = None
        self._new_pictures = 0

    def observe(self, *, is_new: bool, is_sign: bool, now_ns: int) -> Standstill:
        """Take one frame.

        Args:
            is_new: the picture differs from the one before.
            is_sign: it should differ, but does not.
            now_ns: capture time of the frame.
        """
        if self._changed_ns is None:
            self._changed_ns = now_ns
        if is_new:
            self._finish(now_ns)
        elif is_sign:
            self._run += 1
            self._sign_ns = now_ns
        if self._judged and is_sign:
            if not self._frozen:
                self._frozen_ns = now_ns
            self._frozen = True
            self._new_pictures = 0
        elif self._frozen and self._over(now_ns):
            self._frozen = False
        if self._frozen:
            return Standstill.FROZEN
        return Standstill.SUSPECTED if self._suspicious else Standstill.NONE

    @property
    def _judged(self) -> bool:
        return self._learnt and self._run >= max(self._least, 2 * max(self._usual) + 1)

    @property
    def _suspicious(self) -> bool:
        return self._learnt and self._run >= max(2, max(self._usual) + 1)

    @property
    def _learnt(self) -> bool:
        return len(self._usual) >= _NEEDED

    def _finish(self, now_ns: int) -> None:
        """A new picture has come: learn from the run before it, unless that was an event."""
        assert self._changed_ns is not None
        lasted_ns = now_ns - self._changed_ns
        judged = self._judged
        self._in_a_row = self._in_a_row + 1 if judged else 0
        if not judged or lasted_ns < _SHORTEST_EVENT_NS or self._in_a_row >= _IN_A_ROW:
            self._usual.append(self._run)
        self._run = 0
        self._changed_ns = now_ns
        self._new_pictures += 1

    def _over(self, now_ns: int) -> bool:
        if now_ns - self._frozen_ns < _HOLD_NS:
            return False
        return self._new_pictures >= _NEW_TO_END or now_ns - self._sign_ns >= _QUIET_NS
