"""Two synthetic cameras with everything that goes wrong in them, driven through the live pairer.

Nothing here knows how pairs are found: it makes frames, pushes them at their time, ticks when the
pairer asks for it, and writes down what became of every frame.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np

from fusion_rt.frame import Frame, FramePair, Sensor
from fusion_rt.ledger import DropReason
from fusion_rt.live_pairing import LivePairer, PairingState
from fusion_rt.pairing import Matched

MS = 1_000_000
START_NS = 1_000_000_000_000
_IMAGE = np.zeros((1, 1), np.uint8)


@dataclass(frozen=True)
class Camera:
    """One camera.

    Attributes:
        fps: nominal rate.
        ppm: by how much its rate is too high.
            stamp_jitter_ms: each stamp is wrong by up to so much, either way.
        latency_ms: least time from capture to arrival.
        arrival_jitter_ms: up to so much is added to that.
        loss: share of frames that never arrive.
        swap: share of frames that arrive just after their successor.
        freeze_every_s, freeze_s: about so often nothing comes for so long; 0 for never.
    """

    fps: float
    ppm: float = 0.0
    stamp_jitter_ms: float = 0.0
    latency_ms: float = 5.0
    arrival_jitter_ms: float = 0.0
    loss: float = 0.0
    swap: float = 0.0
    freeze_every_s: float = 0.0
    freeze_s: float = 3.0


@dataclass(slots=True)
class Fate:
    """What became of one frame.

    Attributes:
        time_ns: its time stamp, without the clock offset.
        pushed_ns: when the pairer got it.
        in_order: whether no newer frame of its camera came before.
        left_ns: when the pairer gave it out or gave it up; -1: never.
        shown: rank among everything that was shown; -1: not shown.
        alone: shown alone.
        dropped: why it was given up.
        tolerance_ns: in force when it was.
    """

    time_ns: int
    pushed_ns: int
    in_order: bool
    left_ns: int = -1
    shown: int = -1
    alone: bool = False
    dropped: DropReason | None = None
    tolerance_ns: int = 0


@dataclass(slots=True)
class Made:
    """A pair: indices of its frames, when, the tolerance then, its rank, which was used before."""

    ir: int
    vis: int
    at_ns: int
    tolerance_ns: int
    rank: int
    reused: Sensor | None


@dataclass(slots=True)
class Alone:
    """A frame shown alone: its camera and index, when, its rank, tolerance and state then."""

    sensor: Sensor
    index: int
    at_ns: int
    rank: int
    tolerance_ns: int
    state: PairingState


@dataclass
class Run:
    """All that happened.

    Attributes:
        fates: of each camera's frames, in order of their time stamps.
        pairs: in the order in which they were made.
        alone: frames shown alone, in order.
        overdue: frames that waited longer than the pairer says they may.
        unaccounted: how often a count did not add up or a frame came out twice.
    """

    fates: dict[Sensor, list[Fate]]
    pairs: list[Made] = field(default_factory=list)
    alone: list[Alone] = field(default_factory=list)
    overdue: list[tuple[Sensor, int]] = field(default_factory=list)
    unaccounted: int = 0


def arrivals(
    camera: Camera, seconds: float, rng: random.Random, phase_ms: float = 0.0
) -> list[tuple[int, int]]:
    """(Time of arrival, time stamp) in ns of every frame that arrives, in order of arrival."""
    period_ns = 1e9 / camera.fps / (1 + camera.ppm * 1e-6)
    jitter_ns, arrival_ns = camera.stamp_jitter_ms * MS, camera.arrival_jitter_ms * MS
    frozen_ns = thaws_ns = float("inf")
    if camera.freeze_every_s:
        frozen_ns = START_NS + camera.freeze_every_s * rng.uniform(0.5, 1.0) * 1e9
        thaws_ns = frozen_ns + camera.freeze_s * 1e9
    found: list[tuple[int, int]] = []
    last_ns = 0
    for index in range(int(seconds * 1e9 / period_ns)):
        true_ns = START_NS + phase_ms * MS + index * period_ns
        while true_ns >= thaws_ns:
            frozen_ns = thaws_ns + camera.freeze_every_s * rng.uniform(0.5, 1.0) * 1e9
            thaws_ns = frozen_ns + camera.freeze_s * 1e9
        if true_ns >= frozen_ns or rng.random() < camera.loss:
            continue
        late_ns = camera.latency_ms * MS + rng.random() * arrival_ns
        # A link keeps the order: what is late makes all behind it late.
        last_ns = max(last_ns + 2, round(true_ns + late_ns))
        found.append((last_ns, round(true_ns + rng.uniform(-jitter_ns, jitter_ns))))
    index = 0
    while index + 1 < len(found):
        if rng.random() < camera.swap:
            late, (arrives_ns, stamp_ns) = found[index], found[index + 1]
            found[index] = (arrives_ns, stamp_ns)
            found[index + 1] = (arrives_ns + 1, late[1])
            index += 1
        index += 1
    return found


def play(
    pairer: LivePairer,
    ir: list[tuple[int, int]],
    vis: list[tuple[int, int]],
    ir_offset_ns: int = 0,
    ir_ppm: float = 0.0,
) -> Run:
    """Push all frames at their times, tick whenever something is due until nothing waits.

    Args:
        pairer: fresh.
        ir: as `arrivals` gives them.
        vis: likewise.
        ir_offset_ns: by how much the infrared clock is ahead at the start.
        ir_ppm: by how much it runs fast.
    """
    events, fates = [], {}
    for sensor, found in ((Sensor.IR, ir), (Sensor.VIS, vis)):
        order = sorted(range(len(found)), key=lambda i, found=found: found[i][1])
        index_of = {arrived: index for index, arrived in enumerate(order)}
        fates[sensor] = [Fate(found[i][1], found[i][0], True) for i in order]
        newest = -1
        for arrived, (pushed_ns, stamp_ns) in enumerate(found):
            fates[sensor][index_of[arrived]].in_order = stamp_ns > newest
            newest = max(newest, stamp_ns)
            if sensor is Sensor.IR:
                stamp_ns += ir_offset_ns + round((stamp_ns - START_NS) * ir_ppm * 1e-6)
            frame = Frame(_IMAGE, stamp_ns, index_of[arrived], stamp_ns, pushed_ns)
            events.append((pushed_ns, sensor, frame))
    events.sort(key=lambda event: event[0])
    driver = _Driver(pairer, Run(fates))
    for pushed_ns, sensor, frame in events:
        driver.push(sensor, frame, pushed_ns)
    driver.tick_until(float("inf"))
    return driver.run


class _Driver:
    """Keeps the books of one run."""

    def __init__(self, pairer: LivePairer, run: Run) -> None:
        self.pairer = pairer
        self.run = run
        self.in_flight = dict.fromkeys(Sensor, 0)
        self.rank = 0
        self.hold_ns = {sensor: pairer.hold_ns(sensor) for sensor in Sensor}

    def push(self, sensor: Sensor, frame: Frame, now_ns: int) -> None:
        self.tick_until(now_ns)
        self.in_flight[sensor] += 1
        self.note(self.pairer.push(sensor, frame, now_ns), now_ns)

    def tick_until(self, now_ns: float) -> None:
        while (due_ns := self.pairer.due_ns) is not None and due_ns <= now_ns:
            self.note(self.pairer.tick(due_ns), due_ns)
            if self.pairer.due_ns is not None and self.pairer.due_ns <= due_ns:
                raise AssertionError(f"wants to be asked at {due_ns} again and again")

    def note(self, matched: Matched, now_ns: int) -> None:
        for shown in matched.in_order:
            if isinstance(shown, FramePair):
                self._note_pair(shown, now_ns)
            else:
                sensor, frame = shown
                fate = self._leave(sensor, frame.seq, now_ns)
                fate.shown, fate.alone = self.rank, True
                limits = (self.pairer.max_skew_ns, self.pairer.state)
                self.run.alone.append(Alone(sensor, frame.seq, now_ns, self.rank, *limits))
            self.rank += 1
        for sensor, frame, reason in matched.unmatched:
            fate = self._leave(sensor, frame.seq, now_ns)
            fate.dropped, fate.tolerance_ns = reason, self.pairer.max_skew_ns
        for sensor in Sensor:
            if self.in_flight[sensor] != self.pairer.in_flight(sensor):
                self.run.unaccounted += 1
            self.hold_ns[sensor] = self.pairer.hold_ns(sensor)

    def _note_pair(self, pair: FramePair, now_ns: int) -> None:
        tolerance_ns = self.pairer.max_skew_ns
        self.run.pairs.append(
            Made(pair.ir.seq, pair.vis.seq, now_ns, tolerance_ns, self.rank, pair.reused)
        )
        for sensor, frame in ((Sensor.IR, pair.ir), (Sensor.VIS, pair.vis)):
            if pair.reused is not sensor:
                self._leave(sensor, frame.seq, now_ns).shown = self.rank

    def _leave(self, sensor: Sensor, seq: int, now_ns: int) -> Fate:
        fate = self.run.fates[sensor][seq]
        self.run.unaccounted += fate.left_ns >= 0  # it came out before
        fate.left_ns = now_ns
        self.in_flight[sensor] -= 1
        waited_ns = now_ns - fate.pushed_ns
        # The limit follows the measured periods; what ended before it shrank was in time.
        if waited_ns > max(self.hold_ns[sensor], self.pairer.hold_ns(sensor)):
            self.run.overdue.append((sensor, seq))
        return fate
