"""How long to wait before a camera is tried again."""

from __future__ import annotations

FIRST_S, MOST_S = 0.2, 0.8
# A camera that refuses us will go on to, and may lock out who tries a wrong password too often.
REFUSED_MOST_S = 10.0


class Backoff:
    """Twice as long after each failure, up to 0.8 s: who comes back is seen within a second."""

    def __init__(self) -> None:
        self._next_s = FIRST_S

    def next_s(self, *, refused: bool = False) -> float:
        """How long to wait after one more failure, in s.

        Args:
            refused: the camera is there, but will not have us: up to 10 s then.
        """
        waited = min(self._next_s, REFUSED_MOST_S if refused else MOST_S)
        self._next_s = 2 * waited
        return waited

    def reset(self) -> None:
        """The camera works: the next failure is a first one again."""
        self._next_s = FIRST_S
