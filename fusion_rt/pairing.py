"""Finds, for two streams of frames, the pairs that were taken at nearly the same moment.

Pairing goes by capture time, never by arrival. A pair is made of two frames each of which is the
other's nearest; it stands only if their skew is within the tolerance. At unequal rates the slower
stream sets the pace, and the frames of the faster one in between stay unmatched. Every frame that
is pushed comes out exactly once: in a pair or as unmatched.

Two free-running cameras of one rate drift past each other. When each frame lies half-way between
two of the other camera's, a little jitter would make the nearest one change sides from frame to
frame, and each change leaves a frame over. So a change of sides has to be worth it: hysteresis.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from .frame import Frame, FramePair, Sensor
from .ledger import DropReason
from .limits import Limits

# A pair, or a frame that is shown alone as the other camera delivers nothing.
Shown = FramePair | tuple[Sensor, Frame]


@dataclass(slots=True)
class Matched:
    """What one step decided; each list in order of time.

    Attributes:
        pairs: frames to be fused.
        unmatched: frames that will not be shown, and why.
        alone: frames to be shown by themselves; live only.
        in_order: ``pairs`` and ``alone`` once more, in the order in which they are to be shown.
    """

    pairs: list[FramePair] = field(default_factory=list)
    unmatched: list[tuple[Sensor, Frame, DropReason]] = field(default_factory=list)
    alone: list[tuple[Sensor, Frame]] = field(default_factory=list)
    in_order: list[Shown] = field(default_factory=list)

    def add_pair(self, pair: FramePair) -> None:
        """A pair is to be shown next."""
        self.pairs.append(pair)
        self.in_order.append(pair)

    def add_alone(self, sensor: Sensor, frame: Frame) -> None:
        """A single frame is to be shown next."""
        self.alone.append((sensor, frame))
        self.in_order.append((sensor, frame))


class FrameMatcher(Protocol):
    """What the register stage needs of a `Pairer` or a `live_pairing.LivePairer`.

    Every frame that is pushed comes out exactly once, from whichever method. Times ``now_ns`` are
    monotonic; recordings know none and ignore them.
    """

    def push(self, sensor: Sensor, frame: Frame, now_ns: int) -> Matched:
        """Take the next frame of a stream."""

    def tick(self, now_ns: int) -> Matched:
        """Let time pass without a frame."""

    def end(self, sensor: Sensor) -> Matched:
        """A stream has ended: what waited for it is decided now."""

    def drain(self) -> list[tuple[Sensor, Frame]]:
        """Everything still waiting, for a run that stops early."""

    @property
    def due_ns(self) -> int | None:
        """When `tick` has something to do; None while nothing waits for time to pass."""

    @property
    def wanted(self) -> Sensor | None:
        """The stream to read next where both can be read; None when both have ended."""

    @property
    def hopeless(self) -> bool:
        """Whether no further pair can come, as one stream is over and used up."""


class Pairer:
    """Mutual nearest neighbours in capture time. Not thread-safe: one thread owns it.

    The decision about a frame waits until the other stream has reached its time, so the result
    depends on the time stamps alone and not on which thread was faster. A recording that
    is played at its own speed does not want that wait: there a small skew is taken at once, see
    `fusion_rt.limits`. Cameras have `fusion_rt.live_pairing`.
    """

    def __init__(
        self, limits: Limits, ir_offset_ns: int = 0, max_waiting: int | None = None
    ) -> None:
        """Start with nothing waiting.

        Args:
            limits: tolerance, hysteresis and what is taken at once.
            ir_offset_ns: how far the infrared clock is ahead; subtracted from its time stamps.
            max_waiting: most frames of one stream that wait for the other; beyond it the oldest
                is given up, so that a camera that has fallen silent cannot fill the memory.
        """
        self.limits = limits
        self._ir_offset_ns = ir_offset_ns
        self._max_waiting = max_waiting
        self._waiting: dict[Sensor, deque[Frame]] = {s: deque() for s in Sensor}
        self._ended = dict.fromkeys(Sensor, False)
        self._last_older: Sensor | None = None

    due_ns = None

    def push(self, sensor: Sensor, frame: Frame, now_ns: int = 0) -> Matched:
        """Take the next frame of a stream, in order of its time stamps; the time does not count."""
        self.limits.observe(sensor, self._time_ns(sensor, frame))
        queue = self._waiting[sensor]
        queue.append(frame)
        done = self._decide()
        while self._max_waiting is not None and len(queue) > self._max_waiting:
            done.unmatched.append((sensor, queue.popleft(), DropReason.UNMATCHED))
        return done

    def tick(self, now_ns: int) -> Matched:
        """Nothing comes of it: stamps decide, not time."""
        return Matched()

    def end(self, sensor: Sensor) -> Matched:
        """A stream has ended: what waited for it is decided now."""
        self._ended[sensor] = True
        return self._decide()

    @property
    def wanted(self) -> Sensor | None:
        """The stream whose next frame the oldest decision waits for; None when both have ended."""
        open_ends = [s for s in Sensor if not self._ended[s]]
        if not open_ends:
            return None
        # The stream that is behind in time holds the decision up.
        return min(open_ends, key=lambda s: (self._reached_ns(s), s.value))

    @property
    def hopeless(self) -> bool:
        """Whether no further pair can come, as one stream is over and used up."""
        return any(self._ended[s] and not self._waiting[s] for s in Sensor)

    def drain(self) -> list[tuple[Sensor, Frame]]:
        """Everything still waiting, for a run that stops early."""
        rest = [(s, frame) for s in Sensor for frame in self._waiting[s]]
        for queue in self._waiting.values():
            queue.clear()
        return rest

    def _give_up(self, sensor: Sensor) -> tuple[Sensor, Frame, DropReason]:
        surplus = self.limits.is_faster(sensor)
        reason = DropReason.SURPLUS if surplus else DropReason.UNMATCHED
        return sensor, self._waiting[sensor].popleft(), reason

    def _time_ns(self, sensor: Sensor, frame: Frame) -> int:
        return frame.captured_ns - (self._ir_offset_ns if sensor is Sensor.IR else 0)

    def _reached_ns(self, sensor: Sensor) -> float:
        queue = self._waiting[sensor]
        return self._time_ns(sensor, queue[-1]) if queue else float("-inf")

    def _decide(self) -> Matched:
        done = Matched()
        ir, vis = self._waiting[Sensor.IR], self._waiting[Sensor.VIS]
        while True:
            if not ir or not vis:
                # A frame without any possible partner: the other stream is over.
                lone, other = (Sensor.IR, Sensor.VIS) if ir else (Sensor.VIS, Sensor.IR)
                if not (self._waiting[lone] and self._ended[other]):
                    return done
                lone_frame = self._waiting[lone].popleft()
                done.unmatched.append((lone, lone_frame, DropReason.ALONE))
                continue
            older = (
                Sensor.IR
                if self._time_ns(Sensor.IR, ir[0]) <= self._time_ns(Sensor.VIS, vis[0])
                else Sensor.VIS
            )
            newer = Sensor.VIS if older is Sensor.IR else Sensor.IR
            start_ns = self._time_ns(older, self._waiting[older][0])
            partner_ns = self._time_ns(newer, self._waiting[newer][0])
            skew_ns = partner_ns - start_ns
            if skew_ns > self.limits.max_skew_ns:
                done.unmatched.append(self._give_up(older))
                continue
            if skew_ns > self.limits.eager_ns and skew_ns > 0:
                # The older stream's next frame may be nearer to the partner than this one.
                if len(self._waiting[older]) < 2:
                    if not self._ended[older]:
                        return done
                else:
                    next_ns = self._time_ns(older, self._waiting[older][1])
                    margin_ns = self.limits.hysteresis_ns if older is self._last_older else 0
                    if abs(partner_ns - next_ns) < skew_ns - margin_ns:
                        done.unmatched.append(self._give_up(older))
                        continue
            self._last_older = older if skew_ns else self._last_older
            done.add_pair(FramePair(ir.popleft(), vis.popleft(), self._ir_offset_ns))
