"""Pairs frames as they come from running cameras, and never waits without an end."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

from ..frame import Frame, Sensor
from ..pairing import Matched
from ..timing import NS_PER_MS
from .desk import Desk
from .modes import make_mode
from .rules import PairingMode, PairingRules
from .stream import LiveStream

# Frames of one camera that may wait for the other, whatever the times say: a bound for memory.
MAX_WAITING = 64


class PairingState(str, Enum):
    """How the two streams stand to each other."""

    PAIRED = "paired"  # both deliver: pairs are made, or about to be
    IR_SILENT = "ir-silent"
    VIS_SILENT = "vis-silent"
    BOTH_SILENT = "both-silent"
    OUT_OF_STEP = "out-of-step"  # both deliver, but no two frames fit together


class LivePairer:
    """Finds pairs by capture time, in one of four modes, with bounds on every wait.

    One thread pushes and ticks; settings may be changed and the state read from any other.

    ================== ============================================================================
    what happens       what comes of it
    ================== ============================================================================
    frames disordered  put in their place, with flag LATE; ``late`` if a newer one was given out
    frame repeated     the same time stamp again: ``duplicate``
    clock jumps        see `clock.CameraClock`; one frame or more go as ``clock_jump``
    a camera is silent for three of its periods, at least 100 ms: what waits for it and what comes
                       is given out alone, at once, until it is back
    no two frames fit  though both cameras deliver: see `out_of_step`
    ================== ============================================================================

    No frame waits longer than `hold_ns` says: three periods of the slower camera, at least 100 ms,
    and what the other camera's frames take longer to arrive, up to 1 s.
    """

    def __init__(
        self,
        rules: PairingRules | None = None,
        nominal_fps: Mapping[Sensor, float | None] | None = None,
    ) -> None:
        """Start with nothing waiting.

        Args:
            rules: mode, tolerance and clock offset to begin with.
            nominal_fps: frames per second of each camera, until they are measured.
        """
        fps = nominal_fps or {}
        self._streams = {sensor: LiveStream(sensor, fps.get(sensor)) for sensor in Sensor}
        self._desk = Desk(self._streams[Sensor.IR], self._streams[Sensor.VIS])
        self._lock = threading.Lock()
        self._rules = rules or PairingRules()
        self._mode_name = self._rules.mode
        self._mode = make_mode(self._mode_name)
        self._state = PairingState.PAIRED
        self._due_ns: int | None = None

    def configure(self, **changes: Any) -> None:
        """Change the rules from the next frame on; safe from any thread.

        Args:
            changes: ``mode`` (also by its name), ``max_skew_ns``, ``ir_offset_ns``, as in
                `rules.PairingRules`; what is not named stays.

        Raises:
            ValueError: no mode has this name.
        """
        if "mode" in changes:
            changes["mode"] = PairingMode(changes["mode"])
        with self._lock:
            self._rules = replace(self._rules, **changes)

    @property
    def rules(self) -> PairingRules:
        """What is in force from the next frame on."""
        return self._rules

    def push(self, sensor: Sensor, frame: Frame, now_ns: int) -> Matched:
        """Take the next frame as it came from a camera.

        Args:
            sensor: of which camera.
            frame: ``arrived_ns`` on a clock that never jumps.
            now_ns: monotonic time.
        """
        self._begin(now_ns)
        if self._due_ns is not None and self._desk.now_ns >= self._due_ns:
            self._decide()  # what was due before this frame came
        stream = self._streams[sensor]
        for lost, reason in stream.take(frame, self._desk.rules, self._desk.now_ns):
            self._desk.done.unmatched.append((sensor, lost, reason))
        return self._decide()

    def tick(self, now_ns: int) -> Matched:
        """Let time pass without a frame: waits end, silence is noticed."""
        self._begin(now_ns)
        return self._decide()

    def end(self, sensor: Sensor) -> Matched:
        """Nothing more will come from this camera: what waits for it is decided now."""
        self._begin(self._desk.now_ns)
        self._streams[sensor].ended = True
        return self._decide()

    def drain(self) -> list[tuple[Sensor, Frame]]:
        """Everything still waiting that was in no pair, for a run that stops."""
        rest = [(s, w.frame) for s in Sensor for w in self._streams[s].queue if not w.used]
        for stream in self._streams.values():
            stream.queue.clear()
        return rest

    @property
    def due_ns(self) -> int | None:
        """Monotonic time at which `tick` has something to do; None while nothing waits."""
        return self._due_ns

    @property
    def wanted(self) -> Sensor | None:
        """The stream that was heard least recently; None when both have ended."""
        open_ends = [s for s in Sensor if not self._streams[s].ended]
        return min(open_ends, key=lambda s: self._streams[s].heard_ns or 0, default=None)

    @property
    def hopeless(self) -> bool:
        """Whether no further pair can come, as one stream is over and used up."""
        return any(s.ended and not s.queue for s in self._streams.values())

    @property
    def state(self) -> PairingState:
        """How the streams stood to each other at the last `push` or `tick`."""
        return self._state

    @property
    def max_skew_ns(self) -> int:
        """Tolerance in force; mode ``latest`` does not ask for it."""
        return self._mode.tolerance_ns(self._desk)

    def put_right(self, sensor: Sensor, frame: Frame) -> Frame:
        """A frame with its stamp as pairing takes it where the camera's clock has jumped.

        On the thread that pushes, after the push. The offset between the cameras is left as it is.
        """
        correction_ns = self._streams[sensor].clock.correction_ns
        if not correction_ns:
            return frame
        return replace(frame, captured_ns=frame.captured_ns + correction_ns)

    def hold_ns(self, sensor: Sensor) -> int:
        """Longest time that a frame of this camera may wait, as it is now."""
        return self._desk.hold_ns(self._streams[sensor])

    def in_flight(self, sensor: Sensor) -> int:
        """Frames of this camera that wait and were in no pair yet."""
        return sum(not waiting.used for waiting in self._streams[sensor].queue)

    def summary(self) -> dict[str, Any]:
        """For reports; times in ms.

        Keys mode, state, max_skew_ms; and for each camera {"ir": ..., "vis": ...}: period_ms
        (None while unknown), hold_ms (longest wait), clock_jumps, clock_correction_ms (what is
        added to its stamps since its clock jumped). ``lag_ms``: how much later visible frames
        arrive than infrared frames of the same time.
        """
        desk, streams = self._desk, self._streams
        period = {s: streams[s].rhythm.period_ns for s in Sensor}
        return {
            "mode": self._rules.mode.value,
            "state": self._state.value,
            "max_skew_ms": self.max_skew_ns / NS_PER_MS,
            "lag_ms": desk.signed_lag_ns / NS_PER_MS,
            "period_ms": {s.value: p and p / NS_PER_MS for s, p in period.items()},
            "hold_ms": {s.value: self.hold_ns(s) / NS_PER_MS for s in Sensor},
            "clock_jumps": {s.value: streams[s].clock.jumps for s in Sensor},
            "clock_correction_ms": {
                s.value: streams[s].clock.correction_ns / NS_PER_MS for s in Sensor
            },
        }

    def _begin(self, now_ns: int) -> None:
        rules = self._rules
        self._desk.begin(now_ns, rules)
        if rules.mode is not self._mode_name:
            self._mode_name, self._mode = rules.mode, make_mode(rules.mode)
            for stream in self._streams.values():
                stream.forget_used()

    def _decide(self) -> Matched:
        desk = self._desk
        desk.measure()
        self._due_ns = self._mode.decide(desk)
        for stream in self._streams.values():
            while len(stream.queue) > MAX_WAITING:
                desk.give_up(stream)
        if desk.ir.gone or desk.vis.gone:
            one = PairingState.IR_SILENT if desk.ir.gone else PairingState.VIS_SILENT
            both = desk.ir.gone and desk.vis.gone
            self._state = PairingState.BOTH_SILENT if both else one
        else:
            out = self._mode.out_of_step
            self._state = PairingState.OUT_OF_STEP if out else PairingState.PAIRED
        return desk.done
