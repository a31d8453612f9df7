from __future__ import annotations

import threading

import pytest

from trainer.prefetch import AHEAD, made_ahead


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_order_is_kept(workers):
    made = list(made_ahead(range(20), lambda job: job * job, workers))
    assert made == [(job, job * job) for job in range(20)]


@pytest.mark.parametrize("workers", [0, 2])
def test_failure_comes_in_its_turn(workers):
    steps = made_ahead(range(5), lambda job: 6 // (3 - job), workers)
    assert [next(steps)[1] for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(steps)


def test_no_more_is_made_ahead_than_agreed_and_threads_end():
    made = []
    steps = made_ahead(range(1000), lambda job: made.append(job), 2)
    next(steps)
    steps.close()
    assert len(made) <= 2 * AHEAD + 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("cuts")]
