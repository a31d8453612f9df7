"""Cameras that are not there when a run begins, or that can never be used."""

from __future__ import annotations

import numpy as np
import pytest
from live.live_run import LiveRun
from live.virtual_cameras import SECOND, WH, Device

from calibration.rig import Rig
from fusion_rt.errors import SourceError
from fusion_rt.frame import Frame, FrameFlags, Sensor
from fusion_rt.live import cameras
from fusion_rt.sources import gst_run, gstreamer, network

IR, VIS = Sensor.IR, Sensor.VIS
RIG = Rig(WH, WH, np.array([[1, 0, 8], [0, 1, 4], [0, 0, 1]], np.float64))
STUCK_S = 0.5  # a thread shows a sign of life every 0.1 s, on a busy machine somewhat later
pytestmark = pytest.mark.usefixtures("quick_reconnect")


@pytest.mark.parametrize(
    ("faults", "stuck_s"),
    [
        pytest.param({IR: {"refusals": 3}}, None, id="ir-refused-three-times"),
        pytest.param({VIS: {"refusals": 3}}, None, id="vis-refused-three-times"),
        pytest.param({IR: {"refusals": 2}, VIS: {"refusals": 4}}, None, id="both-refused"),
        pytest.param({IR: {"hangs_opening": 1}}, STUCK_S, id="ir-hangs-while-it-is-opened"),
        pytest.param({VIS: {"hangs": 1}}, STUCK_S, id="vis-hangs-before-its-first-picture"),
    ],
)
@pytest.mark.parametrize("rig", [None, RIG], ids=["sizes-unknown", "sizes-from-the-rig"])
def test_camera_that_comes_late(faults, stuck_s, rig):
    run = LiveRun(rig=rig, stuck_s=stuck_s)
    for sensor, changes in faults.items():
        for name, value in changes.items():
            setattr(run.device(sensor), name, value)

    def story():
        yield run.feels("good")
        yield run.next("fused")

    run.play(story())
    assert run.cameras.replaced == (stuck_s is not None)
    for state in run.cameras.states().values():
        assert state.reconnects == 0  # it was never there before


@pytest.mark.parametrize(
    ("changes", "level", "words", "shown"),
    [
        pytest.param(
            {IR: {"plugged": False}},
            "degraded",
            r"^infrared camera connecting \(not there\)$",
            "vis",
            id="ir-never-there",
        ),
        pytest.param(
            {VIS: {"plugged": False}},
            "degraded",
            r"^visible camera connecting \(not there\)$",
            "ir",
            id="vis-never-there",
        ),
        pytest.param(
            {IR: {"plugged": False}, VIS: {"plugged": False}},
            "down",
            r"^infrared camera connecting .*; visible camera connecting",
            "nothing",
            id="neither-ever-there",
        ),
        pytest.param(
            {IR: {"silent": True}},
            "degraded",
            r"^infrared camera connecting \(no picture for 0\.\d s\)$",
            "vis",
            id="ir-silent-from-the-start",
        ),
        pytest.param(
            {IR: {"size_wh": (96, 96)}},
            "degraded",
            r"^infrared camera misfit \(it sends 96x96, this run is for 96x64\)$",
            "vis",
            id="ir-of-another-shape-than-the-rig",
        ),
        pytest.param(
            {VIS: {"size_wh": (192, 128)}},
            "degraded",
            r"^visible: sends 192x128, scaled to 96x64$",
            "fused",
            id="vis-larger-than-the-rig-says",
        ),
        pytest.param(
            {IR: {"stamp_ns": 30 * SECOND}},
            "degraded",
            "no two pictures were taken together: check pairing.ir_offset_ms and the clocks",
            "vis",
            id="ir-clock-half-a-minute-ahead",
        ),
    ],
)
def test_one_camera_is_shown_as_far_as_it_goes(changes, level, words, shown):
    run = LiveRun(rig=RIG, timeout_s=0.3)
    usual = {"plugged": True, "silent": False, "size_wh": WH, "stamp_ns": 0}
    for sensor, faults in changes.items():
        for name, value in faults.items():
            setattr(run.device(sensor), name, value)

    def story():
        yield run.feels(level, words)
        yield run.next(shown)
        for sensor, faults in changes.items():
            for name in faults:
                setattr(run.device(sensor), name, usual[name])
        yield run.feels("good")
        yield run.next("fused")

    run.play(story())


def test_offset_that_is_set_brings_clocks_together():
    run = LiveRun(rig=RIG)
    run.ir.stamp_ns = 30 * SECOND

    def story():
        yield run.next("vis")
        run.pipeline.set_offset(30_000)
        yield run.feels("good")
        yield run.next("fused")
        run.pipeline.set_offset(29_000)
        yield run.feels("degraded", "no two pictures")
        yield run.next("vis")
        run.pipeline.set_offset(30_000)
        yield run.next("fused")

    run.play(story())
    assert all(abs(shown.skew_ms) < 10 for shown in run.shown)


