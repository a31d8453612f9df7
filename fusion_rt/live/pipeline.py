"""A live run: cameras that come and go, pictures that are always of now.

::

    camera ─ capture thread ─▶ channel ─┐
                                        ├─ register thread ─▶ channel ─ fuse thread ─▶ channel ─▶
    camera ─ capture thread ─▶ channel ─┘                                              main thread

Each channel holds the newest; nothing waits in a queue, so the delay cannot grow. The end comes
only from the user, from a set time, or from a failure of ours: a camera that is lost is opened
again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from calibration.rig import Rig
from engines.base import EngineInfo
from engines.errors import Stopped

from ..channel import Channel
from ..errors import PipelineError
from ..frame import FramePair, Sensor
from ..fuse import FuseStage
from ..ledger import DropReason
from ..live_pairing import LivePairer, OffsetLine, PairingState
from ..preview import EngineOpener, Preview, Previewed
from ..radiometry import Radiometry
from ..registration.rig_fit import fit_geometry
from ..registration.running import Registration
from ..run_settings import RELOADABLE, RunSettings
from ..run_stats import RunStats
from ..stage import Stage
from ..timing import NS_PER_MS
from .cameras import NAMES, LiveCameras
from .health import Health, HealthHistory, judge_health
from .infrared import InfraredWatch
from .register import LiveRegisterStage, Observer
from .standin import StandIns

_JOIN_S = 10.0
_OUT_OF_STEP = "no two pictures were taken together: check pairing.ir_offset_ms and the clocks"
_SUPERVISE_NS = 200_000_000
# An engine that takes longer for a picture hangs, or is of no use for live video.
_NOTHING_NS = 5_000_000_000
# A camera whose pictures come, but none with a time stamp that can be used for so long, is useless.
_UNUSABLE_NS = 500_000_000
_SILENT = {
    PairingState.IR_SILENT: (Sensor.IR,),
    PairingState.VIS_SILENT: (Sensor.VIS,),
    PairingState.BOTH_SILENT: (Sensor.IR, Sensor.VIS),
}


class LivePipeline:
    """One run. Make it once the cameras' sizes are known, call `run` once on the main thread."""

    pace = "live"

    def __init__(
        self,
        cameras: LiveCameras,
        sizes: dict[Sensor, tuple[int, int]],
        opener: EngineOpener,
        *,
        rig: Rig | None,
        settings: RunSettings,
        preview: Preview | None = None,
        observe: Observer | None = None,
        radiometry: Callable[[], Radiometry | None] = lambda: None,
        report: Callable[[str], None],
    ) -> None:
        """Wire the stages behind the cameras, which run already.

        Args:
            cameras: started; the pipeline closes them.
            sizes: width and height in px of both.
            opener: opens the engine for the visible camera's size, on the fuse thread.
            rig: geometry; None for pictures of one size that lie on each other.
            settings: of the run.
            preview: what fuses while the engine is being prepared; None to wait for the engine.
            observe: sees every frame as it comes; must not block.
            radiometry: what the infrared camera's counts mean, as far as is known by now.
            report: told, in words, what changes.

        Raises:
            UsageError: sizes that do not go together, or a distance that the rig does not know.
            RigError: pictures that have nothing in common, or a preset that cannot be used.
        """
        wanted = settings.registration
        geometry = fit_geometry(rig, sizes[Sensor.IR], sizes[Sensor.VIS], wanted)
        self.registration = Registration(geometry, wanted, repeatable=False)
        self.cameras = cameras
        self.ledger = cameras.ledger
        self.stats = RunStats()
        self.infrared = InfraredWatch(settings.thermal, radiometry)
        now_ns = time.monotonic_ns()
        self.history = HealthHistory(now_ns)
        self._report = report
        self._stop_asked = False
        self._previewed = 0
        self._supervised_ns = self._finished_ns = now_ns
        self._set_offset_ms: float | None = None
        self._rig_offset_ms = (None if rig is None else rig.ir_offset_ms) or 0.0
        self._unusable_since_ns: dict[Sensor, int] = {}
        self._notes: dict[str, str] = {}
        self._until_ns = None if settings.seconds is None else now_ns + settings.seconds * 1e9
        self._pairer = LivePairer()
        self._register = LiveRegisterStage(
            cameras.channels,
            Channel(1, "latest", cameras.changed),
            self._pairer,
            self.registration,
            self.infrared,
            StandIns(sizes[Sensor.IR], sizes[Sensor.VIS]),
            observe or (lambda sensor, frame: None),
            self.ledger,
            cameras.stopping,
            engine_warps=lambda: self._fuse.engine_warps,
            hungry=lambda: self._fuse.hungry,
        )
        self._fuse = FuseStage(
            opener,
            self.registration,
            self._register.channel,
            Channel(1, "latest"),
            self.ledger,
            cameras.stopping,
            None,
            preview,
        )
        self.apply(settings)

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
    def max_skew_ms(self) -> float:
        """Tolerance of pairing as it is now."""
        return self._pairer.max_skew_ns / NS_PER_MS

    @property
    def ending(self) -> bool:
        """Whether the user asked to stop, something failed, or the run is over."""
        return self._stop_asked or self.cameras.stopping.is_set()

    @property
    def health(self) -> Health:
        """How the run fares now."""
        cameras = self.cameras.states()
        reasons = list(self.infrared.reasons) if cameras[Sensor.IR].running else []
        if self._pairer.state is PairingState.OUT_OF_STEP:
            reasons.append(_OUT_OF_STEP)
        reasons += [*self._unusable(), *self._notes.values()]
        nothing = ""
        if any(state.running for state in cameras.values()):
            silent_ns = time.monotonic_ns() - self._finished_ns
            if self._fuse.info is None:
                nothing = "the engine is not ready"
            elif silent_ns > _NOTHING_NS:
                nothing = f"nothing was fused for {silent_ns / 1e9:.0f} s"
        return judge_health(cameras, tuple(reasons), nothing)

    def note(self, about: str, words: str) -> None:
        """Something else that is not as it should be, for `health`; on the main thread.

        Args:
            about: what it is about; a later note about the same takes its place.
            words: what is wrong; empty where all is well again.
        """
        self._notes.pop(about, None)
        if words:
            self._notes[about] = words

    def pairing_summary(self) -> dict[str, Any]:
        """How the frames were paired, see `LivePairer.summary`."""
        return self._pairer.summary()

    def stop(self) -> None:
        """Ask for the end; safe from any thread and from a signal handler."""
        self._stop_asked = True

    def apply(self, settings: RunSettings, sections: Collection[str] = RELOADABLE) -> None:
        """Take over what can change while the run goes on; safe from any thread.

        Args:
            settings: checked.
            sections: those to take over.

        Raises:
            UsageError: a fixed range in °C for a camera that is not radiometric, or a distance for
                a rig that knows none.
        """
        if "thermal" in sections:
            self.infrared.configure(settings.thermal)
        if "registration" in sections:
            self.registration.configure(settings.registration)
        if "pairing" not in sections:
            return
        pairing = settings.pairing
        self._pairer.configure(
            mode=pairing.mode,
            max_skew_ns=(
                None if pairing.max_skew_ms is None else round(pairing.max_skew_ms * NS_PER_MS)
            ),
        )
        offset_ms = self.given_offset_ms(settings)
        if offset_ms != self._set_offset_ms:  # else one that was found stays in use
            self._set_offset_ms = offset_ms
            self.set_offset(offset_ms)

    def given_offset_ms(self, settings: RunSettings) -> float:
        """How far the settings say that the infrared clock is ahead, or else the rig; 0 if none."""
        if settings.pairing.ir_offset_ms is not None:
            return settings.pairing.ir_offset_ms
        return self._rig_offset_ms

    def check(self, settings: RunSettings) -> None:
        """Whether `apply` can take these settings over.

        Raises:
            UsageError: a fixed range in °C for a camera that is not radiometric, or a distance for
                a rig that knows none.
        """
        self.infrared.check(settings.thermal)
        self.registration.check(settings.registration)

    def set_offset(self, offset: float | OffsetLine) -> None:
        """How far the infrared clock is ahead of the visible one, from the next frame on.

        Args:
            offset: in ms, or a line where the two run at different speeds.
        """
        line = offset if isinstance(offset, OffsetLine) else round(offset * NS_PER_MS)
        self._pairer.configure(ir_offset_ns=line)

    def run(
        self, consume: Callable[[FramePair, Health], None], idle: Callable[[Health], None]
    ) -> bool:
        """Run until `stop` is called or the set time is over.

        Args:
            consume: gets every finished pair in order, on the calling thread.
            idle: called at least every 0.1 s while nothing is finished.

        Returns:
            Whether the user asked for the end.

        Raises:
            Whatever a stage or ``consume`` raised first; the rest has ended by then.
        """
        stages: list[Stage] = [self._register, self._fuse]
        try:
            for stage in stages:
                stage.start()
            while not self.ending and not self._time_is_over():
                pair = self._fuse.channel.get(timeout_s=0.05)
                health = self._watch()
                if pair is not None:
                    self._finish(pair, health, consume)
                elif self._fuse.channel.exhausted:
                    break
                else:
                    idle(health)
        finally:
            self._close(stages)
        for stage in [*self.cameras.stages, *stages]:
            if stage.error is not None and not self._as_asked(stage.error):
                raise stage.error
        return self._stop_asked

    def _unusable(self) -> list[str]:
        """Cameras that deliver, but whose time stamps all are refused."""
        now_ns, since_ns = time.monotonic_ns(), self._unusable_since_ns
        return [
            f"the {NAMES[sensor]} camera's time stamps cannot be used: they stand still or leap"
            for sensor in Sensor
            if now_ns - since_ns.get(sensor, now_ns) > _UNUSABLE_NS
        ]

    def _watch_stamps(self, now_ns: int) -> None:
        silent = _SILENT.get(self._pairer.state, ())
        for sensor, state in self.cameras.states().items():
            if state.running and sensor in silent:
                self._unusable_since_ns.setdefault(sensor, now_ns)
            else:
                self._unusable_since_ns.pop(sensor, None)

    def _watch(self) -> Health:
        now_ns = time.monotonic_ns()
        self._watch_stamps(now_ns)
        health = self.health
        if self.history.observe(health, now_ns):
            self._report(str(health))
        if self._fuse.info is None or not any(s.running for s in self.cameras.states().values()):
            self._finished_ns = now_ns  # nothing could be fused so far
        if now_ns - self._supervised_ns > _SUPERVISE_NS:
            self._supervised_ns = now_ns
            for words in self.cameras.supervise():
                self._report(words)
        return health

    def _finish(
        self, pair: FramePair, health: Health, consume: Callable[[FramePair, Health], None]
    ) -> None:
        begun_ns = time.monotonic_ns()
        try:
            consume(pair, health)
        except BaseException:
            self.ledger.dropped_pair(pair, DropReason.STOPPED)
            raise
        self.ledger.shown(pair)
        self._previewed += pair.previewed
        self._finished_ns = time.monotonic_ns()
        self.stats.add(pair, begun_ns, self._finished_ns)

    def _time_is_over(self) -> bool:
        return self._until_ns is not None and time.monotonic_ns() > self._until_ns

    def _as_asked(self, error: BaseException) -> bool:
        """Whether a stage ended so because the user wanted the end: the engine was not open yet."""
        return isinstance(error, Stopped) and (self._stop_asked or self._time_is_over())

    def _close(self, stages: list[Stage]) -> None:
        """End every thread and account for what was under way."""
        self.cameras.close()
        for channel in (self._register.channel, self._fuse.channel):
            for pair in channel.close():
                self.ledger.dropped_pair(pair, DropReason.STOPPED)
        self.registration.close()
        deadline = time.monotonic() + _JOIN_S
        threads = [*self.cameras.stages, *stages]
        for thread in threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        for thread in self.cameras.stages:
            if thread.is_alive():  # a daemon; what was shown and written is whole all the same
                self._report(f"{thread.name} does not stop: its driver hangs")
        stuck = [thread.name for thread in stages if thread.is_alive()]
        if stuck and not any(thread.error for thread in threads):
            raise PipelineError(
                f"{', '.join(stuck)} does not stop", hint="a driver hangs; see dmesg"
            )
