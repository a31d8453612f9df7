"""A live run with virtual cameras that a test plays step by step.

A test is a generator: it yields conditions, and goes on when they hold. They are looked at whenever
the run's main thread is called back, so nothing depends on how quick the machine is; a condition
that never holds fails the test, with what was seen instead.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from fakes import FakeEngine
from live.virtual_cameras import MS, SECOND, WH, Device

from calibration.rig import Rig
from engines.base import Engine
from fusion_rt.frame import Frame, FramePair, Sensor
from fusion_rt.live.cameras import Camera, LiveCameras
from fusion_rt.live.health import Health
from fusion_rt.live.pipeline import LivePipeline
from fusion_rt.run_settings import RunSettings

IR, VIS = Sensor.IR, Sensor.VIS
GIVE_UP_S = 60.0  # far beyond what any story takes
_QUIET_NS = 150 * MS

Condition = Callable[[], bool]
Story = Generator[Condition, None, None]
Prepare = Callable[[Frame], "Frame | None"]
Consume = Callable[[FramePair, Health], None]


@dataclass(frozen=True)
class Shown:
    """One picture that came out.

    Attributes:
        kind: "fused", "ir" or "vis".
        skew_ms: true visible minus infrared capture time of a fused one, else 0.
        age_ms: true time from the capture of its older frame to here.
        trust: of the infrared.
    """

    kind: str
    skew_ms: float
    age_ms: float
    trust: float


class Played:
    """A run that is played step by step, and what came of it.

    Attributes:
        shown: all pictures that came out.
        said: what the run told.
        health: as it is now.
        levels: its changes.
        pipeline: while it runs, and after.
        cameras: of the run.
        stopped: whether the end was asked for.
        over: whether the story came to its end.
    """

    def __init__(self, cameras: LiveCameras, settings: RunSettings) -> None:
        self.cameras = cameras
        self.settings = settings
        self.shown: list[Shown] = []
        self.said: list[str] = []
        self.health: Health | None = None
        self.levels: list[str] = []
        self.pipeline: LivePipeline | None = None
        self.stopped = self.over = False
        self._idle_since_ns = 0

    def note(self, pair: FramePair) -> Shown:
        """Look at a picture that came out."""
        raise NotImplementedError

    def drive(
        self, opener: Callable[[], Engine], rig: Rig | None, story: Story, consume: Consume
    ) -> None:
        """Run until the story is over."""
        self._end_s = time.monotonic() + GIVE_UP_S
        self.cameras.start()
        sizes = self.cameras.sizes(lambda: time.monotonic() > self._end_s, self.said.append)
        assert sizes is not None, f"never came: {self.cameras.waited_for()}"
        self.pipeline = LivePipeline(
            self.cameras, sizes, opener, rig=rig, settings=self.settings, report=self.said.append
        )
        self._story, self._until = story, next(story)

        def consumed(pair: FramePair, health: Health) -> None:
            self._idle_since_ns = 0
            self.shown.append(self.note(pair))
            consume(pair, health)
            self._go_on(health)

        def idle(health: Health) -> None:
            self._idle_since_ns = self._idle_since_ns or time.monotonic_ns()
            self._go_on(health)

        self.stopped = self.pipeline.run(consumed, idle)
        assert self.over or self.settings.seconds, f"the run ended by itself: {self.words}"

    def _go_on(self, health: Health) -> None:
        self.health = health
        if not self.levels or self.levels[-1] != health.level.value:
            self.levels.append(health.level.value)
        assert time.monotonic() < self._end_s, f"waited in vain: {self.words}"
        while self._until():
            try:
                self._until = next(self._story)
            except StopIteration:
                assert self.pipeline is not None
                self.over = True
                self.pipeline.stop()
                self._until = lambda: False

    # --- conditions -----------------------------------------------------------------------------

    def next(self, kind: str, count: int = 8) -> Condition:
        """From now on so many pictures came, the last ``count`` of them all of this kind.

        Kind "nothing": none came for a while.
        """
        if kind == "nothing":
            return self.nothing()
        begun = len(self.shown)

        def condition() -> bool:
            new = self.shown[begun:]
            return len(new) >= count and all(each.kind == kind for each in new[-count:])

        return condition

    def nothing(self) -> Condition:
        begun_ns = time.monotonic_ns()

        def condition() -> bool:
            since_ns = max(self._idle_since_ns, begun_ns)
            return self._idle_since_ns > 0 and time.monotonic_ns() - since_ns > _QUIET_NS

        return condition

    def feels(self, level: str, words: str = "") -> Condition:
        """The run's health is of this level, with such words (a regular expression)."""

        def condition() -> bool:
            health = self.health
            return (
                health is not None
                and health.level.value == level
                and bool(re.search(words, health.banner) if words else not health.banner)
            )

        return condition

    @property
    def words(self) -> str:
        """What was seen, for the message of a test that failed."""
        pipeline = self.pipeline
        kinds = [each.kind for each in self.shown]
        counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        return (
            f"{self.health}; last {kinds[-12:]}, in all {counts}; said {self.said[-4:]}; "
            f"pairing {pipeline.pairing_summary() if pipeline else None}; "
            f"{self.cameras.ledger.summary()}; {self.cameras.states()}"
        )


