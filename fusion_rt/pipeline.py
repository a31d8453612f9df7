"""Two sources in, fused pictures out: the threads of a run, their channels and their end.

::

    source ─ capture thread ─▶ channel ─┐
                                        ├─ register thread ─▶ channel ─ fuse thread ─▶ channel ─▶
    source ─ capture thread ─▶ channel ─┘                                              main thread

Every thread ends by itself when its input ends. A failure in one, or a wish to stop, sets one
event that all of them see within 0.1 s; closing the channels wakes whoever waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from calibration.rig import Rig
from engines.base import EngineInfo
from engines.errors import Stopped

from .capture import CaptureStage
from .channel import Channel, Policy
from .config import Settings
from .errors import PipelineError, SourceError, TruncatedSourceError
from .frame import FramePair
from .fuse import FuseStage
from .ledger import DropReason, Ledger
from .limits import MeasuredLimits
from .pace import RealtimePace
from .pairing import Pairer
from .preview import EngineOpener, Preview, Previewed
from .register import RegisterStage
from .registration.rig_fit import fit_geometry
from .registration.running import Registration
from .run_stats import RunStats
from .sources.base import Source
from .stage import Stage
from .thermal import Agc
from .timing import NS_PER_MS

# Deep enough that a hiccup in one stage does not starve the next, small enough for memory: a
# 3840x2160 pair is 35 MB.
_REPLAY_DEPTH = 2
_LIVE_DEPTH = 1
# Live: frames of one camera that may wait for the other before the oldest is given up.
_MAX_WAITING = 64
# A 4K pair takes a slow processor 20 s; a thread that takes much longer to stop counts as stuck.
_JOIN_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        stopped: the user asked for the end before the sources were through.
        broken: recordings that broke off.
    """

    stopped: bool
    broken: tuple[TruncatedSourceError, ...]


