"""A thread that owns its resources and never dies unseen."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

from .channel import ChannelClosed


class Stage(threading.Thread, ABC):
    """Runs `work` once on a thread of its own.

    A failure is kept in ``error`` and sets ``stopping``, the event that all stages of a run share;
    the main thread raises it again. A closed channel is the ordinary way of being told to stop.
    """

    def __init__(self, name: str, stopping: threading.Event) -> None:
        # A daemon, so that a driver call that never returns cannot keep the process alive.
        super().__init__(name=name, daemon=True)
        self.stopping = stopping
        self.error: BaseException | None = None

    @abstractmethod
    def work(self) -> None:
        """The stage's whole life: open, loop until done or ``stopping`` is set, close."""

    def run(self) -> None:
        """Called by ``start`` on the new thread."""
        try:
            self.work()
        except ChannelClosed:
            pass  # the reader was told to stop, and so are we
        except BaseException as error:
            self.error = error
            self.stopping.set()
