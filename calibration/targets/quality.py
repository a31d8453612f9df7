"""Whether a view is worth keeping: sharp, clear, held still, and not during a shutter event."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from .detection import Detection

# So many pairs at least prove that nothing moved: a board that swings to and fro may lie in the
# same place at two looks.
_LOOKS = 3


@dataclass(frozen=True)
class ViewLimits:
    """What a view has to keep to.

    Attributes:
        edge_px: widest edges. A lens in focus makes 2 to 4 px; of a moving or unfocused board the
            corners are measured less exactly, and where they are is not where they were.
        cnr: least contrast-to-noise ratio.
        sigma_px: greatest standard deviation of a point's place that follows from the noise.
        motion_px: farthest that any part of the board may have gone while it is held still.
        still_s: how long it has to be held still. The two cameras do not take their pictures at
            the same time, so a board that moves is at two places.
        after_shutter_s: how long after a shutter event the infrared picture settles.
    """

    edge_px: float = 7.0
    cnr: float = 2.0
    sigma_px: float = 0.35
    motion_px: float = 0.5
    still_s: float = 0.5
    after_shutter_s: float = 1.0


def complaints(view: Detection, camera: str, limits: ViewLimits | None = None) -> list[str]:
    """What speaks against one camera's view, in plain words; empty where it is good.

    Args:
        view: the board as detected.
        camera: what to call the camera, such as infrared.
        limits: what the view has to keep to; the usual ones where not given.
    """
    limits = limits or ViewLimits()
    found = []
    if view.edge_px > limits.edge_px:
        found.append(
            f"{camera}: not sharp, edges are {view.edge_px:.1f} px wide (at most "
            f"{limits.edge_px:g}): focus, or hold still"
        )
    if view.cnr < limits.cnr:
        found.append(
            f"{camera}: contrast is only {view.cnr:.1f} times the noise (at least {limits.cnr:g}): "
            "warm the board, or light it"
        )
    elif view.sigma_px > limits.sigma_px:
        found.append(
            f"{camera}: points are uncertain by {view.sigma_px:.2f} px (at most "
            f"{limits.sigma_px:g}): come nearer, or give more contrast"
        )
    return found


def motion_px(before: np.ndarray, after: np.ndarray) -> float:
    """How far a board has moved between two pictures: its farthest part, px.

    The points' own uncertainty is taken out as far as it goes: what counts is the best affine
    motion of all of them.

    Args:
        before: (N, 2), px, NaN where unknown.
        after: the same.

    Returns:
        Infinity with fewer than 4 points in common.
    """
    known = np.isfinite(before).all(1) & np.isfinite(after).all(1)
    if known.sum() < 4:
        return float("inf")
    at = before[known] - before[known].mean(0)
    terms = np.column_stack([at, np.ones(len(at))])
    way = terms @ np.linalg.lstsq(terms, after[known] - before[known], rcond=None)[0]
    return float(np.linalg.norm(way, axis=1).max())


class StillWatch:
    """Watches how both cameras see the board, and says when to take a picture.

    Not thread-safe: one thread owns it.
    """

    def __init__(self, limits: ViewLimits | None = None) -> None:
        self._limits = limits or ViewLimits()
        self._seen: deque[tuple[int, np.ndarray, np.ndarray]] = deque()
        self._shutter_ns: int | None = None

    def observe(
        self, ir: Detection | None, vis: Detection | None, now_ns: int, *, shutter: bool = False
    ) -> list[str]:
        """Take the next pair.

        Args:
            ir: the board in the infrared picture, None where it is not found.
            vis: the board in the visible picture.
            now_ns: when the pair was taken, on a clock that only goes forward.
            shutter: whether the infrared camera calibrates itself.

        Returns:
            Why not to keep this view, the most important first; empty when it should be kept.
        """
        if shutter:
            self._shutter_ns = now_ns
        if ir is None or vis is None:
            self._seen.clear()
            where = "either picture" if ir is vis else f"the {'visible' if ir else 'infrared'} one"
            return [f"no board in {where}: all of its points must be in view"]
        reasons = self._settling(now_ns)
        reasons += complaints(ir, "infrared", self._limits)
        reasons += complaints(vis, "visible", self._limits)
        return reasons + self._moving(ir.px, vis.px, now_ns)

    def restart(self) -> None:
        """Forget what was seen: after a picture was taken."""
        self._seen.clear()

    def _settling(self, now_ns: int) -> list[str]:
        if self._shutter_ns is None:
            return []
        rest_s = self._limits.after_shutter_s - (now_ns - self._shutter_ns) / 1e9
        if rest_s <= 0:
            return []
        return [f"infrared: calibrates itself, wait {rest_s:.1f} s"]

    def _moving(self, ir_px: np.ndarray, vis_px: np.ndarray, now_ns: int) -> list[str]:
        """Compare with all that was seen while it had to be still."""
        worst = 0.0
        for _, ir_before, vis_before in self._seen:
            worst = max(worst, motion_px(ir_before, ir_px), motion_px(vis_before, vis_px))
        if worst > self._limits.motion_px:
            self._seen.clear()
        self._seen.append((now_ns, ir_px, vis_px))
        span_ns = self._limits.still_s * 1e9
        # One pair at least as old as asked for stays, as proof of the whole time.
        while len(self._seen) > _LOOKS and now_ns - self._seen[1][0] >= span_ns:
            self._seen.popleft()
        if worst > self._limits.motion_px:
            return [f"hold still: the board moved by {worst:.1f} px"]
        rest_s = (span_ns - (now_ns - self._seen[0][0])) / 1e9
        if rest_s > 0:
            return [f"hold still for {rest_s:.1f} s more"]
        return [] if len(self._seen) >= _LOOKS else ["hold still"]
