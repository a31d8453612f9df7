"""``fusion-rt run``: two live cameras in, fused pictures out, until it is stopped."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from calibration.rig import Rig
from calibration.rig_file import load_rig, parse_rig

from ..collisions import check_outputs
from ..engine_choice import check_engine, engine_preview, open_chosen
from ..errors import SinkError, SourceError, UsageError
from ..frame import FramePair, Sensor
from ..live.cameras import Camera, LiveCameras
from ..live.chores import Chores
from ..live.clocks import Clocks
from ..live.drift import Drift
from ..live.film import LiveFilm
from ..live.health import Health
from ..live.infrared import CameraPreparation
from ..live.memory import limit_arenas
from ..live.pipeline import LivePipeline
from ..live.reload import SettingsWatch
from ..live.report import live_facts, live_report
from ..live.shown import LiveView
from ..outputs import Output, Screen
from ..palette import palette_table
from ..report import write_json
from ..run_settings import RunSettings, load_run_settings
from ..signals import stop_on_signals
from ..sinks.text import check_writable
from ..sinks.window import WindowSink
from ..sources.open_live import check_live, open_live
from ..sources.uri import parse_uri
from ..terminal import print_facts, print_summary, say
from ..views import view_size


@dataclass(frozen=True)
class RunRequest:
    """What to run.

    Attributes:
        config: YAML file; None where overrides say it all.
        overrides: "section.key=value".
        given: values by "section.key" from the command line; None leaves a setting as it is.
        window: whether to show a window; None as the settings say.
    """

    config: Path | None
    overrides: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    window: bool | None = None

    def load(self) -> RunSettings:
        """The settings as the file has them now.

        Raises:
            UsageError: they do not go.
        """
        named = [*self.overrides, *(key for key, value in self.given.items() if value is not None)]
        if self.config is None and not any(name.startswith("cameras.") for name in named):
            raise UsageError(
                "no cameras are given",
                hint="give a configuration, or --ir and --vis; `fusion-rt sources` lists cameras",
            )
        return load_run_settings(self.config, list(self.overrides), self.given)


def run(request: RunRequest) -> int:
    """Run two live cameras until the user or the set time ends it; returns the exit code.

    Raises:
        FusionError, EngineError, RigError: in words.
    """
    settings = request.load()
    _check(settings, request.config)
    limit_arenas()
    with ExitStack() as stack:
        stop = _Stop()
        stack.enter_context(stop_on_signals(stop.ask))
        both = {Sensor.IR: settings.cameras.ir, Sensor.VIS: settings.cameras.vis}
        preparations = {s: CameraPreparation(camera, s) for s, camera in both.items()}
        cameras = _start_cameras(settings, preparations)
        stack.callback(cameras.close)
        sizes = cameras.sizes(lambda: stop.asked or stop.too_late(settings.seconds), say)
        if sizes is None and not stop.asked:
            raise SourceError(
                f"{settings.seconds:g} s are over: {'; '.join(cameras.waited_for())}",
                hint="with a rig in the configuration the other camera is shown meanwhile",
            )
        if sizes is None:
            say("stopped before both cameras were there")
            return 0
        infrared = preparations[Sensor.IR]
        return _run(request, settings, cameras, sizes, infrared, stop, stack)


class _Stop:
    """Ctrl-C before there is a pipeline, and after."""

    def __init__(self) -> None:
        self.asked = False
        self.pipeline: LivePipeline | None = None
        self._begun_s = time.monotonic()

    def too_late(self, seconds: float | None) -> bool:
        """Whether so many have passed; None are never over."""
        return seconds is not None and time.monotonic() - self._begun_s > seconds

    def ask(self) -> None:
        self.asked = True
        if self.pipeline is not None:
            self.pipeline.stop()


def _check(settings: RunSettings, config: Path | None) -> None:
    """Find what is wrong before a camera is touched."""
    _check_view(settings)
    check_engine(settings.engine)
    for camera in (settings.cameras.ir, settings.cameras.vis):
        check_live(camera)
    scene = settings.cameras.ir.uri.startswith("synthetic:")
    if settings.cameras.ir.uri == settings.cameras.vis.uri and not scene:
        raise UsageError(
            "both cameras are the same one", hint="`fusion-rt sources` lists what is connected"
        )
    output = settings.output
    check_outputs(
        (), (settings.rig, config, *settings.registration.presets), (output.film, output.report)
    )
    if output.report is not None:
        check_writable(output.report)


def _check_view(settings: RunSettings) -> None:
    palette_table(settings.view.palette)
    view_size(settings.view.view, (64, 64))


def _start_cameras(
    settings: RunSettings, preparations: dict[Sensor, CameraPreparation]
) -> LiveCameras:
    rig = _rig(settings)
    sizes = {Sensor.IR: rig.ir_wh, Sensor.VIS: rig.vis_wh} if rig is not None else {}
    both = {Sensor.IR: settings.cameras.ir, Sensor.VIS: settings.cameras.vis}
    cameras = LiveCameras(
        {
            sensor: Camera(
                partial(open_live, camera, sensor),
                preparations[sensor],
                camera.timeout_s,
                sizes.get(sensor),
            )
            for sensor, camera in both.items()
        }
    )
    cameras.start()
    return cameras


def _rig(settings: RunSettings) -> Rig | None:
    """The rig that was given, or the known one of the built-in scene."""
    if settings.rig is not None:
        return load_rig(settings.rig)
    uris = [parse_uri(camera.uri) for camera in (settings.cameras.ir, settings.cameras.vis)]
    if any(uri.kind != "synthetic" for uri in uris):
        return None
    from ..sources.synthetic import SceneSettings, parse_settings, rig_dict

    ir, vis = (parse_settings(uri) for uri in uris)
    scene = SceneSettings(ir_wh=ir.ir_wh, vis_wh=vis.vis_wh)
    return parse_rig({"rig": 1, **rig_dict(scene)}, "the built-in scene's rig")


def _run(
    request: RunRequest,
    settings: RunSettings,
    cameras: LiveCameras,
    sizes: dict[Sensor, tuple[int, int]],
    infrared: CameraPreparation,
    stop: _Stop,
    stack: ExitStack,
) -> int:
    rig = _rig(settings)
    fused_wh = sizes[Sensor.VIS]
    warped_wh = None if rig is None else sizes[Sensor.IR]
    if settings.registration.output == "ir":  # which is not warped then
        fused_wh, warped_wh = sizes[Sensor.IR], None
    pipeline: LivePipeline
    choice = (settings.engine, fused_wh, warped_wh, say, lambda: pipeline.ending)
    clocks = Clocks(settings.clock)
    stack.callback(clocks.close)
    pipeline = LivePipeline(
        cameras,
        sizes,
        partial(open_chosen, *choice),
        rig=rig,
        settings=settings,
        preview=engine_preview(*choice),
        observe=clocks.observe,
        radiometry=lambda: infrared.radiometry,
        report=say,
    )
    drift = Drift(settings.drift, pipeline.registration)
    stack.callback(drift.close)
    stop.pipeline = pipeline
    if stop.asked:  # before it could be told
        pipeline.stop()
    film = _open_film(settings, fused_wh, pipeline, stack)
    screen = _open_screen(request, settings, fused_wh, pipeline, stack)
    view = LiveView(pipeline, _outputs(film, settings, pipeline), screen)

    def load_again() -> RunSettings:
        changed = request.load()
        _check_view(changed)
        pipeline.check(changed)
        return changed

    watch = None if request.config is None else SettingsWatch(request.config, load_again, settings)
    if watch is not None:
        stack.enter_context(_reload_on_hangup(watch.ask))
    chores = Chores(pipeline, clocks, drift, view, watch, settings)

    def consume(pair: FramePair, health: Health) -> None:
        view.show(pair, health)
        drift.observe(pair)
        chores.do()

    def idle(health: Health) -> None:
        view.idle(health)
        chores.do()

    try:
        stopped = pipeline.run(consume, idle)
    except BaseException:
        _keep(film)
        raise
    if film is not None:
        film.close()
    return _close(settings, pipeline, clocks, drift, film, stopped)


def _keep(film: LiveFilm | None) -> None:
    """Finish what a run has written that failed: live pictures do not come again."""
    if film is not None:
        film.close()
        if film.pictures:
            say(f"kept until here: {film.label}")


@contextmanager
def _reload_on_hangup(ask: Callable[[], None]) -> Iterator[None]:
    """SIGHUP reads the configuration again, as for other services; nothing where there is none."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        ask()

    previous = signal.signal(signal.SIGHUP, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, previous)