class Pipeline:
    """One run. Make it, call `run` once on the main thread, read the counts afterwards."""

    def __init__(
        self,
        ir: Source,
        vis: Source,
        opener: EngineOpener,
        *,
        rig: Rig | None,
        settings: Settings,
        preview: Preview | None = None,
    ) -> None:
        """Wire the stages; nothing runs yet. From here on the pipeline closes the sources.

        Args:
            ir: infrared source.
            vis: visible source, whose picture is the frame of reference.
            opener: opens the engine for the visible source's size, on the fuse thread. Where that
                lasts, it asks `ending` and raises `engines.errors.Stopped`.
            rig: geometry; None for pictures of one size that lie on each other.
            settings: pairing, registration, thermal and pace are used here.
            preview: what fuses while the engine is being prepared; None to wait for the engine.

        Raises:
            UsageError: sizes that do not go together, or a distance that the rig does not know.
            RigError: pictures that have nothing in common, or a preset that cannot be used.
        """
        wanted = settings.registration
        geometry = fit_geometry(rig, ir.info.size_wh, vis.info.size_wh, wanted)
        self.registration = Registration(geometry, wanted, repeatable=settings.pace == "fast")
        self.ledger = Ledger()
        self.stats = RunStats()
        self._stopping = threading.Event()
        self._stop_asked = False
        self._previewed = 0
        self.pace = settings.pace
        live = settings.pace == "realtime"
        pace = RealtimePace() if live else None
        policy: Policy = "latest" if live else "block"
        depth = _LIVE_DEPTH if live else _REPLAY_DEPTH
        changed = threading.Condition()
        max_skew_ms = settings.pairing.max_skew_ms
        self._limits = MeasuredLimits(
            max((source.info.fps for source in (ir, vis) if source.info.fps), default=None),
            None if max_skew_ms is None else round(max_skew_ms * NS_PER_MS),
            live=live,
        )
        self._captures = {
            source.info.sensor: CaptureStage(
                source,
                Channel(depth, policy, changed),
                self.ledger,
                self._stopping,
                pace,
            )
            for source in (ir, vis)
        }
        self.agc = Agc(settings.thermal)
        self._register = RegisterStage(
            self._captures,
            Channel(depth, policy),
            Pairer(
                self._limits,
                round(settings.pairing.ir_offset_ms * NS_PER_MS),
                max_waiting=_MAX_WAITING if live else None,
            ),
            self.registration,
            self.agc,
            self.ledger,
            self._stopping,
            live=live,
            engine_warps=lambda: self._fuse.engine_warps,
        )
        self._fuse = FuseStage(
            opener,
            self.registration,
            self._register.channel,
            Channel(depth, policy),
            self.ledger,
            self._stopping,
            pace,
            preview,
        )
        self._stages: list[Stage] = [*self._captures.values(), self._register, self._fuse]

    @property
    def max_skew_ms(self) -> float:
        """Tolerance of pairing as it is now."""
        return self._limits.max_skew_ns / NS_PER_MS

    @property
    def engine_info(self) -> EngineInfo | None:
        """Facts about the engine, once it is open."""
        return self._fuse.info

    @property
    def previewed(self) -> Previewed | None:
        """What another engine fused while the run's own was being prepared; None where none did."""
        info = self._fuse.preview_info
        return None if info is None else Previewed(self._previewed, info)

    @property
    def ending(self) -> bool:
        """Whether the user asked to stop, something failed, or the run is over."""
        return self._stop_asked or self._stopping.is_set()

    def stop(self) -> None:
        """Ask for the end; safe from any thread and from a signal handler.

        Takes no lock: a handler may have interrupted the very thread that holds it.
        """
        self._stop_asked = True

    def run(
        self, consume: Callable[[FramePair], None], idle: Callable[[], None] | None = None
    ) -> Outcome:
        """Run until both sources end, something fails or `stop` is called.

        Args:
            consume: gets every finished pair in order, on the calling thread.
            idle: called at least every 0.1 s while nothing is finished (a window wants that).

        Raises:
            Whatever a stage or ``consume`` raised first; the rest has ended by then.
            SourceError: a source delivered no frame at all.
        """
        try:
            for stage in self._stages:
                stage.start()
            while not self.ending:
                pair = self._fuse.channel.get(timeout_s=0.1)
                if pair is not None:
                    self._finish(pair, consume)
                elif self._fuse.channel.exhausted:
                    break
                if idle is not None:
                    idle()
        finally:
            self._close()
        for stage in self._stages:
            if stage.error is not None and not self._as_asked(stage.error):
                raise stage.error
        broken = tuple(s.broken for s in self._captures.values() if s.broken is not None)
        self._check_not_empty(broken)
        return Outcome(stopped=self._stop_asked, broken=broken)

    def _as_asked(self, error: BaseException) -> bool:
        """Whether a stage ended so because the user wanted the end: the engine was not open yet."""
        return self._stop_asked and isinstance(error, Stopped)

    def _finish(self, pair: FramePair, consume: Callable[[FramePair], None]) -> None:
        begun_ns = time.monotonic_ns()
        try:
            consume(pair)
        except BaseException:
            self.ledger.dropped_pair(pair, DropReason.STOPPED)
            raise
        self.ledger.fused()
        self._previewed += pair.previewed
        self.stats.add(pair, begun_ns, time.monotonic_ns())

    def _close(self) -> None:
        """End every thread and account for what was under way."""
        self._stopping.set()
        for sensor, stage in self._captures.items():
            for frame in stage.channel.close():
                self.ledger.dropped(sensor, frame, DropReason.STOPPED)
        for channel in (self._register.channel, self._fuse.channel):
            for pair in channel.close():
                self.ledger.dropped_pair(pair, DropReason.STOPPED)
        self.registration.close()
        deadline = time.monotonic() + _JOIN_S
        for thread in self._stages:
            if not thread.is_alive():  # ended, or not begun where Ctrl-C came at once
                continue
            thread.join(max(0.0, deadline - time.monotonic()))
        stuck = [thread.name for thread in self._stages if thread.is_alive()]
        if stuck and not any(stage.error for stage in self._stages):
            raise PipelineError(
                f"{', '.join(stuck)} does not stop", hint="a driver or file system hangs; see dmesg"
            )

    def _check_not_empty(self, broken: tuple[TruncatedSourceError, ...]) -> None:
        if self._stop_asked or broken:
            return
        for sensor, stage in self._captures.items():
            if not self.ledger.count_captured(sensor):
                raise SourceError(
                    f"{stage.source.info.uri} holds no frame", hint="give another recording"
                )
