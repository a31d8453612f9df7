"""``fusion-rt calibrate capture`` with virtual cameras that see a rendered board."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest
from live.virtual_cameras import SECOND, Device
from rendered_pairs import BOARD, poses, render, small_pair

from calibration.points_file import load_points
from calibration.targets.quality import ViewLimits
from fusion_rt.boards import watch
from fusion_rt.commands import calibrate_capture as command
from fusion_rt.commands.calibrate_capture import CaptureRequest, capture
from fusion_rt.errors import SourceError, UsageError
from fusion_rt.frame import FrameFlags, Sensor

PAIR = small_pair(0.4)
URIS = {"cameras.ir.uri": "v4l2:/dev/video2", "cameras.vis.uri": "v4l2:/dev/video0"}
GIVE_UP_S = 60.0
pytestmark = pytest.mark.usefixtures("quick_reconnect")


class BoardDevice(Device):
    """A camera in front of which somebody moves a board.

    Attributes:
        view: picture that it takes now; noise is added.
        goes_px: how far the board goes to the right from picture to picture.
    """

    view: np.ndarray
    goes_px = 0

    def picture(self) -> np.ndarray:
        if self.goes_px:
            self.view = np.roll(self.view, self.goes_px, axis=1)
        noise = self._noise.integers(0, 3, self.view.shape[:2]).astype(self.view.dtype)
        return self.view + (noise if self.view.ndim == 2 else noise[..., None])


class Stage:
    """Both cameras, the command, what it says, and a story that is played while it runs."""

    def __init__(self, monkeypatch, folder):
        self.folder = folder
        self.said = []
        self.devices = {
            sensor: BoardDevice(sensor, 30, bits=bits)
            for sensor, bits in ((Sensor.IR, 16), (Sensor.VIS, 8))
        }
        rng = np.random.default_rng(7)
        self.views = [render(PAIR, T, rng) for T in poses(PAIR, 4, 21)]
        self.nothing = (
            np.full(PAIR.ir.size_wh[::-1], 29_500, np.uint16),
            np.full((*PAIR.vis.size_wh[::-1], 3), 120, np.uint8),
        )
        self.show(None)
        monkeypatch.setattr(command, "open_live", lambda _, s: self.devices[s].open())
        monkeypatch.setattr(command, "say", self.said.append)

    def show(self, index: int | None) -> None:
        """Hold the board so, or take it away."""
        pictures = self.nothing
        if index is not None:
            pictures = self.views[index].ir, self.views[index].vis // 2 + 40
        for device, picture in zip(self.devices.values(), pictures, strict=True):
            device.view = picture
            device.size_wh = picture.shape[1::-1]

    def pictures(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "ir").glob("*.png"))

    def until(self, ready) -> bool:
        """Wait for what the story wants; False where it does not come."""
        end_s = time.monotonic() + GIVE_UP_S
        while not ready():
            if time.monotonic() > end_s:
                return False
            time.sleep(0.01)
        return True

    def run(self, story, monkeypatch, **changes) -> int:
        """The exit code; ``story`` is played in another thread and ends the capture."""
        stops = []
        monkeypatch.setattr(command, "stop_on_signals", lambda ask: _Listed(stops, ask))
        failures = []

        def play():
            try:
                self.until(lambda: stops)
                story(self)
            except BaseException as error:
                failures.append(error)
            finally:
                for ask in stops:
                    ask()

        thread = threading.Thread(target=play, daemon=True)
        thread.start()
        request = CaptureRequest(None, BOARD, self.folder, given=URIS, window=False, **changes)
        try:
            return capture(request)
        finally:
            thread.join(GIVE_UP_S)
            if failures:
                raise failures[0]


class _Listed:
    """Stands in for signals."""

    def __init__(self, stops, ask):
        stops.append(ask)

    def __enter__(self):
        return None

    def __exit__(self, *_):
        return None


@pytest.fixture
def stage(monkeypatch, tmp_path):
    return Stage(monkeypatch, tmp_path / "board")


def test_still_boards_are_taken_raw_and_once(stage, monkeypatch):
    def story(stage):
        for index in (0, 1):
            stage.show(index)
            assert stage.until(lambda count=index + 1: len(stage.pictures()) == count)
        stage.show(1)
        seen = stage.devices[Sensor.IR].delivered
        assert stage.until(lambda: stage.devices[Sensor.IR].delivered > seen + 40)

    assert stage.run(story, monkeypatch) == 0
    assert stage.pictures() == ["0001.png", "0002.png"]  # the same view a second time is not new
    for index, name in enumerate(stage.pictures()):
        ir = cv2.imread(str(stage.folder / "ir" / name), cv2.IMREAD_UNCHANGED)
        assert ir.dtype == np.uint16
        assert np.abs(ir.astype(int) - stage.views[index].ir).max() <= 2  # the camera's noise alone
        assert cv2.imread(str(stage.folder / "vis" / name)).shape[1::-1] == PAIR.vis.size_wh
    points = load_points(stage.folder / "points.yaml")
    for view, truth in zip(points.views, stage.views, strict=False):
        assert np.nanmax(np.abs(view.points.ir - truth.ir_px)) < 0.6
    assert any("0002 taken, 2 of 30" in words for words in stage.said)
    assert any("calibrate solve" in words for words in stage.said)


def test_moving_board_is_not_taken(stage, monkeypatch):
    def story(stage):
        ir, vis = stage.devices.values()
        ir.goes_px, vis.goes_px = 1, 2
        stage.show(0)
        seen = ir.delivered
        assert stage.until(lambda: ir.delivered > seen + 60)

    assert stage.run(story, monkeypatch) == 1
    assert stage.pictures() == []
    assert "no pair was taken" in stage.said


def test_no_picture_is_taken_during_a_shutter_event_nor_soon_after(stage, monkeypatch):
    ended_ns = []

    def story(stage):
        ir = stage.devices[Sensor.IR]
        ir.flags = FrameFlags.SHUTTER
        stage.show(0)
        seen = ir.delivered
        assert stage.until(lambda: ir.delivered > seen + 45)
        assert stage.pictures() == []
        ir.flags = FrameFlags.NONE
        ended_ns.append(time.monotonic_ns())
        assert stage.until(lambda: len(stage.pictures()) == 1)
        ended_ns.append(time.monotonic_ns())

    assert stage.run(story, monkeypatch) == 0
    assert ended_ns[1] - ended_ns[0] >= ViewLimits().after_shutter_s * SECOND
    assert any("recalibrating" in words for words in stage.said)


def test_capture_ends_by_itself_when_there_is_enough(stage, monkeypatch):
    class Content(watch.Coverage):
        @property
        def is_enough(self):
            return self.pairs >= 1

    monkeypatch.setattr(watch, "Coverage", Content)
    ended = []

    def story(stage):
        stage.show(0)
        ended.append(stage.until(lambda: any("next: fusion-rt" in words for words in stage.said)))

    assert stage.run(story, monkeypatch) == 0
    assert ended == [True]


def test_second_capture_goes_on(stage, monkeypatch):
    def take(index, count):
        def story(stage):
            stage.show(index)
            assert stage.until(lambda: len(stage.pictures()) == count)

        return story

    assert stage.run(take(0, 1), monkeypatch) == 0
    assert stage.run(take(2, 2), monkeypatch) == 0
    assert stage.pictures() == ["0001.png", "0002.png"]
    assert "1 pairs are there already" in stage.said
    assert len(load_points(stage.folder / "points.yaml").views) == 2


def test_lost_camera_is_told_and_comes_back(stage, monkeypatch):
    def story(stage):
        stage.show(0)
        assert stage.until(lambda: len(stage.pictures()) == 1)
        stage.devices[Sensor.VIS].plugged = False
        assert stage.until(lambda: any("visible camera lost" in words for words in stage.said))
        stage.devices[Sensor.VIS].plugged = True
        stage.show(1)
        assert stage.until(lambda: len(stage.pictures()) == 2)

    assert stage.run(story, monkeypatch) == 0


def test_another_mode_ends_it(stage, monkeypatch):
    def story(stage):
        stage.show(0)
        assert stage.until(lambda: len(stage.pictures()) == 1)
        device = stage.devices[Sensor.VIS]
        device.view = cv2.resize(device.view, None, fx=0.5, fy=0.5)
        device.size_wh = device.view.shape[1::-1]
        assert stage.until(lambda: device.closed)

    with pytest.raises(SourceError, match="the visible camera has changed its mode"):
        stage.run(story, monkeypatch)


def test_recordings_are_refused(tmp_path):
    given = {"cameras.ir.uri": str(tmp_path / "ir.mkv"), "cameras.vis.uri": "v4l2:/dev/video0"}
    with pytest.raises(UsageError, match="is no live camera but a recording"):
        capture(CaptureRequest(None, BOARD, tmp_path / "out", given=given, window=False))


def test_cameras_must_be_named(tmp_path):
    given = dict.fromkeys(URIS)
    with pytest.raises(UsageError, match="no cameras are given"):
        capture(CaptureRequest(None, BOARD, tmp_path / "out", given=given, window=False))
