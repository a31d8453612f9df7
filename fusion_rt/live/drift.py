"""How the pictures lie on each other during a run, and what is made of it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from calibration.online.field import LEAST_WH
from calibration.online.matcher import Matcher
from calibration.online.meter import misregistration_px
from calibration.online.policy import Decision, DriftPolicy

from ..frame import FramePair
from ..registration.running import Registration
from ..run_settings import DriftSettings
from .drift_worker import DriftState, DriftWorker

# Pairs that must have counted before a figure is shown.
_LEAST_SHOWN = 5


class Drift:
    """Measures on a thread of its own; offers a correction, or has it used, as set.

    The rig file is never written. The thread's failure is told and is not the run's: pictures
    matter more than their last pixel. Call it on the main thread.
    """

    def __init__(self, settings: DriftSettings, registration: Registration) -> None:
        """Begin at once where that is set; pictures that are too small for it are left alone.

        Raises:
            RigError: the matcher cannot be used.
        """
        self._settings = settings
        self._registration = registration
        self._stopping = threading.Event()
        matcher = None if settings.matcher is None else Matcher(settings.matcher)
        self._worker = DriftWorker(registration, self._stopping, matcher)
        self._policy = DriftPolicy()
        self._started = False
        wh = registration.size_wh
        self._small = wh[0] < LEAST_WH[0] or wh[1] < LEAST_WH[1]
        self._seen = DriftState()
        self._decision = self._policy.decide(None, np.eye(3), (0, 0))
        self._corrections = 0
        self.configure(settings)

    def configure(self, settings: DriftSettings) -> None:
        """Other settings from now on. Where it is off, the correction is taken back."""
        self._settings = settings
        if settings.estimate and not self._started and not self._small:
            self._started = True
            self._worker.start()
        if not settings.estimate and self._corrections:
            self._corrections = 0
            self._registration.set_correction(np.eye(3))

    def observe(self, pair: FramePair) -> None:
        """See a finished pair; returns at once."""
        if self._settings.estimate and self._started:
            self._worker.offer(pair)

    def pause(self, paused: bool) -> None:
        """Leave out what an infrared picture that stands still would say."""
        self._worker.pause(paused)

    def restart(self) -> None:
        """A camera came back: it may have been moved."""
        self._worker.restart()

    @property
    def off_px(self) -> float | None:
        """How far the infrared lies off now, in px of the fused picture; None while unknown."""
        together = self._worker.state.together
        if not self._settings.estimate or together is None or together.frames < _LEAST_SHOWN:
            return None
        return together.off_px

    def do(self) -> str:
        """Decide on what is new; use a correction where that is set.

        Returns:
            Words where something was changed; else empty.
        """
        state = self._worker.state
        if not self._settings.estimate or state is self._seen:
            return ""
        self._seen, self._decision = state, self._decide(state)
        correction = self._decision.correction
        if correction is None or self._settings.apply != "auto":
            return ""
        self._registration.set_correction(correction)
        self._worker.restart()  # what waits was laid with the old one
        self._corrections += 1
        return f"the infrared lay {self._decision.why}: mended for this run, the rig stays as it is"

    def words(self) -> str:
        """A line for the picture where a correction is offered or the thread failed; else empty."""
        if self._worker.error is not None:
            return f"drift is not measured any more: {self._worker.error}"
        if not self._settings.estimate or self._settings.apply == "auto":
            return ""
        if self._decision.correction is None:
            return ""
        return f"drift {self._decision.why}: drift.apply: auto mends it"

    def summary(self) -> dict[str, Any] | None:
        """For the report; None where drift was not measured."""
        if not self._started:
            return None
        state, in_use = self._worker.state, self._registration.now.correction
        together = state.together
        return {
            "off_px": None if together is None else round(together.off_px, 3),
            "plus_minus_px": None if together is None else round(together.estimate.error_px, 3),
            "pairs": state.pairs,
            "frames": 0 if together is None else together.frames,
            "scenes": 0 if together is None else together.scenes,
            "why": state.why or self._decision.why,
            "corrections": self._corrections,
            "corrected_px": round(
                misregistration_px(in_use, self._registration.geometry.vis_wh), 3
            ),
            "correction": in_use.round(8).tolist(),
        }

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._worker.close()

    def _decide(self, state: DriftState) -> Decision:
        together, vis_wh = state.together, self._registration.geometry.vis_wh
        if together is None or state.alignment is None:
            return self._policy.decide(None, np.eye(3), vis_wh)
        if state.alignment.number != self._registration.now.number:
            return Decision(None, "the pictures are laid in another way since")
        whole = state.alignment.correction_after(together.estimate.similarity)
        return self._policy.decide(together, whole, vis_wh)
