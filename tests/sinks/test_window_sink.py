from __future__ import annotations

import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from fusion_rt import display
from fusion_rt.errors import SinkError
from fusion_rt.sinks import window
from fusion_rt.sinks.window import KEYS, WindowSink

PICTURE = np.full((48, 64, 3), 90, np.uint8)


def run_child(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a process of its own, as a window may abort or hang it."""
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def virtual_display():
    """Name of a display that exists, without a screen."""
    if shutil.which("Xvfb") is None:
        pytest.skip("needs Xvfb, a display without a screen")
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        pass_fds=[write_end],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        number = pipe.readline().strip()  # written when the display is ready
    yield f":{number}"
    server.terminate()
    server.wait(timeout=10)


# --- without a display: told, never aborted -----------------------------------------------------

OPEN = """
from fusion_rt.errors import SinkError
from fusion_rt.sinks.window import WindowSink
try:
    WindowSink("test", (64, 48))
except SinkError as error:
    print(error, "|", error.hint)
"""


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        pytest.param({}, "DISPLAY is not set", id="no-display"),
        pytest.param({"DISPLAY": ":4711"}, "display :4711 cannot be used", id="wrong-display"),
        pytest.param({"WAYLAND_DISPLAY": "w-9"}, "display w-9 cannot be used", id="wayland-alone"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="X11 and Wayland are those of Linux")
def test_without_display_the_reason_is_told(environment, said):
    done = run_child(OPEN, **environment)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert "--no-window" in done.stdout


def test_pyav_imported_the_wrong_way_is_refused(virtual_display):
    done = run_child("import av\n" + OPEN, DISPLAY=virtual_display)
    assert "PyAV was imported before" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("information", "toolkit"),
    [
        ("  GUI:                           QT5\n    QT: YES", "QT5"),
        ("  GUI:                           GTK3\n", "GTK3"),
        ("  GUI:                           NONE\n    GTK+: NO", "NONE"),
        ("  Media I/O:\n", "NONE"),
    ],
    ids=["qt", "gtk", "headless", "without-the-line"],
)
def test_toolkit_is_read_from_the_build_information(information, toolkit):
    assert display._toolkit(information) == toolkit


def test_a_headless_build_is_told_with_its_remedy(monkeypatch):
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:   NONE\n")
    monkeypatch.setattr(display, "load_window_libraries", lambda: True)
    monkeypatch.setenv("DISPLAY", ":headless")
    assert "opencv-python" in display.probe_display()


# --- with a display -----------------------------------------------------------------------------

SHOW = """
import cv2, numpy as np
from fusion_rt.pyav import import_av
from fusion_rt.display import probe_display
av = import_av()
assert probe_display() is None, probe_display()
from fusion_rt.sinks.window import WindowSink
picture = np.full((48, 64, 3), 90, np.uint8)
sink = WindowSink("test", (64, 48))
assert sink.poll() is None and not sink.stop_asked
for index in range(20):
    sink.write(picture, index)
assert sink.pictures == 20 and not sink.stop_asked
if CLOSED_BY_USER:
    cv2.destroyWindow("test")
    cv2.pollKey()
    assert sink.poll() is None
    assert sink.stop_asked
    sink.write(picture, 21)
    assert sink.pictures == 20
sink.close()
sink.discard()
assert sink.poll() is None
print("done", av.__name__)
"""


@pytest.mark.parametrize("closed_by_user", [False, True], ids=["to-the-end", "closed-by-user"])
def test_a_window_opens_beside_pyav(virtual_display, closed_by_user):
    done = run_child(f"CLOSED_BY_USER = {closed_by_user}\n" + SHOW, DISPLAY=virtual_display)
    assert done.stdout == "done av\n", done.stderr


class FakeScreen:
    """Stands in for the window functions of OpenCV; ``codes`` are the keys pressed."""

    def __init__(self, monkeypatch) -> None:
        self.codes: list[int] = []
        self.shown = 0
        self.size_wh = (0, 0)
        monkeypatch.setattr(window, "probe_display", lambda: None)
        monkeypatch.setattr(cv2, "namedWindow", lambda title, flags: None)
        monkeypatch.setattr(cv2, "resizeWindow", self.resize)
        monkeypatch.setattr(cv2, "setMouseCallback", lambda title, follow: None)
        monkeypatch.setattr(cv2, "imshow", self.show)
        monkeypatch.setattr(cv2, "pollKey", lambda: self.codes.pop(0) if self.codes else -1)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda title, prop: 1.0)
        monkeypatch.setattr(cv2, "destroyWindow", lambda title: None)

    def resize(self, title: str, width: int, height: int) -> None:
        self.size_wh = (width, height)

    def show(self, title: str, picture: np.ndarray) -> None:
        self.shown += 1


@pytest.fixture
def screen(monkeypatch):
    return FakeScreen(monkeypatch)


@pytest.mark.parametrize(
    ("codes", "keys", "stop"),
    [
        pytest.param([ord(k) for k in "hvps?"], list("hvps?"), False, id="all-known"),
        pytest.param([ord("H"), ord("V")], ["h", "v"], False, id="capitals-count-too"),
        pytest.param([ord("x"), 0xFFE1, ord("h")], ["h"], False, id="others-are-ignored"),
        pytest.param([0x100000 + ord("p")], ["p"], False, id="num-lock-bit-is-ignored"),
        pytest.param([0xFF51, 0xFF50], [], False, id="left-arrow-is-no-q-and-home-no-p"),
        pytest.param([27], [], True, id="escape-stops"),
        pytest.param([ord("q")], [], True, id="q-stops"),
        pytest.param([ord("s"), ord("q")], ["s"], True, id="what-came-before-q-is-kept"),
    ],
)
def test_keys(screen, codes, keys, stop):
    sink = WindowSink("test", (64, 48))
    screen.codes = list(codes)
    sink.write(PICTURE, 0)
    got = [key for _ in range(len(codes) + 1) if (key := sink.poll()) is not None]
    assert (got, sink.stop_asked) == (keys, stop)
    assert set(got) <= set(KEYS)


@pytest.mark.parametrize(
    ("size_wh", "start_wh"),
    [
        pytest.param((640, 480), (640, 480), id="as-it-is"),
        pytest.param((1920, 1080), (1600, 900), id="full-hd-is-shown-smaller"),
        pytest.param((480, 1800), (240, 900), id="tall"),
    ],
)
def test_the_window_starts_at_a_size_that_a_screen_holds(screen, size_wh, start_wh):
    WindowSink("test", size_wh)
    assert screen.size_wh == start_wh


def test_nothing_is_shown_after_a_stop(screen):
    sink = WindowSink("test", (64, 48))
    sink.write(PICTURE, 0)
    screen.codes = [27]
    sink.poll()
    sink.write(PICTURE, 1)
    assert (screen.shown, sink.pictures) == (1, 1)


def test_no_display_is_a_sink_error(monkeypatch):
    monkeypatch.setattr(window, "probe_display", lambda: "no screen; plug one in")
    with pytest.raises(SinkError, match="no screen; plug one in"):
        WindowSink("test", (64, 48))
