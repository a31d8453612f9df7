"""Figures drawn onto a picture: rate, latency, skew, drops, engine; and the help for the keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .window import KEYS

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SIZE_PER_PX = 1 / 34  # font size per px of line height
_LABEL_BGR = (165, 165, 165)
_VALUE_BGR = (240, 240, 240)
_BANNER_BGR = (90, 190, 255)
_PANEL_OPACITY = 0.68
_MOST_LINES = 3
_SPELT_OUT = {"°": "", "±": "+-"}  # OpenCV's own letters are ASCII alone


@dataclass(frozen=True, slots=True)
class HudState:
    """What the panel says.

    Attributes:
        fps: fused frames/s; None or NaN while unknown, as for all figures here.
        latency_ms: from capture to showing.
        skew_ms: visible minus infrared capture time.
        drops: frames dropped so far, both cameras together.
        engine: for instance ``openvino bf16``.
        distance: at which the pictures match, for instance ``4.9 m (4.4 m to 5.6 m)``.
        off_px: how far the infrared lies off on the visible picture, as far as that is measured;
            without a line of its own where it is not.
        gain: what is special about the infrared's gain control, for instance ``locked``.
        banner: a message set apart, for instance that the infrared camera calibrates itself.
    """

    fps: float | None = None
    latency_ms: float | None = None
    skew_ms: float | None = None
    drops: int = 0
    engine: str = ""
    distance: str = ""
    off_px: float | None = None
    gain: str = ""
    banner: str = ""


def draw_hud(picture: np.ndarray, state: HudState) -> None:
    """Draw the figures into the upper left corner.

    Args:
        picture: (H, W, 3) uint8 BGR; changed in place, so hand in a copy where the picture is
            used elsewhere too.
        state: what to say; text that does not fit is cut off.
    """
    rows = [
        ("frames/s", _number(state.fps, ".1f")),
        ("latency ms", _number(state.latency_ms, ".1f")),
        ("skew ms", _number(state.skew_ms, "+.1f")),
        ("drops", str(state.drops)),
    ]
    if state.engine:
        rows.append(("engine", state.engine))
    if state.distance:
        rows.append(("distance", state.distance))
    if state.off_px is not None:
        rows.append(("off px", _number(state.off_px, ".1f")))
    if state.gain:
        rows.append(("gain", state.gain))
    line_h = _line_height(picture)
    margin = line_h // 2
    _draw_panel(picture, rows, (margin, margin), line_h)
    if state.banner:
        draw_banner(picture, state.banner)


def draw_banner(picture: np.ndarray, text: str) -> None:
    """Draw a message across the lower edge, in as many lines as it needs, three at most.

    Args:
        picture: (H, W, 3) uint8 BGR; changed in place.
        text: what does not fit is cut off and ends in three dots.
    """
    for sign, letters in _SPELT_OUT.items():
        text = text.replace(sign, letters)
    line_h = _line_height(picture)
    lines = _wrapped(text, picture.shape[1] - line_h, line_h)
    height = len(lines) * line_h + 2 * (line_h // 3)
    area = picture[-height:]
    cv2.convertScaleAbs(area, dst=area, alpha=1 - _PANEL_OPACITY, beta=8)
    base = picture.shape[0] - height + line_h // 3 + round(0.75 * line_h)
    for line in lines:
        _text(picture, line, (line_h // 2, base), line_h, _BANNER_BGR)
        base += line_h


def _wrapped(text: str, width: int, line_h: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _width(longer, line_h) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > _MOST_LINES:
        lines = lines[:_MOST_LINES]
        lines[-1] = lines[-1].rsplit(" ", 1)[0] + " ..."
    return lines


def draw_help(picture: np.ndarray) -> None:
    """Draw the list of keys into the middle of ``picture``, (H, W, 3) uint8 BGR, in place."""
    line_h = _line_height(picture)
    rows = list(KEYS.items())
    panel_w, panel_h = _panel_wh(rows, line_h, right=False)
    left, top = (picture.shape[1] - panel_w) // 2, (picture.shape[0] - panel_h) // 2
    _draw_panel(picture, rows, (max(left, 0), max(top, 0)), line_h, right=False)


def _number(value: float | None, form: str) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:{form}}"


def _line_height(picture: np.ndarray) -> int:
    """Height of a line of text in px: grows with the picture, and stays readable in a small one."""
    return max(14, round(min(picture.shape[0] / 25, picture.shape[1] / 32)))


def _width(text: str, line_h: int) -> int:
    return cv2.getTextSize(text, _FONT, line_h * _SIZE_PER_PX, _stroke(line_h))[0][0]


def _stroke(line_h: int) -> int:
    return 1 if line_h < 34 else 2


def _column_widths(rows: Sequence[tuple[str, str]], line_h: int) -> tuple[int, int]:
    labels = max(_width(label, line_h) for label, _ in rows)
    values = max(_width(value, line_h) for _, value in rows)
    return labels, values


def _panel_wh(rows: Sequence[tuple[str, str]], line_h: int, *, right: bool) -> tuple[int, int]:
    labels, values = _column_widths(rows, line_h)
    if right:  # room for larger numbers, so that the panel does not jump about
        values = max(values, _width("00000.0", line_h))
    return labels + 2 * line_h + values, len(rows) * line_h + 2 * (line_h // 3)


def _draw_panel(
    picture: np.ndarray,
    rows: Sequence[tuple[str, str]],
    corner_xy: tuple[int, int],
    line_h: int,
    *,
    right: bool = True,
) -> None:
    """A darkened area with labels on the left and values on their right, numbers flush right."""
    left, top = corner_xy
    panel_w, panel_h = _panel_wh(rows, line_h, right=right)
    area = picture[top : top + panel_h, left : left + panel_w]
    cv2.convertScaleAbs(area, dst=area, alpha=1 - _PANEL_OPACITY, beta=8)
    inner = left + line_h // 2
    edge = left + panel_w - line_h // 2
    labels = _column_widths(rows, line_h)[0]
    base = top + line_h // 3 + round(0.75 * line_h)
    for label, value in rows:
        value_x = edge - _width(value, line_h) if right else inner + labels + line_h
        _text(picture, label, (inner, base), line_h, _LABEL_BGR)
        _text(picture, value, (value_x, base), line_h, _VALUE_BGR)
        base += line_h


def _text(
    picture: np.ndarray, text: str, base_xy: tuple[int, int], line_h: int, bgr: tuple[int, int, int]
) -> None:
    size, stroke = line_h * _SIZE_PER_PX, _stroke(line_h)
    cv2.putText(picture, text, base_xy, _FONT, size, bgr, stroke, cv2.LINE_AA)
