"""Capture times of network cameras against a known truth: jitter, drift, loss, jumps, reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from fusion_rt.sender_clock import SenderClock

MS = 1_000_000
SECOND = 1_000_000_000
WALL = 1_700_000_000 * SECOND  # wall clock at the zero of the monotonic one


@dataclass
class Stream:
    """A camera and its network, whose truth is known.

    Attributes:
        delay_ms: smallest from picture to arrival.
        jitter_ms: mean of the delay that comes on top, exponentially spread.
        ppm: by how much the camera's clock runs fast.
        loss: share of the packets that never come.
        reports_after_s: when sender reports begin; None for none.
        wall_off_ns: by how much the camera's wall clock is wrong.
        held_back: each packet is handed out when the next one arrives.
    """

    fps: float = 30.0
    delay_ms: float = 20.0
    jitter_ms: float = 3.0
    ppm: float = 0.0
    loss: float = 0.0
    reports_after_s: float | None = None
    wall_off_ns: int = 0
    held_back: bool = False
    stamp_zero_ns: int = 12_345 * SECOND

    def packets(self, seconds: float) -> Iterator[tuple[int, int, int, int | None]]:
        """Truth, time stamp, arrival and the sender's wall clock, all in ns."""
        rng = np.random.default_rng(5)
        count = round(seconds * self.fps)
        taken = 3600 * SECOND + np.arange(count) / self.fps * SECOND
        arrived = taken + (self.delay_ms + rng.exponential(self.jitter_ms, count)) * MS
        arrived = np.maximum.accumulate(arrived)  # one connection keeps the order
        if self.held_back:
            arrived = np.append(arrived[1:], arrived[-1] + SECOND / self.fps)
        stamps = self.stamp_zero_ns + (taken - taken[0]) * (1 + self.ppm * 1e-6)
        for index in np.nonzero(rng.random(count) >= self.loss)[0]:
            wall = None
            after = self.reports_after_s
            if after is not None and taken[index] - taken[0] >= after * SECOND:
                neighbour = rng.random() < 0.05  # now and then that of the picture before
                wall = round(taken[index - neighbour]) + WALL + self.wall_off_ns
            yield round(taken[index]), round(stamps[index]), round(arrived[index]), wall


def errors_ms(stream: Stream, seconds: float, skip_s: float) -> tuple[np.ndarray, SenderClock]:
    clock = SenderClock(WALL, held_back=stream.held_back)
    errors = []
    for taken, stamp, arrived, wall in stream.packets(seconds):
        clock.packet(stamp, arrived, wall)
        errors.append((clock.captured_ns(stamp) - taken) / MS)
    return np.array(errors[round(skip_s * stream.fps) :]), clock


@pytest.mark.parametrize(
    ("stream", "bias_ms", "std_ms"),
    [
        pytest.param(Stream(), 20, 0.3, id="smallest-delay-is-all-that-is-left"),
        pytest.param(Stream(jitter_ms=15), 20, 1.5, id="much-jitter"),
        pytest.param(Stream(loss=0.05), 20, 0.3, id="loss"),
        pytest.param(Stream(ppm=100), 20, 1.0, id="fast-clock-is-followed"),
        pytest.param(Stream(ppm=-100), 20, 1.0, id="slow-clock-is-followed"),
        pytest.param(Stream(fps=9), 20, 1.0, id="slow-camera"),
        pytest.param(Stream(held_back=True), 20, 0.3, id="held-back-by-a-picture-is-no-delay"),
        pytest.param(Stream(reports_after_s=2), 0, 0.2, id="reports-take-the-delay-away"),
        pytest.param(Stream(reports_after_s=2, jitter_ms=30), 0, 0.2, id="reports-despite-jitter"),
        pytest.param(Stream(reports_after_s=2, ppm=100), 0, 0.3, id="reports-follow-the-clock"),
        pytest.param(Stream(reports_after_s=2, wall_off_ns=-300 * MS), -300, 0.2, id="badly-set"),
        pytest.param(
            Stream(reports_after_s=2, wall_off_ns=-3600 * SECOND),
            20,
            0.3,
            id="not-set-is-left-aside",
        ),
        pytest.param(
            Stream(reports_after_s=2, wall_off_ns=SECOND), 20, 0.3, id="in-the-future-is-left-aside"
        ),
    ],
)
def test_stamps_are_off_by_a_constant_and_carry_no_jitter(stream, bias_ms, std_ms):
    errors, clock = errors_ms(stream, seconds=60, skip_s=20)
    assert np.median(errors) == pytest.approx(bias_ms, abs=2.5)
    assert errors.std() < std_ms
    assert clock.kind == ("sender" if bias_ms <= 0 else "arrival")


