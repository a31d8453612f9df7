"""The register stage of live cameras: pairs what comes, and prepares the newest pair for fusing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from ..channel import Channel
from ..frame import Frame, FramePair, Sensor
from ..ledger import DropReason, Ledger
from ..live_pairing import LivePairer
from ..pairing import Matched
from ..registration.running import Registration
from ..stage import Stage
from .infrared import InfraredWatch
from .standin import StandIns

_TICK_S = 0.02

# Sees every frame as it comes, for instance to compare the cameras' clocks; must not block.
Observer = Callable[[Sensor, Frame], None]


class LiveRegisterStage(Stage):
    """Takes frames from both cameras and hands on the newest pair when the fuse stage has room.

    Pairing is cheap and sees every frame; registering costs, so it is done only for a pair that
    will be fused. A pair that a newer one overtakes before is counted as overwritten.
    """

    def __init__(
        self,
        inputs: dict[Sensor, Channel[Frame]],
        channel: Channel[FramePair],
        pairer: LivePairer,
        registration: Registration,
        infrared: InfraredWatch,
        stand_ins: StandIns,
        observe: Observer,
        ledger: Ledger,
        stopping: threading.Event,
        *,
        engine_warps: Callable[[], bool],
        hungry: Callable[[], bool],
    ) -> None:
        """Wire it.

        Args:
            inputs: frames of each camera.
            channel: takes pairs; shares the condition of the inputs, so that the fuse stage wakes
                this one.
            pairer: decides which frames belong together.
            registration: of the pairs.
            infrared: makes the infrared ready.
            stand_ins: for a camera that is not there.
            observe: sees every frame.
            ledger: counts frames.
            stopping: ends the run.
            engine_warps: whether the engine takes the infrared picture as it came.
            hungry: whether a pair handed on now would be fused at once.
        """
        super().__init__("register", stopping)
        self.channel = channel
        self.pairer = pairer
        self._inputs = inputs
        self._changed = channel.changed
        self._registration = registration
        self._infrared = infrared
        self._stand_ins = stand_ins
        self._observe = observe
        self._ledger = ledger
        self._engine_warps = engine_warps
        self._hungry = hungry
        self._newest: FramePair | None = None

    def work(self) -> None:
        """See `Stage.work`."""
        try:
            while not self.stopping.is_set():
                self._wait()
                for sensor, channel in self._inputs.items():
                    while (frame := channel.take()) is not None:
                        frame = self._infrared.seen(sensor, frame)
                        matched = self.pairer.push(sensor, frame, time.monotonic_ns())
                        # An offset found from stamps that pairing corrects would count twice.
                        self._observe(sensor, self.pairer.put_right(sensor, frame))
                        self._sort(matched)
                self._sort(self.pairer.tick(time.monotonic_ns()))
                self._hand_on()
        finally:
            self.channel.end()
            self._replace_newest(None, DropReason.STOPPED)
            for sensor, frame in self.pairer.drain():
                self._ledger.dropped(sensor, frame, DropReason.STOPPED)

    def _wait(self) -> None:
        """Until a frame came, or there is room for the newest pair, or some time has passed."""
        due_ns = self.pairer.due_ns
        due_s = _TICK_S if due_ns is None else (due_ns - time.monotonic_ns()) / 1e9
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self.stopping.is_set()
                    or any(channel.readable for channel in self._inputs.values())
                    or (self._newest is not None and self._wanted)
                ),
                min(_TICK_S, max(0.0, due_s)),
            )

    @property
    def _wanted(self) -> bool:
        """A pair that had to wait for the engine would be old by then; a newer one may come."""
        return self._hungry() and not self.channel.readable

    def _sort(self, matched: Matched) -> None:
        for sensor, frame, reason in matched.unmatched:
            self._ledger.dropped(sensor, frame, reason)
        now_ns = time.monotonic_ns()
        for shown in matched.in_order:
            pair = shown if isinstance(shown, FramePair) else self._stand_ins.pair(*shown)
            self._infrared.paired(pair)
            pair.stamps_ns["paired"] = now_ns
            self._replace_newest(pair, DropReason.OVERWRITTEN)

    def _replace_newest(self, pair: FramePair | None, reason: DropReason) -> None:
        self._ledger.dropped_pair(self._newest, reason)
        self._newest = pair

    def _hand_on(self) -> None:
        if self._newest is None or not self._wanted:
            return
        pair = self._newest
        if pair.alone is not Sensor.VIS:
            pair.ir_8bit = self._infrared.in_8bit(pair.ir)
        else:
            pair.ir_8bit = np.zeros(pair.ir.image.shape, np.uint8)
        pair.ir_trust = self._infrared.trust(pair)
        lazily = self._engine_warps() and pair.alone is not Sensor.IR
        self._registration.lay(pair, lazily=lazily)
        pair.stamps_ns["registered"] = time.monotonic_ns()
        overwritten = self.channel.put(pair)
        self._newest = None
        self._ledger.dropped_pair(overwritten, DropReason.OVERWRITTEN)