def _open_film(
    settings: RunSettings, fused_wh: tuple[int, int], pipeline: LivePipeline, stack: ExitStack
) -> LiveFilm | None:
    path = settings.output.film
    if path is None:
        return None
    fps = pipeline.cameras.states()[Sensor.VIS].fps
    size_wh = view_size(settings.view.view, fused_wh)
    film = LiveFilm(path, size_wh, fps, say, partial(pipeline.note, "film"))
    stack.callback(film.discard)  # no effect once the film was closed
    return film


def _outputs(film: LiveFilm | None, settings: RunSettings, pipeline: LivePipeline) -> list[Output]:
    view = settings.view
    if film is None:
        return []
    return [Output(film, view.view, view.palette, pipeline.registration, view.hud_in_film)]


def _open_screen(
    request: RunRequest,
    settings: RunSettings,
    fused_wh: tuple[int, int],
    pipeline: LivePipeline,
    stack: ExitStack,
) -> Screen | None:
    """The window; None, with a line that says why, where there is no display."""
    wanted = settings.output.window if request.window is None else request.window
    if not wanted:
        return None
    view = settings.view
    try:
        window = WindowSink("fusion-rt", view_size(view.view, fused_wh))
    except SinkError as error:
        say(f"note: running without a window: {error}")
        return None
    agc = pipeline.infrared.agc
    screen = Screen(window, view.view, view.palette, pipeline.registration, Path(), agc)
    stack.callback(screen.close)
    return screen


def _close(
    settings: RunSettings,
    pipeline: LivePipeline,
    clocks: Clocks,
    drift: Drift,
    film: LiveFilm | None,
    stopped: bool,
) -> int:
    """Tell what came of the run; exit code 1 where its film is not whole."""
    written = [film.label] if film is not None and film.pictures else []
    path = settings.output.report
    if path is not None:
        written.append(f"report {path}")
    both = {"ir": settings.cameras.ir, "vis": settings.cameras.vis}
    report = live_report(pipeline, both, written, stopped, clocks.summary(), drift.summary())
    print_summary(report)
    print_facts(live_facts(report))
    if path is not None:
        write_json(path, report)
    return 0 if film is None or not film.trouble else 1
