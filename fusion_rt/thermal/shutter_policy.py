"""How much the infrared picture counts while it stands still, and how it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .motion import change, reduced

# From shown to gone, and back.
FADE_NS = 150_000_000
# The scene has moved away from an infrared picture that stands still when a tile of the visible
# one differs by so much, in px of the reduced picture. Noise at night and foliage in the wind stay
# below, someone walking does not.
_MOVED = 1.0

Policy = Literal["hold", "fade"]


@dataclass(frozen=True, slots=True)
class Fade:
    """A weight on its way to 0 or 1.

    Attributes:
        weight: where it was at ``since_ns``.
        target: where it goes.
        since_ns: when it set out.
    """

    weight: float = 1.0
    target: float = 1.0
    since_ns: int = 0

    def at(self, now_ns: int) -> float:
        """The weight at a time: a straight line that takes `FADE_NS` from 0 to 1."""
        way = max(0, now_ns - self.since_ns) / FADE_NS
        if self.target >= self.weight:
            return min(self.target, self.weight + way)
        return max(self.target, self.weight - way)

    def towards(self, target: float, now_ns: int) -> Fade:
        """The same weight, from now on on its way to ``target``."""
        return self if target == self.target else Fade(self.at(now_ns), target, now_ns)


class ShutterPolicy:
    """Weight of the infrared picture over time, by the frames' own times.

    ``hold`` keeps the last infrared picture as long as the scene stays as it was, and fades it out
    once something has moved: a person's warm outline must not stay where nobody is. ``fade`` fades
    it out at once. After the event it fades in again. Not thread-safe: one thread owns it.
    """

    def __init__(self, policy: Policy = "hold") -> None:
        """Start with the infrared shown."""
        self.policy: Policy = policy  # may be set while running
        self._fade = Fade()
        self._at_freeze: np.ndarray | None = None
        self._moved = False

    def weight(self, frozen: bool, vis: np.ndarray, now_ns: int) -> float:
        """Weight of the infrared picture, 0..1.

        Args:
            frozen: whether it stands still, see `shutter.ShutterState`.
            vis: (H, W, 3) uint8 BGR or (H, W) uint8, the visible picture that is shown with it.
            now_ns: capture time of that picture; in order of time.
        """
        if not frozen:
            self._at_freeze, self._moved = None, False
        elif self.policy == "hold" and not self._moved:
            now = reduced(vis)
            if self._at_freeze is None:
                self._at_freeze = now
            self._moved = change(self._at_freeze, now).strongest >= _MOVED
        gone = frozen and (self.policy == "fade" or self._moved)
        self._fade = self._fade.towards(0.0 if gone else 1.0, now_ns)
        return self._fade.at(now_ns)
