"""The distance that is followed while pairs go by."""

from __future__ import annotations

import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from fakes import frame
from rigs import pair_rig

from calibration.auto_distance import DistanceSearch
from calibration.node_map import NodeGrid
from calibration.sight_lines import sight_lines
from fusion_rt.frame import FrameFlags, FramePair, Sensor
from fusion_rt.registration.running import Registration
from fusion_rt.registration.settings import RegistrationSettings

RIG = pair_rig(t=(-0.1, 0, 0), distance_m=8.0)
ONE_PX = 1 / 31  # of the visible picture, in 1/m: 310 px focal length times 10 cm
AUTO = RegistrationSettings(auto=True)


def photographed(metres):
    rng = np.random.default_rng(3)
    picture = np.full((256, 320), 128, np.uint8)
    for _ in range(60):
        x, y, side = (int(v) for v in rng.integers((0, 0, 10), (320, 256, 50)))
        cv2.rectangle(picture, (x, y), (x + side, y + side), int(rng.integers(256)), -1)
    grid = NodeGrid(RIG.ir_wh, 4)
    places = grid.dense(sight_lines(RIG, grid.nodes, "ir", np.eye(3))(1 / metres))
    ir = cv2.remap(255 - picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return ir, cv2.merge([picture] * 3)


NEAR, FAR = photographed(2.0), photographed(6.0)
NOTHING = np.zeros((128, 160), np.uint8), np.zeros((256, 320, 3), np.uint8)


def pair(ms, pictures=NEAR, **changes):
    ir, vis = pictures
    made = FramePair(frame(ms, 0, ir), frame(ms, 0, vis), ir_8bit=ir)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def laid(registration, pairs):
    """1/m that each of the pairs was laid with."""
    for each in pairs:
        registration.lay(each, lazily=True)
    return [each.alignment.inverse_distance for each in pairs]


def test_first_pair_of_a_recording_is_laid_at_its_own_distance():
    found = laid(Registration(RIG, AUTO), [pair(0)])
    assert found == [pytest.approx(1 / 2, abs=ONE_PX)]


def test_scene_that_changes_is_followed_within_seconds():
    pairs = [pair(1000 * s) for s in range(3)] + [pair(1000 * s, FAR) for s in range(3, 20)]
    found = laid(Registration(RIG, AUTO), pairs)
    assert found[2] == pytest.approx(1 / 2, abs=ONE_PX)
    assert found[-1] == pytest.approx(1 / 6, abs=ONE_PX)
    # A still scene does not make the picture tremble.
    assert len(set(found[-5:])) == 1


def test_recordings_repeat_exactly():
    runs = [laid(Registration(RIG, AUTO), [pair(400 * i) for i in range(8)]) for _ in range(2)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    "unfit",
    [
        pytest.param(lambda: pair(0, alone=Sensor.VIS), id="one-camera-alone"),
        pytest.param(lambda: pair(0, ir_trust=0.5), id="infrared-not-trusted"),
        pytest.param(lambda: shut(pair(0)), id="shutter"),
        pytest.param(lambda: pair(0, NOTHING), id="nothing-to-see"),
    ],
)
def test_pair_that_says_nothing_changes_nothing(unfit):
    registration = Registration(RIG, AUTO)
    assert laid(registration, [unfit()]) == [1 / 8]


def shut(given):
    given.ir = replace(given.ir, flags=FrameFlags.SHUTTER)
    return given


def test_one_pair_each_second_is_looked_at(monkeypatch):
    looks = []
    scores = DistanceSearch.scores
    monkeypatch.setattr(
        DistanceSearch, "scores", lambda self, *given: looks.append(1) or scores(self, *given)
    )
    registration = Registration(RIG, AUTO)
    laid(registration, [pair(100 * i) for i in range(21)])
    assert len(looks) == 3  # at 0, 1 and 2 s
    assert registration.summary()["auto"]["looks"] == 3
    laid(registration, [pair(0)])  # the clock jumped back
    assert len(looks) == 4


def wait_for_the_look():
    for thread in threading.enumerate():
        if thread.name == "auto-distance":
            thread.join(30)


def test_live_pairs_do_not_wait_for_the_search(monkeypatch):
    may_go = threading.Event()
    scores = DistanceSearch.scores

    def slow(self, *given):
        assert may_go.wait(30)
        return scores(self, *given)

    monkeypatch.setattr(DistanceSearch, "scores", slow)
    registration = Registration(RIG, AUTO, repeatable=False)
    assert laid(registration, [pair(0), pair(2000)]) == [1 / 8, 1 / 8]
    may_go.set()
    wait_for_the_look()
    laid(registration, [pair(2100)])  # brings the wish
    assert registration.settle()
    assert laid(registration, [pair(2200)]) == [pytest.approx(1 / 2, abs=ONE_PX)]
    registration.close()


@pytest.mark.parametrize("repeatable", [True, False], ids=["recording", "live"])
def test_failure_of_the_search_ends_the_run(monkeypatch, repeatable):
    def broken(*_):
        raise MemoryError("no memory to search")

    monkeypatch.setattr(DistanceSearch, "scores", broken)
    registration = Registration(RIG, AUTO, repeatable=repeatable)

    def go_on():
        for ms in (0, 10):
            laid(registration, [pair(ms)])
            wait_for_the_look()

    with pytest.raises(MemoryError, match="no memory to search"):
        go_on()


def test_automatic_turned_on_again_forgets_what_it_saw():
    registration = Registration(RIG, AUTO)
    laid(registration, [pair(1000 * s) for s in range(5)])
    registration.set_distance(8.0)
    registration.settle()
    registration.toggle_auto()
    assert laid(registration, [pair(9000, FAR)]) == [pytest.approx(1 / 6, abs=ONE_PX)]
