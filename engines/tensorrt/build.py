"""Builds a plan from a model file, with progress, and so that it can be stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import EngineError, Stopped
from ..models import ModelFile
from . import network as networks
from . import timing
from .flavour import Flavour
from .messages import BuildOutOfMemory, Messages, collecting, explain, logger_of, report_of
from .precision import set_precision
from .progress import BuildProgress, BuildState, monitor_for
from .request import BuildRequest
from .runtime import input_shapes
from .target import PORTABLE

_POLL_S = 0.1  # how soon a wish to stop is seen, and how often progress is told
_PATIENCE_S = 1.0  # for the build's end after Ctrl-C twice
_SMALLER = 4  # the second workspace is this part of the first
_LEAST_WORKSPACE_MIB = 64
_UNKNOWN_MEMORY_MIB = 4096


@dataclass(frozen=True)
class BuiltPlan:
    """A plan, ready to be kept or loaded.

    Attributes:
        plan: the bytes.
        seconds: that it took to build.
        notes: in words, what went otherwise than usual.
        messages: lines of the library, each with its level.
    """

    plan: bytes
    seconds: float
    notes: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


def build_plan(
    flavour: Flavour,
    request: BuildRequest,
    report: Callable[[BuildProgress], None],
    stop: Callable[[], bool],
    *,
    timing_cache: Path | None = None,
    expected_s: float | None = None,
    on_device: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> BuiltPlan:
    """Build, on a thread of its own, while this one tells how far it is.

    Args:
        flavour: that builds.
        request: what to build.
        report: called on this thread, about ten times a second.
        stop: asked as often; the build then ends after its present step. A flavour without
            progress monitor cannot be stopped: its build is left to end by itself.
        timing_cache: file of measurements to use and to add to; None for none.
        expected_s: how long a like build took; None where unknown.
        on_device: makes the GPU to build on the current one, inside the thread that builds.

    Raises:
        Stopped: ``stop`` said so.
        BackendUnavailable: there is no GPU or no driver, where one is needed.
        BuildOutOfMemory: twice, the second time with a smaller workspace.
        EngineError: the model is missing or is not taken, or the library fails.
    """
    model = request.file()
    state = BuildState(expected_s)
    job = _Job(flavour, request, model, state, timing_cache, on_device)
    job.start()
    try:
        report(state.snapshot())  # also of a build that is over at once
        while job.is_alive():
            job.join(_POLL_S)
            report(state.snapshot())
            if stop():
                state.stop()
                if not flavour.monitored:
                    raise Stopped(f"stopped: {flavour.title} goes on until the process ends")
    finally:
        state.stop()  # also when `report` failed or Ctrl-C came twice
        job.join(_PATIENCE_S)
    return job.result()


class _Job(threading.Thread):
    """One build. Daemon: what cannot be stopped must not keep the process."""

    def __init__(
        self,
        flavour: Flavour,
        request: BuildRequest,
        model: ModelFile,
        state: BuildState,
        timing_cache: Path | None,
        on_device: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        super().__init__(name="build plan", daemon=True)
        self._flavour = flavour
        self._request = request
        self._model = model
        self._state = state
        self._timing_cache = timing_cache
        self._on_device = on_device
        self._built: BuiltPlan | None = None
        self._error: BaseException | None = None

    def result(self) -> BuiltPlan:
        """After the end: the plan, or the error raised."""
        if self._error is not None:
            raise self._error
        assert self._built is not None
        return self._built

    def run(self) -> None:
        """Called by ``start`` on the new thread."""
        try:
            with self._on_device():
                self._built = self._build_or_retry()
        except BaseException as error:
            self._error = error

    def _build_or_retry(self) -> BuiltPlan:
        try:
            return self._build(None)
        except BuildOutOfMemory as error:
            smaller = self._smaller_workspace(error)
            note = f"{error}; once more with a workspace of {smaller} MiB"
            self._state.enter(note)
        built = self._build(smaller)
        return replace(built, notes=(note, *built.notes))

    def _smaller_workspace(self, error: BuildOutOfMemory) -> int:
        """In MiB, a part of the GPU's memory, or else of what was asked for."""
        asked_mib = None if error.asked_bytes is None else error.asked_bytes >> 20
        first = self._request.target.memory_mib or asked_mib or _UNKNOWN_MEMORY_MIB
        return max(_LEAST_WORKSPACE_MIB, first // _SMALLER)

    def _build(self, workspace_mib: int | None) -> BuiltPlan:
        begun = time.perf_counter()
        with collecting() as messages:
            try:
                plan, notes = self._run_library(messages, workspace_mib)
            except EngineError as error:
                raise error from report_of(messages)
        seconds = time.perf_counter() - begun
        return BuiltPlan(plan, seconds, notes, tuple(messages.lines()))

    def _run_library(
        self, messages: Messages, workspace_mib: int | None
    ) -> tuple[bytes, tuple[str, ...]]:
        """Returns the plan, and notes."""
        flavour, request = self._flavour, self._request
        trt = flavour.module
        logger = logger_of(flavour)
        try:
            builder = trt.Builder(logger)
        except (TypeError, RuntimeError):  # its factory gave nothing: no driver, or no GPU
            raise explain(flavour, "cannot start", messages) from None
        network = builder.create_network(flavour.network_flags())
        networks.parse(flavour, network, logger, self._model)
        shapes = input_shapes(request.size_wh, request.ir_size_wh)
        networks.check_tensors(flavour, network, self._model, shapes)
        networks.hold_shapes(network, shapes)
        networks.check_precision(flavour, network, self._model, request.precision)
        config = builder.create_builder_config()
        set_precision(flavour, network, config, request.precision)
        self._set_options(config, workspace_mib)
        notes = []
        if self._timing_cache is not None:
            notes.append(timing.attach(config, self._timing_cache))
        monitor = None
        if flavour.monitored:
            monitor = config.progress_monitor = monitor_for(flavour, self._state)
        self._state.enter("building")
        plan = builder.build_serialized_network(network, config)
        del monitor  # it must outlive the build
        if plan is None:
            if self._state.stopping:
                raise Stopped("stopped while building")
            raise explain(flavour, f"cannot build {request}", messages)
        if self._timing_cache is not None:
            notes.append(timing.keep(config, self._timing_cache))
        return bytes(plan), tuple(filter(None, notes))

    def _set_options(self, config: Any, workspace_mib: int | None) -> None:
        trt, request = self._flavour.module, self._request
        if workspace_mib is not None:
            config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_mib << 20)
        # TensorRT-RTX: without it a run may allocate memory, which no CUDA graph can hold.
        own_memory = getattr(trt.BuilderFlag, "REQUIRE_USER_ALLOCATION", None)
        if own_memory is not None:
            config.set_flag(own_memory)
        capability = request.target.compute_capability
        if self._flavour.targets and capability != PORTABLE:
            member = "SM" + capability.replace(".", "")
            config.num_compute_capabilities = 1
            config.set_compute_capability(getattr(trt.ComputeCapability, member), 0)
