"""``fusion-rt calibrate capture``: pictures of a board from live cameras, guided."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from calibration.board import Board
from calibration.targets.detection import Detection, detect_board
from calibration.views import PairView

from ..boards.feed import Look, PairFeed
from ..boards.pairs import find_pair, polarities
from ..boards.screen import guide_picture, guide_size
from ..boards.store import PairStore
from ..boards.watch import BoardWatch, Judgement, Mood
from ..errors import SinkError, UsageError
from ..frame import Sensor
from ..live.cameras import NAMES, Camera, LiveCameras
from ..live.infrared import CameraPreparation
from ..run_settings import RunSettings, load_run_settings
from ..signals import stop_on_signals
from ..sinks.window import WindowSink
from ..sources.open_live import check_live, open_live
from ..sources.picture import read_image
from ..terminal import console, say
from .calibrate_detect import DetectRequest, detect

_LOOK_S = 0.1
_JOIN_S = 5.0
_SAY_EVERY_S = 1.0


@dataclass(frozen=True)
class CaptureRequest:
    """What to take.

    Attributes:
        config: YAML file with the cameras, as for a run; None where overrides say it all.
        overrides: "section.key=value".
        given: values by "section.key" from the command line; None leaves a setting as it is.
        board: what to look for.
        polarity: of the infrared pictures: auto, normal or inverted.
        out: folder to write to.
        pairs: end after so many, once nothing is missing any more.
        window: whether to show a window.
    """

    config: Path | None
    board: Board
    out: Path
    overrides: tuple[str, ...] = ()
    given: dict[str, Any] = field(default_factory=dict)
    polarity: str = "auto"
    pairs: int = 30
    window: bool = True


def capture(request: CaptureRequest) -> int:
    """Take pairs until there are enough or the user ends it, then find the points in them.

    Raises:
        UsageError: no cameras are given, or they are recordings.
        SourceError: a camera cannot be used, or changes its mode.
        RigError: a camera mirrors its picture, or one is turned against the other.
        SinkError: the folder cannot be written.
    """
    settings = _settings(request)
    store = PairStore(request.out)
    stop = _Stop()
    with ExitStack() as stack:
        stack.enter_context(stop_on_signals(stop.ask))
        cameras = _cameras(settings)
        stack.callback(_end, cameras)
        cameras.start()
        sizes = cameras.sizes(lambda: stop.asked, say)
        if sizes is None:
            say("stopped before both cameras were there")
            return 0
        watch = BoardWatch(
            request.board,
            request.polarity,
            sizes[Sensor.IR],
            sizes[Sensor.VIS],
            request.pairs,
        )
        _recall(store, watch, request)
        window = _open_window(request, sizes)
        if window is not None:
            stack.callback(window.close)
        pool = stack.enter_context(ThreadPoolExecutor(len(Sensor), "board"))
        _Capture(request, cameras, watch, store, window, pool).run(stop)
    return _finish(request, store)


class _Stop:
    """Ctrl-C."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self) -> None:
        self.asked = True


