"""What a live run puts into its window and its film, and says of itself at the end."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from fakes import MS, picture

from calibration.rig import Rig
from fusion_rt.camera_settings import CameraSettings
from fusion_rt.config import ViewSettings
from fusion_rt.frame import Frame, FramePair, Sensor
from fusion_rt.ledger import Ledger
from fusion_rt.live import shown as module
from fusion_rt.live.camera_record import CameraState, Phase
from fusion_rt.live.health import Health, HealthHistory, Level
from fusion_rt.live.report import live_facts, live_report
from fusion_rt.live.shown import LiveView
from fusion_rt.outputs import Output
from fusion_rt.radiometry import Radiometry
from fusion_rt.registration.running import Registration
from fusion_rt.run_stats import RunStats
from fusion_rt.thermal import Agc

IR, VIS = Sensor.IR, Sensor.VIS
WH = (64, 64)
GOOD = Health(Level.GOOD)
LOST = Health(Level.DEGRADED, ("infrared camera lost (unplugged)",))
SHIFTED = Rig(WH, WH, np.array([[1, 0, 8], [0, 1, 4], [0, 0, 1]], np.float64))


class Time:
    def __init__(self):
        self.now_s = 50.0

    def monotonic(self):
        return self.now_s


class Screen:
    """Keeps what it is told."""

    def __init__(self):
        self.huds, self.stale, self.chosen = [], [], []
        self.handled = 0
        self.stop_asked = False
        self.pointer_xy = None

    def show(self, pair, hud):
        self.huds.append(hud)

    def show_stale(self, why):
        self.stale.append(why)

    def choose(self, view, palette):
        self.chosen.append((view, palette))

    def handle_keys(self):
        self.handled += 1


class Sink:
    label, pictures = "film", 0

    def __init__(self):
        self.times, self.written = [], []

    def write(self, image, captured_ns):
        self.times.append(captured_ns)
        self.written.append(image)


class Pipeline:
    """As much of a pipeline as is asked."""

    pace, max_skew_ms, previewed = "live", 12.0, None
    engine_info = None

    def __init__(self):
        self.stats, self.ledger = RunStats(), Ledger()
        self.registration = Registration(SHIFTED)
        self.known = None
        self.infrared = SimpleNamespace(radiometry=lambda: self.known, agc=Agc())
        self.stopped = 0
        self.history = HealthHistory(0)
        self.states = {}
        self.cameras = SimpleNamespace(states=lambda: self.states, replaced=2)

    def stop(self):
        self.stopped += 1

    def pairing_summary(self):
        return {"mode": "nearest"}


@pytest.fixture
def clock(monkeypatch):
    clock = Time()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def pipeline():
    return Pipeline()


@pytest.fixture
def screen():
    return Screen()


@pytest.fixture
def view(pipeline, screen, clock):
    return LiveView(pipeline, [], screen)


def pair(ms=40.0, alone=None, counts=None):
    taken = round(ms * MS)
    ir_image = picture(IR, WH, 90) if counts is None else np.full(WH[::-1], counts, np.uint16)
    ir, vis = (Frame(i, taken, 0, taken, taken) for i in (ir_image, picture(VIS, WH, 60)))
    return FramePair(ir, vis, vis_bgr=vis.image, fused=vis.image, alone=alone)


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alone", "health", "words", "banner"),
    [
        pytest.param(None, GOOD, "", "", id="all-is-well"),
        pytest.param(
            VIS, LOST, "", "visible alone - infrared camera lost (unplugged)", id="visible-alone"
        ),
        pytest.param(IR, GOOD, "", "infrared alone", id="infrared-alone"),
        pytest.param(None, GOOD, "set it", "set it", id="a-word-of-the-clocks"),
        pytest.param(
            VIS,
            LOST,
            "set it",
            "visible alone - infrared camera lost (unplugged) - set it",
            id="all-together",
        ),
    ],
)
def test_banner(view, screen, alone, health, words, banner):
    view.words = words
    view.show(pair(alone=alone), health)
    assert screen.huds[-1].banner == banner


def test_lone_picture_has_no_skew(view, screen, pipeline):
    pipeline.stats.last_skew_ms = -3.5
    view.show(pair(), GOOD)
    view.show(pair(alone=VIS), LOST)
    assert [hud.skew_ms for hud in screen.huds] == [-3.5, None]


@pytest.mark.parametrize(
    ("counts", "alone", "gain"),
    [(30_000, None, "locked"), (30_000, IR, "locked"), (None, None, "")],
    ids=["raw", "infrared-alone", "8-bit"],
)
def test_locked_gain_is_told_where_there_is_one(view, screen, pipeline, counts, alone, gain):
    view.show(pair(counts=counts, alone=alone), GOOD)
    pipeline.infrared.agc.lock()
    view.show(pair(counts=counts, alone=alone), GOOD)
    assert [hud.gain for hud in screen.huds] == ["", gain]


@pytest.mark.parametrize(
    ("known", "pointer", "alone", "counts", "words"),
    [
        (Radiometry(0.01), (20, 20), None, 30_000, "26.9 °C at the pointer"),
        (Radiometry(0.01), (20, 20), IR, 30_000, "infrared alone - 26.9 °C at the pointer"),
        (None, (20, 20), None, 30_000, ""),
        (Radiometry(0.01), None, None, 30_000, ""),
        (Radiometry(0.01), (2, 2), None, 30_000, ""),
        (Radiometry(0.01), (20, 20), VIS, 30_000, "visible alone"),
        (Radiometry(0.01), (20, 20), None, None, ""),
    ],
    ids=[
        "radiometric",
        "infrared-alone",
        "not-radiometric",
        "no-pointer",
        "beyond-the-infrared",
        "visible-alone",
        "8-bit",
    ],
)
def test_temperature_at_the_pointer(view, screen, pipeline, known, pointer, alone, counts, words):
    pipeline.known, screen.pointer_xy = known, pointer
    view.show(pair(alone=alone, counts=counts), GOOD)
    assert screen.huds[-1].banner == words


# --- nothing new ----------------------------------------------------------------------------------


def test_nothing_live_is_told_after_half_a_second_with_its_reason(view, screen, clock):
    view.show(pair(), GOOD)
    clock.now_s += 0.4
    view.idle(GOOD)
    assert screen.stale == []
    clock.now_s += 0.8
    view.idle(Health(Level.DOWN, ("infrared camera lost (unplugged)", "visible camera stuck")))
    view.idle(GOOD)
    assert screen.stale == [
        "no live picture for 1.2 s: infrared camera lost (unplugged); visible camera stuck",
        "no live picture for 1.2 s: waiting for the engine",
    ]
    view.show(pair(), GOOD)
    clock.now_s += 0.4
    view.idle(GOOD)
    assert len(screen.stale) == 2
    assert screen.handled == 6  # the window lives all the time


@pytest.mark.parametrize(
    ("between_s", "stale_after_s"), [(0.04, 0.5), (0.7, 1.75), (1.5, 2.0), (30.0, 0.5)]
)
def test_slow_engine_does_not_make_the_picture_flicker(
    view, screen, clock, between_s, stale_after_s
):
    for _ in range(3):
        clock.now_s += between_s
        view.show(pair(), GOOD)
    clock.now_s += stale_after_s - 0.01
    view.idle(GOOD)
    assert screen.stale == []
    clock.now_s += 0.02
    view.idle(GOOD)
    assert len(screen.stale) == 1


def test_stop_in_the_window_stops_the_run(view, screen, pipeline):
    view.idle(GOOD)
    view.show(pair(), GOOD)
    assert pipeline.stopped == 0
    screen.stop_asked = True
    view.idle(GOOD)
    view.show(pair(), GOOD)
    assert pipeline.stopped == 2


@pytest.mark.usefixtures("clock")
def test_run_without_a_window(pipeline):
    view = LiveView(pipeline, [], None)
    view.idle(LOST)
    view.show(pair(), GOOD)
    view.set_view(ViewSettings(view="ir"))


# --- films ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("clock")
def test_time_of_a_film_never_goes_back(pipeline):
    sink = Sink()
    view = LiveView(pipeline, [Output(sink, "fused", "white-hot", pipeline.registration)], None)
    for ms in (100, 140, 60, 61, 180):
        view.show(pair(ms), GOOD)
    assert [time / MS for time in sink.times] == [100, 140, 141, 142, 180]


@pytest.mark.usefixtures("clock")
def test_changed_view_is_for_the_window_and_its_figures_for_the_film(pipeline, screen):
    sink = Sink()
    output = Output(sink, "fused", "white-hot", pipeline.registration)
    view = LiveView(pipeline, [output], screen)
    given = pair()
    view.show(given, GOOD)
    view.set_view(ViewSettings(view="side-by-side", palette="ironbow", hud_in_film=True))
    view.show(given, GOOD)
    assert screen.chosen == [("side-by-side", "ironbow")]
    plain, figures = sink.written
    np.testing.assert_array_equal(plain, given.fused)
    assert figures.shape == plain.shape
    assert (figures != plain).any()


# --- report ---------------------------------------------------------------------------------------


def state(frames, why="", phase=Phase.RUNNING, fps=25.04, reconnects=0, missing=0):
    return CameraState(phase, why, 0, frames, missing, reconnects, fps, 0, "sender", "")


def test_report_and_its_rows(pipeline):
    pipeline.states = {
        IR: state(100, "unplugged", Phase.LOST, reconnects=3, missing=7),
        VIS: state(0, fps=None),
    }
    for at_s, health in ((0, GOOD), (4, LOST), (10, LOST)):
        pipeline.history.observe(health, at_s * 1000 * MS)
    cameras = {
        "ir": CameraSettings(uri="rtsp://user:secretword@host/ir"),
        "vis": CameraSettings(uri="v4l2:/dev/video0"),
    }
    report = live_report(pipeline, cameras, ["film"], True, None)
    assert report["cameras"]["ir"] == {
        "uri": "rtsp://user:***@host/ir",
        "frames": 100,
        "missing": 7,
        "reconnects": 3,
        "fps": 25.04,
        "clock": "sender",
        "last_words": "unplugged",
    }
    assert report["cameras"]["vis"]["fps"] is None
    assert report["health"]["seconds"] == {"good": 4.0, "degraded": 6.0, "down": 0.0}
    assert (report["clock"], report["replaced_threads"]) == (None, 2)
    assert (report["stopped_by_user"], report["pace"]) == (True, "live")
    assert report["pairing"] == {"mode": "nearest"}
    assert live_facts(report) == [
        (
            "infrared",
            "100 pictures, 25.0 frames/s, 7 missing, reconnects: 3; at the end: unplugged",
        ),
        ("visible", "0 pictures, 0 missing"),
        ("health", "good for 4 s, degraded for 6 s, down for 0 s"),
        ("", "at the end degraded: infrared camera lost (unplugged)"),
    ]
