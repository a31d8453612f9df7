"""``fusion-rt engine build``: a plan for TensorRT, made ahead of its first use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from typing import Any

from engines.errors import BackendUnavailable, EngineError
from engines.models import find_model
from engines.plan_cache import PlanCache
from engines.tensorrt import flavour as flavours
from engines.tensorrt.cuda_pycuda import device_facts, open_device
from engines.tensorrt.prepare import PreparedPlan, prepare_plan
from engines.tensorrt.request import BuildRequest
from engines.tensorrt.target import ANYWHERE, PORTABLE, Target, named_target, target_of

from ..build_bar import build_bar
from ..signals import stop_on_signals
from ..terminal import print_facts, say
from .engine_words import date_words, mib_words, parity_words


@dataclass(frozen=True)
class BuildOrder:
    """What ``engine build`` was asked for.

    Attributes:
        model: name or path.
        backend: "tensorrt", "tensorrt-rtx", or None for the first that is installed.
        precision: "fp16", "int8" or "fp32".
        size_wh: of the visible picture, in px.
        ir_size_wh: of the infrared picture, to warp inside the graph; None for the plain variant.
        compute_capability: of another machine's GPU, as "8.6"; None for the GPU of this one.
        device: index of the GPU to build on.
        anew: build even where the plan is there.
        debug: show what the library said.
    """

    model: str
    backend: str | None
    precision: str
    size_wh: tuple[int, int]
    ir_size_wh: tuple[int, int] | None
    compute_capability: str | None
    device: int
    anew: bool
    debug: bool


def build(order: BuildOrder) -> PreparedPlan:
    """Build a plan into the cache, or say that it is there.

    Raises:
        EngineError: what `engines.tensorrt.prepare.prepare_plan` raises, or nothing can be kept.
    """
    flavour = _flavour(order.backend)
    model = find_model(order.model)
    target, on_device = _target(flavour, order)
    request = BuildRequest(
        model, order.precision, order.size_wh, target, ir_size_wh=order.ir_size_wh
    )
    cache = PlanCache()
    cache.check_writable()
    say(f"{flavour.title}, for {target}")
    stop = threading.Event()
    with stop_on_signals(stop.set), build_bar(str(request)) as progress:
        prepared = prepare_plan(
            flavour,
            request,
            cache,
            say,
            progress=progress,
            stop=stop.is_set,
            anew=order.anew,
            on_device=on_device,
        )
    if order.debug:
        for line in prepared.messages:
            say(f"{flavour.name}: {line}")
    _show_built(prepared)
    return prepared


def _flavour(backend: str | None) -> flavours.Flavour:
    if backend is not None:
        return flavours.load(backend)
    reasons = []
    for name in flavours.NAMES:
        try:
            return flavours.load(name)
        except BackendUnavailable as error:
            reasons.append(f"{name}: {error}")
            remedy = error.hint
    raise BackendUnavailable(f"no TensorRT works here ({'; '.join(reasons)})", hint=remedy)


def _target(
    flavour: flavours.Flavour, order: BuildOrder
) -> tuple[Target, Callable[[], AbstractContextManager[Any]]]:
    """What to build for, and what makes that GPU the current one."""
    if order.compute_capability is not None:
        return named_target(flavour, order.compute_capability), nullcontext
    try:
        facts = device_facts(order.device)
    except BackendUnavailable as error:
        if not flavour.targets:
            raise
        say(f"note: {error}; building without a GPU")
        return ANYWHERE, nullcontext
    target = target_of(flavour, facts)
    if flavour.targets and target.compute_capability == PORTABLE:
        say(
            f"note: {flavour.title} does not list {facts.name}, compute capability "
            f"{facts.compute_capability}; whether its portable plan runs there shows when it is run"
        )
    return target, lambda: closing(open_device(order.device))


def _show_built(prepared: PreparedPlan) -> None:
    entry = prepared.entry
    if entry is None:  # what could not be kept was said already
        raise EngineError(
            "the plan was built, but cannot be kept", hint="mend what is said above, then again"
        )
    took = (
        f"was there already, built {date_words(entry.built)}; --force builds it anew"
        if prepared.seconds is None
        else f"built in {prepared.seconds:.1f} s"
    )
    say(str(entry.path))  # not in a table, which would cut a long path
    print_facts(
        [
            ("plan", f"{took}, {mib_words(entry.size)} MiB"),
            ("parity", parity_words(entry.parity)),
        ]
    )
