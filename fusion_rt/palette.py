"""Colours for looking at infrared pictures. For display only, never before fusion."""

from __future__ import annotations

import difflib
import functools
from typing import Final

import cv2
import numpy as np

from .errors import UsageError

# Control colours (R, G, B), dark to light. Between them the colour is interpolated in CIELAB, and
# each sits where its own lightness falls on a straight line, so that equal steps of temperature
# look like equal steps of lightness.
_CONTROL_RGB: Final[dict[str, tuple[tuple[int, int, int], ...]]] = {
    "ironbow": (
        (0, 0, 8),
        (44, 6, 98),
        (128, 14, 132),
        (208, 48, 84),
        (244, 120, 24),
        (254, 200, 54),
        (255, 253, 228),
    ),
    "arctic": (
        (4, 8, 30),
        (16, 44, 110),
        (40, 104, 172),
        (124, 152, 168),
        (216, 172, 96),
        (250, 214, 120),
        (255, 248, 222),
    ),
}

PALETTES: Final[tuple[str, ...]] = ("white-hot", "black-hot", *_CONTROL_RGB, "rainbow")


def apply_palette(plane: np.ndarray, name: str) -> np.ndarray:
    """Colour an infrared picture.

    Args:
        plane: (H, W) uint8, light is hot.
        name: one of `PALETTES`.

    Returns:
        (H, W, 3) uint8 BGR, a new array.

    Raises:
        UsageError: unknown name.
    """
    if name == "white-hot":  # what its table says, but faster
        return cv2.cvtColor(plane, cv2.COLOR_GRAY2BGR)
    return cv2.applyColorMap(plane, palette_table(name)[:, None])


@functools.cache
def palette_table(name: str) -> np.ndarray:
    """Colour of each of the 256 levels, (256, 3) uint8 BGR, read only.

    Raises:
        UsageError: unknown name.
    """
    if name not in PALETTES:
        near = difflib.get_close_matches(name, PALETTES, n=1, cutoff=0.5)
        raise UsageError(
            f"unknown palette '{name}'" + (f", did you mean '{near[0]}'?" if near else ""),
            hint=f"known palettes: {', '.join(PALETTES)}",
        )
    levels = np.arange(256, dtype=np.uint8)[:, None]
    table: np.ndarray
    if name == "white-hot":
        table = np.repeat(levels, 3, axis=1)
    elif name == "black-hot":
        table = np.repeat(255 - levels, 3, axis=1)
    elif name == "rainbow":  # Turbo tells many steps apart, and is dark at both ends
        table = cv2.applyColorMap(levels, cv2.COLORMAP_TURBO)[:, 0]
    else:
        table = _even_in_lightness(_CONTROL_RGB[name])
    table.flags.writeable = False
    return table


def _even_in_lightness(control_rgb: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """Table (256, 3) uint8 BGR through the control colours with evenly changing lightness."""
    rgb = np.array(control_rgb, np.float32)[None] / 255
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)[0]
    place = (lab[:, 0] - lab[0, 0]) / (lab[-1, 0] - lab[0, 0])
    levels = np.linspace(0, 1, 256)
    table = np.stack([np.interp(levels, place, lab[:, k]) for k in range(3)], axis=1)
    bgr = cv2.cvtColor(table[None].astype(np.float32), cv2.COLOR_Lab2BGR)[0]
    return np.clip(np.rint(bgr * 255), 0, 255).astype(np.uint8)
