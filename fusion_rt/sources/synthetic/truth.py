"""What is known about the scene because it was made: geometry, clock, warm targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .draw import KELVIN_BASE, draw
from .geometry import homography_vis_ir, visible_view
from .layout import make_layout
from .movers import Traveller, make_travellers, poses_at
from .settings import SceneSettings
from .still import paint_still

WARM_K = 287.0  # targets are warmer than this; houses and street are cooler


@dataclass(frozen=True)
class Target:
    """One warm mover at a time.

    Attributes:
        name: for instance "walker 3", "cyclist", "car 1", "cat"; stays with it.
        box: left, top, right, bottom in visible px; the last two are just outside.
        mask: (H, W) bool in visible px, its warm part as far as nothing stands before it.
        depth_m: distance from the cameras.
    """

    name: str
    box: tuple[int, int, int, int]
    mask: np.ndarray
    depth_m: float


@dataclass(frozen=True)
class SceneTruth:
    """Truth about one recording.

    Attributes:
        settings: of the recording.
        H_vis_ir: (3, 3) float64, infrared px to visible px, pixel centres at integers.
        ir_offset_ms: infrared stamps are later than the truth by this.
    """

    settings: SceneSettings
    H_vis_ir: np.ndarray
    ir_offset_ms: float
    _travellers: tuple[Traveller, ...] = field(repr=False)

    @cached_property
    def _depth(self) -> np.ndarray:
        settings = self.settings
        view = visible_view(settings.vis_wh)
        layout = make_layout(settings.seed)
        return paint_still(view, layout, settings.seed, heat_only=True).depth

    def targets(self, t_ns: int) -> list[Target]:
        """Warm movers in the visible picture at a time in ns from the start, the farthest first."""
        view = visible_view(self.settings.vis_wh)
        found: list[Target] = []
        for pose in poses_at(self._travellers, t_ns / 1e9):
            sprite = draw(pose.parts(view), view.size_wh, heat=True)
            if sprite is None:
                continue
            solid = sprite.cover > 0.5
            warm = sprite.tone + KELVIN_BASE * sprite.cover > WARM_K * sprite.cover
            free = self._depth[sprite.window] > pose.z - pose.reach_m
            for behind in found:  # the nearer one hides them
                behind.mask[sprite.window] &= ~(solid & free)
            mask = np.zeros(self._depth.shape, bool)
            mask[sprite.window] = solid & warm & free
            found.append(Target(pose.who.name, (0, 0, 0, 0), mask, pose.z))
        return [
            Target(target.name, _box(target.mask), target.mask, target.depth_m)
            for target in found
            if target.mask.any()
        ]

    def target_mask(self, t_ns: int) -> np.ndarray:
        """All warm movers at a time in ns from the start, (H, W) bool in visible px."""
        mask = np.zeros(self._depth.shape, bool)
        for target in self.targets(t_ns):
            mask |= target.mask
        return mask


def truth(settings: SceneSettings) -> SceneTruth:
    """Truth about the recording that these settings make."""
    return SceneTruth(
        settings,
        homography_vis_ir(settings.ir_wh, settings.vis_wh),
        settings.ir_offset_ms,
        make_travellers(settings.seed),
    )


def rig_dict(settings: SceneSettings) -> dict[str, Any]:
    """Geometry of the two cameras in plain numbers, as a rig file holds it."""
    matrix = homography_vis_ir(settings.ir_wh, settings.vis_wh)
    return {
        "ir": {"size": list(settings.ir_wh)},
        "vis": {"size": list(settings.vis_wh)},
        "H_vis_ir": [[float(value) for value in row] for row in matrix],
    }


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1
