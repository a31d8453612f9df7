"""The command ``fusion-rt``: parses, calls one function for each sub-command, prints failures.

The code behind a sub-command is imported when that sub-command runs, so that ``--help`` is quick
and a missing optional package is missed only by who needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from . import __version__, cli_calibrate, cli_engine
from .cli_common import distance_given, reported, set_debug, size_wh
from .errors import UsageError

if TYPE_CHECKING:
    from calibration.rig import Rig

    from .config import Settings

app = typer.Typer(
    name="fusion-rt",
    help="Fuses infrared and visible video into one picture, in real time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(cli_calibrate.app, name="calibrate")
app.add_typer(cli_engine.app, name="engine")


def main() -> None:
    """Entry point of the console script."""
    app()


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"fusion-rt {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    set_debug(debug)


Ir = Annotated[str, typer.Option("--ir", help="Infrared: video file, image folder or glob.")]
Vis = Annotated[str, typer.Option("--vis", help="Visible: video file, image folder or glob.")]
RigFile = Annotated[
    Optional[Path],
    typer.Option("--rig", help="Geometry of the two cameras; none where the pictures match."),
]
Config = Annotated[Optional[Path], typer.Option("--config", help="Settings as YAML.")]
Set = Annotated[
    Optional[list[str]], typer.Option("--set", help="One setting, as section.key=value.")
]
EngineName = Annotated[
    Optional[str],
    typer.Option(
        "--engine", help="auto, tensorrt, tensorrt-rtx, openvino, onnxruntime or classical."
    ),
]
Model = Annotated[Optional[str], typer.Option("--model", help="Name or path of an ONNX model.")]
Precision = Annotated[
    Optional[str], typer.Option("--precision", help="auto, fp16, int8, bf16 or fp32.")
]
Distance = Annotated[
    Optional[str],
    typer.Option("--distance", help="Where the pictures match: metres, inf for far away, or auto."),
]
View = Annotated[Optional[str], typer.Option("--view", help="fused, side-by-side, ir or vis.")]
Palette = Annotated[
    Optional[str], typer.Option("--palette", help="Colours for the infrared picture in views.")
]
Window = Annotated[bool, typer.Option("--window/--no-window", help="Show a window.")]


@app.command()
@reported
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("out/demo"),
    seconds: Annotated[float, typer.Option("--seconds", help="Length of the scene.")] = 4.0,
    size: Annotated[str, typer.Option("--size", help="Visible camera, WxH.")] = "960x540",
    config: Config = None,
    set_: Set = None,
    engine: EngineName = None,
    model: Model = None,
    precision: Precision = None,
    window: Window = True,
) -> int:
    """Run the built-in scene of two cameras through everything; needs no camera."""
    from .commands.demo import DemoRequest
    from .commands.demo import demo as run_demo

    settings = _settings(config, set_, {"engine": _engine(engine, model, precision)})
    request = DemoRequest(out, seconds, size_wh(size), settings, window)
    return run_demo(request).exit_code


@app.command()
@reported
def run(
    config: Annotated[
        Optional[Path], typer.Argument(help="Cameras and settings as YAML, see configs/.")
    ] = None,
    ir: Annotated[
        Optional[str],
        typer.Option(
            "--ir", help="Infrared camera, for instance v4l2:/dev/video2 or rtsp://host/ir."
        ),
    ] = None,
    vis: Annotated[Optional[str], typer.Option("--vis", help="Visible camera, likewise.")] = None,
    rig: RigFile = None,
    distance: Distance = None,
    out: Annotated[Optional[Path], typer.Option("--out", help="Film to write, MP4.")] = None,
    report: Annotated[
        Optional[Path], typer.Option("--report", help="Figures of the run, as JSON.")
    ] = None,
    set_: Set = None,
    engine: EngineName = None,
    model: Model = None,
    precision: Precision = None,
    view: View = None,
    palette: Palette = None,
    seconds: Annotated[
        Optional[float], typer.Option("--seconds", help="End after so long.", min=0.1)
    ] = None,
    window: Annotated[
        Optional[bool], typer.Option("--window/--no-window", help="Show a window.")
    ] = None,
) -> int:
    """Fuse two live cameras until Ctrl-C."""
    from .commands.run import RunRequest
    from .commands.run import run as run_live

    given = {
        "cameras.ir.uri": ir,
        "cameras.vis.uri": vis,
        "rig": rig,
        "output.film": out,
        "output.report": report,
        "engine.name": engine,
        "engine.model": model,
        "engine.precision": precision,
        **{f"registration.{key}": value for key, value in distance_given(distance).items()},
        "view.view": view,
        "view.palette": palette,
        "seconds": seconds,
    }
    return run_live(RunRequest(config, tuple(set_ or ()), given, window))


@app.command()
@reported
def sources(
    json: Annotated[bool, typer.Option("--json", help="Print as JSON instead.")] = False,
) -> int:
    """List the cameras of this machine, and say which is the thermal one and why."""
    from .commands.sources import list_sources

    return list_sources(as_json=json)


@app.command()
@reported
def replay(
    ir: Ir,
    vis: Vis,
    rig: RigFile = None,
    distance: Distance = None,
    out: Annotated[Optional[Path], typer.Option("--out", help="Film to write, MP4.")] = None,
    stills: Annotated[
        Optional[Path], typer.Option("--stills", help="Folder for a PNG of each picture.")
    ] = None,
    report: Annotated[
        Optional[Path], typer.Option("--report", help="Figures of the run, as JSON.")
    ] = None,
    config: Config = None,
    set_: Set = None,
    engine: EngineName = None,
    model: Model = None,
    precision: Precision = None,
    pace: Annotated[
        Optional[Literal["fast", "realtime"]],
        typer.Option("--pace", help="fast: every pair. realtime: as live, late pairs dropped."),
    ] = None,
    ir_offset_ms: Annotated[
        Optional[float],
        typer.Option(
            "--ir-offset-ms",
            help="How far the infrared clock is ahead; `fusion-rt offset` finds it.",
            min=-60_000,
            max=60_000,
        ),
    ] = None,
    view: View = None,
    palette: Palette = None,
    hud: Annotated[
        Optional[bool], typer.Option("--hud/--no-hud", help="Figures in the film too.")
    ] = None,
    window: Window = True,
) -> int:
    """Fuse a recorded pair of videos."""
    from .commands.replay import Film, ReplayRequest
    from .commands.replay import replay as run_replay

    settings = _settings(
        config,
        set_,
        {
            "engine": _engine(engine, model, precision),
            "pairing": {"ir_offset_ms": ir_offset_ms},
            "registration": distance_given(distance),
            "view": {"view": view, "palette": palette, "hud_in_film": hud},
            "pace": pace,
        },
    )
    request = ReplayRequest(
        ir=ir,
        vis=vis,
        rig=_rig(rig),
        settings=settings,
        films=() if out is None else (Film(out, settings.view.view),),
        stills=stills,
        report=report,
        window=window,
        reads=(rig, config),
    )
    return run_replay(request).exit_code


@app.command()
@reported
def offset(
    ir: Ir,
    vis: Vis,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON instead.")] = False,
) -> int:
    """Find how far the clocks of a recorded pair are apart, from what moves in both."""
    from .commands.offset import OffsetRequest, tell_offset

    tell_offset(OffsetRequest(ir, vis, json))
    return 0


@app.command()
@reported
def fuse(
    ir: Annotated[Path, typer.Option("--ir", help="Infrared picture, or a folder of them.")],
    vis: Annotated[Path, typer.Option("--vis", help="Visible picture, or a folder of them.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    rig: RigFile = None,
    distance: Distance = None,
    config: Config = None,
    set_: Set = None,
    engine: EngineName = None,
    model: Model = None,
    precision: Precision = None,
    view: View = None,
    palette: Palette = None,
) -> int:
    """Fuse still pictures, matched by name."""
    from .commands.fuse import FuseRequest
    from .commands.fuse import fuse as run_fuse

    settings = _settings(
        config,
        set_,
        {
            "engine": _engine(engine, model, precision),
            "registration": distance_given(distance),
            "view": {"view": view, "palette": palette},
        },
    )
    return run_fuse(FuseRequest(ir, vis, out, _rig(rig), settings))


@app.command()
@reported
def evaluate(
    ir: Annotated[str, typer.Option("--ir", help="Infrared picture, or a folder of them.")],
    vis: Annotated[str, typer.Option("--vis", help="Visible picture, or a folder of them.")],
    fused: Annotated[
        list[str],
        typer.Option(
            "--fused", help="Fused pictures, as PATH or NAME=PATH; again for each other method."
        ),
    ],
    csv: Annotated[
        Optional[Path], typer.Option("--csv", help="Figures of each picture, as CSV.")
    ] = None,
    json: Annotated[
        Optional[Path], typer.Option("--json", help="Figures of each picture, as JSON.")
    ] = None,
    sheet: Annotated[
        Optional[Path], typer.Option("--sheet", help="Pictures side by side, PNG or JPEG.")
    ] = None,
    chart: Annotated[
        Optional[Path], typer.Option("--chart", help="Chart of the figures, PNG; needs matplotlib.")
    ] = None,
    video: Annotated[
        bool,
        typer.Option(
            "--video",
            help="Measure flicker: --ir, --vis and --fused name video files, image folders or "
            "globs; --csv holds a row for each method, --chart the mean level of each frame.",
        ),
    ] = False,
) -> int:
    """Measure how good fused pictures are, or how much they flicker; one method or several."""
    if video:
        from .commands.evaluate_video import VideoRequest, evaluate_video

        if sheet is not None:
            raise UsageError("--sheet shows stills, not recordings", hint="leave --sheet away")
        evaluate_video(VideoRequest(ir, vis, tuple(fused), csv, json, chart))
        return 0
    from .commands.evaluate import EvaluateRequest
    from .commands.evaluate import evaluate as run_evaluate

    run_evaluate(EvaluateRequest(Path(ir), Path(vis), tuple(fused), csv, json, sheet, chart))
    return 0


@app.command("step-response")
@reported
def step_response(
    size: Annotated[str, typer.Option("--size", help="Pictures to fuse, WxH.")] = "640x480",
    engine: EngineName = None,
    model: Model = None,
    precision: Precision = None,
    json: Annotated[
        Optional[Path], typer.Option("--json", help="Figures to write, as JSON.")
    ] = None,
) -> int:
    """Measure what a hot object that enters a corner does to the far rest of the picture."""
    from .commands.step_response import StepRequest, measure_step

    settings = _settings(None, None, {"engine": _engine(engine, model, precision)})
    measure_step(StepRequest(size_wh(size), settings.engine, json))
    return 0


@app.command()
@reported
def bench(
    size: Annotated[str, typer.Option("--size", help="Pictures to fuse, WxH.")] = "640x480",
    engine: EngineName = None,
    model: Model = None,
    precision: Precision = None,
    frames: Annotated[
        int, typer.Option("--frames", min=40, help="Pairs timed in each of the two ways.")
    ] = 100,
    json: Annotated[
        Optional[Path], typer.Option("--json", help="Figures to write, as JSON.")
    ] = None,
) -> int:
    """Measure the engine alone and the whole pipeline from memory, in one run."""
    from .commands.bench import BenchRequest
    from .commands.bench import bench as run_bench

    settings = _settings(None, None, {"engine": _engine(engine, model, precision)})
    run_bench(BenchRequest(size_wh(size), settings.engine, frames, json))
    return 0


@app.command()
@reported
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print as JSON instead.")] = False,
) -> int:
    """Check what works on this machine, and say how to mend the rest."""
    import json as json_format

    from .commands import doctor as command

    checks, machine = command.doctor()
    if json:
        print(json_format.dumps(command.as_data(checks, machine), indent=2))
    else:
        command.show(checks, machine)
    return command.exit_code(checks)


@app.command()
@reported
def train(
    config: Annotated[Path, typer.Argument(help="Settings as YAML, see configs/train.yaml.")],
    set_: Annotated[
        Optional[list[str]], typer.Option("--set", help="One setting, as key=value.")
    ] = None,
    out: Annotated[Optional[Path], typer.Option("--out", help="Folder to write to.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the checkpoint in that folder.")
    ] = False,
) -> int:
    """Train the network on your own pairs; alone, or on many GPUs through torchrun."""
    from .commands.train import train as run_train

    return run_train(config, set_ or [], out, resume)


@app.command()
@reported
def export(
    checkpoint: Annotated[Path, typer.Argument(help="As train leaves it: out/.../model.pt.")],
    out: Annotated[Path, typer.Argument(help="Model file to write, .onnx.")],
    precision: Annotated[
        Literal["fp32", "fp16", "int8", "all"],
        typer.Option("--precision", help="Inside the file; other than fp32 end in -PRECISION."),
    ] = "fp32",
    variant: Annotated[
        Literal["plain", "grid", "both"],
        typer.Option("--variant", help="grid warps the infrared inside, for GPUs; ends in -grid."),
    ] = "plain",
    calibration: Annotated[
        Optional[list[Path]],
        typer.Option(
            "--calibration", help="Pairs to leave idle channels out by, and for int8; may repeat."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> int:
    """Write a trained network as a model file for all engines."""
    from .commands.export import ExportRequest
    from .commands.export import export as run_export

    pairs = tuple(calibration or ())
    run_export(ExportRequest(checkpoint, out, precision, variant, pairs, force))
    return 0


@app.command()
@reported
def saliency(
    ir: Annotated[str, typer.Option("--ir", help="Infrared picture, folder of them, or glob.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    method: Annotated[
        Literal["whole", "projection"],
        typer.Option("--method", help="LatLRR of patches, as in training, or the whole picture."),
    ] = "projection",
    panel: Annotated[
        bool, typer.Option("--panel/--no-panel", help="Picture, saliency and mask side by side.")
    ] = True,
    cache: Annotated[
        Optional[Path], typer.Option("--cache", help="Saliency maps to use and to add to.")
    ] = None,
) -> int:
    """Show what training takes for salient in infrared pictures."""
    from .commands.saliency import SaliencyRequest
    from .commands.saliency import saliency as run_saliency

    return run_saliency(SaliencyRequest(ir, out, method, panel, cache))


def _settings(path: Path | None, overrides: list[str] | None, flags: dict[str, Any]) -> Settings:
    """File, then --set, then the flags that were given."""
    from .config import load_settings, with_flags

    return with_flags(load_settings(path, overrides), flags)


def _engine(name: str | None, model: str | None, precision: str | None) -> dict[str, str | None]:
    return {"name": name, "model": model, "precision": precision}


def _rig(path: Path | None) -> Rig | None:
    from calibration.rig_file import load_rig

    return None if path is None else load_rig(path)


if __name__ == "__main__":
    main()
