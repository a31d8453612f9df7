"""What the window shows: views, keys, banners, and that nothing live is never shown as live."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from fakes import frame, picture
from rigs import pair_rig

from calibration.rig import Rig
from fusion_rt import outputs
from fusion_rt.frame import FramePair, Sensor
from fusion_rt.outputs import Output, Screen
from fusion_rt.registration.running import Registration
from fusion_rt.sinks.hud import HudState
from fusion_rt.thermal import Agc
from fusion_rt.views import view_size

WH = (320, 240)
REGISTRATION = Registration(Rig.identity(WH))
FIGURES = HudState(fps=25.0)


class Window:
    """Keeps what it is given to show."""

    def __init__(self):
        self.shown = []
        self.times = []
        self.keys = []
        self.pointer_xy = None
        self.stop_asked = False
        self.closed = 0

    @property
    def label(self):
        return "window"

    @property
    def pictures(self):
        return len(self.shown)

    def write(self, image, captured_ns):
        self.shown.append(image.copy())
        self.times.append(captured_ns)

    def poll(self):
        return self.keys.pop(0) if self.keys else None

    def close(self):
        self.closed += 1


class Time:
    def __init__(self):
        self.now_s = 50.0

    def monotonic(self):
        return self.now_s

    def strftime(self, form):
        return "now"


@pytest.fixture
def clock(monkeypatch):
    clock = Time()
    monkeypatch.setattr(outputs, "time", clock)
    return clock


@pytest.fixture
def window():
    return Window()


@pytest.fixture
def agc():
    return Agc()


@pytest.fixture
def screen(window, clock, tmp_path, agc):
    return Screen(window, "fused", "white-hot", REGISTRATION, tmp_path, agc)


def pair(level=200, captured_ms=40.0, bits=8):
    ir, vis = picture(Sensor.IR, WH, 90), picture(Sensor.VIS, WH, 60)
    fused = np.full((WH[1], WH[0], 3), (level // 2, level, level), np.uint8)
    return FramePair(
        frame(captured_ms, 3, ir.astype(f"uint{bits}")),
        frame(captured_ms, 3, vis),
        ir_8bit=ir,
        vis_bgr=vis,
        fused=fused,
    )


# --- a picture that is not live -------------------------------------------------------------------


def banner_rows(image):
    """Rows of the strip at the lower edge, from the top of the strip."""
    return image[-60:]


def test_last_picture_is_shown_grey_and_dark_when_nothing_comes(screen, window):
    screen.show(pair(level=200), HudState())
    screen.show_stale("no live picture for 1.0 s: camera lost")
    live, stale = window.shown
    above = stale[120:180]  # below the figures, above the banner
    assert (above == above[..., :1]).all()  # grey
    assert 0 < above.mean() < 0.4 * live[120:180].mean()
    assert (banner_rows(stale) != banner_rows(stale)[0, 0]).any()  # words


def test_black_picture_is_shown_when_none_ever_came(screen, window):
    screen.show_stale("no live picture for 1.0 s: waiting for the engine")
    (stale,) = window.shown
    assert stale.shape == (WH[1], WH[0], 3)
    assert not stale[:120].any()
    assert banner_rows(stale).max() > 150


def test_words_change_a_few_times_a_second(screen, window, clock):
    screen.show(pair(), HudState())
    for tenths in range(20):
        screen.show_stale(f"no live picture for {tenths / 10:.1f} s")
        clock.now_s += 0.05
    stale = window.shown[1:]
    assert 4 <= len(stale) <= 6
    for one, two in itertools.pairwise(stale):
        assert (banner_rows(one) != banner_rows(two)).any()
        np.testing.assert_array_equal(one[:180], two[:180])


def test_pair_itself_is_not_darkened(screen, window):
    given = pair()
    screen.show(given, HudState())
    screen.show_stale("gone")
    assert (given.fused[..., 1] == 200).all()
    screen.show(given, HudState())
    np.testing.assert_array_equal(window.shown[0], window.shown[2])


@pytest.mark.parametrize("view", ["fused", "side-by-side", "ir", "vis"])
def test_stale_picture_has_the_size_of_the_view(screen, window, view):
    screen.choose(view, "ironbow")
    screen.show(pair(), FIGURES)
    screen.show_stale("gone")
    width, height = view_size(view, WH)
    assert [shown.shape for shown in window.shown] == [(height, width, 3)] * 2


# --- banner, figures, keys ------------------------------------------------------------------------


def test_banner_is_shown_without_the_figures_too(screen, window):
    window.keys = ["h"]
    screen.handle_keys()
    given = pair()
    screen.show(given, FIGURES)
    np.testing.assert_array_equal(window.shown[-1], given.fused)
    screen.show(given, HudState(fps=25.0, banner="infrared camera lost"))
    assert (banner_rows(window.shown[-1]) != banner_rows(given.fused)).any()
    np.testing.assert_array_equal(window.shown[-1][:180], given.fused[:180])
    assert (given.fused[..., 1] == 200).all()  # drawn into a copy


def test_keys(screen, window, tmp_path):
    given = pair()
    screen.show(given, FIGURES)
    window.keys = ["s"]
    screen.handle_keys()
    (saved,) = tmp_path.glob("*.png")
    np.testing.assert_array_equal(cv2.imread(str(saved)), given.fused)
    window.keys = ["v", "h"]
    screen.handle_keys()
    screen.show(given, HudState())
    assert window.shown[-1].shape[:2] == view_size("side-by-side", WH)[::-1]
    window.keys = ["?"]
    screen.handle_keys()
    screen.show(given, HudState())
    assert (window.shown[-1] != window.shown[-2]).any()


def test_keys_change_the_distance_and_say_so(window, clock, agc, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(outputs, "draw_hud", lambda image, state: told.append(state.banner))
    rig = pair_rig(ir_wh=WH, vis_wh=WH, focal=(300.0, 310.0), distance_m=4.0)
    registration = Registration(rig)
    screen = Screen(window, "fused", "white-hot", registration, tmp_path, agc)
    distances = []
    for key in "nffa":
        window.keys = [key]
        screen.handle_keys()
        registration.settle()
        distances.append(registration.now.distance_m)
        screen.show(pair(), FIGURES)
    assert distances[0] < 4.0 < distances[2] == distances[3]
    assert told[0] == f"distance: {distances[0]:.3g} m"
    assert told[3] == "automatic distance on"
    assert registration.auto


@pytest.mark.parametrize(
    ("bits", "shown_before", "locked"),
    [(16, True, [True, False]), (16, False, [True, False]), (8, True, [False, False])],
    ids=["raw", "before-the-first-picture", "8-bit"],
)
def test_key_locks_the_gain_and_says_so(
    screen, window, clock, agc, monkeypatch, bits, shown_before, locked
):
    told = []
    monkeypatch.setattr(outputs, "draw_hud", lambda image, state: told.append(state.banner))
    if shown_before:
        screen.show(pair(bits=bits), FIGURES)
    found = []
    for _ in range(2):
        window.keys = ["g"]
        screen.handle_keys()
        found.append(agc.locked)
        screen.show(pair(bits=bits), FIGURES)
    assert found == locked
    words = ["infrared gain locked", "infrared gain follows the scene"]
    if bits == 8:
        words = ["this infrared picture has 8 bits: its gain is the camera's own"] * 2
    assert told[-2:] == words
    clock.now_s += 3
    screen.show(pair(bits=bits), FIGURES)
    assert told[-1] == ""


def test_choose_takes_another_view_and_palette(screen, window):
    window.keys = ["h"]
    screen.handle_keys()
    screen.choose("ir", "ironbow")
    screen.show(pair(), FIGURES)
    screen.choose("ir", "white-hot")
    screen.show(pair(), FIGURES)
    colored, white = window.shown
    assert (colored != white).any()
    assert (white == 90).all()


@pytest.mark.parametrize(
    ("view", "found"), [("fused", (7, 9)), ("ir", (7, 9)), ("side-by-side", None)]
)
def test_pointer_means_a_place_where_one_picture_is_shown(screen, window, view, found):
    assert screen.pointer_xy is None
    window.pointer_xy = (7, 9)
    screen.choose(view, "white-hot")
    assert screen.pointer_xy == found


def test_stop_and_close_are_those_of_the_window(screen, window):
    assert not screen.stop_asked
    window.stop_asked = True
    assert screen.stop_asked
    screen.close()
    assert window.closed == 1


# --- films ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given_ns", "time_ns"), [(None, 40_000_000), (123, 123)])
def test_film_gets_the_time_of_the_pair_or_the_one_given(window, given_ns, time_ns):
    Output(window, "fused", "white-hot", REGISTRATION).show(pair(), FIGURES, given_ns)
    assert window.times == [time_ns]
    np.testing.assert_array_equal(window.shown[0], pair().fused)  # without figures


def test_film_with_figures(window):
    given = pair()
    Output(window, "fused", "white-hot", REGISTRATION, hud=True).show(given, FIGURES)
    assert (window.shown[0] != given.fused).any()
    assert (given.fused[..., 1] == 200).all()