class _Capture:
    """The loop of a guided capture, on the main thread."""

    def __init__(
        self,
        request: CaptureRequest,
        cameras: LiveCameras,
        watch: BoardWatch,
        store: PairStore,
        window: WindowSink | None,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._request = request
        self._cameras = cameras
        self._feed = PairFeed(cameras)
        self._watch = watch
        self._store = store
        self._window = window
        self._pool = pool
        self._said = ("", 0.0)
        self._noted = False

    def run(self, stop: _Stop) -> None:
        """Look again and again until there is enough, or the user ends it."""
        coverage = self._watch.coverage
        self._say(f"next: {coverage.advice()}")
        while not (stop.asked or coverage.is_enough or self._closed()):
            look = self._feed.look(_LOOK_S)
            for words in self._cameras.supervise():
                say(words)
            if look is None:
                self._tell_cameras()
            else:
                self._consider(look)
            if self._window is not None:
                self._window.poll()

    def _closed(self) -> bool:
        return self._window is not None and self._window.stop_asked

    def _consider(self, look: Look) -> None:
        if look.ir.image.dtype == np.uint8 and not self._noted:
            self._noted = True
            say(
                "note: the infrared camera gives 8 bit; its gain control moves edges, raw 16-bit "
                "pictures calibrate better"
            )
        found = list(
            self._pool.map(
                self._detect,
                (look.ir.image, look.vis.image),
                polarities(self._request.polarity),
            )
        )
        judgement = self._watch.judge(look.now_ns, found[0], found[1], look.shutter)
        if judgement.mood is Mood.TAKEN:
            self._take(look, judgement)
        else:
            self._say(judgement.words)
        if self._window is not None:
            picture = guide_picture(
                look.ir.image, look.vis.image, judgement, self._watch.coverage, self._request.board
            )
            self._window.write(picture, look.now_ns)

    def _detect(self, picture: np.ndarray, polarity: str) -> Detection | None:
        return detect_board(picture, self._request.board, polarity, quick=True)

    def _take(self, look: Look, judgement: Judgement) -> None:
        name = self._store.add(look.ir.image, look.vis.image)
        self._watch.keep(judgement.view)
        console.bell()
        coverage = self._watch.coverage
        advice = coverage.advice()
        say(f"{name} taken, {coverage.pairs} of {self._watch.wanted}; next: {advice}")
        self._said = _kind(advice), time.monotonic()

    def _tell_cameras(self) -> None:
        for sensor, state in self._cameras.states().items():
            if not state.running:
                self._say(f"{NAMES[sensor]} camera {state.words}")

    def _say(self, words: str) -> None:
        """Words that are new, and not too many of them: the last ones count."""
        said, at_s = self._said
        kind = _kind(words)
        now_s = time.monotonic()
        if kind != said and now_s - at_s >= _SAY_EVERY_S:
            self._said = kind, now_s
            say(f"  {words}")


def _kind(words: str) -> str:
    """What is said, whatever the figures in it."""
    return "".join(letter for letter in words if not letter.isdigit())


def _settings(request: CaptureRequest) -> RunSettings:
    """The cameras, as a run has them.

    Raises:
        UsageError: they do not go.
    """
    named = [*request.overrides, *(key for key, value in request.given.items() if value)]
    if request.config is None and not any(name.startswith("cameras.") for name in named):
        raise UsageError(
            "no cameras are given",
            hint="give a configuration, or --ir and --vis; `fusion-rt sources` lists cameras",
        )
    settings = load_run_settings(request.config, list(request.overrides), request.given)
    for camera in (settings.cameras.ir, settings.cameras.vis):
        check_live(camera)
    return settings


def _cameras(settings: RunSettings) -> LiveCameras:
    both = {Sensor.IR: settings.cameras.ir, Sensor.VIS: settings.cameras.vis}
    return LiveCameras(
        {
            sensor: Camera(
                partial(open_live, camera, sensor),
                CameraPreparation(camera, sensor),
                camera.timeout_s,
                None,
            )
            for sensor, camera in both.items()
        }
    )


def _end(cameras: LiveCameras) -> None:
    """Close the cameras; a driver that hangs is left behind, its thread is a daemon."""
    cameras.close()
    deadline_s = time.monotonic() + _JOIN_S
    for thread in cameras.stages:
        if thread.is_alive():
            thread.join(max(0.0, deadline_s - time.monotonic()))


def _recall(store: PairStore, watch: BoardWatch, request: CaptureRequest) -> None:
    """Count the pairs that an earlier capture left."""
    pairs = store.pairs()
    for ir, vis in pairs:
        pictures = read_image(ir, Sensor.IR)[0], read_image(vis, Sensor.VIS)[0]
        found = find_pair(*pictures, request.board, request.polarity)
        watch.keep(PairView(ir.stem, *found))
    if pairs:
        say(f"{len(pairs)} pairs are there already")


def _open_window(
    request: CaptureRequest, sizes: dict[Sensor, tuple[int, int]]
) -> WindowSink | None:
    """The window; None, with a line that says why, where there is no display."""
    if not request.window:
        return None
    try:
        return WindowSink("fusion-rt calibrate", guide_size(sizes[Sensor.IR], sizes[Sensor.VIS]))
    except SinkError as error:
        say(f"note: running without a window: {error}")
        return None


def _finish(request: CaptureRequest, store: PairStore) -> int:
    """Find the points in all pairs, with all care."""
    if not store.pairs():
        say("no pair was taken")
        return 1
    points = request.out / "points.yaml"
    found = request.out / "found.jpg"
    code = detect(
        DetectRequest(store.ir, store.vis, request.board, request.polarity, points, found)
    )
    say(f"next: fusion-rt calibrate solve {points} --out rig.yaml")
    return code
