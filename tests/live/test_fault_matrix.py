"""What breaks while two cameras run, what is shown and said then, and that all comes back.

The table is in `fault_rows`. In each row the frames are accounted for one by one, no thread stays
behind, every camera is closed, no picture is shown twice, and no pair is made of frames that were
not taken together.
"""

from __future__ import annotations

import pytest
from live.fault_rows import GONE, OTHER_PICTURES, RATES, SHUTTER, TIMES
from live.live_run import LiveRun
from live.virtual_cameras import Device

from fusion_rt.frame import Sensor


@pytest.mark.usefixtures("quick_reconnect")
@pytest.mark.parametrize("fault", [*GONE, *OTHER_PICTURES, *RATES, *TIMES, *SHUTTER])
def test_fault_in_a_run(fault):
    run = LiveRun(Device(Sensor.IR, 100, bits=fault.bits), **fault.run)

    def story():
        yield run.next("fused")
        fault.breaks(run)
        yield run.feels(fault.level, fault.words)
        yield run.next(fault.shown)
        assert run.feels(fault.level, fault.words)(), run.words
        fault.mends(run)
        yield run.feels("good")
        yield run.next("fused")

    run.play(story())
    fault.check(run)
    assert run.stopped
    assert run.levels[-1] == "good"
    fused = [shown for shown in run.shown if shown.kind == "fused"]
    # Of 60 to 200 pictures a second, none is further from its partner than a period and a half.
    assert max(abs(shown.skew_ms) for shown in fused) < 25, run.words
