"""A window in which points are clicked."""

from __future__ import annotations

import time
from collections import deque

import cv2
import numpy as np

from ..errors import UsageError
from ..sinks.window import WindowSink
from .clicks import Clicks

_HEIGHT = 640
_PAUSE_S = 0.02


class PointWindow(WindowSink):
    """A window that keeps clicks.

    Attributes:
        clicks: px of the picture, and whether it was the left button; oldest first.
    """

    def __init__(self, title: str, size_wh: tuple[int, int]) -> None:
        """See `WindowSink`."""
        self.clicks: deque[tuple[int, int, bool]] = deque()
        super().__init__(title, size_wh)

    def _follow_pointer(self, event: int, x: int, y: int, flags: int, param: object) -> None:
        if event in (cv2.EVENT_LBUTTONDOWN, cv2.EVENT_RBUTTONDOWN):
            self.clicks.append((x, y, event == cv2.EVENT_LBUTTONDOWN))


def click_points(ir: np.ndarray, vis: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Let the user click the same things in both pictures.

    Args:
        ir: (H, W) uint8 or uint16.
        vis: (H, W, 3) uint8 BGR.
        least: how many it takes.

    Returns:
        (n, 2) float64 each, px.

    Raises:
        SinkError: there is no display.
        UsageError: the window was closed before there were enough.
    """
    clicks = Clicks(ir, vis, _HEIGHT)
    window = PointWindow("fusion-rt: click the same thing left and right", clicks.size_wh)
    try:
        done = False
        while not (done or window.stop_asked):
            while window.clicks:
                x, y, left = window.clicks.popleft()
                if left:
                    clicks.add(x, y)
                else:
                    clicks.undo()
            words = f"{clicks.count} points; right click: undo; s: done; q: give up"
            window.write(clicks.picture(words), 0)
            done = window.poll() == "s" and clicks.count >= least
            time.sleep(_PAUSE_S)
    finally:
        window.close()
    if not done:
        raise UsageError(
            f"given up after {clicks.count} points",
            hint=f"click {least} or more in both pictures, then press s",
        )
    return clicks.points()
