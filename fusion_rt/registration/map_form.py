"""The form in which a map is given to OpenCV: the fastest here, by trying."""

from __future__ import annotations

import time
from typing import Any, Final, Literal

import cv2
import numpy as np

Form = Literal["pairs", "planes", "fixed"]
# The second is None where the first holds x and y. OpenCV takes None alone for that: with an empty
# array it never comes back.
Maps = tuple[np.ndarray, Any]

# pairs: x and y of a pixel side by side, as floats. planes: all x, then all y. fixed: whole px, and
# the rest in 1/32 px, which is half the memory.
FORMS: Final[tuple[Form, ...]] = ("pairs", "planes", "fixed")

_WARM_UP, _TIMED = 1, 5
# What rounds to 1/32 px must be so much faster than what does not.
_CLEARLY = 0.8


def as_form(pixel_map: np.ndarray, form: Form) -> Maps:
    """What `cv2.remap` takes as its two maps.

    Args:
        pixel_map: (H, W, 2) float32, x and y in px of the picture that is read.
        form: see `FORMS`.
    """
    none: Any = None  # which the types of OpenCV do not know
    if form == "fixed":
        return cv2.convertMaps(pixel_map, none, cv2.CV_16SC2)
    if form == "planes":
        x, y = cv2.split(pixel_map)
        return x, y
    return pixel_map, none


def remapped(picture: np.ndarray, maps: Maps) -> np.ndarray:
    """The picture through the map, bilinear.

    Args:
        picture: (Hi, Wi[, C]), uint8 or float32.
        maps: see `as_form`.

    Returns:
        (H, W[, C]), of the same type; mirrored beyond the picture, so that no edge and no streak
        disturbs what the network sees at the seam.
    """
    return cv2.remap(picture, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def fastest_form(pixel_map: np.ndarray, picture: np.ndarray, *, repeatable: bool) -> Form:
    """The form that warps such a picture fastest on this machine; takes a few ms.

    OpenCV 4 rounds to 1/32 px in every form, from 5 on only the fixed one does.

    Args:
        pixel_map: (H, W, 2) float32.
        picture: of the size and kind that will be warped.
        repeatable: whether two runs must give the same bits: then only forms count that make the
            very picture that ``pairs`` makes, as which one is faster may change with the load.
    """
    maps = {form: as_form(pixel_map, form) for form in FORMS}
    exact = {form: remapped(picture, each) for form, each in maps.items()}
    alike = {form for form in FORMS if np.array_equal(exact[form], exact["pairs"])}
    best_s = {
        form: _seconds(picture, maps[form]) * (1.0 if form in alike else 1 / _CLEARLY)
        for form in (FORMS if not repeatable else alike)
    }
    return min(best_s, key=lambda form: best_s[form])


def _seconds(picture: np.ndarray, maps: Maps) -> float:
    """The quickest of a few runs, which is the least disturbed one."""
    times = []
    for _ in range(_WARM_UP + _TIMED):
        begun = time.perf_counter()
        remapped(picture, maps)
        times.append(time.perf_counter() - begun)
    return min(times[_WARM_UP:])
