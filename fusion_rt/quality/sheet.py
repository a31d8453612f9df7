"""A sheet of pictures to look at: a row for each scene, its sources and its results."""

from __future__ import annotations

import cv2
import numpy as np

MOST_ROWS = 8
_MOST_WIDTH = 2400  # px of the whole sheet
_CELL_WIDTHS = (60, 480)
_GAP = 4
_STRIP = 34  # height of the names above the columns and above each row
_PAPER_BGR = (24, 24, 24)
_INK_BGR = (215, 215, 215)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def even_choice(count: int, most: int = MOST_ROWS) -> list[int]:
    """At most ``most`` of the indices below ``count``, evenly spread, first and last among them."""
    if count <= most:
        return list(range(count))
    return [round(at) for at in np.linspace(0, count - 1, most)]


class Sheet:
    """Grows row by row, so that only pictures of its own small size are kept."""

    def __init__(self, titles: list[str]) -> None:
        """Args:
        titles: of the columns, left to right.
        """
        self._titles = titles
        room = (_MOST_WIDTH - _GAP) // len(titles) - _GAP
        self._cell_w = int(np.clip(room, *_CELL_WIDTHS))
        self._rows: list[np.ndarray] = []

    def add(self, name: str, pictures: list[np.ndarray]) -> None:
        """Add one scene.

        Args:
            name: shown above its row.
            pictures: one for each title, all of one size, (H, W) or (H, W, 3) uint8 BGR.
        """
        height, width = pictures[0].shape[:2]
        # Portraits get no taller than wide, so that a row of them does not fill the sheet.
        scale = self._cell_w / max(width, height)
        cell_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
        row = self._paper(_STRIP + cell_wh[1])
        self._write(row, name, _GAP)
        for index, picture in enumerate(pictures):
            left = self._left(index) + (self._cell_w - cell_wh[0]) // 2
            row[_STRIP:, left : left + cell_wh[0]] = _scaled(_as_colour(picture), cell_wh)
        self._rows.append(row)

    def picture(self) -> np.ndarray:
        """The sheet as it is now, (H, W, 3) uint8 BGR, at most about 2400 px wide."""
        head = self._paper(_STRIP)
        for index, title in enumerate(self._titles):
            self._write(head, title, self._left(index), room=self._cell_w)
        return np.vstack([head, *self._rows, self._paper(_GAP)])

    def _left(self, index: int) -> int:
        return _GAP + index * (self._cell_w + _GAP)

    def _paper(self, height: int) -> np.ndarray:
        return np.full((height, self._left(len(self._titles)), 3), _PAPER_BGR, np.uint8)

    def _write(self, strip: np.ndarray, text: str, left: int, room: int | None = None) -> None:
        """Text at the left, in the middle where ``room`` is given, smaller where it is too long."""
        size = 0.75
        width = cv2.getTextSize(text, _FONT, size, 1)[0][0]
        space = strip.shape[1] - left if room is None else room
        if width > space:
            size, width = size * space / width, space
        if room is not None:
            left += (room - width) // 2
        cv2.putText(strip, text, (left, _STRIP - 10), _FONT, size, _INK_BGR, 1, cv2.LINE_AA)


def _as_colour(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture


def _scaled(picture: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    # Enlarging must not overshoot, as halos are what one looks for.
    shrinks = size_wh[0] < picture.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(picture, size_wh, interpolation=how)
