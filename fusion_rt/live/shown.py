"""What a live run shows: fused pictures with figures, and a plain sign where there are none."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from ..config import ViewSettings
from ..frame import FramePair, Sensor
from ..outputs import Output, Screen
from ..sinks.hud import HudState
from ..thermal.spot import spot
from .health import Health
from .pipeline import LivePipeline

# A picture older than this is no live picture any more; with an engine that takes longer for each,
# one that is older than two and a half of them.
_STALE_S, _STALE_PICTURES, _STALE_MOST_S = 0.5, 2.5, 2.0
_ALONE = {Sensor.IR: "infrared alone", Sensor.VIS: "visible alone"}
_TICK_NS = 1_000_000


class LiveView:
    """Hands finished pairs to the outputs and the window; call it on the main thread."""

    def __init__(
        self, pipeline: LivePipeline, outputs: list[Output], screen: Screen | None
    ) -> None:
        self.words = ""  # a line that the next pictures show too, for instance of the clocks
        self.off_px: float | None = None  # how far the infrared lies off, where that is measured
        self._pipeline = pipeline
        self._outputs = outputs
        self._screen = screen
        self._shown_s = time.monotonic()
        self._usual_s = 0.0  # from one picture to the next
        self._film_ns = 0

    def show(self, pair: FramePair, health: Health) -> None:
        """A finished pair."""
        now_s = time.monotonic()
        between_s, self._shown_s = now_s - self._shown_s, now_s
        if between_s < _STALE_MOST_S:  # else it was an outage
            self._usual_s = between_s
        hud = self._hud(pair, health)
        # A camera whose clock jumped back must not end a film.
        self._film_ns = max(pair.captured_ns, self._film_ns + _TICK_NS)
        for output in self._outputs:
            output.show(pair, hud, self._film_ns)
        if self._screen is not None:
            self._screen.show(pair, hud)
            self._handle_keys()

    def idle(self, health: Health) -> None:
        """Nothing was finished."""
        if self._screen is None:
            return
        silent_s = time.monotonic() - self._shown_s
        if silent_s > min(max(_STALE_S, _STALE_PICTURES * self._usual_s), _STALE_MOST_S):
            why = health.banner or "waiting for the engine"
            self._screen.show_stale(f"no live picture for {silent_s:.1f} s: {why}")
        self._handle_keys()

    def set_view(self, settings: ViewSettings) -> None:
        """Other view and palette in the window, figures in the film or not.

        The film keeps its view and palette, as its pictures must not change their size.
        """
        self._outputs = [replace(output, hud=settings.hud_in_film) for output in self._outputs]
        if self._screen is not None:
            self._screen.choose(settings.view, settings.palette)

    def _temperature(self, pair: FramePair) -> list[str]:
        """What the pointer is over, where the camera is radiometric."""
        radiometry = self._pipeline.infrared.radiometry()
        pointer = None if self._screen is None else self._screen.pointer_xy
        if radiometry is None or pointer is None or pair.alone is Sensor.VIS:
            return []
        place = self._pipeline.registration.of(pair).place_in_ir(*pointer)
        if place is None or pair.ir.image.dtype != np.uint16:
            return []
        return [f"{spot(pair.ir.image, place, radiometry):.1f} °C at the pointer"]

    def _handle_keys(self) -> None:
        assert self._screen is not None
        self._screen.handle_keys()
        if self._screen.stop_asked:
            self._pipeline.stop()

    def _hud(self, pair: FramePair, health: Health) -> HudState:
        info, stats = self._pipeline.engine_info, self._pipeline.stats
        words = [] if pair.alone is None else [_ALONE[pair.alone]]
        words += self._temperature(pair)
        registration = self._pipeline.registration
        words += [text for text in (health.banner, self.words, registration.trouble) if text]
        locked = self._pipeline.infrared.agc.locked
        return HudState(
            fps=stats.rate.recent_fps,
            latency_ms=stats.last_latency_ms,
            skew_ms=None if pair.alone else stats.last_skew_ms,
            drops=self._pipeline.ledger.lost_pairs,
            engine="" if info is None else f"{info.name} {info.precision} {info.model}",
            gain="locked" if locked and pair.ir.image.dtype == np.uint16 else "",
            distance=registration.words,
            off_px=self.off_px,
            banner=" - ".join(words),
        )