def test_infrared_alone_is_shown_where_it_sees_and_nowhere_else():
    pictures = []
    run = LiveRun(rig=RIG, consume=lambda pair, health: pictures.append(pair.fused))
    run.vis.plugged = False

    def story():
        yield run.next("ir")

    run.play(story())
    assert (pictures[-1][:3] == 0).all()  # the rig moves the view by 8 px to the right, 4 down
    assert (pictures[-1][:, :7] == 0).all()
    assert pictures[-1][10:, 20:].min() > 0


def refuse(frame: Frame) -> Frame:
    raise SourceError("layout test has no size 96x64", hint="sizes: 160x120")


@pytest.mark.parametrize("rig", [None, RIG], ids=["sizes-unknown", "sizes-from-the-rig"])
@pytest.mark.parametrize(
    ("error", "prepare", "message"),
    [
        pytest.param(SourceError("wrong password"), None, "wrong password", id="wrong-setting"),
        pytest.param(None, refuse, "layout test has no size 96x64", id="wrong-layout"),
    ],
)
def test_what_waiting_cannot_mend_ends_the_run_at_the_start(rig, error, prepare, message):
    run = LiveRun(rig=rig, **({} if prepare is None else {"prepare": prepare}))
    run.ir.open_error = error

    def story():
        yield run.next("fused", 10**6)

    with pytest.raises(SourceError, match=message):
        run.play(story())


def test_shutter_pictures_alone_keep_the_run_waiting():
    """A camera that begins with its shutter closed: no picture, but no end either."""
    run = LiveRun(prepare=lambda f: None if f.flags & FrameFlags.SHUTTER else f, stuck_s=STUCK_S)
    run.ir.flags = FrameFlags.SHUTTER
    asked = []

    def ending() -> bool:
        asked.append(run.ir.delivered)
        if run.ir.delivered > 80:
            run.ir.flags = FrameFlags.NONE
        return False

    run.cameras.start()
    try:
        assert run.cameras.sizes(ending, run.said.append) == {IR: WH, VIS: WH}
    finally:
        run.cameras.close()
    assert run.cameras.replaced == 0
    assert max(asked) > 80


def test_what_is_waited_for_is_told(monkeypatch):
    monkeypatch.setattr(cameras, "_SAY_FIRST_NS", 0)
    monkeypatch.setattr(cameras, "_SAY_EVERY_NS", 0)
    run = LiveRun()
    run.ir.plugged = False
    run.cameras.start()
    words = "infrared camera connecting (not there)"
    try:
        sizes = run.cameras.sizes(lambda: any(words in said for said in run.said), run.said.append)
    finally:
        run.cameras.close()
    assert sizes is None
    assert f"waiting: {words} (with a rig the other is shown meanwhile)" in run.said
    assert run.cameras.waited_for() == [words]


def test_hanging_drivers_are_not_replaced_without_end():
    run = LiveRun(stuck_s=STUCK_S)
    run.ir.hangs_opening = 100  # more than will be tried

    def ending() -> bool:
        return run.ir.hangs_opening == 96 and run.cameras.states()[IR].phase.value == "stuck"

    run.cameras.start()
    assert run.cameras.sizes(ending, run.said.append) is None
    assert run.cameras.replaced == 3  # and the fourth hangs too
    run.cameras.supervise()
    assert run.cameras.replaced == 3
    run.ir.hangs_opening = 0
    run.ir.released.set()  # all go on: those that were given up end, so there is room again
    assert run.cameras.sizes(lambda: False, run.said.append) == {IR: WH, VIS: WH}
    run.cameras.close()


def test_given_up_thread_whose_driver_fails_in_the_end_does_not_end_the_run():
    run = LiveRun(stuck_s=STUCK_S)
    run.ir = Device(IR, 100)
    open_device, first = run.ir.open, []

    def opener():
        if not first:
            first.append(True)
            run.ir.released.wait(20)
            raise RuntimeError("the driver went mad")
        return open_device()

    run.cameras._captures[IR]._opener = opener

    def story():
        yield run.next("fused")
        run.ir.released.set()
        yield run.next("fused", 20)

    run.play(story())
    assert run.cameras.replaced == 1


@pytest.mark.parametrize("timeout_s", [0.2, 2.0, 10.0, 60.0])
def test_stream_that_is_slow_to_open_is_not_taken_for_a_driver_that_hangs(timeout_s):
    """The longest way without a sign of life, by the sources' own limits; with some to spare."""
    camera = cameras.Camera(lambda: None, lambda frame: frame, timeout_s, None)
    close_s = timeout_s + network._END_S
    pyav_s = 2 * timeout_s + network._FIRST_PICTURE_S + close_s
    gstreamer_s = gstreamer._FIRST_FRAME_S + gst_run._STOP_S + gst_run._ERROR_WAIT_NS / SECOND
    assert camera.stuck_after_ns / SECOND > 1.05 * max(pyav_s, gstreamer_s)
    assert camera.stuck_after_ns / SECOND < 15 + 5 * timeout_s  # and yet it is found


def test_time_until_a_driver_counts_as_hanging_may_be_set():
    camera = cameras.Camera(lambda: None, lambda frame: frame, 60.0, None, stuck_s=0.5)
    assert camera.stuck_after_ns == SECOND // 2
