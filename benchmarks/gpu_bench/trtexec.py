"""NVIDIA's own measuring program on the same files, to compare the engines with."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from engines import contract
from engines.errors import BackendUnavailable, EngineError
from engines.models import find_model, find_variant
from engines.tensorrt.runtime import tensor_shapes
from gpu_bench.case import TRTEXEC, Case, Effort, Turn

_BUILD_LIMIT_S = 1200
_RUN_LIMIT_S = 120


def check_trtexec() -> None:
    """Find out whether it is there.

    Raises:
        BackendUnavailable: it is not on the PATH.
    """
    if shutil.which(TRTEXEC) is None:
        raise BackendUnavailable(
            "trtexec is not on the PATH", hint="it comes with TensorRT's archive, not with wheels"
        )


def prepare_trtexec(case: Case, folder: Path, device: int) -> dict[str, str]:
    """Build the plan into a folder.

    Returns:
        What a report says of it.

    Raises:
        EngineError: it does not build.
    """
    file = find_variant(find_model(case.model), precision=case.precision)
    shapes = _shapes(case.size_wh)
    said = _run(
        f"--onnx={file.path}",
        *(f"--{end}Shapes={shapes}" for end in ("min", "opt", "max")),
        *_precision_flags(case.precision),
        f"--saveEngine={_plan(case, folder)}",
        "--skipInference",
        f"--device={device}",
        limit_s=_BUILD_LIMIT_S,
    )
    version = re.search(r"TensorRT\.trtexec \[TensorRT v(\w+)\]", said)
    return {"version": version[1] if version else "unknown"}


def measure_trtexec(case: Case, folder: Path, effort: Effort, device: int) -> Turn:
    """One turn: the network alone, launched as a CUDA graph, without copies.

    Raises:
        EngineError: it fails, or tells no times.
    """
    times = _plan(case, folder).with_suffix(".json")
    _run(
        f"--loadEngine={_plan(case, folder)}",
        f"--shapes={_shapes(case.size_wh)}",
        "--useCudaGraph",
        "--useSpinWait",
        "--noDataTransfers",
        f"--warmUp={round(effort.warm_up_s * 1e3)}",
        f"--duration={effort.seconds:g}",
        f"--exportTimes={times}",
        f"--device={device}",
        limit_s=_RUN_LIMIT_S,
    )
    try:
        rows = json.loads(times.read_text(encoding="utf-8"))
        engine_ms = [float(row["computeMs"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"trtexec wrote no times that can be read: {error}") from error
    if not engine_ms:
        raise EngineError("trtexec wrote no times that can be read: it measured none")
    return Turn(engine_ms=engine_ms)


def _plan(case: Case, folder: Path) -> Path:
    width, height = case.size_wh
    return folder / f"{case.model}-{case.precision}-{width}x{height}.plan"


def _shapes(size_wh: tuple[int, int]) -> str:
    shapes = tensor_shapes(size_wh, None).items()
    given = (row for row in shapes if row[0] != contract.FUSED)
    return ",".join(f"{name}:{'x'.join(map(str, shape))}" for name, shape in given)


def _precision_flags(precision: str) -> list[str]:
    """What makes it compute as the file says.

    Where it knows strong typing, the file decides; 8.6 does not and must be allowed the types; 11
    knows nothing else and may know no flag for it.
    """
    known = _run("--help", limit_s=_RUN_LIMIT_S)
    flags = ["--noTF32"] if precision == "fp32" and "--noTF32" in known else []
    if "--stronglyTyped" in known:
        return [*flags, "--stronglyTyped"]
    allowed = {"fp32": (), "fp16": ("--fp16",), "int8": ("--fp16", "--int8")}[precision]
    return [*flags, *(flag for flag in allowed if flag in known)]


def _run(*arguments: str, limit_s: float) -> str:
    """What it prints.

    Raises:
        EngineError: it fails or takes too long; the message has its last error.
    """
    try:
        done = subprocess.run(
            (TRTEXEC, *arguments), capture_output=True, text=True, timeout=limit_s
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"trtexec took longer than {limit_s:g} s") from error
    said = done.stdout + done.stderr
    if done.returncode:
        errors = [line for line in said.splitlines() if "[E]" in line] or said.splitlines()[-1:]
        last = errors[-1].strip() if errors else "without a word"
        raise EngineError(f"trtexec failed with exit code {done.returncode}: {last}")
    return said
