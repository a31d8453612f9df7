"""The register stage: pairs frames and lays the infrared picture onto the visible one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from .capture import CaptureStage
from .channel import Channel
from .frame import FramePair, Sensor
from .ledger import DropReason, Ledger
from .pairing import Matched, Pairer
from .registration.running import Registration
from .stage import Stage
from .thermal import Agc


class RegisterStage(Stage):
    """Takes frames from both capture stages and hands on registered pairs."""

    def __init__(
        self,
        captures: dict[Sensor, CaptureStage],
        channel: Channel[FramePair],
        pairer: Pairer,
        registration: Registration,
        agc: Agc,
        ledger: Ledger,
        stopping: threading.Event,
        *,
        live: bool,
        engine_warps: Callable[[], bool],
    ) -> None:
        super().__init__("register", stopping)
        self._engine_warps = engine_warps
        self.channel = channel
        self._inputs = {sensor: stage.channel for sensor, stage in captures.items()}
        self._changed = self._inputs[Sensor.IR].changed
        self._pairer = pairer
        self._registration = registration
        self._agc = agc
        self._ledger = ledger
        self._live = live

    def work(self) -> None:
        """See `Stage.work`."""
        try:
            while not self.stopping.is_set():
                sensor = self._next_input()
                if sensor is None:
                    break
                frame = self._inputs[sensor].take()
                if frame is not None:
                    self._hand_on(self._pairer.push(sensor, frame))
                elif self._inputs[sensor].exhausted and not self.stopping.is_set():
                    self._hand_on(self._pairer.end(sensor))
                if self._live and self._pairer.hopeless:
                    break  # a recording is read to its end, so that its counts repeat exactly
        finally:
            self.channel.end()
            for sensor, frame in self._pairer.drain():
                self._ledger.dropped(sensor, frame, DropReason.STOPPED)

    def _next_input(self) -> Sensor | None:
        """Waits for the stream that can be read next; None when both have ended.

        A recording is read in the order of its time stamps, so that the result does not depend on
        which thread was faster; live, whichever camera delivers first.
        """
        wanted = self._pairer.wanted
        if wanted is None:
            return None
        choice = [wanted]
        if self._live:
            choice += [sensor for sensor in Sensor if sensor is not wanted]
        with self._changed:
            while not self.stopping.is_set():
                for sensor in choice:
                    channel = self._inputs[sensor]
                    if channel.readable or (sensor is wanted and channel.exhausted):
                        return sensor
                self._changed.wait(0.1)
        return wanted

    def _hand_on(self, matched: Matched) -> None:
        for sensor, frame, reason in matched.unmatched:
            self._ledger.dropped(sensor, frame, reason)
        for index, pair in enumerate(matched.pairs):
            try:
                pair.stamps_ns["paired"] = time.monotonic_ns()
                self._register(pair)
                pair.stamps_ns["registered"] = time.monotonic_ns()
                overwritten = self.channel.put(pair)
            except BaseException:
                for lost in matched.pairs[index:]:
                    self._ledger.dropped_pair(lost, DropReason.STOPPED)
                raise
            self._ledger.dropped_pair(overwritten, DropReason.OVERWRITTEN)

    def _register(self, pair: FramePair) -> None:
        ir = pair.ir.image
        if ir.dtype == np.uint16:
            ir = self._agc.apply(ir, pair.ir.captured_ns)
        pair.ir_8bit = ir
        self._registration.lay(pair, lazily=self._engine_warps())
