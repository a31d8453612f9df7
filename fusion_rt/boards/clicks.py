"""The same things clicked in both pictures: the infrared one left, the visible one right."""

from __future__ import annotations

import cv2
import numpy as np

from calibration.targets.overlay import for_display

_GAP = 8
_COLORS = ((0, 230, 255), (255, 200, 0), (120, 255, 120), (255, 120, 255), (80, 140, 255))
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class Clicks:
    """Keeps what was clicked, and draws it.

    Each thing is clicked once left and once right, in either order, before the next.
    """

    def __init__(self, ir: np.ndarray, vis: np.ndarray, height: int) -> None:
        """Lay both pictures side by side.

        Args:
            ir: (H, W) uint8 or uint16.
            vis: (H, W, 3) uint8 BGR.
            height: of the pictures as they are shown, px.
        """
        self._scales = (height / ir.shape[0], height / vis.shape[0])
        small = [
            cv2.resize(for_display(picture), (round(picture.shape[1] * scale), height))
            for picture, scale in zip((ir, vis), self._scales, strict=True)
        ]
        self._split = small[0].shape[1] + _GAP
        gap = np.full((height, _GAP, 3), 255, np.uint8)
        self._both = np.hstack([small[0], gap, small[1]])
        self._points: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
        self._sides: list[int] = []  # of each click, in order

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in px of what is shown."""
        return self._both.shape[1], self._both.shape[0]

    @property
    def count(self) -> int:
        """How many things were clicked in both."""
        return min(map(len, self._points))

    def add(self, x: float, y: float) -> bool:
        """Take a click in px of what is shown; False where the other picture's turn is first."""
        side = int(x >= self._split)
        here, there = self._points[side], self._points[1 - side]
        inside = 0 <= y < self._both.shape[0] and x < self._both.shape[1]
        if len(here) > len(there) or not inside or self._split - _GAP <= x < self._split:
            return False
        scale = self._scales[side]
        # Pixel centres lie at whole numbers in what is shown and in the picture itself.
        left = self._split if side else 0
        self._sides.append(side)
        here.append(((x - left + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5))
        return True

    def undo(self) -> None:
        """Forget the last click."""
        if self._sides:
            self._points[self._sides.pop()].pop()

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """What was clicked in both: (n, 2) float64 each, px of the pictures themselves."""
        ir, vis = (np.array(points[: self.count], np.float64) for points in self._points)
        return ir.reshape(-1, 2), vis.reshape(-1, 2)

    def picture(self, words: str) -> np.ndarray:
        """Both pictures with the clicks so far, (H, W, 3) uint8 BGR, and ``words`` above them."""
        drawn = self._both.copy()
        for side, points in enumerate(self._points):
            for index, (x, y) in enumerate(points):
                left = self._split if side else 0
                scale = self._scales[side]
                at = (round((x + 0.5) * scale - 0.5) + left, round((y + 0.5) * scale - 0.5))
                color = _COLORS[index % len(_COLORS)]
                cv2.drawMarker(drawn, at, (0, 0, 0), cv2.MARKER_CROSS, 17, 3)
                cv2.drawMarker(drawn, at, color, cv2.MARKER_CROSS, 15, 1)
                cv2.putText(drawn, str(index + 1), (at[0] + 8, at[1] - 6), _FONT, 0.5, color, 1)
        for color, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(drawn, words, (8, 20), _FONT, 0.5, color, width, cv2.LINE_AA)
        return drawn
