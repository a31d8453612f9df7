"""``fusion-rt engine inspect``: what a plan or a model is."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

from engines.cache_dir import file_sha256
from engines.contract import FILE_PRECISIONS
from engines.errors import EngineError
from engines.models import ModelFile, find_model, find_variant, shipped_models
from engines.plan_cache import PlanCache
from engines.plan_fit import look_around
from engines.plan_sidecar import CachedPlan
from engines.tensorrt.flavour import title

from ..terminal import print_facts, say
from .engine_words import date_words, mib_words, parity_words, size_words, target_words

_MOST_SHOWN = 8


def inspect(what: str) -> None:
    """Print what is known of a plan or of a model.

    Args:
        what: path of a plan, the beginning of a plan's name in the cache, the name of a model, or
            the path of an ONNX file.

    Raises:
        EngineError: there is no such thing, or it cannot be read.
    """
    cache = PlanCache()
    path = Path(what)
    if what in shipped_models() or path.suffix == ".onnx":
        _show_model(find_model(what), cache)
    elif path.suffix in (".plan", ".json"):
        beside = path if path.exists() or path.parent != Path() else cache.folder / path
        _show_plan(cache.of_file(beside))
    else:
        named = [plan for plan in cache.plans() if plan.path.name.startswith(what)]
        if not named:
            find_model(what)  # names the models that there are
        for plan in named:
            _show_plan(plan)


def _show_plan(plan: CachedPlan) -> None:
    key = plan.key
    say(str(plan.path))
    print_facts(
        [
            ("plan", f"{mib_words(plan.size)} MiB, {_state(plan)}"),
            ("model", f"{key.model}, file {key.model_sha256[:16]}"),
            ("size", size_words(key)),
            ("precision", key.precision),
            ("built by", f"{title(key.flavour)} {key.version}, on {date_words(plan.built)}"),
            ("", f"in {plan.seconds:.1f} s"),
            ("for", target_words(key)),
            ("fits", look_around().why_unfit(plan) or "what is installed here"),
            ("parity", parity_words(plan.parity)),
            ("key", key.digest),
        ]
    )


def _state(plan: CachedPlan) -> str:
    try:
        content = plan.path.read_bytes()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    whole = hashlib.sha256(content).hexdigest() == plan.sha256
    return "whole" if whole else "damaged: its content has changed"


def _show_model(model: ModelFile, cache: PlanCache) -> None:
    facts = [("model", model.name)]
    for grid in (False, True):
        for precision in FILE_PRECISIONS:
            try:
                file = find_variant(model, precision=precision, grid=grid)
            except EngineError:
                facts.append(("-", f"{precision}{', grid' * grid}: there is none"))
                continue
            facts += _file_facts(file.path)
    plans = [plan for plan in cache.plans() if plan.key.model == model.name]
    facts.append(("plans", f"{len(plans)} in {cache.folder}"))
    print_facts(facts)
    if importlib.util.find_spec("onnx") is None:
        say("inputs and operations are shown where onnx is installed: pip install onnx")


def _file_facts(path: Path) -> list[tuple[str, str]]:
    size = f"{path.stat().st_size / 1024:.0f} KiB, {file_sha256(path)[:16]}"
    facts = [(path.name, size)]
    if importlib.util.find_spec("onnx") is None:
        return facts
    onnx: Any = importlib.import_module("onnx")
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # protobuf has its own classes
        raise EngineError(
            f"{path} is no ONNX model: {error}", hint="export it anew with trainer.export"
        ) from error
    weights = Counter(_type_name(onnx, tensor.data_type) for tensor in graph.initializer)
    kinds = Counter(node.op_type for node in graph.node)
    shown = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(_MOST_SHOWN))
    more = ", ..." if len(kinds) > _MOST_SHOWN else ""
    inputs = ", ".join(_tensor_words(onnx, tensor) for tensor in graph.input)
    return [
        *facts,
        ("", f"takes {inputs}"),
        ("", f"gives {', '.join(_tensor_words(onnx, tensor) for tensor in graph.output)}"),
        ("", f"{sum(kinds.values())} operations: {shown}{more}"),
        ("", f"weights: {', '.join(f'{count} {name}' for name, count in weights.most_common())}"),
    ]


def _tensor_words(onnx: Any, value: Any) -> str:
    """For instance "vis uint8 (1, H, W, 3)"."""
    kind = value.type.tensor_type
    sides = [axis.dim_param or str(axis.dim_value) for axis in kind.shape.dim]
    return f"{value.name} {_type_name(onnx, kind.elem_type)} ({', '.join(sides)})"


def _type_name(onnx: Any, number: int) -> str:
    return str(onnx.TensorProto.DataType.Name(number)).lower()
