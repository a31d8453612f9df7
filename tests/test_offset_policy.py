"""When an offset is offered and when it is taken over."""

from __future__ import annotations

import math

import pytest

from fusion_rt.clock_offset.estimate import OffsetState
from fusion_rt.clock_offset.policy import OffsetPolicy

SURE = OffsetState(offset_ms=20.0, plus_minus_ms=2.0, sure=True)
VAGUE = OffsetState(offset_ms=20.0, plus_minus_ms=5.0, sure=True)


@pytest.mark.parametrize(
    ("state", "current_ms", "offered"),
    [
        pytest.param(SURE, 0.0, 20.0, id="far-off"),
        pytest.param(SURE, 16.9, 20.0, id="just-worth-it"),
        pytest.param(SURE, 23.0, 20.0, id="just-worth-it-from-above"),
        pytest.param(SURE, 17.5, None, id="nearly-right"),
        pytest.param(VAGUE, 16.0, None, id="within-its-own-error"),
        pytest.param(VAGUE, 14.0, 20.0, id="beyond-its-own-error"),
        pytest.param(OffsetState(), 0.0, None, id="unknown"),
    ],
)
def test_offer(state, current_ms, offered):
    assert OffsetPolicy("offer").offered_ms(state, current_ms) == offered


@pytest.mark.parametrize(
    ("apply", "current_ms", "since_s", "applied"),
    [
        pytest.param("auto", 0.0, math.inf, 20.0, id="first-time"),
        pytest.param("auto", 0.0, 10.0, 20.0, id="after-the-wait"),
        pytest.param("auto", 0.0, 9.9, None, id="too-soon"),
        pytest.param("auto", 18.0, math.inf, None, id="not-worth-it"),
        pytest.param("offer", 0.0, math.inf, None, id="left-to-the-user"),
    ],
)
def test_apply(apply, current_ms, since_s, applied):
    assert OffsetPolicy(apply).applied_ms(SURE, current_ms, since_s) == applied


def test_an_offset_that_wanders_by_its_error_is_applied_once():
    policy, current_ms, changes = OffsetPolicy("auto"), 0.0, 0
    for second in range(0, 600, 10):
        told = OffsetState(offset_ms=20 + 1.4 * math.sin(second), plus_minus_ms=1.5, sure=True)
        taken = policy.applied_ms(told, current_ms, 10.0)
        if taken is not None:
            current_ms, changes = taken, changes + 1
    assert changes == 1
