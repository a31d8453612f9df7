"""Gain control: 16-bit thermal counts to the 8-bit picture that the fusion takes."""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np

from ..errors import UsageError
from ..radiometry import Radiometry
from .histogram import LEVELS, histogram, percentiles
from .settings import ThermalSettings
from .tables import linear_table, log_table, plateau_levels, rounded

# After a shutter event the counts of one temperature may have changed all at once: the range
# finds them again in this time, 95 % of the way.
_SETTLE_S = 0.3
# New settings come in within this time, as a jump would look like something in the scene.
_FADE_S = 0.3


class Agc:
    """Makes 8-bit pictures of 16-bit ones by one table of 65,536 entries a frame.

    The table follows the scene damped in time: without that a hot object entering the view would
    dim everything else at once. All damping follows the frames' own times, not the computer's
    clock, so a recording gives the same pictures at any speed.

    Modes: ``linear`` stretches between two percentiles, ``log`` does too but gives the cold part
    more levels, ``plateau`` equalises the histogram, ``fixed`` shows a given range. Not
    thread-safe: one thread owns it, but for `lock`, `unlock` and `locked`.
    """

    def __init__(
        self, settings: ThermalSettings | None = None, radiometry: Radiometry | None = None
    ) -> None:
        """Start undamped: the first frame sets the range.

        Args:
            settings: mode and its values; None for the defaults.
            radiometry: what the counts mean; needed for a fixed range in °C.

        Raises:
            UsageError: a fixed range in °C without radiometry.
        """
        self._settings = ThermalSettings() if settings is None else settings
        self._fixed = _fixed_range(self._settings, radiometry)
        self._range: tuple[float, float] | None = None  # linear, log: as damped
        self._levels: np.ndarray | None = None  # plateau: as damped, float32
        self._table: np.ndarray | None = None  # as last shown
        self._last_ns = 0
        self._locked = self._settings.lock
        self._held = False
        self._settled_ns = 0  # until then the range follows quickly
        self._fade_from: np.ndarray | None = None
        self._fade_begun_ns: int | None = None

    @property
    def settings(self) -> ThermalSettings:
        """As last configured."""
        return self._settings

    @property
    def locked(self) -> bool:
        """Whether the table stays as it is."""
        return self._locked

    def configure(self, settings: ThermalSettings, radiometry: Radiometry | None = None) -> None:
        """Change settings while running; the picture goes over to them within 0.3 s.

        Args:
            settings: from the next frame on. While locked, from `unlock` on. Where ``lock`` is
                another than before, it counts from now on, whatever `lock` and `unlock` did.
            radiometry: as in the constructor.

        Raises:
            UsageError: a fixed range in °C without radiometry; nothing is changed then.
        """
        fixed = _fixed_range(settings, radiometry)
        if settings.lock != self._settings.lock:
            self._locked = settings.lock
            self._settings = self._settings.model_copy(update={"lock": settings.lock})
        if settings == self._settings and fixed == self._fixed:
            return
        if settings.mode != self._settings.mode:
            self._range = self._levels = None
        self._settings, self._fixed = settings, fixed
        self._fade_from, self._fade_begun_ns = self._table, None

    def lock(self) -> None:
        """Keep the table as it is, so that grey levels can be compared over time."""
        self._locked = True

    def unlock(self) -> None:
        """Follow the scene again, from where the table stands."""
        self._locked = False

    def apply(self, counts: np.ndarray, captured_ns: int, *, hold: bool = False) -> np.ndarray:
        """Map one frame.

        Args:
            counts: (H, W) uint16.
            captured_ns: its time in ns; where it goes backwards, the scene is taken over at once.
            hold: True during a shutter event: the table stays, since the frame says nothing about
                the scene, and follows quickly for 0.3 s afterwards.

        Returns:
            (H, W) uint8.
        """
        elapsed_s = (captured_ns - self._last_ns) / 1e9
        self._last_ns = captured_ns
        if self._held and not hold:
            self._settled_ns = captured_ns + round(_SETTLE_S * 1e9)
        self._held = hold
        if self._table is None or not (hold or self._locked):
            self._table = self._faded(self._follow(counts, captured_ns, elapsed_s), captured_ns)
        return _look_up(self._table, counts)

    def _follow(self, counts: np.ndarray, captured_ns: int, elapsed_s: float) -> np.ndarray:
        """The table for this frame, before any fading."""
        settings = self._settings
        if settings.mode == "fixed":
            return linear_table(*self._fixed, min_span=0)
        step = self._step(captured_ns, elapsed_s)
        pixels = histogram(self._deciding(counts))
        if settings.mode == "plateau":
            levels = plateau_levels(pixels, settings.plateau, settings.min_span)
            if self._levels is None or step == 1:
                self._levels = levels
            else:
                cv2.accumulateWeighted(levels, self._levels, step)
            return rounded(self._levels)
        target = percentiles(pixels, settings.low_percent, settings.high_percent)
        if self._range is None or step == 1:
            self._range = target
        else:
            low, high = self._range
            self._range = (low + step * (target[0] - low), high + step * (target[1] - high))
        make = log_table if settings.mode == "log" else linear_table
        return make(*self._range, settings.min_span)

    def _step(self, captured_ns: int, elapsed_s: float) -> float:
        """How much of the way to the target this frame goes, 0..1."""
        time_constant_s = self._settings.damping_s
        if captured_ns < self._settled_ns:
            time_constant_s = min(time_constant_s, _SETTLE_S / 3)
        if time_constant_s == 0 or elapsed_s < 0:
            return 1.0
        return 1 - math.exp(-elapsed_s / time_constant_s)

    def _deciding(self, counts: np.ndarray) -> np.ndarray:
        """The part of the picture that the range is taken from; at least one pixel."""
        if self._settings.roi is None:
            return counts
        left, top, right, bottom = self._settings.roi
        height, width = counts.shape
        first_row, first_column = int(top * height), int(left * width)
        rows = slice(first_row, max(first_row + 1, math.ceil(bottom * height)))
        columns = slice(first_column, max(first_column + 1, math.ceil(right * width)))
        return counts[rows, columns]

    def _faded(self, table: np.ndarray, captured_ns: int) -> np.ndarray:
        """On the way from the table before the last change of settings to this one."""
        if self._fade_from is None:
            return table
        if self._fade_begun_ns is None:
            self._fade_begun_ns = captured_ns
        share = (captured_ns - self._fade_begun_ns) / 1e9 / _FADE_S
        if not 0 <= share < 1:
            self._fade_from = None
            return table
        return cv2.addWeighted(self._fade_from, 1 - share, table, share, 0).reshape(-1)


