"""Plays a recording at the speed at which it was taken."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from .frame import Frame


class RealtimePace:
    """One clock for both sources: recording time runs with monotonic time once started."""

    def __init__(self) -> None:
        self._started = threading.Event()
        self._zero_ns = 0

    def start(self) -> None:
        """Recording time 0 is now. Later calls do nothing."""
        if not self._started.is_set():
            self._zero_ns = time.monotonic_ns()
            self._started.set()

    def hold(self, frame: Frame, stopping: threading.Event) -> Frame:
        """Waits until the frame's time has come, or until ``stopping``.

        Returns:
            The frame with ``begun_ns`` at that moment, as a camera would have taken it then, and
            ``arrived_ns`` now.
        """
        while not self._started.wait(0.05):
            if stopping.is_set():
                return frame
        due_ns = self._zero_ns + frame.captured_ns
        stopping.wait(max(0, due_ns - time.monotonic_ns()) / 1e9)
        return replace(frame, begun_ns=due_ns, arrived_ns=time.monotonic_ns())
