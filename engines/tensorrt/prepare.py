"""The plan for a request: from the cache where it fits, else built and kept there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cache_dir import file_sha256
from ..errors import EngineError
from ..plan_cache import PlanCache
from ..plan_key import PlanKey
from ..plan_sidecar import CachedPlan
from ..report import Report, Stop, never, tell_once
from .build import BuiltPlan, build_plan
from .flavour import Flavour
from .progress import BuildProgress
from .request import BuildRequest
from .timing import timing_file
from .unkept import held_plan, hold_plan


@dataclass(frozen=True)
class PreparedPlan:
    """A plan, ready to be loaded.

    Attributes:
        key: what it holds for.
        plan: the bytes.
        entry: its place in the cache; None where it is held in memory alone.
        cache: where it is looked for; None where there is no place for one.
        seconds: that it took to build now; None where it was there already.
        messages: of the library while it was built, each with its level.
    """

    key: PlanKey
    plan: bytes
    entry: CachedPlan | None
    cache: PlanCache | None
    seconds: float | None = None
    messages: tuple[str, ...] = ()

    @property
    def folder(self) -> Path | None:
        """Of the cache."""
        return None if self.cache is None else self.cache.folder

    @property
    def sha256(self) -> str:
        """Of the plan, 64 hex digits."""
        return hashlib.sha256(self.plan).hexdigest() if self.entry is None else self.entry.sha256


def plan_key(flavour: Flavour, request: BuildRequest) -> PlanKey:
    """What a plan for the request depends on.

    Raises:
        EngineError: the model's file is missing or cannot be read.
    """
    return PlanKey(
        model=request.model.name,
        model_sha256=file_sha256(request.file().path),
        flavour=flavour.name,
        version=flavour.version,
        gpu=request.target.gpu,
        compute_capability=request.target.compute_capability,
        size_wh=request.size_wh,
        ir_size_wh=request.ir_size_wh,
        precision=request.precision,
    )


def prepare_plan(
    flavour: Flavour,
    request: BuildRequest,
    cache: PlanCache | None,
    note: Report,
    *,
    progress: Callable[[BuildProgress], None],
    stop: Stop = never,
    anew: bool = False,
    on_device: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> PreparedPlan:
    """Take the plan from the cache, or build it and keep it there.

    Where it cannot be kept, ``note`` is told before it is built, and it is held in memory for the
    next time in this process.

    Args:
        flavour: that builds.
        request: what to build.
        cache: where plans are kept; None where there is no place for them.
        note: takes a line on why a plan is built, and on all that goes otherwise than usual.
        progress: called about ten times a second while building, on this thread.
        stop: asked as often whether to give up.
        anew: build it even where it is there already.
        on_device: makes the GPU to build on the current one, inside the thread that builds.

    Raises:
        Stopped: ``stop`` said so.
        BackendUnavailable, BuildOutOfMemory, EngineError: see `build_plan`.
    """
    key = plan_key(flavour, request)
    cache = _usable(cache, note)
    folder = None if cache is None else cache.folder
    if not anew:
        found = None if cache is None else cache.find(key, note)
        if found is not None:
            entry, plan = found
            return PreparedPlan(key, plan, entry, cache)
        held = held_plan(folder, key)
        if held is not None:
            return PreparedPlan(key, held, None, cache)
    former = writable = None
    if cache is not None:
        if reason := cache.why_stale(key):
            note(f"no plan kept for {request} fits: {reason}; building one")
        former = cache.newest(key)
        writable = _writable(cache, note)
    built = build_plan(
        flavour,
        request,
        progress,
        stop,
        timing_cache=None if cache is None else timing_file(cache.root, flavour, request.target),
        expected_s=None if former is None else former.seconds,
        on_device=on_device,
    )
    for line in built.notes:
        note(line)
    kept = _keep(writable, key, built, note)
    if kept is None:
        hold_plan(folder, key, built.plan)
    return PreparedPlan(key, built.plan, kept, cache, built.seconds, built.messages)


def _usable(cache: PlanCache | None, note: Report) -> PlanCache | None:
    """The cache, or None where it cannot be read: an engine is not given up for that."""
    if cache is None:
        return None
    try:
        cache.entries()
    except EngineError as error:
        tell_once(note, f"{error}; plans are built at each start until then: {error.hint}")
        return None
    return cache


def _writable(cache: PlanCache, note: Report) -> PlanCache | None:
    """The cache, or None where nothing can be written to it."""
    try:
        cache.check_writable()
    except EngineError as error:
        tell_once(note, f"{error}; plans are built at each start until then: {error.hint}")
        return None
    return cache


def _keep(
    cache: PlanCache | None, key: PlanKey, built: BuiltPlan, note: Report
) -> CachedPlan | None:
    if cache is None:
        return None
    try:
        return cache.store(key, built.plan, built.seconds)
    except EngineError as error:
        tell_once(note, f"the plan of {key.stem} is not kept: {error}")
        return None
