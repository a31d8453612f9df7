"""The distance as it is written on the command line."""

from __future__ import annotations

import math

import pytest

from fusion_rt.cli_common import distance_given
from fusion_rt.errors import UsageError


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        pytest.param(None, {}, id="not-given"),
        pytest.param("5", {"distance_m": 5.0, "auto": False}, id="metres"),
        pytest.param("2.5m", {"distance_m": 2.5, "auto": False}, id="with-unit"),
        pytest.param("inf", {"distance_m": math.inf, "auto": False}, id="far"),
        pytest.param("auto", {"auto": True}, id="auto"),
    ],
)
def test_distance(text, settings):
    assert distance_given(text) == settings


@pytest.mark.parametrize("text", ["", "near", "0", "-3", "nan", "0.05"])
def test_other_words_are_refused(text):
    with pytest.raises(UsageError, match="cannot match") as caught:
        distance_given(text)
    assert "auto" in caught.value.hint