class LinearAgc(Agc):
    """The linear mode by its plain values."""

    def __init__(
        self,
        low_percent: float = 0.5,
        high_percent: float = 99.5,
        damping_s: float = 0.5,
        min_span: int = 64,
    ) -> None:
        """See `settings.ThermalSettings` for the values.

        Args:
            low_percent: share of the pixels that may be black, 0..100.
            high_percent: share of the pixels that are not white, above ``low_percent``, up to 100.
            damping_s: time constant of the range's exponential smoothing in s; 0 follows at once.
            min_span: least number of counts that fill 0..255.
        """
        super().__init__(
            ThermalSettings(
                low_percent=low_percent,
                high_percent=high_percent,
                damping_s=damping_s,
                min_span=min_span,
            )
        )


def _fixed_range(settings: ThermalSettings, radiometry: Radiometry | None) -> tuple[float, float]:
    """Black and white of mode fixed in counts; (0, 1) in other modes."""
    if settings.mode != "fixed":
        return 0.0, 1.0
    assert settings.fixed_low is not None  # the settings check it
    assert settings.fixed_high is not None
    if settings.fixed_unit == "counts":
        return settings.fixed_low, settings.fixed_high
    if radiometry is None:
        raise UsageError(
            "thermal.fixed_low and fixed_high are in °C, but this camera gives no temperatures",
            hint="set thermal.fixed_unit=counts and give fixed_low and fixed_high in counts",
        )
    return (
        _count(settings.fixed_low, radiometry),
        _count(settings.fixed_high, radiometry),
    )


def _count(celsius: float, radiometry: Radiometry) -> float:
    return (celsius + 273.15 - radiometry.kelvin_at_zero) / radiometry.kelvin_per_count


def _look_up(table: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return cv2.LUT(counts, table) if _opencv_looks_up() else np.take(table, counts)


@functools.cache
def _opencv_looks_up() -> bool:
    """Whether this OpenCV takes 16-bit pictures in ``LUT``; older ones know 8 bit alone."""
    try:
        cv2.LUT(np.zeros((1, 1), np.uint16), np.zeros(LEVELS, np.uint8))
    except cv2.error:
        return False
    return True
