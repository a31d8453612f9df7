"""Flicker of the whole frame: its mean level moves more than the sources make it move."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .temporal_planes import Planes, rms


class LevelMeter:
    """Mean level of every frame, and how far its changes exceed those of the sources.

    The excess of a step is ``max(0, |dF| - (|dIR| + |dVIS|) / 2)``, d being the change of a
    frame's mean luma from one frame to the next. Absolute values, so that a fusion that stays
    calm while the gain of one camera jumps is not blamed for it.

    The figures of a method:

    ``level_rms``
        R.m.s. of the excess over all steps, grey levels, 0..255; 0 is best.
    ``level_worst``
        Largest excess, grey levels, 0..255.

    Attributes:
        ir: mean luma of each infrared frame, grey levels 0..255.
        vis: the same of the visible frames.
        fused: the same of the fused frames of each method.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.ir: list[float] = []
        self.vis: list[float] = []
        self.fused: dict[str, list[float]] = {name: [] for name in names}

    def add(self, now: Planes) -> None:
        """Take the next frame."""
        self.ir.append(float(now.ir.mean()))
        self.vis.append(float(now.vis.mean()))
        for name, levels in self.fused.items():
            levels.append(float(now.fused[name].mean()))

    def figures(self, name: str) -> dict[str, float]:
        """Figures of one method, see above."""
        sources = (np.abs(np.diff(self.ir)) + np.abs(np.diff(self.vis))) / 2
        excess = np.maximum(np.abs(np.diff(self.fused[name])) - sources, 0)
        return {"level_rms": rms(excess), "level_worst": float(excess.max())}
