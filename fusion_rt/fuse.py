"""The fuse stage: the one thread that owns the engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np

from engines.base import Engine, EngineInfo

from .channel import Channel
from .frame import FramePair
from .ledger import DropReason, Ledger
from .pace import RealtimePace
from .stage import Stage

EngineOpener = Callable[[], AbstractContextManager[Engine]]


class FuseStage(Stage):
    """Opens the engine on its own thread and fuses every pair that comes.

    Attributes:
        info: of the engine, once it is open.
    """

    def __init__(
        self,
        opener: EngineOpener,
        weight: np.ndarray,
        pairs: Channel[FramePair],
        channel: Channel[FramePair],
        ledger: Ledger,
        stopping: threading.Event,
        pace: RealtimePace | None,
    ) -> None:
        super().__init__("fuse", stopping)
        self.channel = channel
        self.info: EngineInfo | None = None
        self._opener = opener
        self._weight = weight
        self._pairs = pairs
        self._ledger = ledger
        self._pace = pace

    def work(self) -> None:
        """See `Stage.work`."""
        try:
            with self._opener() as engine:
                engine.set_weight(self._weight)
                self.info = engine.info
                if self._pace is not None:
                    self._warm_up(engine)
                    self._pace.start()
                while not (self.stopping.is_set() or self._pairs.exhausted):
                    pair = self._pairs.get(timeout_s=0.1)
                    if pair is not None:
                        self._fuse(engine, pair)
        finally:
            self.channel.end()

    def _warm_up(self, engine: Engine) -> None:
        """The first run allocates; a camera must not wait for that."""
        height, width = self._weight.shape
        engine.fuse(np.zeros((height, width), np.uint8), np.zeros((height, width, 3), np.uint8))

    def _fuse(self, engine: Engine, pair: FramePair) -> None:
        assert pair.ir_on_vis is not None
        assert pair.vis_bgr is not None
        try:
            pair.stamps_ns["fuse_begun"] = time.monotonic_ns()
            pair.fused = engine.fuse(pair.ir_on_vis, pair.vis_bgr)
            pair.stamps_ns["fused"] = time.monotonic_ns()
            overwritten = self.channel.put(pair)
        except BaseException:
            self._ledger.dropped_pair(pair, DropReason.STOPPED)
            raise
        self._ledger.dropped_pair(overwritten, DropReason.OVERWRITTEN)
