"""Follows the distance of the scene by looking at a pair now and then."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from calibration.auto_distance import DistanceSearch, Found
from calibration.geometry import Geometry

from ..frame import FrameFlags, FramePair
from ..timing import NS_PER_S
from .alignment import Alignment

# A look costs some 30 ms of one core: 3 % of it.
_EVERY_NS = NS_PER_S
# What each new look counts for: the mean forgets half of the old ones in two and a half.
_NEWEST = 0.25
# The pictures are moved only where it can be seen.
_LEAST_PX = 0.75


class AutoDistance:
    """Looks at pairs in the background, or while the caller waits.

    Attributes:
        waits: whether `offer` looks itself, so that results repeat exactly.
    """

    def __init__(self, geometry: Geometry, *, wait: bool) -> None:
        """Nothing is searched before the first pair.

        Args:
            geometry: of the pictures.
            wait: see ``waits``.
        """
        self.waits = wait
        self._on = False
        self._geometry = geometry
        self._search: DistanceSearch | None = None
        self._scores: np.ndarray | None = None
        self._found: Found | None = None
        self._news = False
        self._looked_ns: int | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._looks = self._sure = 0

    @property
    def on(self) -> bool:
        """Whether it is wanted at all."""
        return self._on

    def switch(self, on: bool) -> None:
        """Turn it on or off; what was seen before it was off is of no use later."""
        if on and not self._on:
            self._scores = self._found = None
        self._on = on

    @property
    def words(self) -> str:
        """How it fares, in a word or two."""
        if self._found is None:
            return "auto, looking"
        return "auto" if self._found.sure else "auto, unsure"

    def summary(self) -> dict[str, Any]:
        """For reports: keys looks, sure, lead."""
        lead = None if self._found is None else round(self._found.lead, 4)
        return {"looks": self._looks, "sure": self._sure, "lead": lead}

    def offer(self, pair: FramePair, alignment: Alignment) -> float | None:
        """Show a pair, of which one each second is looked at.

        Args:
            pair: with ``ir_8bit``, in order of time.
            alignment: in use.

        Returns:
            1/m to match at from now on; None where what is in use will do, or nothing is sure.

        Raises:
            Whatever the search failed with.
        """
        if self._failure is not None:
            raise self._failure
        if self._due(pair) and self._thread is None:
            self._looked_ns = pair.captured_ns
            if self.waits:
                self._look(pair, alignment)
            else:
                self._thread = threading.Thread(
                    target=self._work, args=(pair, alignment), name="auto-distance", daemon=True
                )
                self._thread.start()
        found = self._found
        if not self._news or found is None:
            return None
        self._news = False
        moved = abs(found.inverse_distance - alignment.inverse_distance)
        band = alignment.band
        if not found.sure or band is None:
            return None
        one_px = 1 / band.near_m - alignment.inverse_distance
        return found.inverse_distance if moved > _LEAST_PX * one_px else None

    def close(self) -> None:
        """Wait for a look that is under way."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _due(self, pair: FramePair) -> bool:
        if pair.alone is not None or pair.ir_trust < 1 or pair.ir.flags & FrameFlags.SHUTTER:
            return False
        looked_ns = self._looked_ns
        # A clock that jumped back is no reason to wait for it.
        return looked_ns is None or not 0 <= pair.captured_ns - looked_ns < _EVERY_NS

    def _work(self, pair: FramePair, alignment: Alignment) -> None:
        try:
            self._look(pair, alignment)
        except BaseException as error:  # `offer` raises it again, on a thread of the run
            self._failure = error
        finally:
            self._thread = None

    def _look(self, pair: FramePair, alignment: Alignment) -> None:
        assert pair.ir_8bit is not None
        if self._search is None:
            self._search = DistanceSearch(self._geometry)
        scores = self._search.scores(pair.ir_8bit, pair.vis.image, alignment.correction)
        if self._scores is None:
            self._scores = scores
        else:
            self._scores = (1 - _NEWEST) * self._scores + _NEWEST * scores
        self._found = self._search.best(self._scores)
        self._looks += 1
        self._sure += self._found.sure
        self._news = True
