"""Sends each case to the process that can measure it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from roofline import Rates

from engines import nvidia
from engines.registry import open_engine
from engines.tensorrt.flavour import load
from fusion_rt.terminal import say
from gpu_bench import ceilings, trtexec
from gpu_bench.case import PRECISIONS, TORCH_WAYS, TRTEXEC, Case, Effort, Turn
from gpu_bench.engine_turn import facts_of, measure_engine
from gpu_bench.worker import CaseFailed, Worker

# Generous: they are there for what hangs, not for what is slow.
_PREPARE_LIMIT_S = 1500.0  # building, with all the tactics tried, and comparing on the processor
_TURN_LIMIT_S = 180.0
_LOOK_LIMIT_S = 120.0


class Measurer:
    """Measures on one GPU; each kind of way in a process of its own."""

    def __init__(self, device: int) -> None:
        self._device = device
        self._workers: dict[str, Worker] = {}
        self._scratch = tempfile.TemporaryDirectory(prefix="gpu-speed-")

    def missing(self, way: str) -> str | None:
        """Why nothing can be measured in this way here; None where it can."""
        try:
            self._call(way, _check, way, limit_s=_LOOK_LIMIT_S)
        except CaseFailed as error:
            return str(error)
        return None

    def prepare(self, case: Case) -> dict[str, str]:
        """Build, compare, compile: what the first use takes.

        Returns:
            Facts in words.

        Raises:
            CaseFailed: with the reason.
        """
        return self._call(case.way, _prepare, case, self._folder, limit_s=_PREPARE_LIMIT_S)

    def turn(self, case: Case, effort: Effort) -> Turn:
        """Measure once.

        Raises:
            CaseFailed: with the reason.
        """
        limit_s = _TURN_LIMIT_S + 20 * effort.seconds
        return self._call(case.way, _turn, case, self._folder, effort, limit_s=limit_s)

    def rates(self) -> Rates:
        """What the card can do, where it can be measured."""
        unknown: dict[str, str] = {}
        flop_per_s: dict[str, float] = {}
        bytes_per_s = None
        try:
            bytes_per_s = self._call("gpu", ceilings.copy_rate, limit_s=_LOOK_LIMIT_S)
        except CaseFailed as error:
            unknown["copy"] = str(error)
        for kind in PRECISIONS:
            try:
                flop_per_s[kind] = self._call(
                    TORCH_WAYS[0], _matrix_rate, kind, limit_s=_LOOK_LIMIT_S
                )
            except CaseFailed as error:
                unknown[f"{kind} matrix"] = str(error)
        return Rates(bytes_per_s, flop_per_s, unknown)

    def describe_gpu(self) -> dict[str, Any]:
        """See `ceilings.describe_gpu`."""
        return self._call("gpu", ceilings.describe_gpu, limit_s=_LOOK_LIMIT_S)

    def close(self) -> None:
        """End all processes and remove what they wrote."""
        for worker in self._workers.values():
            worker.close()
        self._scratch.cleanup()

    @property
    def _folder(self) -> Path:
        return Path(self._scratch.name)

    def _call(
        self, way: str, function: Callable[..., Any], *arguments: object, limit_s: float
    ) -> Any:
        kind = "torch" if way in TORCH_WAYS else way
        worker = self._workers.setdefault(kind, Worker())
        return worker.call(function, *arguments, self._device, limit_s=limit_s)


def _check(way: str, device: int) -> None:
    if way == TRTEXEC:
        trtexec.check_trtexec()
        return
    nvidia.check_driver()
    if way in TORCH_WAYS:
        from gpu_bench.torch_turn import check_torch

        check_torch(device)
    else:
        from engines.tensorrt.cuda_pycuda import device_facts

        load(way)
        device_facts(device)


def _prepare(case: Case, folder: Path, device: int) -> dict[str, str]:
    if case.way == TRTEXEC:
        return trtexec.prepare_trtexec(case, folder, device)
    if case.way in TORCH_WAYS:
        from gpu_bench.torch_turn import prepare_torch

        return prepare_torch(case, device)
    with _opener(case, device)() as engine:
        return facts_of(engine)


def _turn(case: Case, folder: Path, effort: Effort, device: int) -> Turn:
    if case.way == TRTEXEC:
        return trtexec.measure_trtexec(case, folder, effort, device)
    if case.way in TORCH_WAYS:
        from gpu_bench.torch_turn import measure_torch

        return measure_torch(case, effort, device)
    return measure_engine(_opener(case, device), case.size_wh, effort)


def _opener(case: Case, device: int) -> Callable[[], Any]:
    return partial(
        open_engine,
        case.way,
        case.model,
        case.size_wh,
        case.precision,
        device=device,
        report=say,
    )


def _matrix_rate(kind: str, device: int) -> float:
    from gpu_bench.torch_turn import matrix_rate

    return matrix_rate(kind, device)
