"""`fusion_rt.commands.bench` with stand-ins for the engine."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from fakes import press_ctrl_c

from engines.errors import EngineError, Stopped
from fusion_rt.commands import bench


@pytest.mark.parametrize(
    "measure",
    [
        pytest.param(lambda *args: bench._pipeline_round(*args, 5), id="full-pace"),
        pytest.param(lambda *args: bench._live_round(*args, 5, 30.0, bench.Histogram()), id="live"),
    ],
)
def test_ctrl_c_while_the_pipeline_opens_its_engine_ends_the_opening(measure):
    stopped = threading.Event()

    def opener(*, stop):
        press_ctrl_c()
        pause = threading.Event()
        for _ in range(1000):
            if stop():
                stopped.set()
                raise Stopped("stopped while building")
            pause.wait(0.01)
        raise EngineError("nobody stopped it")

    ir, vis = np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(KeyboardInterrupt):
        measure(opener, [ir], [vis])
    assert stopped.is_set()
