"""Figures of a fused clip over time: does it flicker more than its sources?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from ..errors import UsageError
from .flicker_level import LevelMeter
from .flicker_still import StillMeter
from .flicker_warp import WarpMeter
from .temporal_planes import Planes


class TemporalFigure(NamedTuple):
    """One figure as tables show it; of all of them lower is better.

    Attributes:
        key: in what `TemporalMeter.figures` returns.
        name: short name for people.
        unit: of the value; empty for a pure number.
        meaning: a few words for people.
        source: key of what it is to be compared with; empty where there is nothing.
    """

    key: str
    name: str
    unit: str
    meaning: str
    source: str = ""


_LEVELS: Final = "grey levels"
FIGURES: Final[tuple[TemporalFigure, ...]] = (
    TemporalFigure("still_ratio", "still ratio", "", "change of still pixels over the sources'"),
    TemporalFigure(
        "still_change", "still change", _LEVELS, "change of still pixels, r.m.s.", "still_input"
    ),
    TemporalFigure("level_rms", "level", _LEVELS, "frame's mean moves beyond its sources, r.m.s."),
    TemporalFigure("level_worst", "level, worst", _LEVELS, "the same in the worst frame"),
    TemporalFigure("warp_ratio", "warp ratio", "", "error along the motion over the sources'"),
    TemporalFigure(
        "warp_error", "warp error", _LEVELS, "error along the motion, mean", "warp_input"
    ),
)

MIN_SIDE = 16  # px; the dense flow of the warped error refuses pictures a little smaller


class TemporalMeter:
    """Measures one clip frame by frame, one or more fused versions of it in one go.

    Holds two frames at a time. See `StillMeter`, `LevelMeter` and `WarpMeter` for the figures.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """Start a clip.

        Args:
            names: of the methods whose fused frames `add` will be given.
        """
        self.names = tuple(names)
        self.levels = LevelMeter(self.names)
        self._still = StillMeter(self.names)
        self._warp = WarpMeter(self.names)
        self._before: Planes | None = None

    def add(self, ir: np.ndarray, vis: np.ndarray, fused: Mapping[str, np.ndarray]) -> None:
        """Take the next frame.

        Args:
            ir: (H, W) uint8, lying on the visible picture.
            vis: (H, W, 3) uint8 BGR, or (H, W) uint8.
            fused: of each method, like ``vis``.

        Raises:
            UsageError: the sizes differ among them or from the frame before, or a side is below
                `MIN_SIDE`.
        """
        now = Planes.of(ir, vis, {name: fused[name] for name in self.names})
        before = self._before
        height, width = now.vis.shape
        if min(height, width) < MIN_SIDE:
            raise UsageError(
                f"the pictures are {width}x{height}, but flicker is measured on {MIN_SIDE} px a "
                "side or more",
                hint="use larger pictures",
            )
        if before is not None:
            if before.vis.shape != now.vis.shape:
                raise UsageError(
                    f"the pictures change from {before.vis.shape[::-1]} to {now.vis.shape[::-1]}",
                    hint="measure the parts of one size one by one",
                )
            self._still.add(before, now)
            self._warp.add(before, now)
        self.levels.add(now)
        self._before = now

    def figures(self) -> dict[str, dict[str, float]]:
        """All figures by method.

        Returns:
            For each method the keys ``still_ratio``, ``still_change``, ``still_input``,
            ``still_share`` (`StillMeter`), ``level_rms``, ``level_worst`` (`LevelMeter`),
            ``warp_ratio``, ``warp_error``, ``warp_input``, ``warp_share`` (`WarpMeter`),
            ``frames``.
        Raises:
            UsageError: fewer than two frames.
        """
        frames = len(self.levels.ir)
        if frames < 2:
            raise UsageError(
                f"flicker is measured from frame to frame, but there is {frames} frame",
                hint="give a clip of two frames or more",
            )
        return {
            name: {
                **self._still.figures(name),
                **self.levels.figures(name),
                **self._warp.figures(name),
                "frames": float(frames),
            }
            for name in self.names
        }
