"""How far a build is: from TensorRT's progress monitor, or from the clock where there is none."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from .flavour import Flavour

_SETTLED_S = 0.5  # a rate taken over less says nothing


@dataclass(frozen=True)
class BuildProgress:
    """How far a build is.

    Attributes:
        stage: what is going on, in TensorRT's words.
        done: steps of that stage that are done.
        total: steps of that stage; 0 where unknown.
        seconds: since the build began.
        left_s: about how long it still takes; None where nothing is known.
    """

    stage: str
    done: int
    total: int
    seconds: float
    left_s: float | None

    @property
    def share(self) -> float | None:
        """Part of the whole time that is over, in 0..1; None where unknown."""
        if self.left_s is None:
            return None
        return self.seconds / max(self.seconds + self.left_s, 1e-9)


@dataclass
class _Phase:
    total: int
    begun: float
    done: int = 0

    def left_s(self, now: float) -> float | None:
        """At the rate so far."""
        spent = now - self.begun
        if not self.done or spent < _SETTLED_S:
            return None
        return spent / self.done * (self.total - self.done)


class BuildState:
    """What is known of a running build; safe to use from several threads.

    The time left is that of the former build of the same model where there was one. Otherwise it
    is the longest that any stage under way still takes at its own rate so far, as the outer
    stages have few steps of very unequal length.
    """

    def __init__(self, expected_s: float | None = None) -> None:
        """Begin now.

        Args:
            expected_s: how long a like build took; None where unknown.
        """
        self._begun = time.monotonic()
        self._expected_s = expected_s
        self._lock = threading.Lock()
        self._phases: dict[str, _Phase] = {}  # under way, outermost first
        self._stage = "reading the model"
        self.stopping = False

    def enter(self, stage: str) -> None:
        """Another stage of our own, without steps."""
        with self._lock:
            self._stage = stage

    def stop(self) -> None:
        """Ask the build to end; it does so after its present step."""
        self.stopping = True

    def start_phase(self, name: str, steps: int) -> None:
        """TensorRT began something of so many steps."""
        with self._lock:
            self._phases[name] = _Phase(max(steps, 1), time.monotonic())

    def step(self, name: str, index: int) -> None:
        """TensorRT finished the step with this index."""
        with self._lock:
            if name in self._phases:
                phase = self._phases[name]
                phase.done = min(max(phase.done, index + 1), phase.total)

    def finish_phase(self, name: str) -> None:
        """TensorRT ended it, with all its steps or not."""
        with self._lock:
            self._phases.pop(name, None)

    def snapshot(self) -> BuildProgress:
        """How far it is now."""
        now = time.monotonic()
        seconds = now - self._begun
        with self._lock:
            lasting = [(phase.left_s(now), name) for name, phase in self._phases.items()]
            known = [(left, name) for left, name in lasting if left is not None]
            left_s, stage = max(known, default=(None, next(reversed(self._phases), "")))
            phase = self._phases.get(stage)
            own_stage = self._stage
        if self._expected_s is not None and seconds < self._expected_s:
            left_s = self._expected_s - seconds
        if phase is None:
            return BuildProgress(own_stage, 0, 0, seconds, left_s)
        words = stage[:1].lower() + stage[1:]
        return BuildProgress(words, phase.done, phase.total, seconds, left_s)


def monitor_for(flavour: Flavour, state: BuildState) -> Any:
    """An ``IProgressMonitor`` that feeds ``state`` and ends the build once it is stopping.

    Nothing that it calls raises: the library would print an exception and go on.
    """
    trt = flavour.module

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            state.start_phase(phase_name, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            state.step(phase_name, step)
            return not state.stopping

        def phase_finish(self, phase_name: str) -> None:
            state.finish_phase(phase_name)

    return Monitor()
