"""Plays small time tables through the live pairer and tells in short words what was shown.

Frames are named by their time stamp in ms: ``"100+104"`` is a pair, infrared first, ``"vis 133"`` a
frame shown alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from fakes import MS

from fusion_rt.frame import Frame, FramePair, Sensor
from fusion_rt.ledger import Ledger
from fusion_rt.live_pairing import LivePairer
from fusion_rt.pairing import Matched

START_MS = 1_000_000
_IMAGE = np.zeros((1, 1), np.uint8)
IR, VIS = Sensor.IR, Sensor.VIS

# A time stamp, or a time stamp and when the frame arrives; in ms.
Time = float | tuple[float, float]


def name(time_ns: int) -> str:
    return f"{time_ns / MS - START_MS:.4g}"


@dataclass
class Story:
    """What happened: all in order, with when in ms."""

    shown: list[str] = field(default_factory=list)
    at_ms: list[float] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    skews_ms: list[float] = field(default_factory=list)
    flags: dict[str, int] = field(default_factory=dict)

    def when(self, what: str) -> float:
        return self.at_ms[self.shown.index(what)]


class Theatre:
    """A pairer, a ledger that must balance after every step, and the clock between them."""

    def __init__(self, pairer: LivePairer | None = None, **changes: object) -> None:
        self.pairer = pairer or LivePairer()
        self.pairer.configure(**changes)
        self.story = Story()
        self.ledger = Ledger()
        self._seq = 0

    def push(self, sensor: Sensor, stamp_ms: float, arrives_ms: float | None = None) -> Matched:
        arrives_ms = stamp_ms if arrives_ms is None else arrives_ms
        stamp_ns, now_ns = round((START_MS + stamp_ms) * MS), round((START_MS + arrives_ms) * MS)
        self.tick(arrives_ms)
        self.ledger.captured(sensor)
        self._seq += 1
        frame = Frame(_IMAGE, stamp_ns, self._seq, stamp_ns, now_ns)
        return self._note(self.pairer.push(sensor, frame, now_ns), now_ns)

    def tick(self, until_ms: float) -> None:
        """Let time pass, asking whenever the pairer wants to be asked."""
        until_ns = (START_MS + until_ms) * MS
        while (due_ns := self.pairer.due_ns) is not None and due_ns <= until_ns:
            self._note(self.pairer.tick(due_ns), due_ns)
        self._note(self.pairer.tick(round(until_ns)), round(until_ns))

    def play(self, ir: Sequence[Time], vis: Sequence[Time], until_ms: float | None = None) -> Story:
        """Push everything in order of arrival, then let time pass."""
        events = []
        for sensor, times in ((IR, ir), (VIS, vis)):
            for time in times:
                stamp, arrival = time if isinstance(time, tuple) else (time, time)
                events.append((arrival, len(events), sensor, stamp))
        for arrival, _, sensor, stamp in sorted(events):
            self.push(sensor, stamp, arrival)
        if until_ms is not None:
            self.tick(until_ms)
        return self.story

    def _note(self, matched: Matched, now_ns: int) -> Matched:
        story = self.story
        for shown in matched.in_order:
            if isinstance(shown, FramePair):
                self.ledger.shown(shown)
                ir, vis = name(shown.ir.captured_ns), name(shown.vis.captured_ns)
                story.shown.append(f"{ir}+{vis}")
                story.skews_ms.append(shown.skew_ns / MS)
                story.flags[ir], story.flags[vis] = shown.ir.flags, shown.vis.flags
            else:
                sensor, frame = shown
                self.ledger.shown(FramePair(frame, frame, alone=sensor))
                story.shown.append(f"{sensor.value} {name(frame.captured_ns)}")
            story.at_ms.append(now_ns / MS - START_MS)
        for sensor, frame, reason in matched.unmatched:
            self.ledger.dropped(sensor, frame, reason)
            story.dropped.append(f"{sensor.value} {name(frame.captured_ns)} {reason.value}")
        for sensor in Sensor:
            assert self.ledger.in_flight(sensor) == self.pairer.in_flight(sensor)
        assert len(matched.in_order) == len(matched.pairs) + len(matched.alone)
        return matched


def every(
    period_ms: float, count: int, first_ms: float = 0.0, lag_ms: float = 0.0
) -> list[tuple[float, float]]:
    """Frames of a regular camera that arrive ``lag_ms`` after they were taken."""
    times = [first_ms + index * period_ms for index in range(count)]
    return [(time, time + lag_ms) for time in times]


def without(times: Sequence[Time], gone: Callable[[float], bool]) -> list[Time]:
    """The frames whose time stamps are not gone."""
    return [t for t in times if not gone(t[0] if isinstance(t, tuple) else t)]
