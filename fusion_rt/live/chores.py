"""What the main thread of a live run looks after beside the pictures."""

from __future__ import annotations

import time

from ..run_settings import RunSettings
from ..terminal import say
from ..timing import NS_PER_MS
from .clocks import Clocks
from .drift import Drift
from .pipeline import LivePipeline
from .reload import SettingsWatch
from .shown import LiveView

_STATUS_S = 30.0


class Chores:
    """Called between two pictures; each call is short."""

    def __init__(
        self,
        pipeline: LivePipeline,
        clocks: Clocks,
        drift: Drift,
        view: LiveView,
        watch: SettingsWatch | None,
        settings: RunSettings,
    ) -> None:
        """Begin with the settings that the run began with.

        Args:
            pipeline: of the run.
            clocks: compares the cameras' clocks.
            drift: measures how the pictures lie on each other.
            view: shows words.
            watch: notices changed settings; None where there is no file.
            settings: of the run.
        """
        self._pipeline = pipeline
        self._clocks = clocks
        self._drift = drift
        self._view = view
        self._watch = watch
        self._settings = settings
        self._said_s = time.monotonic()
        self._reconnects = 0

    def do(self) -> None:
        """Take over changed settings and clock offsets, tell how it goes."""
        self._reload()
        self._clocks.pause(self._pipeline.infrared.frozen)
        self._drift.pause(self._pipeline.infrared.frozen)
        reconnects = sum(state.reconnects for state in self._pipeline.cameras.states().values())
        if reconnects != self._reconnects:
            self._reconnects = reconnects
            self._clocks.restart()
            self._drift.restart()
        given_ms = self._pipeline.given_offset_ms(self._settings)
        line = self._clocks.offset_to_apply(given_ms)
        if line is not None:
            self._pipeline.set_offset(line)
            drift = f", drifting by {line.drift_ppm:+.0f} ppm" if line.drift_ppm else ""
            ahead = f"{line.offset_ns / NS_PER_MS:+.1f} ms ahead{drift}"
            say(f"the infrared clock is {ahead}: used for pairing from now on")
        mended = self._drift.do()
        if mended:
            say(mended)
        told = (self._clocks.words(given_ms), self._drift.words())
        self._view.words = " - ".join(text for text in told if text)
        self._view.off_px = self._drift.off_px
        self._tell()

    def _reload(self) -> None:
        found = None if self._watch is None else self._watch.poll(time.monotonic_ns())
        if found is None:
            return
        say(found.words)
        before, self._settings = self._settings, found.settings
        if found.settings.pairing.ir_offset_ms != before.pairing.ir_offset_ms:
            self._clocks.forget_applied()
        if found.changed:
            self._pipeline.apply(found.settings, found.changed)
            self._clocks.configure(found.settings.clock)
            self._drift.configure(found.settings.drift)
        if "view" in found.changed:  # else what was chosen by a key would be undone
            self._view.set_view(found.settings.view)

    def _tell(self) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s < _STATUS_S:
            return
        self._said_s = now_s
        stats = self._pipeline.stats
        say(
            f"{stats.rate.recent_fps:.1f} frames/s, {stats.last_latency_ms:.0f} ms, "
            f"skew {stats.last_skew_ms:+.1f} ms, {self._pipeline.health}"
        )
