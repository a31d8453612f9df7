"""The form of the map: all make the same picture, and the fastest is taken."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rigs import pixels

from fusion_rt.registration import map_form
from fusion_rt.registration.map_form import FORMS, as_form, fastest_form, remapped

# A third of a pixel, which 1/32 px does not hold.
MAP = (pixels((90, 70)) * 0.7 + 1 / 3).astype(np.float32).reshape(70, 90, 2)
PICTURE = np.random.default_rng(1).integers(0, 256, (60, 80), np.uint8)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_form_makes_the_same_picture(form, channels):
    picture = cv2.GaussianBlur(np.dstack([PICTURE] * channels).squeeze(), (0, 0), 2)
    exact = remapped(picture, as_form(MAP, "pairs")).astype(int)
    assert np.abs(remapped(picture, as_form(MAP, form)) - exact).max() <= 1


def alike(form):
    pictures = (remapped(PICTURE, as_form(MAP, each)) for each in (form, "pairs"))
    return np.array_equal(*pictures)


@pytest.mark.parametrize(
    ("seconds", "repeatable", "found"),
    [
        pytest.param((3, 1, 2), False, "planes", id="planes"),
        pytest.param((1, 2, 3), False, "pairs", id="pairs"),
        pytest.param((9, 8, 2), False, "fixed", id="fixed-much-faster"),
        pytest.param((9, 8, 7.9), False, "planes", id="fixed-slightly-faster"),
        pytest.param((9, 8, 2), True, "planes", id="fixed-much-faster-but-not-repeatable"),
    ],
)
def test_fastest_form_is_taken(monkeypatch, seconds, repeatable, found):
    if min(seconds) == seconds[2] and alike("fixed"):
        found = "fixed"  # OpenCV 4 rounds in every form
    times = dict(zip(FORMS, seconds, strict=True))
    monkeypatch.setattr(map_form, "_seconds", lambda picture, maps: times[form_of(maps)])
    assert fastest_form(MAP, PICTURE, repeatable=repeatable) == found


def form_of(maps):
    if maps[0].dtype == np.int16:
        return "fixed"
    return "pairs" if maps[1] is None else "planes"
