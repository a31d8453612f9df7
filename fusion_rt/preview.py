"""Something to see while an engine is being built: another engine fuses until it is ready."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from engines.base import Engine, EngineInfo
from engines.report import Report, silent

EngineOpener = Callable[[], AbstractContextManager[Engine]]

# Does the slow part of opening an engine, on whichever thread calls it; asks now and then whether
# to give up, and then raises or returns.
Prepare = Callable[[Callable[[], bool]], None]


@dataclass(frozen=True)
class Preview:
    """What to show first.

    Attributes:
        name: of the engine that fuses first, as the user asked for it.
        opener: opens it; it needs no preparation.
        prepare: makes ready what the run's own engine will be opened from.
        report: told when it is shown and when that ends.
    """

    name: str
    opener: EngineOpener
    prepare: Prepare
    report: Report = silent


@dataclass(frozen=True)
class Previewed:
    """What was shown first.

    Attributes:
        pairs: how many reached the sinks.
        engine: that fused them.
    """

    pairs: int
    engine: EngineInfo


class Preparation(threading.Thread):
    """Prepares an engine on a thread of its own.

    Attributes:
        error: why it failed; None while it runs and when it succeeded.
    """

    def __init__(self, prepare: Prepare, stopping: threading.Event) -> None:
        """Start at once.

        Args:
            prepare: see `Prepare`.
            stopping: asks for the end of the whole run.
        """
        super().__init__(name="prepare engine", daemon=True)
        self.error: BaseException | None = None
        self._prepare = prepare
        self._run_stopping = stopping
        self._given_up = threading.Event()
        self.start()

    @property
    def ready(self) -> bool:
        """Whether it has ended, well or not."""
        return not self.is_alive()

    def ready_within(self, seconds: float) -> bool:
        """Wait no longer than that for its end; see `ready`."""
        self.join(seconds)
        return self.ready

    def run(self) -> None:
        """Called by ``start`` on the new thread."""
        try:
            self._prepare(lambda: self._given_up.is_set() or self._run_stopping.is_set())
        except BaseException as error:  # raised again by whoever waits for the engine
            self.error = error

    def give_up(self) -> None:
        """Ask it to end early; what it does then is of no interest any more."""
        self._given_up.set()
