"""Chooses what may go from the cache of plans, and removes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from .compiled_cache import FOLDER as COMPILED
from .errors import EngineError
from .parity_store import FOLDER as VERDICTS
from .plan_cache import DAMAGED, PlanCache
from .plan_sidecar import CachedPlan
from .tensorrt.timing import FOLDER as TIMING

_ORPHAN_AGE_S = 600  # younger ones may belong to a process that is writing just now
_DAY_S = 86_400
_OTHERS = (TIMING, COMPILED, VERDICTS)


@dataclass(frozen=True)
class Removal:
    """What goes together.

    Attributes:
        paths: files.
        name: for people.
        reason: in words.
        size: in bytes.
    """

    paths: tuple[Path, ...]
    name: str
    reason: str
    size: int


@dataclass(frozen=True)
class Rule:
    """What goes; where several are given, one is enough.

    Attributes:
        older_than_days: files written longer ago; None for no such rule.
        why_unfit: why a plan is of no use here, "" where it is; None for no such rule. Damaged
            files and leftovers go with it.
        everything: all there is.
    """

    older_than_days: float | None = None
    why_unfit: Callable[[CachedPlan], str] | None = None
    everything: bool = False


def choose(cache: PlanCache, rule: Rule) -> list[Removal]:
    """What goes by the rule: plans first, then leftovers, then what else the cache holds.

    That is measurements of GPUs, models that OpenVINO compiled, and verdicts on its pictures.

    Raises:
        EngineError: the cache cannot be read.
    """
    now = time.time()
    chosen: list[Removal] = []
    named: set[Path] = set()
    for entry in cache.entries():
        if isinstance(entry, CachedPlan):
            paths = entry.files
            unfit = rule.why_unfit(entry) if rule.why_unfit else ""
        else:
            paths = (entry.sidecar,)
            unfit = f"damaged: {entry.reason}" if rule.why_unfit else ""
        named.update(paths)
        if reason := unfit or _by_age(rule, entry.sidecar, now):
            chosen.append(_removal(paths, reason))
    for path in _files(cache.folder):
        if path in named or (age := _age_s(path, now)) is None:
            continue
        left = "set aside as damaged" if path.name.endswith(DAMAGED) else "left over"
        if left == "left over" and age < _ORPHAN_AGE_S and not rule.everything:
            continue
        if reason := (left if rule.why_unfit else "") or _by_age(rule, path, now):
            chosen.append(_removal((path,), reason))
    for folder in _OTHERS:
        for path in _files(cache.root / folder):
            if reason := _by_age(rule, path, now):
                chosen.append(replace(_removal((path,), reason), name=f"{folder}/{path.name}"))
    return chosen


def remove(removals: Iterable[Removal]) -> int:
    """Remove the files; those that another process removed meanwhile are no fault.

    Returns:
        Bytes that became free.

    Raises:
        EngineError: a file cannot be removed.
    """
    freed = 0
    for removal in removals:
        for path in removal.paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise EngineError(
                    f"cannot remove {path}: {error.strerror or error}",
                    hint="mend its permissions, or remove it by hand",
                ) from error
        freed += removal.size
    return freed


def _by_age(rule: Rule, path: Path, now: float) -> str:
    if rule.everything:
        return "all go"
    age = _age_s(path, now)
    if rule.older_than_days is None or age is None or age < rule.older_than_days * _DAY_S:
        return ""
    return f"{age / _DAY_S:.0f} days old"


def _age_s(path: Path, now: float) -> float | None:
    try:
        return now - path.stat().st_mtime
    except FileNotFoundError:
        return None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file())


def _removal(paths: tuple[Path, ...], reason: str) -> Removal:
    size = sum(path.stat().st_size for path in paths if path.exists())
    return Removal(paths, paths[0].name, reason, size)
