"""A window on the screen, and the keys pressed in it."""

from __future__ import annotations

from collections import deque
from typing import Final

import cv2
import numpy as np

from ..display import probe_display
from ..errors import SinkError

# Keys that a window hands on, and what they are for; Esc and q are dealt with here.
KEYS: Final[dict[str, str]] = {
    "h": "figures on or off",
    "v": "next view",
    "p": "next palette",
    "n": "match nearer things",
    "f": "match farther things",
    "a": "automatic distance on or off",
    "g": "lock the infrared gain, or let it follow",
    "s": "save this picture",
    "?": "this help on or off",
    "q": "quit (also Esc)",
}
_ESCAPE = 27
_KEY_MASK = 0xFFFF  # without the bits of Shift and the like; arrows and so on are above 0xFF00
_MAX_START_WH = (1600, 900)  # a larger picture is shown smaller at first; resize as you like


class WindowSink:
    """Shows pictures; see `fusion_rt.sinks.base.Sink`. Use it on the main thread only.

    Call `poll` often, also while no picture comes: it keeps the window alive.

    Attributes:
        pictures: how many were shown.
        pointer_xy: px of the picture that the pointer was last over; None before it came.
    """

    def __init__(self, title: str, size_wh: tuple[int, int]) -> None:
        """Open the window.

        Args:
            title: shown in its frame; no two windows may have the same.
            size_wh: width and height in px of the pictures; the window starts at this size where
                the screen is likely to hold it. The user may resize it, the aspect is kept.

        Raises:
            SinkError: there is no display, see `fusion_rt.display.probe_display`.
        """
        reason = probe_display()
        if reason is not None:
            raise SinkError(f"cannot open a window: {reason}", hint="--no-window runs without one")
        self.pictures = 0
        self.pointer_xy: tuple[int, int] | None = None
        self._title = title
        self._keys: deque[str] = deque()
        self._stop_asked = False
        self._open = True
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.setMouseCallback(title, self._follow_pointer)
        scale = min(1.0, _MAX_START_WH[0] / size_wh[0], _MAX_START_WH[1] / size_wh[1])
        cv2.resizeWindow(title, round(size_wh[0] * scale), round(size_wh[1] * scale))

    @property
    def label(self) -> str:
        """What and where."""
        return f"window {self._title}"

    @property
    def stop_asked(self) -> bool:
        """Whether Esc or q was pressed or the window was closed by the user."""
        return self._stop_asked

    def write(self, picture: np.ndarray, captured_ns: int) -> None:
        """Show one picture, (H, W, 3) uint8 BGR; no effect once the window is closed."""
        if self._open and not self._stop_asked:
            cv2.imshow(self._title, picture)
            self.pictures += 1
            self._handle_events()

    def poll(self) -> str | None:
        """Let the window handle its events, without waiting.

        Returns:
            The next key pressed that is in `KEYS`, except q; None when there is none.
        """
        if self._open and self.pictures and not self._stop_asked:
            self._handle_events()
        return self._keys.popleft() if self._keys else None

    def close(self) -> None:
        """Close the window. May be called twice."""
        if not self._open:
            return
        self._open = False
        if self._is_visible():
            cv2.destroyWindow(self._title)
            cv2.pollKey()  # the toolkit takes it off the screen here

    def discard(self) -> None:
        """Close the window; there is nothing to remove."""
        self.close()

    def _follow_pointer(self, event: int, x: int, y: int, flags: int, param: object) -> None:
        self.pointer_xy = x, y

    def _handle_events(self) -> None:
        while (code := cv2.pollKey()) != -1:
            symbol = code & _KEY_MASK
            key = chr(symbol).lower()
            if symbol == _ESCAPE or key == "q":
                self._stop_asked = True
            elif key in KEYS:
                self._keys.append(key)
        if not self._is_visible():
            self._stop_asked = True

    def _is_visible(self) -> bool:
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # Qt: the window does not exist any more
            return False
