"""When a drift that was measured is mended, and when it is not to be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .evidence import LEAST_BLOCKS, Together
from .meter import misregistration_px, parts

_WIDTH = 640  # px; limits in px are for pictures so wide, and grow with wider ones


@dataclass(frozen=True)
class Decision:
    """What is made of the evidence.

    Attributes:
        correction: (3, 3), the whole correction to use from now on; None to leave it as it is.
        why: in words.
    """

    correction: np.ndarray | None
    why: str


@dataclass(frozen=True)
class DriftPolicy:
    """Limits of a correction. Decides from what it is given and keeps nothing.

    A correction is a mean over the last half minute at most, which is what smooths it; after each
    the evidence begins anew, so that one follows the other only after as many pairs again.

    Attributes:
        least_frames: pairs that must have counted.
        most_spread_px: how far the single pairs may lie apart, see `evidence.Together`; this and
            the next two in px of a picture 640 px wide.
        least_px: what lies off by less is left alone.
        most_shift_px: of the whole correction, at the centre.
        most_turn_deg: of the whole correction.
        most_scale: of the whole correction, as a share.
        sure: how many standard errors it must lie off by.
    """

    least_frames: int = 15
    most_spread_px: float = 2.0
    least_px: float = 0.5
    most_shift_px: float = 12.0
    most_turn_deg: float = 1.0
    most_scale: float = 0.02
    sure: float = 4.0

    def decide(
        self, together: Together | None, whole: np.ndarray, size_wh: tuple[int, int]
    ) -> Decision:
        """What to do now.

        Args:
            together: evidence of pairs that were laid in the way that is in use.
            whole: (3, 3), what would be the whole correction if the evidence were followed, px
                of the camera whose pictures are corrected.
            size_wh: width and height of those in px.
        """
        frames = 0 if together is None else together.frames
        if together is None or frames < self.least_frames:
            return Decision(None, f"{frames} of {self.least_frames} pairs so far")
        found, off_px, wider = together.estimate, together.off_px, _wider(together.size_wh)
        if together.spread_px > self.most_spread_px * wider:
            return Decision(None, f"the pairs disagree by {together.spread_px:.1f} px")
        if found.blocks < LEAST_BLOCKS:
            return Decision(None, "the pairs together agree in too few places")
        if off_px < max(self.least_px * wider, self.sure * found.error_px):
            return Decision(None, f"{off_px:.1f} px (±{found.error_px:.1f}) is left alone")
        shift_px, turn, scale = parts(whole, size_wh)
        if (
            shift_px > self.most_shift_px * _wider(size_wh)
            or abs(turn) > self.most_turn_deg
            or abs(scale) > self.most_scale
        ):
            total_px = misregistration_px(whole, size_wh)
            return Decision(None, f"{total_px:.1f} px in all is too much: calibrate again")
        return Decision(whole, f"{off_px:.1f} px off (±{found.error_px:.1f})")


def _wider(size_wh: tuple[int, int]) -> float:
    return max(1.0, size_wh[0] / _WIDTH)
