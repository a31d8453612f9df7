"""What FFmpeg says about one stream: its last lines, to be shown when the stream fails.

FFmpeg has one log for the whole process. PyAV hands its lines to Python on the thread that wrote
them, so a stream that is opened, read and decoded by threads that hold its log open is told apart
from all others.

A line takes Python's lock. A thread that holds this lock while it waits for FFmpeg would wait for
ever, were the other end about to write a line. So the level is no finer than warnings, and cameras
are decoded on the thread that reads them, without worker threads of FFmpeg.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from .pyav import import_av
from .sources.uri import redacted

_LINES = 20
# Lines after which pictures are damaged, though the decoder marks only some of them.
_LOSSES = ("RTP: missed", "Could not find ref with POC")

_switch = threading.Lock()
_switched_on = False


class DecoderLog:
    """Last lines of one stream. Written by one thread at a time, read by any."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LINES)

    @property
    def lines(self) -> tuple[str, ...]:
        """The last 20 lines, oldest first, without passwords; repeated ones once."""
        return tuple(self._lines)

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Take what FFmpeg writes on this thread while the context lasts."""
        _switch_on()
        av = import_av()
        with av.logging.Capture(local=True) as caught:
            listener = Listener(caught, self._lines)
            try:
                yield listener
            finally:
                listener.collect()


class Listener:
    """The log of a stream on the thread that listens; see `DecoderLog.listening`."""

    def __init__(self, caught: list[tuple[int, str, str]], lines: deque[str]) -> None:
        self._caught = caught
        self._lines = lines

    def collect(self) -> bool:
        """Keep what was written since; call often, as it is held in memory until then.

        Returns:
            Whether a line tells of lost packets or of pictures that later ones need.
        """
        lost = False
        # Only this thread adds lines, so none comes between.
        for _, name, text in self._caught:
            line = redacted(f"{name}: {text.strip()}" if name else text.strip())
            lost = lost or any(loss in line for loss in _LOSSES)
            if not self._lines or self._lines[-1] != line:
                self._lines.append(line)
        self._caught.clear()
        return lost


def _switch_on() -> None:
    """Have PyAV hand out warnings; lines of threads that nobody listens to go nowhere."""
    global _switched_on
    with _switch:
        if _switched_on:
            return
        av = import_av()
        logger = logging.getLogger("libav")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False  # else they would go to the terminal, between our own lines
        av.logging.set_skip_repeated(False)  # one memory for all threads: it would lose lines
        av.logging.set_level(av.logging.WARNING)
        _switched_on = True
