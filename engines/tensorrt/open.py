"""Opens a TensorRT engine from start to end: plan, GPU, comparison with the reference."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace

from ..cache_dir import root_or_none
from ..errors import EngineError, PictureRefused
from ..gate import compare_with_reference, refuse
from ..models import ModelFile
from ..parity import Parity
from ..plan_cache import PlanCache
from ..report import Report, Stop, never, silent, tell_once
from .cuda import CudaOpener, DeviceFacts
from .cuda_pycuda import device_facts, open_device
from .engine import TensorRtEngine
from .flavour import TENSORRT_RTX, Flavour, load
from .prepare import PreparedPlan, prepare_plan
from .progress_lines import ProgressLines
from .request import BuildRequest
from .runtime import PlanRejected
from .target import target_of
from .unkept import held_verdict, hold_verdict


@dataclass(frozen=True)
class Parts:
    """What opening is made of; tests put stand-ins here.

    Attributes:
        load: the installed package.
        facts: of a GPU, by its index.
        open_cuda: makes a GPU the current one.
        engine: loads a plan.
    """

    load: Callable[[str], Flavour] = load
    facts: Callable[[int], DeviceFacts] = device_facts
    open_cuda: CudaOpener = open_device
    engine: Callable[..., TensorRtEngine] = TensorRtEngine


def open_tensorrt(
    flavour_name: str,
    model: ModelFile,
    size_wh: tuple[int, int],
    precision: str,
    *,
    ir_size_wh: tuple[int, int] | None = None,
    device: int = 0,
    report: Report = silent,
    check: bool = True,
    stop: Stop = never,
    parts: Parts = Parts(),
) -> TensorRtEngine:
    """Open the plan of the cache, or build it first; let it pass if it shows the right picture.

    A plan that does not load, though its description fits, is built anew once.

    Args:
        flavour_name: "tensorrt" or "tensorrt-rtx".
        model: plain variant, FP32; the file of the precision lies beside it.
        size_wh: of the visible picture, in px.
        precision: "fp16", "int8" or "fp32".
        ir_size_wh: of the infrared camera's own picture, to warp on the GPU; None for infrared
            that lies on the visible picture.
        device: index of the GPU.
        report: takes a line at a time on what lasts.
        check: False opens it whatever its picture.
        stop: asked about ten times a second while building, and before each picture that is
            compared, whether to give up.
        parts: what opening is made of.

    Raises:
        Stopped: ``stop`` said so.
        BackendUnavailable: no package, driver or GPU.
        PictureRefused: its picture is not the reference's; the plan's description says so.
        EngineError: it does not build, does not load, or cannot be compared.
    """
    flavour = parts.load(flavour_name)
    target = target_of(flavour, parts.facts(device))
    request = BuildRequest(model, precision, size_wh, target, ir_size_wh=ir_size_wh)
    prepared = _prepared(flavour, request, device, report, stop, parts)
    try:
        engine = _loaded(flavour, request, prepared, device, parts)
    except PlanRejected as error:
        if prepared.seconds is not None:  # it was built a moment ago: once more gains nothing
            raise
        report(f"the plan of {request} does not load: {error}; building it anew")
        prepared = _prepared(flavour, request, device, report, stop, parts, anew=True)
        engine = _loaded(flavour, request, prepared, device, parts)
    if not check:
        return engine
    try:
        _admit(engine, model, prepared, report, stop)
    except BaseException:
        engine.close()
        raise
    return engine


def _prepared(
    flavour: Flavour,
    request: BuildRequest,
    device: int,
    report: Report,
    stop: Stop,
    parts: Parts,
    anew: bool = False,
) -> PreparedPlan:
    root = root_or_none(report)
    return prepare_plan(
        flavour,
        request,
        None if root is None else PlanCache(root),
        report,
        progress=ProgressLines(report, str(request)),
        stop=stop,
        anew=anew,
        on_device=lambda: closing(parts.open_cuda(device)),
    )


def _loaded(
    flavour: Flavour, request: BuildRequest, prepared: PreparedPlan, device: int, parts: Parts
) -> TensorRtEngine:
    entry = prepared.entry
    kernels = None
    if flavour.name == TENSORRT_RTX and entry is not None:
        kernels = entry.kernels
    return parts.engine(
        prepared.plan,
        request.size_wh,
        flavour=flavour,
        model=request.model.name,
        precision=request.precision,
        ir_size_wh=request.ir_size_wh,
        device=device,
        kernels=kernels,
        open_cuda=parts.open_cuda,
    )


def _admit(
    engine: TensorRtEngine, model: ModelFile, prepared: PreparedPlan, report: Report, stop: Stop
) -> None:
    """Compare once for each plan; the verdict stands beside it.

    Raises:
        Stopped: ``stop`` said so.
        PictureRefused: now or at an earlier start.
        EngineError: it cannot be compared.
    """
    parity = _verdict(prepared)
    if parity is None:
        parity = compare_with_reference(engine, model, report, stop)
        if parity is None:  # never so for a GPU: the reference is computed on the processor
            raise PictureRefused(f"nothing to compare {engine.info.name} with")
        _keep_verdict(prepared, parity, report)
    refuse(engine.info, parity)
    engine.info = replace(engine.info, parity=parity)


def _keep_verdict(prepared: PreparedPlan, parity: Parity, report: Report) -> None:
    """Beside the plan, or in memory where that cannot be."""
    if prepared.cache is not None and prepared.entry is not None:
        try:
            prepared.cache.note_parity(prepared.key, parity.as_data(), prepared.sha256)
            return
        except EngineError as error:
            tell_once(report, f"the next start checks again: {error}")
    hold_verdict(prepared.folder, prepared.key, prepared.sha256, parity)


def _verdict(prepared: PreparedPlan) -> Parity | None:
    """What was found earlier; None where nothing was, or where it cannot be read."""
    if prepared.entry is not None and prepared.entry.parity is not None:
        with suppress(ValueError):
            return Parity.from_data(prepared.entry.parity)
    return held_verdict(prepared.folder, prepared.key, prepared.sha256)
