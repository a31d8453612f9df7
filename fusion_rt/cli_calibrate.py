"""``fusion-rt calibrate``: see `fusion_rt.cli`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer

from .cli_common import reported
from .errors import UsageError

if TYPE_CHECKING:
    from calibration.board import Board

app = typer.Typer(
    help="Geometry of the two cameras: from pictures of a board, or without one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

BoardSize = Annotated[
    str,
    typer.Option(
        "--board", help="Points of the board, COLUMNSxROWS; of a chessboard the inner corners."
    ),
]
Square = Annotated[
    float,
    typer.Option("--square", help="Side of a square in mm; of circles see the guide."),
]
Kind = Annotated[
    Literal["chessboard", "circles"],
    typer.Option("--kind", help="circles: an asymmetric grid of them."),
]
Polarity = Annotated[
    Literal["auto", "normal", "inverted"],
    typer.Option("--polarity", help="inverted: dark squares are the warm ones in the infrared."),
]


@app.command()
@reported
def capture(
    board: BoardSize,
    square: Square,
    config: Annotated[
        Optional[Path], typer.Argument(help="Cameras as YAML, as for run, see configs/.")
    ] = None,
    ir: Annotated[
        Optional[str], typer.Option("--ir", help="Infrared camera, for instance v4l2:/dev/video2.")
    ] = None,
    vis: Annotated[Optional[str], typer.Option("--vis", help="Visible camera, likewise.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("board"),
    kind: Kind = "chessboard",
    polarity: Polarity = "auto",
    pairs: Annotated[
        int, typer.Option("--pairs", min=3, help="End after so many, if nothing is missing.")
    ] = 30,
    set_: Annotated[
        Optional[list[str]], typer.Option("--set", help="One setting, as section.key=value.")
    ] = None,
    window: Annotated[bool, typer.Option("--window/--no-window", help="Show a window.")] = True,
) -> int:
    """Take pictures of a board with live cameras, guided."""
    from .commands.calibrate_capture import CaptureRequest
    from .commands.calibrate_capture import capture as run_capture

    request = CaptureRequest(
        config,
        _board(kind, board, square),
        out,
        tuple(set_ or ()),
        {"cameras.ir.uri": ir, "cameras.vis.uri": vis},
        polarity,
        pairs,
        window,
    )
    return run_capture(request)


@app.command()
@reported
def detect(
    ir: Annotated[Path, typer.Option("--ir", help="Folder of infrared pictures, 16 bit best.")],
    vis: Annotated[Path, typer.Option("--vis", help="Folder of visible pictures, same names.")],
    board: BoardSize,
    square: Square,
    kind: Kind = "chessboard",
    polarity: Polarity = "auto",
    out: Annotated[Path, typer.Option("--out", help="Points to write, YAML.")] = Path(
        "points.yaml"
    ),
    sheet: Annotated[
        Optional[Path],
        typer.Option("--sheet", help="Picture of all that was found, PNG or JPEG."),
    ] = None,
) -> int:
    """Find the board in folders of pictures."""
    from .commands.calibrate_detect import DetectRequest
    from .commands.calibrate_detect import detect as run_detect

    return run_detect(DetectRequest(ir, vis, _board(kind, board, square), polarity, out, sheet))


@app.command()
@reported
def solve(
    points: Annotated[Path, typer.Argument(help="Points as detect writes them.")],
    out: Annotated[Path, typer.Option("--out", help="Rig to write, YAML.")] = Path("rig.yaml"),
    report: Annotated[
        Optional[Path],
        typer.Option("--report", help="Report to write, HTML; beside the rig unless given."),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    distance: Annotated[
        Optional[float],
        typer.Option("--distance", min=0.01, help="Metres that runs match at unless told; inf."),
    ] = None,
    baseline: Annotated[
        Optional[float],
        typer.Option("--baseline", help="Distance of the lenses by ruler, mm: a check."),
    ] = None,
    flat: Annotated[bool, typer.Option("--flat", help="The board is flat for certain.")] = False,
    ir_lens: Annotated[
        Literal["auto", "4", "5", "8"],
        typer.Option("--ir-lens", help="Numbers of the infrared lens's distortion."),
    ] = "auto",
    vis_lens: Annotated[
        Literal["auto", "4", "5", "8"],
        typer.Option("--vis-lens", help="Numbers of the visible lens's distortion."),
    ] = "auto",
    ir_noise: Annotated[
        Optional[float],
        typer.Option("--ir-noise", min=0.001, help="Known noise of infrared points, px: a check."),
    ] = None,
    vis_noise: Annotated[
        Optional[float],
        typer.Option("--vis-noise", min=0.001, help="Known noise of visible points, px: a check."),
    ] = None,
    ir_offset: Annotated[
        Optional[float],
        typer.Option("--ir-offset", help="Infrared clock ahead by so many ms, kept in the rig."),
    ] = None,
) -> int:
    """Solve both cameras from points; say how well the pictures will lie on each other."""
    from calibration.solve import Options

    from .commands.calibrate_solve import SolveRequest
    from .commands.calibrate_solve import solve as run_solve

    if no_report and report is not None:
        raise UsageError("both --report and --no-report are given", hint="leave one away")
    if baseline is not None and not 1 <= baseline < math.inf:
        raise UsageError(
            f"lenses {baseline:g} mm apart cannot be", hint="--baseline is in mm: 50 for 5 cm"
        )
    options = Options(
        distortion_ir=_lens(ir_lens),
        distortion_vis=_lens(vis_lens),
        bow=not flat,
        noise_ir_px=ir_noise,
        noise_vis_px=vis_noise,
        baseline_m=None if baseline is None else baseline / 1e3,
    )
    page = None if no_report else report or out.with_suffix(".html")
    return run_solve(SolveRequest(points, out, page, options, distance, ir_offset))


@app.command()
@reported
def align(
    ir: Annotated[Path, typer.Option("--ir", help="Infrared picture.")],
    vis: Annotated[Path, typer.Option("--vis", help="Visible picture of the same moment.")],
    out: Annotated[Path, typer.Option("--out", help="Rig to write, YAML.")] = Path("rig.yaml"),
    points: Annotated[
        Optional[Path],
        typer.Option("--points", help="Text: infrared x, y, visible x, y in px, a line each."),
    ] = None,
    auto: Annotated[
        bool, typer.Option("--auto", help="Match what both pictures show; else you click.")
    ] = False,
    kind: Annotated[
        Optional[Literal["similarity", "homography"]],
        typer.Option("--kind", help="similarity: 2 points and more. homography: 4 and more."),
    ] = None,
    distance: Annotated[
        Optional[float],
        typer.Option("--distance", min=0.01, help="Metres to what the points are on; inf for far."),
    ] = None,
    overlay: Annotated[
        Optional[Path],
        typer.Option("--overlay", help="Both pictures in one, to look at; PNG or JPEG."),
    ] = None,
) -> int:
    """Make a rig without a board, by points clicked or matched; right at one distance."""
    from .commands.calibrate_align import AlignRequest
    from .commands.calibrate_align import align as run_align

    return run_align(AlignRequest(ir, vis, out, points, auto, kind, distance, overlay))


@app.command()
@reported
def check(
    rig: Annotated[Path, typer.Argument(help="Rig to check, YAML.")],
    points: Annotated[Path, typer.Argument(help="Points of pairs that it was not made from.")],
    picture: Annotated[
        Optional[Path], typer.Option("--picture", help="Errors as a picture, PNG.")
    ] = None,
    json: Annotated[Optional[Path], typer.Option("--json", help="Figures, as JSON.")] = None,
) -> int:
    """Measure a rig's error on pairs that it was not made from."""
    from .commands.calibrate_check import CheckRequest
    from .commands.calibrate_check import check as run_check

    return run_check(CheckRequest(rig, points, picture, json))


