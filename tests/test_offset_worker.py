"""The thread: never holds up a camera, keeps to its share of the processor, ends cleanly."""

from __future__ import annotations

import gc
import threading
import weakref
from dataclasses import replace

import numpy as np
import pytest
from shaken import Camera, seen, shake, textured

from fusion_rt.clock_offset.follower import OffsetFollower
from fusion_rt.clock_offset.worker import OffsetWorker
from fusion_rt.frame import Frame, Sensor

MS = 1_000_000
_rng = np.random.default_rng(4)


def picture(captured_ms: float, seed: int = 0) -> Frame:
    image = np.random.default_rng(seed).integers(0, 255, (144, 192), np.uint8)
    return Frame(image, round(captured_ms * MS), 0, 0, 0)


class Meter:
    """Stands for the processor clock of the thread: each frame costs the same, and each is told."""

    def __init__(self, cost_ms: float = 0.5) -> None:
        self.cost_ns = round(cost_ms * MS)
        self.calls = 0
        self.done = threading.Semaphore(0)

    def __call__(self) -> int:
        self.calls += 1
        if self.calls % 2 == 0:  # called before and after each frame
            self.done.release()
        return self.calls // 2 * self.cost_ns

    @property
    def frames(self) -> int:
        return self.calls // 2


def offer(worker: OffsetWorker, meter: Meter, sensor: Sensor, frame: Frame) -> bool:
    """Offer a frame and wait until it was followed; False where it was passed over."""
    if not worker.offer(sensor, frame):
        return False
    assert meter.done.acquire(timeout=10)
    return True


@pytest.fixture
def meter():
    return Meter()


@pytest.fixture
def worker(meter):
    made = OffsetWorker(threading.Event(), cpu_ns=meter)
    yield made
    made.close()
    assert not made.is_alive()


def test_state_before_any_frame(worker):
    assert not worker.state.sure
    assert worker.state.why == "unknown: no pictures yet"


def test_the_offset_of_a_shaken_pair(worker, meter):
    rng = np.random.default_rng(1)
    scene, path = textured(rng, (320, 260)), shake(rng)
    both = [
        (sensor, frame)
        for sensor, camera in ((Sensor.IR, Camera(12, 80, phase=0.6)), (Sensor.VIS, Camera(15)))
        for frame in seen(scene, path, camera, rng, 14.0, wh=(192, 144))
    ]
    worker.start()
    for sensor, frame in sorted(both, key=lambda item: item[1].captured_ns):
        assert offer(worker, meter, sensor, frame)
    worker.close()
    assert worker.error is None
    assert worker.state.sure
    assert worker.state.offset_ms == pytest.approx(80, abs=3)


def test_a_busy_thread_holds_up_nobody_and_keeps_few_frames(worker):
    images = []
    for k in range(50):  # the thread does not run at all
        frame = picture(40 * k, seed=k)
        images.append(weakref.ref(frame.image))
        worker.offer(Sensor.VIS, frame)
    del frame
    gc.collect()
    assert sum(image() is not None for image in images) <= 4


@pytest.mark.parametrize(
    ("cost_ms", "least", "most"),
    [
        pytest.param(0.5, 100, 100, id="cheap-frames-are-all-followed"),
        pytest.param(4.0, 25, 40, id="dear-ones-are-thinned-out-to-a-tenth-of-a-second"),
        pytest.param(90.0, 18, 34, id="but-not-further-than-motion-can-be-followed"),
    ],
)
def test_thinning_keeps_to_the_share(cost_ms, least, most):
    meter = Meter(cost_ms)
    worker = OffsetWorker(threading.Event(), cpu_ns=meter)
    worker.start()
    followed = sum(
        offer(worker, meter, Sensor.VIS, picture(1000 + 33.3 * k, seed=k)) for k in range(100)
    )
    worker.close()
    assert worker.error is None
    assert least <= followed <= most


@pytest.mark.parametrize(
    ("cost_ms", "least", "most"),
    [
        pytest.param(0.5, 18, 21, id="one-each-second"),
        pytest.param(100.0, 3, 5, id="dear-ones-each-five-seconds"),
    ],
)
def test_estimates_keep_to_their_share(monkeypatch, cost_ms, least, most):
    made = []
    estimate = OffsetFollower.estimate
    monkeypatch.setattr(OffsetFollower, "estimate", lambda self: made.append(1) or estimate(self))
    meter = Meter(cost_ms)
    worker = OffsetWorker(threading.Event(), cpu_ns=meter)
    worker.start()
    for k in range(100):
        offer(worker, meter, Sensor.VIS, picture(1000 + 200 * k, seed=k))
    worker.close()
    assert worker.error is None
    assert least <= len(made) <= most


def test_a_clock_that_is_set_back_does_not_stop_it():
    meter = Meter(90.0)
    worker = OffsetWorker(threading.Event(), cpu_ns=meter)
    worker.start()
    for k in range(30):
        offer(worker, meter, Sensor.VIS, picture(100_000 + 33.3 * k, seed=k))
    assert offer(worker, meter, Sensor.VIS, picture(10, seed=99))
    worker.close()


def test_paused_it_takes_nothing(worker, meter):
    worker.start()
    assert offer(worker, meter, Sensor.VIS, picture(0, 0))
    worker.pause(True)
    assert not offer(worker, meter, Sensor.VIS, picture(33, 1))
    worker.pause(False)
    assert offer(worker, meter, Sensor.VIS, picture(66, 2))


def test_restart_forgets_the_state(worker, meter):
    worker.start()
    for k in range(40):
        assert offer(worker, meter, Sensor.VIS, picture(33.3 * k, k))
    assert "no pictures yet" not in worker.state.why
    worker.restart()
    assert offer(worker, meter, Sensor.IR, picture(2000, 50))
    assert "no pictures yet" in worker.state.why


def test_a_failure_reaches_the_run():
    stopping = threading.Event()
    worker = OffsetWorker(stopping)
    worker.start()
    worker.offer(Sensor.IR, replace(picture(0), image=np.zeros(5, np.uint8)))
    assert stopping.wait(timeout=10)
    worker.join(timeout=10)
    assert worker.error is not None
    worker.offer(Sensor.IR, picture(33))  # by the camera's thread, which goes on for a moment


def test_it_ends_with_the_run():
    stopping = threading.Event()
    worker = OffsetWorker(stopping)
    worker.start()
    stopping.set()
    worker.join(timeout=10)
    assert not worker.is_alive()


def test_close_before_the_start_twice_and_then_an_offer():
    worker = OffsetWorker(threading.Event())
    worker.close()
    worker.close()
    assert not worker.offer(Sensor.IR, picture(0))
    assert not worker.is_alive()
