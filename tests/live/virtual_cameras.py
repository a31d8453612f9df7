"""Cameras that do what a test tells them, while a live run is reading them.

A `Device` is the camera itself: it makes pictures at whole multiples of its period whether somebody
looks or not, and its attributes may be changed at any moment. The run opens it as often as it
likes.
"""

from __future__ import annotations

import random
import threading
import time

import numpy as np

from fusion_rt.errors import FusionError
from fusion_rt.frame import Frame, FrameFlags, Sensor
from fusion_rt.sources.base import SourceInfo
from fusion_rt.sources.live import CameraLostError, LiveSource

MS = 1_000_000
SECOND = 1_000_000_000
WH = (96, 64)
_HANG_S = 90.0  # no test lasts so long


class Device:
    """One camera.

    Attributes:
        fps: pictures in a second; may change.
        size_wh: width and height in px of its pictures; may change.
        bits: 8, or 16 for raw infrared.
        plugged: whether it is there.
        refusals: so many attempts to open it fail from now on.
        error: raised by the next `poll`, once.
        open_error: raised by each attempt to open it.
        silent: opens and stays open, but delivers nothing.
        hangs: so many calls of `poll` never return.
        hangs_opening: so many attempts to open it never return.
        stamp_ns: added to all time stamps.
        stuck_stamp: all pictures carry one and the same time stamp.
        twice: each picture is delivered twice, with the same stamp.
        swapped: two neighbours each come in the wrong order.
        loss: share of the pictures that never arrive.
        torn: so many pictures are damaged, one after the other, and show as a gap.
        frozen: the picture stands still to the last bit.
        flags: of each frame.
        scene: which of many different scenes the picture shows.
        made_ns: true time at which a picture was taken, by the time at which it arrived.
        delivered: how many pictures were handed over.
        opened: how many times it was opened.
        closed: how many times it was closed.
    """

    def __init__(self, sensor: Sensor, fps: float, *, bits: int = 8, offset_ms: float = 0) -> None:
        self.sensor = sensor
        self.fps = fps
        self.size_wh = WH
        self.bits = bits
        self.plugged = True
        self.refusals = 0
        self.error: FusionError | None = None
        self.open_error: FusionError | None = None
        self.silent = False
        self.hangs = self.hangs_opening = 0
        self.stamp_ns = 0
        self.stuck_stamp = self.twice = self.swapped = False
        self.loss = 0.0
        self.torn = 0
        self.frozen = False
        self.flags = FrameFlags.NONE
        self.scene = 0
        self.made_ns: dict[int, int] = {}
        self.delivered = self.opened = self.closed = 0
        self.released = threading.Event()  # ends all hanging
        self._offset_ns = round(offset_ms * MS)
        self._random = random.Random(sensor.value)
        self._noise = np.random.default_rng(ord(sensor.value[0]))
        self._still: np.ndarray | None = None

    @property
    def period_ns(self) -> int:
        return round(SECOND / self.fps)

    def open(self) -> LiveSource:
        """As the opener of a run."""
        if self.hangs_opening:
            self.hangs_opening -= 1
            self.released.wait(_HANG_S)
        if self.open_error is not None:
            raise self.open_error
        if not self.plugged:
            raise CameraLostError("not there")
        if self.refusals:
            self.refusals -= 1
            raise CameraLostError("connection refused")
        self.opened += 1
        return VirtualCamera(self)

    def newest(self) -> int:
        """Number of the last picture that was taken by now."""
        return (time.monotonic_ns() - self._offset_ns) // self.period_ns

    def taken_ns(self, number: int) -> int:
        return number * self.period_ns + self._offset_ns

    def is_lost(self) -> bool:
        if self.torn:
            self.torn -= 1
            return True
        return self._random.random() < self.loss

    def picture(self) -> np.ndarray:
        """What the camera sees now: texture with the noise that a sensor has."""
        if self.frozen and self._still is not None:
            return self._still
        width, height = self.size_wh
        texture = np.random.default_rng(self.scene).integers(40, 200, (8, 12), np.uint8)
        rows = np.arange(height) * 8 // height
        columns = np.arange(width) * 12 // width
        image = texture[rows][:, columns] + self._noise.integers(0, 8, (height, width), np.uint8)
        if self.bits == 16:
            image = image.astype(np.uint16) * 16 + 20_000
        elif self.sensor is Sensor.VIS:
            image = np.dstack([image, image, image // 2])
        self._still = image
        return image


class VirtualCamera(LiveSource):
    """A device that was opened."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._info = SourceInfo(
            f"virtual:{device.sensor.value}",
            "v4l2",
            device.sensor,
            device.size_wh,
            device.bits,
            device.fps,
            clock="driver",
        )
        self._fps = device.fps
        self._number = device.newest()
        self._seq = -1
        self._again: list[Frame] = []
        self._held: Frame | None = None
        self._open = True

    def poll(self, timeout_s: float) -> Frame | None:
        device, end_ns = self._device, time.monotonic_ns() + round(timeout_s * SECOND)
        while True:
            if device.hangs:
                device.hangs -= 1
                device.released.wait(_HANG_S)
            error, device.error = device.error, None
            if error is not None:
                raise error
            if not device.plugged:
                raise CameraLostError("unplugged")
            frame = None if device.silent else self._next()
            if frame is not None:
                device.delivered += 1
                return frame
            now_ns = time.monotonic_ns()
            if now_ns >= end_ns:
                return None
            wait_ns = min(end_ns, device.taken_ns(self._number + 1)) - now_ns
            # Short, so that what the test does is felt at once; never nothing, as a camera that
            # turns round and round takes the interpreter from all other threads.
            time.sleep(min(max(wait_ns, MS), 5 * MS) / SECOND)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._device.closed += 1

    def _next(self) -> Frame | None:
        """The newest picture that was not given yet."""
        if self._again:
            return self._again.pop()
        device = self._device
        number = device.newest()
        if device.fps != self._fps:  # pictures are numbered anew, but the camera counts on
            self._fps, self._number = device.fps, number - 1
        if number <= self._number:
            return None
        self._seq += number - self._number
        self._number = number
        if device.is_lost():
            return None
        frame = self._frame(number)
        if device.twice:
            self._again.append(frame)
        if not device.swapped:
            return frame
        held, self._held = self._held, None if self._held else frame
        if held is None:
            return None
        self._again.append(held)
        return frame

    def _frame(self, number: int) -> Frame:
        device = self._device
        taken_ns = device.taken_ns(number)
        stamp_ns = (SECOND if device.stuck_stamp else taken_ns) + device.stamp_ns
        image = device.picture()
        arrived_ns = time.monotonic_ns()
        device.made_ns[arrived_ns] = taken_ns
        return Frame(image, stamp_ns, self._seq, stamp_ns, arrived_ns, device.flags)
