"""The fuse stage: the one thread that owns the engine."""

from __future__ import annotations

import threading
import time
from collections import deque

import cv2
import numpy as np

from engines.base import Engine, EngineInfo
from engines.errors import Stopped

from .channel import Channel
from .frame import FramePair, Sensor
from .ledger import DropReason, Ledger
from .pace import RealtimePace
from .preview import EngineOpener, Preparation, Preview
from .registration.alignment import Alignment
from .registration.running import Registration
from .stage import Stage

# Where there is nothing to build, the engine is prepared sooner than a preview is opened.
_PREVIEW_AFTER_S = 0.3


class FuseStage(Stage):
    """Opens the engine on its own thread and fuses every pair that comes.

    Attributes:
        info: of the engine that fuses now, once it is open.
        engine_warps: whether that engine takes infrared pictures as they came.
        preview_info: of the engine that fused while this run's own was being prepared; None
            where none did.
    """

    def __init__(
        self,
        opener: EngineOpener,
        registration: Registration,
        pairs: Channel[FramePair],
        channel: Channel[FramePair],
        ledger: Ledger,
        stopping: threading.Event,
        pace: RealtimePace | None,
        preview: Preview | None = None,
    ) -> None:
        super().__init__("fuse", stopping)
        self.channel = channel
        self.info: EngineInfo | None = None
        self.engine_warps = False
        self.preview_info: EngineInfo | None = None
        self._opener = opener
        self._registration = registration
        self._pairs = pairs
        self._ledger = ledger
        self._pace = pace
        self._preview = preview
        self._taken: FramePair | None = None  # and not yet under way
        self._under_way: deque[FramePair] = deque()
        self._trust = 1.0
        self._alignment: Alignment | None = None
        self._slots = 0

    @property
    def hungry(self) -> bool:
        """Whether a pair handed on now would be begun at once; safe from any thread."""
        return len(self._under_way) + (self._taken is not None) < self._slots

    def work(self) -> None:
        """See `Stage.work`."""
        try:
            if self._preview is not None:
                self._fuse_preview(self._preview)
            if not self._over:
                self._fuse_with(self._opener)
        finally:
            self._ledger.dropped_pair(self._taken, DropReason.STOPPED)
            for pair in self._under_way:
                self._ledger.dropped_pair(pair, DropReason.STOPPED)
            self.channel.end()

    @property
    def _over(self) -> bool:
        return self.stopping.is_set() or self._pairs.exhausted

    def _fuse_preview(self, preview: Preview) -> None:
        """Fuse with the other engine until the run's own can be opened, or all is over."""
        preparation = Preparation(preview.prepare, self.stopping)
        try:
            if not preparation.ready_within(_PREVIEW_AFTER_S):
                self._show_preview(preview, preparation)
        finally:
            preparation.give_up()
        error = preparation.error
        # Where all is over, it was told to stop.
        if error is not None and not (self._over and isinstance(error, Stopped)):
            raise error

    def _show_preview(self, preview: Preview, preparation: Preparation) -> None:
        preview.report(f"showing {preview.name} until the engine is ready")
        pairs = self._fuse_with(preview.opener, preparation)
        if preparation.ready and preparation.error is None and not self._over:
            preview.report(f"the engine is ready, after {pairs} pairs by {preview.name}")

    def _fuse_with(self, opener: EngineOpener, preparation: Preparation | None = None) -> int:
        """Fuse until the preparation is ready, the input ends or the run is stopped; count pairs.

        Those under way at the end are finished, those waiting stay in the channel. It gives up none
        of them where its policy is to block; live, newer ones take their place until the next
        engine is open.
        """
        count = 0
        with opener() as engine:
            if engine.warps:
                self._registration.make_grids()
            self._place(engine, self._registration.now, 1.0)
            self.engine_warps = engine.warps
            self.info = engine.info
            if preparation is not None:
                self.preview_info = engine.info
            if self._pace is not None:
                self._warm_up(engine)
                self._pace.start()
            self._slots = engine.slots
            self._pairs.wake()
            while not (self._over or (preparation is not None and preparation.ready)):
                count += self._step(engine, wait_s=0.1)
            self._slots = 0
            while self._under_way and not self.stopping.is_set():
                count += self._collect(engine)
        return count

    def _step(self, engine: Engine, wait_s: float) -> int:
        """Begin the next pair if there is one; finish the oldest where nothing better is to do."""
        pair = self._pairs.take() if self._under_way else self._pairs.get(wait_s)
        self._taken = pair
        if pair is not None and pair.alone is not None:
            return self._finish_all(engine) + self._show_alone(pair)
        if pair is not None:
            finished = self._finish_all(engine) if self._changes(pair) else 0
            self._submit(engine, pair)
            if finished:
                return finished
        full = len(self._under_way) == engine.slots
        return self._collect(engine) if self._under_way and (full or pair is None) else 0

    def _submit(self, engine: Engine, pair: FramePair) -> None:
        assert pair.ir_8bit is not None
        assert pair.vis_bgr is not None
        if self._changes(pair):
            self._place(engine, self._registration.of(pair), pair.ir_trust)
        self._under_way.append(pair)
        self._taken = None
        self._pairs.wake()  # there may be room for one more
        pair.previewed = engine.info is self.preview_info
        pair.stamps_ns["fuse_begun"] = time.monotonic_ns()
        engine.submit(
            pair.ir_8bit if engine.warps else self._registration.warped(pair), pair.vis_bgr
        )

    def _changes(self, pair: FramePair) -> bool:
        """Whether the engine must be told something before this pair."""
        return pair.ir_trust != self._trust or self._registration.of(pair) is not self._alignment

    def _place(self, engine: Engine, alignment: Alignment, trust: float) -> None:
        """Tell the engine where and how much to fuse from now on."""
        engine.set_weight(alignment.weight_at(trust))
        if engine.warps:
            engine.set_grid(alignment.grid)
        self._alignment, self._trust = alignment, trust

    def _collect(self, engine: Engine) -> int:
        pair = self._under_way[0]
        pair.fused = engine.collect()
        pair.stamps_ns["fused"] = time.monotonic_ns()
        overwritten = self.channel.put(pair)
        self._under_way.popleft()
        self._pairs.wake()
        self._ledger.dropped_pair(overwritten, DropReason.OVERWRITTEN)
        return 1

    def _finish_all(self, engine: Engine) -> int:
        """Finish what is under way: it must not see what comes next, or come after it."""
        return sum(self._collect(engine) for _ in range(len(self._under_way)))

    def _show_alone(self, pair: FramePair) -> int:
        """The one picture that there is, as it is."""
        pair.stamps_ns["fuse_begun"] = time.monotonic_ns()
        if pair.alone is Sensor.VIS:
            pair.fused = pair.vis_bgr
        else:
            warped = self._registration.warped(pair)
            # Beyond it the warp mirrors, which is for engines only.
            seen = self._registration.of(pair).ir_seen
            shown = warped if seen is None else cv2.bitwise_and(warped, seen)
            pair.fused = cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR)
        pair.stamps_ns["fused"] = time.monotonic_ns()
        overwritten = self.channel.put(pair)
        self._taken = None
        self._pairs.wake()
        self._ledger.dropped_pair(overwritten, DropReason.OVERWRITTEN)
        return 1

    def _warm_up(self, engine: Engine) -> None:
        """The first run allocates; a camera must not wait for that."""
        width, height = self._registration.size_wh
        ir_wh = engine.ir_size_wh if engine.warps else (width, height)
        engine.fuse(
            np.zeros((ir_wh[1], ir_wh[0]), np.uint8), np.zeros((height, width, 3), np.uint8)
        )
