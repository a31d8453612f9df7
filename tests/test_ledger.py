"""Every captured frame is accounted for, whatever became of it."""

from __future__ import annotations

import pytest
from fakes import frame

from fusion_rt.frame import FramePair, Sensor
from fusion_rt.ledger import DropReason, Ledger

IR, VIS = Sensor.IR, Sensor.VIS


def pair(alone=None, reused=None):
    return FramePair(frame(0), frame(0), alone=alone, reused=reused)


def captured(ir, vis):
    ledger = Ledger()
    for sensor, count in ((IR, ir), (VIS, vis)):
        for _ in range(count):
            ledger.captured(sensor)
    return ledger


@pytest.mark.parametrize(
    ("what", "in_flight"),
    [
        pytest.param(lambda ledger: ledger.fused(), (4, 4), id="fused"),
        pytest.param(lambda ledger: ledger.shown(pair()), (4, 4), id="shown"),
        pytest.param(lambda ledger: ledger.shown(pair(alone=VIS)), (5, 4), id="visible-alone"),
        pytest.param(lambda ledger: ledger.shown(pair(alone=IR)), (4, 5), id="infrared-alone"),
        pytest.param(lambda ledger: ledger.shown(pair(reused=IR)), (5, 4), id="infrared-again"),
        pytest.param(
            lambda ledger: ledger.dropped(IR, frame(0), DropReason.LATE), (4, 5), id="dropped"
        ),
        pytest.param(lambda ledger: ledger.dropped(IR, None, DropReason.LATE), (5, 5), id="none"),
        pytest.param(
            lambda ledger: ledger.dropped_pair(pair(), DropReason.OVERWRITTEN),
            (4, 4),
            id="pair-dropped",
        ),
        pytest.param(
            lambda ledger: ledger.dropped_pair(pair(alone=VIS), DropReason.OVERWRITTEN),
            (5, 4),
            id="lone-frame-dropped",
        ),
        pytest.param(
            lambda ledger: ledger.dropped_pair(pair(reused=VIS), DropReason.STOPPED),
            (4, 5),
            id="pair-with-a-used-frame-dropped",
        ),
        pytest.param(
            lambda ledger: ledger.dropped_pair(None, DropReason.STOPPED), (5, 5), id="no-pair"
        ),
    ],
)
def test_in_flight_is_what_is_left(what, in_flight):
    ledger = captured(5, 5)
    what(ledger)
    assert (ledger.in_flight(IR), ledger.in_flight(VIS)) == in_flight


def test_summary():
    ledger = captured(4, 3)
    ledger.shown(pair())
    ledger.shown(pair(reused=VIS))
    ledger.shown(pair(alone=IR))
    ledger.dropped(IR, frame(0), DropReason.DUPLICATE)
    found = ledger.summary()
    assert (found["captured_ir"], found["captured_vis"], found["fused"]) == (4, 3, 2)
    assert found["shown_alone"] == {"ir": 1, "vis": 0}
    assert found["reused"] == {"ir": 0, "vis": 1}
    assert found["dropped"]["duplicate"] == {"ir": 1, "vis": 0}
    assert set(found["dropped"]) == {reason.value for reason in DropReason}


@pytest.mark.parametrize(
    ("reason", "lost"),
    [(reason, 0) for reason in ("surplus", "alone", "late", "duplicate", "clock_jump")]
    + [(reason, 1) for reason in ("unmatched", "overwritten", "stopped", "misfit")],
)
def test_lost_pairs_are_told_from_frames_that_cost_none(reason, lost):
    ledger = captured(1, 1)
    ledger.dropped(IR, frame(0), DropReason(reason))
    assert ledger.lost_pairs == lost
