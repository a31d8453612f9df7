"""The thread that measures drift: which pairs it takes, what it forgets, what it may cost."""

from __future__ import annotations

import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from drift_scenes import WH, misplaced, scene, similarity

from calibration.rig import Rig
from fusion_rt.frame import Frame, FrameFlags, FramePair, Sensor
from fusion_rt.live.drift_worker import DriftWorker
from fusion_rt.registration.running import Registration

MS = 1_000_000


class Meter:
    """Stands for the thread's processor clock: each pair costs the same, and each is told."""

    def __init__(self) -> None:
        self.cost_ns = 20 * MS
        self.calls = 0
        self.done = threading.Semaphore(0)

    def __call__(self) -> int:
        self.calls += 1
        if self.calls % 2 == 0:
            self.done.release()
        return self.calls // 2 * self.cost_ns


@pytest.fixture
def registration():
    made = Registration(Rig.identity(WH))
    yield made
    made.close()


@pytest.fixture
def meter():
    return Meter()


@pytest.fixture
def worker(registration, meter):
    made = DriftWorker(registration, threading.Event(), cpu_ns=meter)
    made.start()
    yield made
    made.close()
    assert not made.is_alive()
    assert made.error is None


def pair_at(ms: float, registration: Registration, ir: np.ndarray, vis: np.ndarray) -> FramePair:
    frames = [Frame(image, round(ms * MS), 0, 0, 0) for image in (ir, vis)]
    pair = FramePair(*frames, ir_8bit=ir)
    registration.lay(pair, lazily=False)
    return pair


def show(worker, meter, registration, ms: float, ir, vis, after=None) -> None:
    """Two pairs that follow each other, measured before this returns."""
    assert worker.offer(pair_at(ms, registration, ir, vis))
    assert worker.offer(pair_at(ms + 33, registration, ir, vis if after is None else after))
    assert meter.done.acquire(timeout=20)


def wait_for(worker, pairs: int) -> None:
    """Until the state of so many pairs is there: the meter tells just after it is."""
    assert worker.state.pairs == pairs


def test_pairs_become_evidence(worker, meter, registration):
    truth = similarity(5, -3)
    for index in range(2):
        ir, vis = scene(30 + index)
        show(worker, meter, registration, 1000 * index, misplaced(ir, truth), vis)
    wait_for(worker, 2)
    together = worker.state.together
    assert (together.frames, together.scenes) == (2, 2)
    assert together.off_px == pytest.approx(np.hypot(5, 3), abs=0.6)
    assert worker.state.alignment is registration.now
    assert not worker.state.why


def test_pairs_are_taken_twice_a_second_at_most(worker, registration):
    ir, vis = scene(30)
    taken = [worker.offer(pair_at(ms, registration, ir, vis)) for ms in range(0, 1001, 33)]
    assert sum(taken) in (4, 5, 6)  # two that follow each other, each time


def test_what_costs_more_is_done_less_often(worker, meter, registration):
    meter.cost_ns = 140 * MS
    ir, vis = scene(30)
    show(worker, meter, registration, 0, ir, vis)
    show(worker, meter, registration, 1000, ir, vis)
    assert not worker.offer(pair_at(2900, registration, ir, vis))
    assert worker.offer(pair_at(3100, registration, ir, vis))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda pair: setattr(pair, "alone", Sensor.VIS), id="one-camera-alone"),
        pytest.param(lambda pair: setattr(pair, "ir_trust", 0.5), id="infrared-fading"),
        pytest.param(
            lambda pair: setattr(pair, "ir", replace(pair.ir, flags=FrameFlags.SHUTTER)),
            id="infrared-calibrates-itself",
        ),
        pytest.param(lambda pair: setattr(pair, "alignment", None), id="not-laid-yet"),
    ],
)
def test_some_pairs_are_left_out(worker, registration, change):
    ir, vis = scene(30)
    pair = pair_at(0, registration, ir, vis)
    change(pair)
    assert not worker.offer(pair)


def test_nothing_is_taken_while_paused(worker, registration):
    ir, vis = scene(30)
    worker.pause(True)
    assert not worker.offer(pair_at(0, registration, ir, vis))
    worker.pause(False)
    assert worker.offer(pair_at(40, registration, ir, vis))


def test_evidence_begins_anew_with_another_alignment(worker, meter, registration):
    ir, vis = scene(30)
    show(worker, meter, registration, 0, ir, vis)
    registration.set_correction(similarity(2, 0))
    assert registration.settle()
    ir, vis = scene(31)
    show(worker, meter, registration, 1000, ir, vis)
    wait_for(worker, 2)
    assert worker.state.together.frames == 1
    assert worker.state.alignment is registration.now


def test_a_pair_without_texture_says_so_and_does_not_count(worker, meter, registration):
    _, vis = scene(30)
    show(worker, meter, registration, 0, np.full(WH[::-1], 90, np.uint8), vis)
    wait_for(worker, 1)
    assert worker.state.together is None
    assert "too little" in worker.state.why


def test_a_pair_of_cameras_that_swing_does_not_count(worker, meter, registration):
    ir, vis = scene(30)
    swung = cv2.warpAffine(vis, np.float64([[1, 0, 12], [0, 1, 0]]), WH, borderMode=2)
    show(worker, meter, registration, 0, ir, vis, after=swung)
    wait_for(worker, 1)
    assert worker.state.together is None
    assert "too fast" in worker.state.why
