"""A camera by OpenCV, with a stand-in for its capture."""

from __future__ import annotations

import threading
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import SourceError, UsageError
from fusion_rt.frame import Sensor
from fusion_rt.sources.live import CameraLostError
from fusion_rt.sources.opencv_camera import open_opencv

WAIT_S = 20  # ends as soon as there is something


class FakeCapture:
    """Gives pictures when the test says so."""

    def __init__(self, *, opened: bool = True, pictures: int = 1, wh=(8, 6)) -> None:
        self.opened = opened
        self.wh = wh
        self.asked: dict[int, float] = {}
        self.released = 0
        self.left = threading.Semaphore(pictures)
        self.taken = 0
        self.lost = False
        self.hook: Callable[[], None] = lambda: None

    def isOpened(self) -> bool:
        return self.opened

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left.acquire()
        if self.lost:
            return False, None
        picture = np.full((self.wh[1], self.wh[0], 3), self.taken, np.uint8)
        self.taken += 1
        self.hook()
        return True, picture

    def get(self, prop: int) -> float:
        return 30.0 if prop == cv2.CAP_PROP_FPS else 0.0

    def set(self, prop: int, value: float) -> bool:
        self.asked[prop] = value
        return True

    def release(self) -> None:
        self.released += 1

    def give(self, count: int = 1) -> None:
        self.left.release(count)

    def lose(self) -> None:
        self.lost = True
        self.left.release()


@pytest.fixture
def start():
    opened = []

    def run(capture: FakeCapture, sensor: Sensor = Sensor.VIS, **settings):
        source = open_opencv(
            CameraSettings(uri="camera:0", **settings), sensor, capture_type=lambda number: capture
        )
        opened.append((capture, source))
        return source

    yield run
    for capture, source in opened:
        capture.lose()  # frees a thread that waits for a picture
        source.close()
        source.close()
        assert capture.released == 1
        assert not source._thread.is_alive()


def test_facts_of_the_camera(start):
    info = start(FakeCapture(), size="8x6", fps=30).info
    assert (info.kind, info.size_wh, info.fps, info.clock) == ("camera", (8, 6), 30, "arrival")
    assert info.notes == ("times are those of arrival: OpenCV tells no others",)


def test_what_is_asked_for_is_set_and_another_size_is_told(start):
    capture = FakeCapture()
    info = start(capture, size="640x480", fps=25).info
    assert capture.asked[cv2.CAP_PROP_FRAME_WIDTH] == 640
    assert capture.asked[cv2.CAP_PROP_FRAME_HEIGHT] == 480
    assert capture.asked[cv2.CAP_PROP_FPS] == 25
    assert "it gives 8x6, not 640x480" in info.notes


def test_the_newest_picture_is_given_once(start):
    capture = FakeCapture()
    source = start(capture)
    third = threading.Event()
    capture.hook = lambda: third.set() if capture.taken == 5 else None
    capture.give(4)
    assert third.wait(WAIT_S)  # the fourth is being handed over, the third is there at least
    frame = source.poll(WAIT_S)
    assert frame.seq >= 2
    assert (frame.image == frame.seq + 1).all()  # the very first was looked at while opening
    assert frame.captured_ns == frame.begun_ns <= frame.arrived_ns


def test_infrared_is_one_plane(start):
    capture = FakeCapture()
    source = start(capture, Sensor.IR)
    capture.give()
    assert source.poll(WAIT_S).image.shape == (6, 8)


def test_nothing_comes_in_time(start):
    assert start(FakeCapture()).poll(0.0) is None


def test_a_lost_camera_is_told_after_the_last_picture(start):
    capture = FakeCapture()
    source = start(capture)
    capture.lose()
    for _ in range(2):
        with pytest.raises(CameraLostError, match="gives no more pictures"):
            source.poll(WAIT_S)


def test_an_error_of_the_thread_is_not_swallowed(start):
    capture = FakeCapture()
    source = start(capture)

    def fails():
        raise RuntimeError("driver")

    capture.hook = fails
    capture.give()
    with pytest.raises(RuntimeError, match="driver"):
        source.poll(WAIT_S)


def test_a_closed_camera_says_so():
    capture = FakeCapture()
    source = open_opencv(
        CameraSettings(uri="camera:0"), Sensor.VIS, capture_type=lambda number: capture
    )
    capture.give()
    source.close()
    with pytest.raises(SourceError, match="was closed"):
        source.poll(0)


@pytest.mark.parametrize(
    "capture",
    [
        pytest.param(FakeCapture(opened=False), id="not-opened"),
        pytest.param(FakeCapture(pictures=0), id="no-picture"),
    ],
)
def test_a_camera_that_cannot_be_opened_is_given_back(capture):
    capture.lose()
    with pytest.raises(CameraLostError):
        open_opencv(CameraSettings(uri="camera:0"), Sensor.VIS, capture_type=lambda number: capture)
    assert capture.released == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"uri": "camera:front"}, "'front' is no number"),
        ({"uri": "camera:"}, "'' is no number"),
        ({"uri": "camera:0", "format": "Y16"}, "8-bit colour alone"),
        ({"uri": "camera:0", "layout": "boson"}, "8-bit colour alone"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        open_opencv(CameraSettings(**settings), Sensor.IR, capture_type=lambda number: None)


def test_real_camera_that_is_not_there_is_told_in_our_words_alone(capfd):
    before = cv2.utils.logging.getLogLevel()
    with pytest.raises(CameraLostError, match="camera:99 cannot be opened"):
        open_opencv(CameraSettings(uri="camera:99"), Sensor.VIS)
    assert capfd.readouterr() == ("", "")
    assert cv2.utils.logging.getLogLevel() == before
