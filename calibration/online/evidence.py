"""What the pairs of the last while say together about how the pictures lie."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from .field import Field, field_of
from .matcher import Matcher, voted
from .meter import five_places, misregistration_px
from .pair_estimate import Estimate, compare, fitted, told
from .surfaces import Surfaces

# Blocks that must agree before a pair counts: of 62 pairs of one scene 95 % had four and more, of
# as many of two scenes none more than two.
LEAST_BLOCKS = 4
_FRAMES = 30
# Pairs later, one is forgotten, as the rig may have moved since: a minute at two a second.
_OLDEST = 120
# Pictures whose edges correlate so much show the same scene. Of different ones hardly any reach
# 0.2, noise at night leaves 0.4 and more.
_SAME = 0.25
# What one scene can be off by for reasons of its own, in working px: things nearer and farther
# than the rest, edges that are elsewhere in warmth than in light.
_OF_ONE_SCENE = 0.75


@dataclass(frozen=True, eq=False)
class _Frame:
    """A pair that counted.

    Attributes:
        number: counts up.
        scene: number of the first pair of the same scene.
        edges: of the visible picture, of length 1.
        height: see `surfaces.Surfaces`.
        moved: (5, 2), where the pair by itself puts five places.
    """

    number: int
    scene: int
    edges: np.ndarray
    height: np.ndarray
    moved: np.ndarray


@dataclass(frozen=True)
class Together:
    """The last pairs together.

    Attributes:
        estimate: of all of them; its ``error_px`` includes what few scenes may be off by.
        frames: pairs that counted, 30 at most.
        scenes: views among them that differ.
        spread_px: median distance of the single pairs' estimates from their median.
        size_wh: width and height of the pictures in px.
    """

    estimate: Estimate
    frames: int
    scenes: int
    spread_px: float
    size_wh: tuple[int, int]

    @property
    def off_px(self) -> float:
        """How far the infrared lies off, see `misregistration_px`."""
        return misregistration_px(self.estimate.similarity, self.size_wh)


class Evidence:
    """Gathers pairs that were laid on each other in one and the same way.

    One pair is off by a px or so for reasons of its own; different scenes are so in different
    directions, and together they tell a fraction of a px. More pairs of one scene lessen noise,
    but say nothing new. Not thread-safe.
    """

    def __init__(self, matcher: Matcher | None = None) -> None:
        """Start with nothing known.

        Args:
            matcher: finds points in both pictures; None for blocks of edges.
        """
        self._matcher = matcher
        self._frames: list[_Frame] = []
        self._number = 0
        self._like: Surfaces | None = None
        self._wh = (0, 0)
        self._together: Together | None = None

    def clear(self) -> None:
        """Forget everything: the pictures are laid on each other in another way from now on."""
        self._frames.clear()
        self._like = self._together = None

    def add(
        self, ir_on_vis: np.ndarray, vis: np.ndarray, seen: np.ndarray | None = None
    ) -> Estimate:
        """Take a pair; it counts if `counts` says so of what is returned.

        Args:
            ir_on_vis: (H, W) uint8 or uint16, the infrared laid on the visible picture.
            vis: (H, W, 3) uint8 BGR or (H, W) uint8.
            seen: (H, W), 0 where the infrared does not see; None where it sees all.

        Returns:
            What the pair says by itself.

        Raises:
            RigError: sizes differ or are too small.
        """
        field = field_of(vis)
        if self._matcher is None:
            like = compare(field_of(ir_on_vis, seen), field)
        else:
            like = voted(self._matcher(ir_on_vis, vis), vis.shape[1::-1], seen)
        single = told(fitted(like.height[None], like), like)
        if not counts(single):
            return single
        if field.picture_wh != self._wh:
            self.clear()
        self._like, self._wh, self._together = like, field.picture_wh, None
        places = five_places(self._wh)
        moved = places @ single.similarity[:2, :2].T + single.similarity[:2, 2]
        self._keep(_edges(field), like.height, moved)
        return single

    @property
    def together(self) -> Together | None:
        """What is known now; None while no pair has counted. Takes some ms after a new pair."""
        if self._together is None and self._like is not None:
            self._together = self._sum_up(self._like)
        return self._together

    def _keep(self, edges: np.ndarray, height: np.ndarray, moved: np.ndarray) -> None:
        """Take a pair, and let one of the scene that has most go where there are too many."""
        self._number += 1
        self._frames = [f for f in self._frames if self._number - f.number < _OLDEST]
        alike = [float(np.vdot(frame.edges, edges)) for frame in self._frames]
        best = int(np.argmax(alike)) if alike else 0
        same = bool(alike) and alike[best] >= _SAME
        scene = self._frames[best].scene if same else self._number
        self._frames.append(_Frame(self._number, scene, edges, height, moved))
        if len(self._frames) > _FRAMES:
            most = Counter(frame.scene for frame in self._frames).most_common(1)[0][0]
            self._frames.remove(next(f for f in self._frames if f.scene == most))

    def _sum_up(self, like: Surfaces) -> Together:
        numbers = np.unique([frame.scene for frame in self._frames], return_inverse=True)[1]
        scenes = int(numbers.max()) + 1
        heights = np.array([frame.height for frame in self._frames])
        estimate = told(fitted(heights, like, numbers), like)
        own_px = _OF_ONE_SCENE / scenes / like.scale
        moved = np.array([frame.moved for frame in self._frames])
        off = np.hypot(*np.moveaxis(moved - np.median(moved, axis=0), 2, 0)).mean(axis=1)
        return Together(
            replace(estimate, error_px=float(np.hypot(estimate.error_px, own_px))),
            len(moved),
            scenes,
            float(np.median(off)),
            self._wh,
        )


def counts(single: Estimate) -> bool:
    """Whether a pair says anything: not where it is poor in texture, or not of one scene."""
    return single.blocks >= LEAST_BLOCKS


def _edges(field: Field) -> np.ndarray:
    half = field.planes[::2, ::2]
    return half / max(float(np.linalg.norm(half)), 1e-6)
