"""No engine fuses before it was seen to show the picture that the FP32 model defines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .base import Engine, EngineInfo, stretched_grid
from .cache_dir import file_sha256
from .errors import EngineError, PictureRefused, Stopped
from .models import ModelFile
from .parity import Parity, judge
from .parity_measure import described, measure
from .parity_pairs import parity_pairs, warp_pairs, warped
from .parity_store import VerdictKey
from .reference import PRECISION, is_reference, open_reference
from .report import Report, Stop, never, silent, tell_once

# Back ends on processors compute every size with the same kernels, so one size speaks for all.
CHECK_WH = (320, 240)


def compare_with_reference(
    engine: Engine, model: ModelFile, report: Report = silent, stop: Stop = never
) -> Parity | None:
    """Figures of an open engine on the fixed pairs in its own size.

    An engine that warps is given a grid for that, and stretches the infrared again afterwards.
    The reference does not warp: it is given infrared that was warped on the host.

    Args:
        engine: open, no pair under way.
        model: plain variant, FP32, which defines the picture.
        report: told of each pair, as it takes a while.
        stop: asked before each pair whether to give up.

    Returns:
        None where the engine is the reference itself.

    Raises:
        Stopped: ``stop`` said so.
        EngineError: one of the two fails, or there is no reference.
    """
    info = engine.info
    with open_reference(model, engine.size_wh) as reference:
        if (reference.info.name, reference.info.precision) == (info.name, info.precision):
            return None
        width, height = engine.size_wh
        doing = (
            f"checking {info.model} {info.precision} of {info.name} against "
            f"{reference.info.precision} of {reference.info.name} at {width}x{height}"
        )
        if engine.warps:
            pairs, grid = warp_pairs(engine.size_wh, engine.ir_size_wh)
            engine.set_grid(grid)
        else:
            pairs, grid = parity_pairs(engine.size_wh), None
        ours, theirs = [], []
        for number, (ir, vis) in enumerate(pairs, 1):
            if stop():
                raise Stopped("stopped while checking the picture")
            report(f"{doing}, pair {number} of {len(pairs)}")
            ours.append(engine.fuse(ir, vis))
            theirs.append(reference.fuse(ir if grid is None else warped(ir, grid), vis))
        if grid is not None:
            engine.set_grid(stretched_grid(engine.size_wh))
        return measure(ours, theirs, pairs, named=described(reference))


def refuse(info: EngineInfo, parity: Parity) -> None:
    """Stop an engine whose picture is not the reference's.

    Raises:
        PictureRefused: it does not reach the limits of its precision; with the figures.
    """
    reason = judge(parity, info.precision)
    if reason is not None:
        nearer = "" if info.precision == PRECISION else f"--precision {PRECISION}, or "
        raise PictureRefused(
            f"{info.model} in {info.precision} by {info.name} {info.version} is refused: {reason}",
            hint=f"choose {nearer}another --engine",
        )


def admit(
    engine: Engine,
    model: ModelFile,
    file: ModelFile,
    open_at: Callable[[tuple[int, int]], Engine],
    report: Report = silent,
    stop: Stop = never,
) -> None:
    """Let a processor's engine pass, or not; compared once, remembered for the next start.

    Args:
        engine: just opened; its ``info`` gets the figures.
        model: plain variant, FP32, which defines the picture.
        file: what the engine runs.
        open_at: opens the same engine for another size, here `CHECK_WH`.
        report: told what takes time, and when the verdict cannot be kept.
        stop: asked before each pair whether to give up.

    Raises:
        Stopped: ``stop`` said so.
        PictureRefused: its picture is not the reference's.
        EngineError: it cannot be compared.
    """
    info = engine.info
    if is_reference(info):
        return
    key = VerdictKey(
        engine=info.name,
        version=info.version,
        device=info.device,
        model_sha256=file_sha256(model.path),
        file_sha256=file_sha256(file.path),
        precision=info.precision,
        size_wh=CHECK_WH,
    )
    parity = key.recall()
    if parity is None:
        with open_at(CHECK_WH) as small:
            parity = compare_with_reference(small, model, report, stop)
        if parity is None:
            return
        try:
            key.remember(parity)
        except EngineError as error:
            tell_once(report, f"the next start checks again: {error}")
    refuse(info, parity)
    engine.info = replace(info, parity=parity)
