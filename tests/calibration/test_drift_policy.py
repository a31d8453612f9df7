"""When a drift is mended, and why it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drift_scenes import similarity

from calibration.online import DriftPolicy, Estimate
from calibration.online.evidence import Together

WH = (640, 480)


def evidence(found: np.ndarray, error_px: float = 0.2) -> Together:
    return Together(Estimate(found, 0.5, 10, 0.3, error_px), 20, 8, 0.6, WH)


def shifted(dx: float, turn_deg: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return similarity(dx, 0, turn_deg, scale, WH)


@pytest.mark.parametrize(
    ("together", "whole", "words"),
    [
        pytest.param(None, shifted(5), "0 of 15", id="nothing-known"),
        pytest.param(
            replace(evidence(shifted(5)), frames=14), shifted(5), "14 of 15", id="too-few-pairs"
        ),
        pytest.param(
            replace(evidence(shifted(5)), spread_px=2.5), shifted(5), "disagree", id="scattered"
        ),
        pytest.param(
            replace(evidence(shifted(5)), estimate=Estimate(shifted(5), 0.1, 3, 0.3, 0.2)),
            shifted(5),
            "too few places",
            id="hardly-a-block",
        ),
        pytest.param(evidence(shifted(0.4), 0.1), shifted(0.4), "left alone", id="hysteresis"),
        pytest.param(evidence(shifted(2), 0.8), shifted(2), "left alone", id="not-sure"),
        pytest.param(evidence(shifted(13)), shifted(13), "too much", id="too-far"),
        pytest.param(evidence(shifted(3)), shifted(12.5), "too much", id="too-far-in-all"),
        pytest.param(evidence(shifted(5, 1.2)), shifted(5, 1.2), "too much", id="turned-too-far"),
        pytest.param(
            evidence(shifted(5, 0, 1.03)), shifted(5, 0, 1.03), "too much", id="scaled-too-far"
        ),
    ],
)
def test_what_is_not_mended_says_why(together, whole, words):
    decision = DriftPolicy().decide(together, whole, WH)
    assert decision.correction is None
    assert words in decision.why


@pytest.mark.parametrize("px", [0.9, 3.0, 11.5])
def test_a_plain_drift_is_mended_whole(px):
    whole = shifted(px)
    decision = DriftPolicy().decide(evidence(whole), whole, WH)
    assert decision.correction is whole
    assert f"{px:.1f} px off" in decision.why


def test_limits_grow_with_the_picture():
    wide = replace(evidence(similarity(20, 0, wh=(1280, 960))), size_wh=(1280, 960))
    whole = similarity(20, 0, wh=(1280, 960))
    assert DriftPolicy().decide(wide, whole, (1280, 960)).correction is whole
