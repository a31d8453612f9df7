"""Numbers and times of pictures from GStreamer; no GStreamer is needed."""

from __future__ import annotations

import itertools
import time

import pytest

from fusion_rt.sources.gst_clock import FrameCounter, monotonic_offset_ns

NONE = 2**64 - 1
MS = 1_000_000


class Clock:
    def __init__(self, ahead_ns: int) -> None:
        self.ahead_ns = ahead_ns

    def get_time(self) -> int:
        return time.monotonic_ns() + self.ahead_ns


def test_a_clock_that_is_the_monotonic_one_needs_no_correction():
    assert monotonic_offset_ns(Clock(0)) == 0


def test_another_clock_is_brought_to_the_monotonic_one():
    ahead_ns = 3_600_000_000_000
    # Paired readings are right to the time that one of them takes.
    assert abs(monotonic_offset_ns(Clock(ahead_ns)) + ahead_ns) < 1_000 * MS


def numbers(frames) -> list[int]:
    counter = FrameCounter()
    return [counter.next(*frame) for frame in frames]


def by_time(*times_ms: float) -> list[tuple]:
    return [(None if t is None else round(t * MS), NONE, NONE) for t in times_ms]


REGULAR = [40.0 * i for i in range(12)]  # 25 pictures/s


@pytest.mark.parametrize(
    ("frames", "steps"),
    [
        pytest.param([(0, 7, 8), (1, 8, 9), (2, 12, 13)], [1, 4], id="camera-counts"),
        pytest.param([(0, 7, 8), (1, 8, 9), (2, 0, 1), (3, 1, 2)], [1, 1, 1], id="count-restarts"),
        pytest.param([(0, 0, 4096), (1, 4096, 8192)], [1], id="a-file-counts-bytes"),
        pytest.param(by_time(*REGULAR, 440 + 40), [1] * 12, id="regular-times"),
        pytest.param(by_time(*REGULAR, 440 + 120), [1] * 11 + [3], id="two-lost"),
        pytest.param(by_time(*REGULAR, 440 + 52), [1] * 12, id="jitter-is-no-loss"),
        pytest.param(by_time(*REGULAR, 440 + 5), [1] * 12, id="early-is-a-frame-too"),
        pytest.param(by_time(*REGULAR, 300), [1] * 12, id="back-in-time-is-a-frame-too"),
        pytest.param(by_time(0, 40, 200), [1, 1], id="too-few-to-know-the-rate"),
        pytest.param(
            by_time(*[10 * i + 60 * (i // 2) for i in range(12)], 800), [1] * 12, id="irregular"
        ),
        pytest.param(by_time(*[None] * 12), [1] * 11, id="no-times"),
    ],
)
def test_lost_frames_show_as_gaps(frames, steps):
    got = numbers(frames)
    assert got[0] == 0
    assert [b - a for a, b in itertools.pairwise(got)] == steps


def test_a_camera_that_slows_down_for_good_loses_nothing():
    half_rate = [REGULAR[-1] + 80 * i for i in range(1, 60)]
    got = numbers(by_time(*REGULAR, *half_rate))
    assert got[-1] - got[-10] == 9