def test_change_to_the_sender_s_time_keeps_the_order():
    stream = Stream(reports_after_s=5, delay_ms=120)
    clock = SenderClock(WALL)
    stamps = []
    for _, stamp, arrived, wall in stream.packets(20):
        clock.packet(stamp, arrived, wall)
        stamps.append(clock.captured_ns(stamp))
    assert clock.kind == "sender"
    steps_ms = np.diff(stamps[30:]) / MS  # in the first second the zero is looked for
    assert steps_ms.min() > 30  # 33.3 less at most 5 %
    assert steps_ms.max() < 35
    assert clock.delay_ns == pytest.approx(120 * MS, abs=2 * MS)


@pytest.mark.parametrize(
    "jump_ns",
    [
        pytest.param(-12_000 * SECOND, id="camera-started-anew"),
        pytest.param(2**32 * SECOND // 90_000, id="32-bit-counter-wraps"),
        pytest.param(5 * SECOND, id="ahead"),
    ],
)
def test_after_a_jump_of_the_stamps_all_is_learnt_anew(jump_ns):
    clock = SenderClock(WALL)
    errors = []
    for index, (taken, stamp, arrived, _) in enumerate(Stream().packets(20)):
        moved = stamp + (jump_ns if index >= 300 else 0)
        clock.packet(moved, arrived)
        errors.append(abs(clock.captured_ns(moved) - taken) / MS)
    assert max(errors[30:300]) < 25
    assert max(errors[330:]) < 25


def test_packets_held_up_for_a_while_keep_their_true_time():
    clock = SenderClock(WALL)
    errors = []
    for taken, stamp, arrived, _ in Stream().packets(20):
        since_s = (taken - 3600 * SECOND) / SECOND
        if 10 <= since_s < 11.5:
            arrived = 3600 * SECOND + round(11.5 * SECOND)  # all at once
        clock.packet(stamp, arrived)
        errors.append(abs(clock.captured_ns(stamp) - taken) / MS)
    assert max(errors[60:]) < 25


def test_camera_whose_clock_is_set_while_it_runs_is_believed_from_then_on():
    clock = SenderClock(WALL)
    kinds = []
    for _, stamp, arrived, wall in Stream(reports_after_s=0).packets(20):
        wrong = wall is not None and stamp < 12_345 * SECOND + 8 * SECOND
        clock.packet(stamp, arrived, wall - 86_400 * SECOND if wrong else wall)
        kinds.append(clock.kind)
    assert set(kinds[:240]) == {"arrival"}
    assert set(kinds[-200:]) == {"sender"}


@pytest.mark.parametrize("nominal", [pytest.param(25, id="slow"), pytest.param(36, id="fast")])
def test_time_stamps_of_a_rate_that_is_not_kept_are_not_believed(nominal):
    clock = SenderClock(WALL)
    errors = []
    for index, (taken, _, arrived, _) in enumerate(Stream().packets(30)):
        stamp = index * SECOND // nominal
        clock.packet(stamp, arrived)
        errors.append((clock.captured_ns(stamp) - taken) / MS)
    assert clock.kind == "arrival"
    assert np.abs(np.array(errors[300:]) - 20).max() < 40  # the delay and its jitter
