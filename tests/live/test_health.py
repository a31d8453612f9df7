"""Good, degraded or down: what it is judged by, and how its history is kept."""

from __future__ import annotations

import pytest

from fusion_rt.frame import Sensor
from fusion_rt.live.camera_record import CameraState, Phase
from fusion_rt.live.health import Health, HealthHistory, Level, judge_health

IR, VIS = Sensor.IR, Sensor.VIS
S = 1_000_000_000
GOOD = Health(Level.GOOD)


def state(phase=Phase.RUNNING, why="", note=""):
    return CameraState(phase, why, 0, 1, 0, 0, 25.0, 0, "driver", note)


@pytest.mark.parametrize(
    ("ir", "vis", "given", "level", "banner"),
    [
        pytest.param(state(), state(), {}, "good", "", id="both-run"),
        pytest.param(
            state(Phase.LOST, "unplugged"),
            state(),
            {},
            "degraded",
            "infrared camera lost (unplugged)",
            id="ir-lost",
        ),
        pytest.param(
            state(), state(Phase.STUCK), {}, "degraded", "visible camera stuck", id="vis-stuck"
        ),
        pytest.param(
            state(Phase.SILENT, "no picture for 0.2 s"),
            state(Phase.CONNECTING),
            {},
            "down",
            "infrared camera silent (no picture for 0.2 s); visible camera connecting",
            id="neither-runs",
        ),
        pytest.param(
            state(),
            state(note="sends 8x6"),
            {"extra": ("infrared recalibrating (why)",)},
            "degraded",
            "infrared recalibrating (why); visible: sends 8x6",
            id="shutter-and-a-note",
        ),
        pytest.param(
            state(Phase.LOST, "unplugged", note="sends 8x6"),
            state(),
            {},
            "degraded",
            "infrared camera lost (unplugged)",
            id="note-of-a-lost-camera-is-left-out",
        ),
        pytest.param(
            state(),
            state(Phase.LOST),
            {"nothing": "the engine is not ready"},
            "down",
            "the engine is not ready; visible camera lost",
            id="nothing-is-shown",
        ),
    ],
)
def test_level_and_words(ir, vis, given, level, banner):
    health = judge_health({IR: ir, VIS: vis}, **given)
    assert (health.level.value, health.banner) == (level, banner)
    assert str(health) == (f"{level}: {banner}" if banner else level)


def degraded(*reasons):
    return Health(Level.DEGRADED, reasons)


def test_numbers_and_details_make_no_change():
    history = HealthHistory(0)
    given = [
        (GOOD, True),
        (GOOD, False),
        (degraded("infrared camera silent (no picture for 0.1 s)"), True),
        (degraded("infrared camera silent (no picture for 0.2 s)"), False),
        (degraded("infrared camera lost (no picture for 2.0 s)"), True),
        (degraded("infrared camera lost (not there)"), False),
        (degraded("infrared camera lost (not there)", "visible: sends 640x480"), True),
        (degraded("infrared camera lost (not there)", "visible: sends 320x240"), False),
        (Health(Level.DOWN, ("infrared camera lost (not there)",)), True),
        (GOOD, True),
    ]
    assert [history.observe(health, index) for index, (health, _) in enumerate(given)] == [
        changed for _, changed in given
    ]
    assert history.count == 6
    assert history.now == GOOD


def test_seconds_of_each_level_add_up():
    history = HealthHistory(0)
    for at_s, health in ((0, GOOD), (2, GOOD), (3, degraded("a")), (7, GOOD), (8, GOOD)):
        history.observe(health, at_s * S)
    assert history.summary() == {
        "seconds": {"good": 4.0, "degraded": 4.0, "down": 0.0},
        "changes": 3,
        "last": [
            {"at_s": 0.0, "health": "good"},
            {"at_s": 3.0, "health": "degraded: a"},
            {"at_s": 7.0, "health": "good"},
        ],
    }


def test_history_of_days_stays_small():
    history = HealthHistory(0)
    for index in range(1000):
        history.observe(degraded("a") if index % 2 else GOOD, index * S)
    assert history.count == 1000
    assert len(history.changes) == 200
    assert len(history.summary()["last"]) == 200
