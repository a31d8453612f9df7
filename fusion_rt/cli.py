"""The command ``fusion-rt``: parses, calls one function for each sub-command, prints failures.

The code behind a sub-command is imported when that sub-command runs, so that ``--help`` is quick
and a missing optional package is missed only by who needs it.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import typer

from calibration.errors import RigError
from engines.errors import EngineError
from trainer.errors import TrainerError

from . import __version__
from .errors import FusionError, UsageError

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

engine_app = typer.Typer(
    help="Plans for TensorRT: build, look at, compare, clear away.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(engine_app, name="engine")

_debug = False


def main() -> None:
    """Entry point of the console script."""
    app()


def reported(command: Callable[..., int]) -> Callable[..., None]:
    """Turns the exit code of a command, or its failure, into the exit code of the process.

    A failure that was foreseen prints one line of what and one of remedy; ``--debug`` shows the
    traceback of any.
    """

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        try:
            code = command(**arguments)
        except (FusionError, EngineError, RigError, TrainerError) as error:
            _explain(str(error), error.hint)
            code = error.exit_code
        except KeyboardInterrupt:
            _explain("stopped", "")
            code = 130
        except Exception as error:
            if isinstance(error, OSError) and error.filename:
                hint = "check its name and its permissions"
                _explain(f"{error.filename}: {error.strerror}", hint)
            else:
                hint = "this is a defect of fusion-rt; `fusion-rt --debug ...` shows where"
                _explain(f"{type(error).__name__}: {error}", hint)
            code = 1
        raise typer.Exit(code)

    return run


def _explain(message: str, hint: str) -> None:
    if _debug:
        traceback.print_exc()
    from .terminal import say_error

    say_error(message, hint)


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
    global _debug
    _debug = debug


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
    request = DemoRequest(out, seconds, _size(size), settings, window)
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
def fuse(
    ir: Annotated[Path, typer.Option("--ir", help="Infrared picture, or a folder of them.")],
    vis: Annotated[Path, typer.Option("--vis", help="Visible picture, or a folder of them.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    rig: RigFile = None,
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
        {"engine": _engine(engine, model, precision), "view": {"view": view, "palette": palette}},
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
    measure_step(StepRequest(_size(size), settings.engine, json))
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
    run_bench(BenchRequest(_size(size), settings.engine, frames, json))
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
        typer.Option("--calibration", help="Folder or manifest of pairs, for int8; may repeat."),
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


@engine_app.command("build")
@reported
def engine_build(
    model: Annotated[str, typer.Argument(help="Name or path of an ONNX model.")] = "bts",
    backend: Annotated[
        Optional[Literal["tensorrt", "tensorrt-rtx"]],
        typer.Option("--backend", help="The first of these that is installed, unless given."),
    ] = None,
    precision: Annotated[
        Literal["fp16", "int8", "fp32"], typer.Option("--precision", help="To compute in.")
    ] = "fp16",
    size: Annotated[str, typer.Option("--size", help="Visible pictures, WxH.")] = "640x480",
    ir_size: Annotated[
        Optional[str],
        typer.Option(
            "--ir-size", help="Infrared pictures, WxH, to warp them on the GPU; plain unless given."
        ),
    ] = None,
    compute_capability: Annotated[
        Optional[str],
        typer.Option(
            "--compute-capability", help="Of another machine's GPU, as 8.6; TensorRT-RTX only."
        ),
    ] = None,
    device: Annotated[int, typer.Option("--device", min=0, help="GPU to build on.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Build even if it is there.")] = False,
) -> int:
    """Build a plan ahead of its first use."""
    from .commands.engine import BuildOrder, build

    order = BuildOrder(
        model=model,
        backend=backend,
        precision=precision,
        size_wh=_size(size),
        ir_size_wh=None if ir_size is None else _size(ir_size),
        compute_capability=compute_capability,
        device=device,
        anew=force,
        debug=_debug,
    )
    build(order)
    return 0


@engine_app.command("inspect")
@reported
def engine_inspect(
    what: Annotated[
        str, typer.Argument(help="Plan, beginning of a plan's name, model, or ONNX file.")
    ],
) -> int:
    """Show what a plan or a model is."""
    from .commands.engine_inspect import inspect

    inspect(what)
    return 0


@engine_app.command("compare")
@reported
def engine_compare(
    a: Annotated[
        str, typer.Argument(help="ENGINE[:MODEL[:PRECISION]], for instance openvino:bts:bf16.")
    ],
    b: Annotated[str, typer.Argument(help="Engine that it is compared with, likewise.")],
    size: Annotated[
        Optional[str],
        typer.Option("--size", help="To fuse in, WxH; that of --vis or 640x480 unless given."),
    ] = None,
    ir: Annotated[
        Optional[Path], typer.Option("--ir", help="Infrared picture, or a folder of them.")
    ] = None,
    vis: Annotated[
        Optional[Path],
        typer.Option("--vis", help="Visible picture, or a folder; drawn pairs unless given."),
    ] = None,
    sheet: Annotated[
        Optional[Path],
        typer.Option("--sheet", help="Pictures of both and their difference, PNG."),
    ] = None,
    json: Annotated[
        Optional[Path], typer.Option("--json", help="Figures to write, as JSON.")
    ] = None,
) -> int:
    """Measure whether two engines show the same picture, and which is faster."""
    from .commands.engine_compare import CompareRequest, compare

    size_wh = None if size is None else _size(size)
    return compare(CompareRequest(a, b, size_wh, ir, vis, sheet, json))


@engine_app.command("list")
@reported
def engine_list() -> int:
    """List the plans that are kept."""
    from .commands.engine_cache import list_plans

    list_plans()
    return 0


@engine_app.command("prune")
@reported
def engine_prune(
    older_than: Annotated[
        Optional[float],
        typer.Option("--older-than", min=0, help="What was written so many days ago goes."),
    ] = None,
    unfit: Annotated[
        bool, typer.Option("--unfit", help="What cannot be used here any more goes.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Everything goes: plans, compiled models, verdicts.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
) -> int:
    """Remove plans that are kept."""
    from .commands.engine_cache import PruneOrder, prune

    prune(PruneOrder(older_than, unfit, everything, dry_run))
    return 0


def _settings(path: Path | None, overrides: list[str] | None, flags: dict[str, Any]) -> Settings:
    """File, then --set, then the flags that were given."""
    from .config import load_settings, with_flags

    return with_flags(load_settings(path, overrides), flags)


def _engine(name: str | None, model: str | None, precision: str | None) -> dict[str, str | None]:
    return {"name": name, "model": model, "precision": precision}


def _rig(path: Path | None) -> Rig | None:
    from calibration.rig import load_rig

    return None if path is None else load_rig(path)


def _size(text: str) -> tuple[int, int]:
    width, x, height = text.lower().partition("x")
    if not (x and width.isdecimal() and height.isdecimal()):
        raise UsageError(f"cannot read the size '{text}'", hint="write WxH, for instance 640x480")
    return int(width), int(height)


if __name__ == "__main__":
    main()
