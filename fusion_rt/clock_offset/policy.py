"""When a clock offset that was found is taken over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .estimate import OffsetState


@dataclass(frozen=True, slots=True)
class OffsetPolicy:
    """The setting ``clock.apply`` and its limits. Decides from what it is given and keeps nothing.

    Each change of the offset can cost a pair, so small ones are not worth it.

    Attributes:
        apply: "auto" changes the offset by itself, "offer" leaves that to the user.
        least_change_ms: smaller changes are left out.
        least_wait_s: time from one change to the next.
    """

    apply: Literal["offer", "auto"] = "offer"
    least_change_ms: float = 3.0
    least_wait_s: float = 10.0

    def offered_ms(self, state: OffsetState, current_ms: float) -> float | None:
        """The offset that would be better than the current one, in ms; None where none is.

        Better is one that is sure, and further from the current one than ``least_change_ms`` and
        than its own error.
        """
        if not state.sure or state.offset_ms is None or state.plus_minus_ms is None:
            return None
        worth_ms = max(self.least_change_ms, state.plus_minus_ms)
        return state.offset_ms if abs(state.offset_ms - current_ms) >= worth_ms else None

    def applied_ms(self, state: OffsetState, current_ms: float, since_s: float) -> float | None:
        """The offset to take over now by itself, in ms; None to leave the current one.

        Args:
            state: what is known.
            current_ms: the offset in use.
            since_s: time since it was last changed; infinite where it never was.
        """
        if self.apply != "auto" or since_s < self.least_wait_s:
            return None
        return self.offered_ms(state, current_ms)
