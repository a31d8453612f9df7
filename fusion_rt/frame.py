"""A picture with its time, and two of them that belong together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, IntFlag
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .registration.alignment import Alignment


class Sensor(str, Enum):
    """Which of the two cameras."""

    IR = "ir"
    VIS = "vis"


class FrameFlags(IntFlag):
    """What is known about a frame beyond its pixels."""

    NONE = 0
    SHUTTER = 1  # the infrared camera is calibrating itself, the picture stands still
    REPEATED = 2  # the camera delivered the same picture again
    LATE = 4  # delivered later than its neighbour in time


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as the camera gave it.

    Attributes:
        image: infrared (H, W) uint8 or uint16; visible (H, W, 3) uint8 BGR. Read only by
            agreement: stages hand it on without a copy.
        captured_ns: when the picture was taken, in ns. Live sources: monotonic clock. Recorded
            sources: time since the start of the recording, from its own time stamps.
        seq: running number given by the source, from 0, gaps included.
        begun_ns: monotonic time in ns at which reading this picture began; for live sources
            the capture time itself.
        arrived_ns: monotonic time in ns at which the pixels were in memory.
        flags: see `FrameFlags`.
    """

    image: np.ndarray
    captured_ns: int
    seq: int
    begun_ns: int
    arrived_ns: int
    flags: FrameFlags = FrameFlags.NONE

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in px."""
        return self.image.shape[1], self.image.shape[0]

    def with_image(self, image: np.ndarray) -> Frame:
        """The same frame with other pixels."""
        return replace(self, image=image)


@dataclass(slots=True)
class FramePair:
    """Two frames taken at nearly the same moment, and what the stages made of them.

    Attributes:
        ir: infrared frame.
        vis: visible frame.
        ir_offset_ns: how far the infrared clock is ahead of the visible one.
        ir_8bit: infrared as it came, in 8 bit, (Hi, Wi) uint8; set by the register stage.
        alignment: how the two were laid on each other; set by the register stage.
        ir_on_vis: infrared on the grid that is fused, which is the visible picture's as a rule,
            (H, W) uint8; set by the register stage, or, where the engine warps by itself, by
            whoever needs it (`fusion_rt.registration.running.Registration.warped`).
        vis_bgr: visible picture on the grid that is fused, (H, W, 3) uint8 BGR; set by the
            register stage.
        fused: (H, W, 3) uint8 BGR; set by the fuse stage.
        previewed: whether another engine than the run's own fused it; set by the fuse stage.
        alone: the one camera that delivers, whose picture is shown alone; the other frame is then
            only a stand-in of the right size. None for a real pair.
        reused: the camera whose frame was in an earlier pair already, where the other one sets the
            pace; None as a rule.
        ir_trust: how far the infrared is to be shown, 0..1: less while it stands still.
        stamps_ns: monotonic time in ns at which each named step ended.
    """

    ir: Frame
    vis: Frame
    ir_offset_ns: int = 0
    ir_8bit: np.ndarray | None = None
    alignment: Alignment | None = None
    ir_on_vis: np.ndarray | None = None
    vis_bgr: np.ndarray | None = None
    fused: np.ndarray | None = None
    previewed: bool = False
    alone: Sensor | None = None
    reused: Sensor | None = None
    ir_trust: float = 1.0
    stamps_ns: dict[str, int] = field(default_factory=dict)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Those that a camera took."""
        if self.alone is None:
            return (self.ir, self.vis)
        return (self.ir if self.alone is Sensor.IR else self.vis,)

    @property
    def skew_ns(self) -> int:
        """Capture time of the visible frame minus the infrared one's on the same clock, in ns."""
        return self.vis.captured_ns - (self.ir.captured_ns - self.ir_offset_ns)

    @property
    def captured_ns(self) -> int:
        """Time of the pair: that of its visible frame, whose picture is the frame of reference."""
        return self.ir.captured_ns if self.alone is Sensor.IR else self.vis.captured_ns