@app.command()
@reported
def show(
    rig: Annotated[Path, typer.Argument(help="Rig to show, YAML.")],
    ir: Annotated[
        Optional[Path], typer.Option("--ir", help="Infrared picture to lay over --vis.")
    ] = None,
    vis: Annotated[Optional[Path], typer.Option("--vis", help="Visible picture.")] = None,
    distance: Annotated[
        Optional[float],
        typer.Option("--distance", min=0.01, help="Metres for which it is laid; inf for far."),
    ] = None,
    out: Annotated[
        Optional[Path], typer.Option("--out", help="Overlay to write, PNG or JPEG.")
    ] = None,
) -> int:
    """Show what a rig says, and how two pictures lie on each other by it."""
    from .commands.calibrate_show import ShowRequest
    from .commands.calibrate_show import show as run_show

    return run_show(ShowRequest(rig, ir, vis, distance, out))


@app.command("set")
@reported
def set_(
    rig: Annotated[Path, typer.Argument(help="Rig to change, YAML.")],
    ir_offset: Annotated[
        Optional[float],
        typer.Option("--ir-offset", help="Infrared clock ahead by so many ms, as a run found it."),
    ] = None,
    distance: Annotated[
        Optional[float],
        typer.Option("--distance", help="Metres that runs match at unless told; inf for far."),
    ] = None,
) -> int:
    """Keep in a rig what was found later: the cameras' clock offset, the usual distance."""
    from .commands.calibrate_set import SetRequest, set_facts

    return set_facts(SetRequest(rig, ir_offset, distance))


def _board(kind: Literal["chessboard", "circles"], size: str, square_mm: float) -> Board:
    from calibration.board import Board

    columns, x, rows = size.lower().partition("x")
    if not (x and columns.isdecimal() and rows.isdecimal()):
        raise UsageError(
            f"cannot read the board '{size}'", hint="write COLUMNSxROWS, for instance 9x6"
        )
    return Board(kind, int(columns), int(rows), square_mm / 1e3)


def _lens(numbers: str) -> Literal["auto", 4, 5, 8]:
    known: dict[str, Literal["auto", 4, 5, 8]] = {"auto": "auto", "4": 4, "5": 5, "8": 8}
    return known[numbers]