class LiveRun(Played):
    """A run with two virtual cameras."""

    def __init__(
        self,
        ir: Device | None = None,
        vis: Device | None = None,
        *,
        opener: Callable[[], Engine] | None = None,
        rig: Rig | None = None,
        settings: Mapping[str, Any] | None = None,
        prepare: Prepare = lambda frame: frame,
        timeout_s: float = 30.0,
        stuck_s: float | None = None,
        consume: Consume = lambda pair, health: None,
    ) -> None:
        """Prepare; nothing is opened before `play`.

        Args:
            ir: infrared camera; an ordinary one when None.
            vis: visible camera, likewise.
            opener: opens the engine; a `FakeEngine` when None.
            rig: geometry, which also tells the sizes beforehand.
            settings: of the run, beside the cameras.
            prepare: what is made of infrared frames.
            timeout_s: of both cameras.
            stuck_s: of both cameras.
            consume: called with every picture too.
        """
        self.ir = ir or Device(IR, 100)
        self.vis = vis or Device(VIS, 125, offset_ms=1)
        self._threads = set(threading.enumerate())
        self._seen: set[tuple[Sensor, int]] = set()
        self._opener = opener or (lambda: FakeEngine(WH))
        self._rig = rig
        self._consume = consume
        named = {"ir": "v4l2:/dev/video2", "vis": "v4l2:/dev/video0"}
        sizes = {} if rig is None else {IR: rig.ir_wh, VIS: rig.vis_wh}
        cameras = LiveCameras(
            {
                IR: Camera(self.ir.open, prepare, timeout_s, sizes.get(IR), stuck_s),
                VIS: Camera(self.vis.open, lambda f: f, timeout_s, sizes.get(VIS), stuck_s),
            }
        )
        super().__init__(
            cameras, RunSettings.model_validate({"cameras": named, **(settings or {})})
        )

    def device(self, sensor: Sensor) -> Device:
        return self.ir if sensor is IR else self.vis

    def play(self, story: Story) -> None:
        """Run until the story is over; then everything has to be in order.

        Raises:
            Whatever ended the run; all is in order then too.
        """
        try:
            self.drive(self._opener, self._rig, story, self._consume)
        finally:
            story.close()
            for device in (self.ir, self.vis):
                device.released.set()  # what hangs may end now
            self.cameras.close()
            self._check_left_behind()

    def note(self, pair: FramePair) -> Shown:
        now_ns = time.monotonic_ns()
        true_ns = {}
        for sensor, frame in ((IR, pair.ir), (VIS, pair.vis)):
            if pair.alone in (None, sensor):
                true_ns[sensor] = self.device(sensor).made_ns[frame.arrived_ns]
                key = (sensor, frame.arrived_ns)
                again = key in self._seen and pair.reused is not sensor
                assert not again, f"{sensor.value} frame {frame.seq} was shown twice"
                self._seen.add(key)
        self._check_picture(pair)
        return Shown(
            "fused" if pair.alone is None else pair.alone.value,
            (true_ns[VIS] - true_ns[IR]) / MS if pair.alone is None else 0,
            (now_ns - min(true_ns.values())) / MS,
            pair.ir_trust,
        )

    def _check_picture(self, pair: FramePair) -> None:
        """The picture is made of this pair and of no other, as `FakeEngine` fuses."""
        assert pair.fused is not None
        assert pair.vis_bgr is not None
        if pair.alone is VIS:
            np.testing.assert_array_equal(pair.fused, pair.vis.image)
        elif pair.alone is IR:
            assert pair.ir_on_vis is not None
            assert (pair.fused == pair.fused[..., :1]).all()
        else:
            assert self.pipeline is not None
            weight = self.pipeline.registration.now.weight_at(pair.ir_trust)
            np.testing.assert_array_equal(pair.fused[..., 1], pair.vis_bgr[..., 0])
            np.testing.assert_array_equal(pair.fused[..., 2], weight)

    def _check_left_behind(self) -> None:
        for device in (self.ir, self.vis):
            wait = threading.Event()
            for _ in range(500):
                if device.opened == device.closed:
                    break
                wait.wait(0.01)
            assert device.opened == device.closed, f"{device.sensor.value} camera was left open"
        for thread in set(threading.enumerate()) - self._threads:
            thread.join(5)
            assert not thread.is_alive(), f"{thread.name} was left behind"
        if self.pipeline is None:
            return
        for device in (self.ir, self.vis):
            ledger = self.cameras.ledger
            # What a thread reads when it is told to stop is of no interest any more.
            ended = 1 + self.cameras.replaced
            assert 0 <= device.delivered - ledger.count_captured(device.sensor) <= ended
            assert ledger.in_flight(device.sensor) == 0


def waited(seconds: float) -> Condition:
    """So long from now."""
    end_ns = time.monotonic_ns() + round(seconds * SECOND)
    return lambda: time.monotonic_ns() > end_ns
