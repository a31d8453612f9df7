"""The ways of pairing live frames.

Each decides what it can with the frames that lie on the desk, and says when at the latest it wants
to be asked again, should nothing come until then.
"""

from __future__ import annotations

from typing import Protocol

from .desk import Desk
from .leading import Leading
from .nearest import Nearest
from .rules import PairingMode


class Mode(Protocol):
    """A way of pairing."""

    @property
    def out_of_step(self) -> bool:
        """Whether both cameras deliver, but no pair comes about."""

    def decide(self, desk: Desk) -> int | None:
        """Decide what can be decided; returns when the next wait ends, None if nothing waits."""

    def tolerance_ns(self, desk: Desk) -> int:
        """Largest skew of a pair."""


def make_mode(mode: PairingMode) -> Mode:
    """The way of pairing of this name."""
    if mode is PairingMode.NEAREST:
        return Nearest()
    return Latest() if mode is PairingMode.LATEST else Leading(mode)


class Latest:
    """The newest frame of each camera, as soon as both have one that was not shown."""

    out_of_step = False

    def tolerance_ns(self, desk: Desk) -> int:
        """Of no meaning here: what mode ``nearest`` would use."""
        return desk.tolerance_ns()

    def decide(self, desk: Desk) -> int | None:
        """See `Mode.decide`."""
        ir, vis = desk.ir, desk.vis
        for stream in (ir, vis):
            while len(stream.queue) > 1 and not desk.other(stream).gone:
                desk.give_up(stream)
        if ir.queue and vis.queue:
            desk.pair(ir.queue.popleft(), vis.queue.popleft())
        lone = ir if ir.queue else vis
        other = desk.other(lone)
        if other.gone:
            while lone.queue:
                desk.alone(lone)
        return desk.silent_at_ns(other) if lone.queue else None
