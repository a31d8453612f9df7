"""Lays the two pictures of each pair on each other, and follows changes of distance and drift."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calibration.errors import RigError
from calibration.geometry import Geometry
from calibration.similarity import check_similarity

from ..errors import UsageError
from ..frame import FramePair
from .alignment import Alignment
from .auto_distance import AutoDistance
from .builder import AlignmentBuilder
from .nearest import NEAREST_M
from .rig_fit import (
    NO_DISTANCES,
    NO_DISTANCES_HINT,
    check_distances,
    wanted_inverse_distance,
)
from .settings import RegistrationSettings

_DEFAULTS = RegistrationSettings()
_LITTLE = 0.05  # of the fused picture


@dataclass(frozen=True, eq=False)
class _Wish:
    """What the alignment is to be like."""

    inverse_distance: float
    correction: np.ndarray


class Registration:
    """The alignment of a run. Wishes may come from any thread and return at once.

    A new alignment is built on a thread of its own, which lives as long as there are wishes, and
    takes the place of the old one in one step; pairs go on with the old one until then. Each pair
    carries the alignment that it was laid with.
    """

    def __init__(
        self,
        geometry: Geometry,
        settings: RegistrationSettings = _DEFAULTS,
        *,
        repeatable: bool = True,
    ) -> None:
        """Build the first alignment, while the caller waits.

        Args:
            geometry: of the very pictures that will be given.
            settings: distance and output frame; presets are part of the geometry already.
            repeatable: whether two runs over the same pictures must give the same bits: then an
                automatic distance is looked for while the pair waits.

        Raises:
            RigError: the pictures have nothing in common.
            UsageError: a distance is asked for, and the rig knows none.
        """
        self.geometry = geometry
        self.check(settings)
        self._builder = AlignmentBuilder(geometry, settings.output, repeatable=repeatable)
        self._building = threading.Lock()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._failure: BaseException | None = None
        self._trouble = ""
        self._warps = False
        self._settings = settings
        self._wanted = _Wish(wanted_inverse_distance(self.geometry, settings), np.eye(3))
        self._met = self._wanted
        self._now = self._builder.build(self._wanted.inverse_distance, self._wanted.correction)
        self._auto = AutoDistance(geometry, wait=repeatable)
        self._auto.switch(settings.auto)

    # --- what is ------------------------------------------------------------------------------

    @property
    def now(self) -> Alignment:
        """In use for the next pair."""
        return self._now

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the fused picture in px."""
        return self._builder.size_wh

    @property
    def knows_distances(self) -> bool:
        """Whether the distance can be chosen."""
        return self.geometry.knows_distances

    @property
    def auto(self) -> bool:
        """Whether the distance is found from the pictures."""
        return self._auto.on

    @property
    def trouble(self) -> str:
        """Why the last wish was not met, in words; empty where it was."""
        return self._trouble

    @property
    def words(self) -> str:
        """The distance in use, for instance "4.9 m (4.4 m to 5.6 m) auto"; empty without one."""
        distance_m, band = self.now.distance_m, self.now.band
        if distance_m is None:
            return ""
        words = "far" if math.isinf(distance_m) else f"{distance_m:.3g} m"
        words += "" if band is None else f" ({band})"
        return words + (f" {self._auto.words}" if self._auto.on else "")

    @property
    def notes(self) -> list[str]:
        """What is allowed but probably not meant, a line each."""
        notes = []
        if self.now.coverage < _LITTLE:
            notes.append(
                f"the infrared covers only {self.now.coverage:.1%} of the visible picture; "
                "H_vis_ir maps infrared px to visible px, was its inverse written?"
                if self.now.output == "vis"
                else f"the visible covers only {self.now.coverage:.1%} of the infrared picture"
            )
        if self._mirrors():
            notes.append("the rig mirrors the infrared picture")
        return notes

    def summary(self) -> dict[str, Any]:
        """For reports: keys output, size, coverage, distance_m (a number, "far" or None),
        band_m, auto, correction, node_step_px, map_form, build_ms.
        """
        now = self.now
        band = None if now.band is None else [now.band.near_m, now.band.far_m]
        return {
            "output": now.output,
            "size": list(now.size_wh),
            "coverage": round(now.coverage, 4),
            "distance_m": None if now.distance_m is None else _metres(now.distance_m),
            "band_m": None if band is None else [_metres(each) for each in band],
            "auto": self._auto.summary() if self._auto.on else None,
            "correction": now.correction.round(6).tolist(),
            "node_step_px": self._builder.step or None,
            "map_form": self._builder.form,
            "build_ms": round(self._builder.build_ms, 2),
        }

    # --- pairs --------------------------------------------------------------------------------

    def lay(self, pair: FramePair, *, lazily: bool) -> None:
        """Make a pair ready for the engine; called by the register stage alone.

        Args:
            pair: with ``ir_8bit``; gets ``alignment``, ``vis_bgr`` and ``ir_on_vis``.
            lazily: the engine warps the infrared itself: it is warped here once somebody asks.

        Raises:
            Whatever the thread that builds alignments failed with.
        """
        if self._failure is not None:
            raise self._failure
        assert pair.ir_8bit is not None
        if self._auto.on:
            found = self._auto.offer(pair, self.now)
            if found is not None:
                self._wish(inverse_distance=found, wait=self._auto.waits)
        alignment = pair.alignment = self.now
        pair.vis_bgr = alignment.visible(pair.vis.image, pair.ir_8bit)
        if not lazily:
            self.warped(pair)

    def warped(self, pair: FramePair) -> np.ndarray:
        """The pair's infrared picture on the fused grid, made now if nobody has yet.

        Returns:
            (H, W) uint8, kept in ``pair.ir_on_vis``.
        """
        if pair.ir_on_vis is None:
            assert pair.ir_8bit is not None
            pair.ir_on_vis = self.of(pair).infrared(pair.ir_8bit)
        return pair.ir_on_vis

    def of(self, pair: FramePair) -> Alignment:
        """The alignment that the pair was laid with; the one in use where it was not yet."""
        if pair.alignment is None:
            pair.alignment = self.now
        return pair.alignment

    def make_grids(self) -> None:
        """The engine warps: each alignment to come brings its grid along."""
        self._warps = True

    # --- wishes -------------------------------------------------------------------------------

    def check(self, settings: RegistrationSettings) -> None:
        """Whether the geometry can do what is asked for.

        Raises:
            UsageError: a distance is, and the rig knows none.
        """
        check_distances(self.geometry, settings)

    def configure(self, settings: RegistrationSettings) -> None:
        """Take over distance and automatic while the run goes on; the rest stays as it is.

        Raises:
            UsageError: see `check`.
        """
        self.check(settings)
        before, self._settings = self._settings, settings
        self._auto.switch(settings.auto)
        if settings.distance_m != before.distance_m or (before.auto and not settings.auto):
            self._wish(inverse_distance=wanted_inverse_distance(self.geometry, settings))

    def set_distance(self, distance_m: float) -> None:
        """Match at this distance, infinity for far away; turns the automatic off.

        Raises:
            UsageError: below `NEAREST_M`, or the rig knows no distances.
        """
        if not distance_m >= NEAREST_M:
            raise UsageError(
                f"the pictures cannot be matched at {distance_m:g} m",
                hint=f"{NEAREST_M:g} m is the least; inf for far away",
            )
        if not self.geometry.knows_distances:
            raise UsageError(NO_DISTANCES, hint=NO_DISTANCES_HINT)
        self._auto.switch(False)
        self._wish(inverse_distance=0.0 if math.isinf(distance_m) else 1 / distance_m)

    def step(self, nearer: int) -> str:
        """Match so many px nearer, farther where that is below 0; turns the automatic off.

        Returns:
            What came of it, in words.
        """
        if not self.geometry.knows_distances:
            return f"{NO_DISTANCES}: {NO_DISTANCES_HINT}"
        band = self.now.band
        if band is None:
            return "the cameras see alike at all distances"
        slope = 1 / (1 / band.near_m - self.now.inverse_distance)
        inverse = self._wanted.inverse_distance + nearer / slope
        inverse = min(max(inverse, 0.0), 1 / NEAREST_M)
        self._auto.switch(False)
        self._wish(inverse_distance=inverse)
        return "distance: far" if inverse == 0 else f"distance: {1 / inverse:.3g} m"

    def toggle_auto(self) -> str:
        """Automatic distance on or off; returns what came of it, in words."""
        if not self.geometry.knows_distances:
            return f"{NO_DISTANCES}: {NO_DISTANCES_HINT}"
        self._auto.switch(not self._auto.on)
        return f"automatic distance {'on' if self._auto.on else 'off'}"

    def set_correction(self, correction: np.ndarray) -> None:
        """The whole correction on top of the rig, from one of the next pairs on.

        Args:
            correction: (3, 3) similarity in visible px, see `Alignment`; ``np.eye(3)`` for none.

        Raises:
            RigError: it is something else.
        """
        self._wish(correction=check_similarity(correction))

    def settle(self, timeout_s: float = 10.0) -> bool:
        """Wait until no wish is open; False where that takes longer than ``timeout_s``."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, timeout_s)

    def close(self) -> None:
        """Forget open wishes and wait for the threads, which end soon."""
        with self._changed:
            self._closed = True
        self._auto.close()
        self.settle()

    # --- building -----------------------------------------------------------------------------

    def _wish(
        self,
        *,
        inverse_distance: float | None = None,
        correction: np.ndarray | None = None,
        wait: bool = False,
    ) -> None:
        with self._changed:
            if inverse_distance is not None:
                self._wanted = replace(self._wanted, inverse_distance=inverse_distance)
            if correction is not None:
                self._wanted = replace(self._wanted, correction=correction)
            if self._closed or (self._thread is not None and not wait):
                return  # the thread looks again before it ends
            if not wait:
                self._thread = threading.Thread(target=self._work, name="alignment", daemon=True)
                self._thread.start()
        if wait:
            self._meet(self._wanted)

    def _work(self) -> None:
        while True:
            with self._changed:
                wish = self._wanted
                if wish is self._met or self._closed or self._failure is not None:
                    self._thread = None
                    self._changed.notify_all()
                    return
            try:
                self._meet(wish)
            except BaseException as error:  # `lay` raises it again, on a thread of the run
                self._failure = error

    def _meet(self, wish: _Wish) -> None:
        with self._building:
            try:
                alignment = self._builder.build(wish.inverse_distance, wish.correction)
                if self._warps:
                    _ = alignment.grid
            except RigError as error:  # said in the picture: a key must not end the run
                self._refuse(wish, error)
            else:
                self._now, self._met, self._trouble = alignment, wish, ""

    def _refuse(self, wish: _Wish, error: RigError) -> None:
        self._trouble = f"{error}; nothing changes"
        with self._changed:
            if self._wanted is wish:
                self._wanted = self._met

    def _mirrors(self) -> bool:
        """Whether right and left are changed over in the middle of the picture."""
        width, height = self.geometry.ir_wh
        middle = np.array([(width, height)]) / 2
        a, b, c = self.geometry.to_vis(
            middle + np.array([(0, 0), (1, 0), (0, 1)]), self.now.inverse_distance
        )
        (ux, uy), (vx, vy) = b - a, c - a
        return bool(ux * vy - uy * vx < 0)


def _metres(distance_m: float) -> float | str:
    """For JSON, which knows no infinity."""
    return "far" if math.isinf(distance_m) else round(distance_m, 4)
