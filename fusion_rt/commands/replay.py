"""``fusion-rt replay``: a recorded pair of videos in, fused pictures out."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from calibration.rig import Rig
from calibration.rig_file import parse_rig

from ..collisions import check_outputs
from ..config import Settings
from ..engine_choice import check_engine, engine_preview, open_chosen
from ..errors import PipelineError, SinkError
from ..frame import FramePair, Sensor
from ..outputs import Output, Screen
from ..palette import palette_table
from ..pipeline import Outcome, Pipeline
from ..registration.running import Registration
from ..report import build_report, write_json
from ..signals import STOPPED_EXIT_CODE, stop_on_signals
from ..sinks.base import Sink
from ..sinks.hud import HudState
from ..sinks.stills import StillsSink
from ..sinks.text import check_writable
from ..sinks.video import VideoSink
from ..sinks.window import WindowSink
from ..sources import Source, open_source
from ..terminal import print_summary, progress_bar, say, say_error
from ..views import view_size


@dataclass(frozen=True)
class Film:
    """A video file to write.

    Attributes:
        path: of the MP4 file.
        view: what it shows.
    """

    path: Path
    view: str


@dataclass(frozen=True)
class ReplayRequest:
    """What to play and where to.

    Attributes:
        ir: URI of the infrared recording.
        vis: URI of the visible recording.
        rig: geometry; None where the pictures lie on each other.
        settings: of the run.
        films: video files to write.
        stills: folder for one PNG of each fused picture; None for none.
        report: JSON file to write; None for none.
        window: whether to show a window where there is a display.
        label: shown beside the progress.
        reads: other files that the run was given, which no output may replace.
    """

    ir: str
    vis: str
    rig: Rig | None
    settings: Settings
    films: tuple[Film, ...] = ()
    stills: Path | None = None
    report: Path | None = None
    window: bool = False
    label: str = "fusing"
    reads: tuple[Path | None, ...] = ()


@dataclass
class Replay:
    """A finished replay.

    Attributes:
        report: see `fusion_rt.report.build_report`.
        exit_code: 0; 1 when a recording broke off; 130 when the user stopped it.
    """

    report: dict[str, Any] = field(default_factory=dict)
    exit_code: int = 0


def replay(request: ReplayRequest) -> Replay:
    """Play a recorded pair through the whole pipeline.

    Everything that can be wrong with the request is found before the first frame. A run that
    fails leaves no half file; one that was stopped, or whose recording broke off, keeps what it
    had fused.

    Raises:
        FusionError, EngineError, RigError: in words.
    """
    view, engine = request.settings.view, request.settings.engine
    palette_table(view.palette)  # unknown names are refused here
    view_size(view.view, (64, 64))
    check_engine(engine)
    check_outputs(
        (request.ir, request.vis),
        (*request.reads, *request.settings.registration.presets),
        (*(film.path for film in request.films), request.stills, request.report),
    )
    with ExitStack() as stack:
        ir = stack.enter_context(open_source(request.ir, Sensor.IR))
        vis = stack.enter_context(open_source(request.vis, Sensor.VIS))
        for source in (ir, vis):
            for note in source.info.notes:
                say(f"note: {source.info.sensor.value}: {note}")
        rig = request.rig or _scene_rig(ir, vis)
        warped_wh = None if rig is None else ir.info.size_wh
        fused_wh = vis.info.size_wh
        if request.settings.registration.output == "ir":  # which is not warped then
            warped_wh, fused_wh = None, ir.info.size_wh
        pipeline: Pipeline
        choice = (engine, fused_wh, warped_wh, say, lambda: pipeline.ending)
        pipeline = Pipeline(
            ir,
            vis,
            partial(open_chosen, *choice),
            rig=rig,
            settings=request.settings,
            preview=engine_preview(*choice),
        )
        stack.enter_context(stop_on_signals(pipeline.stop))
        if request.report is not None:
            check_writable(request.report)
        registration = pipeline.registration
        for note in _notes(request, pipeline):
            say(f"note: {note}")
        outputs = _open_outputs(request, vis, registration, stack)
        screen = _open_screen(request, pipeline, stack)
        outcome = _run(request, pipeline, ir, vis, outputs, screen)
        if not pipeline.stats.rate.count and not outcome.stopped:
            raise _nothing_fused(pipeline, outcome)
        for output in outputs:
            output.sink.close()
    written = [output.sink.label for output in outputs if output.sink.pictures]
    if request.report is not None:
        written.append(f"report {request.report}")
    report = build_report(pipeline, outcome, {"ir": ir.info, "vis": vis.info}, written)
    print_summary(report)
    if request.report is not None:
        write_json(request.report, report)
    return Replay(report, _exit_code(outcome))


def _scene_rig(ir: Source, vis: Source) -> Rig | None:
    """The known rig where both sources are the built-in scene; None for recordings."""
    if not ir.info.kind == vis.info.kind == "synthetic":
        return None
    from ..sources.synthetic import SceneSettings, rig_dict

    say("note: the built-in scene is laid together by its own rig")
    scene = SceneSettings(ir_wh=ir.info.size_wh, vis_wh=vis.info.size_wh)
    return parse_rig({"rig": 1, **rig_dict(scene)}, "the built-in scene's rig")


def _notes(request: ReplayRequest, pipeline: Pipeline) -> list[str]:
    """What is allowed but probably not meant."""
    notes = pipeline.registration.notes
    if not (request.films or request.stills or request.window):
        notes.append("nothing but figures comes of this run; --out FILM.mp4 writes a film")
    return notes


def _open_outputs(
    request: ReplayRequest, vis: Source, registration: Registration, stack: ExitStack
) -> list[Output]:
    view = request.settings.view
    outputs: list[Output] = []

    def add(sink: Sink, shown: str) -> None:
        stack.callback(sink.discard)  # no effect once the sink was closed
        outputs.append(Output(sink, shown, view.palette, registration, view.hud_in_film))

    for film in request.films:
        size_wh = view_size(film.view, registration.size_wh)
        add(VideoSink(film.path, size_wh, fps_hint=vis.info.fps), film.view)
    if request.stills is not None:
        add(StillsSink(request.stills), view.view)
    return outputs


def _open_screen(request: ReplayRequest, pipeline: Pipeline, stack: ExitStack) -> Screen | None:
    """The window; None, with a line that says why, where there is no display."""
    if not request.window:
        return None
    view = request.settings.view
    try:
        window = WindowSink("fusion-rt", view_size(view.view, pipeline.registration.size_wh))
    except SinkError as error:
        say(f"note: running without a window: {error}")
        return None
    saves = request.films[0].path.parent if request.films else Path()
    registration, agc = pipeline.registration, pipeline.agc
    screen = Screen(window, view.view, view.palette, registration, saves, agc)
    stack.callback(screen.close)
    return screen


def _run(
    request: ReplayRequest,
    pipeline: Pipeline,
    ir: Source,
    vis: Source,
    outputs: list[Output],
    screen: Screen | None,
) -> Outcome:
    counts = [s.info.frame_count for s in (ir, vis) if s.info.frame_count is not None]
    with progress_bar(request.label, min(counts, default=None)) as bar:
        bar.say("(opening the engine)")

        def consume(pair: FramePair) -> None:
            hud = hud_state(pipeline)
            for output in outputs:
                output.show(pair, hud)
            if screen is not None:
                screen.show(pair, hud)
            fps = pipeline.stats.rate.recent_fps
            bar.advance(f"{fps:.1f} frames/s" if fps else "")

        def idle() -> None:
            if screen is not None:
                screen.handle_keys()
                if screen.stop_asked:
                    pipeline.stop()

        return pipeline.run(consume, idle)


def hud_state(pipeline: Pipeline) -> HudState:
    """What the HUD shows now."""
    info = pipeline.engine_info
    stats = pipeline.stats
    return HudState(
        fps=stats.rate.recent_fps,
        latency_ms=stats.last_latency_ms,
        skew_ms=stats.last_skew_ms,
        drops=pipeline.ledger.lost_pairs,
        engine="" if info is None else f"{info.name} {info.precision} {info.model}",
        banner=pipeline.registration.trouble,
        distance=pipeline.registration.words,
        gain="locked" if pipeline.agc.locked else "",
    )


def _nothing_fused(pipeline: Pipeline, outcome: Outcome) -> Exception:
    if outcome.broken:
        return outcome.broken[0]
    frames = pipeline.ledger.summary()
    return PipelineError(
        f"{frames['captured_ir']} infrared and {frames['captured_vis']} visible frames, but no two "
        f"were taken within {pipeline.max_skew_ms:g} ms of each other",
        hint="`fusion-rt offset` tells how far their clocks are apart, --ir-offset-ms puts it "
        "right; --set pairing.max_skew_ms=50 allows greater distances",
    )


def _exit_code(outcome: Outcome) -> int:
    for error in outcome.broken:
        say_error(str(error), error.hint)
    if outcome.stopped:
        say("stopped before the end; what was fused until then is kept")
        return STOPPED_EXIT_CODE
    return 1 if outcome.broken else 0
