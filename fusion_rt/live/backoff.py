"""How long to wait before a camera is tried again."""

from __future__ import annotations

FIRST_S, MOST_S = 0.2, 0.8


class Backoff:
    """Twice as long after each failure, up to 0.8 s: who comes back is seen within a second."""

    def __init__(self) -> None:
        self._next_s = FIRST_S

    def next_s(self) -> float:
        """How long to wait after one more failure, in s."""
        waited = self._next_s
        self._next_s = min(2 * waited, MOST_S)
        return waited

    def reset(self) -> None:
        """The camera works: the next failure is a first one again."""
        self._next_s = FIRST_S
