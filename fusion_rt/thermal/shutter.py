"""Recognise the moments in which an infrared camera calibrates itself and its picture stands still.

Three ways, by what the camera gives:

- It says so: telemetry, or the flag that the source has set.
- Raw 16-bit pictures: a live one never repeats, since every pixel is noisy. Two repeats in a row
  are a standstill, or more than twice what is usual where the camera repeats by habit.
- 8-bit pictures, compressed or not: a static scene may well come out the same again and again.
  So the infrared has to stand still while the visible picture shifts as a whole, for four frames,
  and not just after it moved itself.
  Without visible pictures, or while the rig is not moved at all, such a standstill is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..frame import Frame, FrameFlags
from .motion import change, length, reduced, shift
from .standstill import Standstill, StandstillJudge
from .telemetry import Calibration, Telemetry

# Raw pictures are compared on every 8th pixel of every 8th row.
_EVERY = 8
_RAW_REPEATS = 2
_FRAMES_APART = 4
# The way of the visible picture is added up in steps of so much, in px of the reduced picture.
# A step explains at least this share of the difference; noise and lights stay below 0.06.
_STEP_PX = 0.2
_EXPLAINED = 0.25
# The two pictures are apart when the visible one has gone so far and the infrared one has not
# changed by as much as this. What an encoder does to a picture that stands still is less.
_APART_PX = 1.0
_NEW_PX = 0.35
# The two pictures of a pair are hardly ever of the very same moment, and clocks are known to some
# hundredths of a second. What the visible one shows so soon after a change of the infrared one may
# be the same motion, seen later; the frames that are asked for above do as much the other way.
_SETTLE_NS = 100_000_000
# With less texture than this the infrared may show nothing but its sensor's own pattern.
_LEAST_TEXTURED = 1 / 3


@dataclass(frozen=True, slots=True)
class ShutterState:
    """What is known at one infrared frame.

    Attributes:
        standstill: see `standstill.Standstill`.
        why: one plain line for people; empty where all is well.
    """

    standstill: Standstill = Standstill.NONE
    why: str = ""

    @property
    def frozen(self) -> bool:
        """Whether the picture surely stands still."""
        return self.standstill is Standstill.FROZEN


class ShutterWatch:
    """Watches one infrared camera. Not thread-safe: one thread owns it.

    Not taken for a shutter event: a camera that delivers every picture several times, a single
    repeated frame, a slow camera, a scene that is static in both pictures, noise or lights in the
    visible one.
    """

    def __init__(self) -> None:
        self._raw = _RawRepeats()
        self._moving = _StillWhileSceneMoves()
        self._kind: tuple[tuple[int, ...], np.dtype] | None = None
        self._last_ns: int | None = None

    def observe(
        self, ir: Frame, telemetry: Telemetry | None = None, vis: np.ndarray | None = None
    ) -> ShutterState:
        """Take the next infrared frame, in order of time; a repeated one too.

        Args:
            ir: raw (H, W) uint16, or (H, W) uint8 as the camera sends it. Not the 8-bit picture
                of an AGC, which changes by itself.
            telemetry: what the camera says about this frame.
            vis: (H, W, 3) uint8 BGR or (H, W) uint8, the visible picture of the same moment to
                within half a tenth of a second; used for 8-bit infrared alone. Its field of view
                is at most about twice as narrow.
        """
        kind = (ir.image.shape, ir.image.dtype)
        backwards = self._last_ns is not None and ir.captured_ns < self._last_ns
        if kind != self._kind or backwards:
            self._raw, self._moving = _RawRepeats(), _StillWhileSceneMoves()
        self._kind, self._last_ns = kind, ir.captured_ns
        if _says_so(ir, telemetry):
            self._raw.judge.restart()
            self._moving.judge.restart()
            return ShutterState(Standstill.FROZEN, "the camera says that it calibrates itself")
        if ir.image.dtype == np.uint16:
            return self._raw.observe(ir)
        return ShutterState() if vis is None else self._moving.observe(ir, vis)


class _RawRepeats:
    """Raw pictures that are the same, pixel by pixel."""

    def __init__(self) -> None:
        self.judge = StandstillJudge(_RAW_REPEATS)
        self._sample: np.ndarray | None = None

    def observe(self, ir: Frame) -> ShutterState:
        sample = ir.image[::_EVERY, ::_EVERY].copy()
        before, self._sample = self._sample, sample
        if before is None:
            return ShutterState()
        repeated = np.array_equal(before, sample)
        # A picture of one count alone, as of an overexposed sensor, is no sign: it has no noise.
        sign = repeated and sample.min() != sample.max()
        standstill = self.judge.observe(is_new=not repeated, is_sign=sign, now_ns=ir.captured_ns)
        if standstill is Standstill.NONE:
            return ShutterState()
        if not self.judge.run:
            return ShutterState(standstill, "raw pictures begin to change again")
        times = self.judge.run + 1
        return ShutterState(standstill, f"the same raw picture came {times} times in a row")


class _StillWhileSceneMoves:
    """Infrared that does not change although the rig has turned away from where it was."""

    def __init__(self) -> None:
        self.judge = StandstillJudge(_FRAMES_APART)
        self._ir_key: np.ndarray | None = None
        self._vis_key: np.ndarray | None = None
        self._key_ns = 0
        self._way = np.zeros(0, np.float32)  # of the visible picture since the infrared key

    def observe(self, ir: Frame, vis: np.ndarray) -> ShutterState:
        ir_now, vis_now = reduced(ir.image), reduced(vis)
        if self._ir_key is None or self._vis_key is None:
            self._begin(ir_now, vis_now, ir.captured_ns)
            return ShutterState()
        difference = change(self._ir_key, ir_now)
        is_new = difference.overall >= _NEW_PX
        if is_new:
            self._begin(ir_now, vis_now, ir.captured_ns)
        elif ir.captured_ns - self._key_ns < _SETTLE_NS:
            self._vis_key = vis_now
        else:
            self._follow(self._vis_key, vis_now)
        apart = length(self._way) >= _APART_PX and difference.textured >= _LEAST_TEXTURED
        standstill = self.judge.observe(is_new=is_new, is_sign=apart, now_ns=ir.captured_ns)
        if standstill is Standstill.NONE:
            return ShutterState()
        return ShutterState(
            standstill, "the infrared picture stands still while the visible one moves"
        )

    def _begin(self, ir_now: np.ndarray, vis_now: np.ndarray, now_ns: int) -> None:
        self._ir_key, self._vis_key, self._key_ns = ir_now, vis_now, now_ns
        self._way = np.zeros((2, 3, 4), np.float32)

    def _follow(self, vis_key: np.ndarray, vis_now: np.ndarray) -> None:
        """Add up the way of the visible picture; a leap says nothing about it."""
        step = shift(vis_key, vis_now)
        if step.px < _STEP_PX:
            return
        self._vis_key = vis_now
        if step.explained >= _EXPLAINED:
            self._way = self._way + step.by_tile


def _says_so(ir: Frame, telemetry: Telemetry | None) -> bool:
    told = telemetry is not None and telemetry.calibration is Calibration.RUNNING
    return told or bool(ir.flags & FrameFlags.SHUTTER)
