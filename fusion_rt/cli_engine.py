"""``fusion-rt engine``: see `fusion_rt.cli`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from .cli_common import debugging, reported, size_wh

app = typer.Typer(
    help="Plans for TensorRT: build, look at, compare, clear away.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("build")
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
        size_wh=size_wh(size),
        ir_size_wh=None if ir_size is None else size_wh(ir_size),
        compute_capability=compute_capability,
        device=device,
        anew=force,
        debug=debugging(),
    )
    build(order)
    return 0


@app.command("inspect")
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


@app.command("compare")
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

    asked_wh = None if size is None else size_wh(size)
    return compare(CompareRequest(a, b, asked_wh, ir, vis, sheet, json))


@app.command("list")
@reported
def engine_list() -> int:
    """List the plans that are kept."""
    from .commands.engine_cache import list_plans

    list_plans()
    return 0


@app.command("prune")
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
