"""Ctrl-C and termination end a run in order: files are finished, the summary is shown."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED_EXIT_CODE = 130  # what shells give for a program that Ctrl-C ended


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Calls ``stop`` on the first SIGINT or SIGTERM; a second one raises KeyboardInterrupt.

    For the main thread only, as Python handles signals there.

    Args:
        stop: must return at once, for instance by setting an event.
    """
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_signal(number: int, frame: FrameType | None) -> None:
        for each in previous:
            signal.signal(each, signal.default_int_handler)
        stop()

    for number in previous:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
